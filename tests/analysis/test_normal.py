import numpy as np
import pytest
from scipy import stats

from nao.analysis.normal import normal_scores


def test_quantiles_of_the_ranks():
    expected = stats.norm.ppf([0.625, 0.125, 0.875, 0.375])
    np.testing.assert_allclose(normal_scores(np.array([5.0, -100.0, 7.0, 4.9])), expected)


def test_equal_scores_share_their_mean_rank():
    a, b, c = normal_scores(np.array([2.0, 2.0, 1.0]))
    assert a == b == pytest.approx(stats.norm.ppf(2 / 3))
    assert c == pytest.approx(stats.norm.ppf(1 / 6))


def test_any_increasing_function_of_the_scores_gives_the_same(rng):
    scores = rng.normal(size=50)
    np.testing.assert_array_equal(normal_scores(scores), normal_scores(np.exp(3 * scores)))
