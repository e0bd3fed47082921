"""Every measure is that of SciPy or its closed form, on random and on tied numbers."""

import jax
import numpy as np
import pytest
from scipy import stats

from nao import analysis, metrics
from tests.fakes import PairSpace


def numbers(rng, n, *, different):
    """Two rows of numbers that agree in part, with as many different values."""
    x = rng.integers(different, size=n)
    return (x + rng.integers(different, size=n)).astype(np.float32), x.astype(np.float32)


@pytest.mark.parametrize("different", [3, 1_000_000])
@pytest.mark.parametrize("n", [2, 7, 300, 1_000])
def test_correlations_are_those_of_scipy(rng, n, different):
    predicted, true = numbers(rng, n, different=different)
    if n == 2:
        predicted, true = np.float32([1, 2]), np.float32([3, 1])
    pairs = (
        (analysis.kendall_tau, stats.kendalltau(predicted, true).statistic),
        (analysis.spearman, stats.spearmanr(predicted, true).statistic),
        (analysis.pearson, stats.pearsonr(predicted.astype(float), true.astype(float)).statistic),
        (analysis.pairwise_accuracy, metrics.pairwise_accuracy(predicted, true)),
    )
    for ours, theirs in pairs:
        assert float(ours(predicted, true)) == pytest.approx(theirs, abs=1e-6)
    np.testing.assert_array_equal(analysis.ranks(true), stats.rankdata(true))


def test_a_constant_has_no_correlation(rng):
    predicted, true = rng.random(9, np.float32), np.ones(9, np.float32)
    for measure in (analysis.kendall_tau, analysis.spearman, analysis.pearson, analysis.pairwise_accuracy):
        assert np.isnan(measure(predicted, true))
    assert float(analysis.pairwise_accuracy(true, predicted)) == 0.5


def test_what_is_not_known_has_no_rank(rng):
    known, with_nan = rng.random(9, np.float32), rng.random(9, np.float32)
    with_nan[3] = np.nan
    for measure in (analysis.spearman, analysis.pearson, analysis.kendall_tau):
        assert np.isnan(measure(known, with_nan))
        assert np.isnan(measure(with_nan, with_nan))
    assert np.isnan(analysis.top_k_overlap(known, with_nan, 3))


def test_a_batch_is_its_loop(rng):
    predicted, true = rng.random((5, 40), np.float32), rng.random((5, 40), np.float32)
    for measure in (analysis.kendall_tau, analysis.spearman, analysis.pairwise_accuracy, analysis.top_tau):
        loop = [float(measure(*pair)) for pair in zip(predicted, true, strict=True)]
        np.testing.assert_allclose(jax.vmap(measure)(predicted, true), loop, rtol=1e-6)


def test_the_best(rng):
    true = rng.permutation(100).astype(np.float32)
    assert float(analysis.top_k_overlap(true, true, 10)) == 1
    assert float(analysis.top_k_overlap(-true, true, 10)) == 0
    half = np.where(true >= 95, true, -true)  # knows the best five alone
    assert float(analysis.top_k_overlap(half, true, 10)) == pytest.approx(0.5)
    best = true >= 75
    shuffled = np.where(best, true, rng.permutation(100))
    assert float(analysis.top_tau(shuffled, true)) == 1
    assert float(analysis.top_tau(np.where(best, -true, true), true)) == -1


def test_calibration_of_what_is_right_and_what_is_too_sure(rng):
    mean, std = rng.normal(size=20_000), rng.uniform(0.5, 2.0, 20_000)
    observed, levels = rng.normal(mean, std), np.array([0.1, 0.5, 0.9, 1.0])
    quantiles = analysis.normal_quantiles(mean, std, observed)
    np.testing.assert_allclose(quantiles, stats.norm.cdf(observed, mean, std), atol=1e-6)
    np.testing.assert_allclose(analysis.coverage(quantiles, levels), levels, atol=0.02)
    sure = analysis.coverage(analysis.normal_quantiles(mean, std / 2, observed), levels)
    np.testing.assert_allclose(sure[1], stats.norm.cdf(0.6745 / 2) * 2 - 1, atol=0.02)


def test_strings():
    space = PairSpace()
    a = np.array([[0, 1, 2, 3, 0, 0, 0, 0], [1, 0, 2, 3, 0, 0, 0, 0], [3] * 8])
    b = np.array([[0, 1, 2, 3, 0, 0, 0, 0], [0, 0, 0, 3, 0, 0, 0, 0], [2] * 8])
    np.testing.assert_array_equal(analysis.hamming(a, b), [0, 2, 8])
    assert float(analysis.reconstruction_accuracy(a, b)) == pytest.approx(1 / 3)
    assert analysis.uniqueness(space, a) == pytest.approx(2 / 3)  # the first two mean the same
    assert analysis.novelty(space, a, b) == pytest.approx(1 / 2)
    assert analysis.novelty(space, a, a) == 0
    wrong = np.array([[0] * 8, [4] + [0] * 7, [-1] + [0] * 7])
    np.testing.assert_array_equal(analysis.valid(space, wrong), [True, False, False])
    none = np.zeros((0, 8), np.int64)
    assert np.isnan(analysis.uniqueness(space, none))
    assert np.isnan(analysis.novelty(space, none, a))
