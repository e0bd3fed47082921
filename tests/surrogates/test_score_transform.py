"""What predictors learn in place of scores, and the way back."""

import numpy as np
import pytest
from scipy import stats

from nao.surrogates.score_transform import ScoreTransform, rank_normal


def test_quantiles_of_the_ranks():
    expected = stats.norm.ppf([0.625, 0.125, 0.875, 0.375])
    np.testing.assert_allclose(rank_normal(np.array([5.0, -100.0, 7.0, 4.9])), expected)


def test_equal_scores_share_their_mean_rank():
    a, b, c = rank_normal(np.array([2.0, 2.0, 1.0]))
    assert a == b == pytest.approx(stats.norm.ppf(2 / 3))
    assert c == pytest.approx(stats.norm.ppf(1 / 6))


def test_any_increasing_function_of_the_scores_gives_the_same(rng):
    scores = rng.normal(size=50)
    np.testing.assert_array_equal(rank_normal(scores), rank_normal(np.exp(3 * scores)))


@pytest.mark.parametrize("kind", ["min-max", "normal"])
def test_inverse_undoes_forward_and_keeps_the_order(kind, rng):
    scores = np.concatenate([rng.normal(size=50), [-100.0, 0.5, 0.5]])
    transform = ScoreTransform.fit(kind, scores)
    np.testing.assert_allclose(transform.inverse(transform.forward(scores)), scores, rtol=1e-9, atol=1e-9)
    beyond = transform.inverse(transform.forward(scores).max() + np.array([0.0, 0.1, 1.0]))
    assert (np.diff(beyond) > 0).all()


def test_padding_changes_no_value(rng):
    scores = rng.normal(size=50)
    transform, x = ScoreTransform.fit("normal", scores), np.linspace(-4, 4, 1001)
    padded = transform.pad(64)
    assert len(padded.scores) == 64
    for values in (x, scores, x[:3]):  # NumPy has one way for few values and another for many
        np.testing.assert_array_equal(padded.forward(values), transform.forward(values))
        np.testing.assert_array_equal(padded.inverse(values), transform.inverse(values))


def test_min_max_spans_zero_to_one():
    scores = np.array([2.0, 3.0, 6.0])
    np.testing.assert_allclose(ScoreTransform.fit("min-max", scores).forward(scores), [0, 0.25, 1])


def test_normal_targets_are_those_of_the_ranks(rng):
    scores = rng.integers(0, 20, 50).astype(float)
    np.testing.assert_allclose(ScoreTransform.fit("normal", scores).forward(scores), rank_normal(scores))
    outlier = np.array([-1e6, 1.0, 2.0, 3.0])
    targets = ScoreTransform.fit("normal", outlier).forward(outlier[1:])
    np.testing.assert_allclose(targets, rank_normal(np.arange(4.0))[1:])
