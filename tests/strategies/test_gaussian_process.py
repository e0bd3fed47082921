"""The Gaussian process: its algebra against closed forms, its candidates, and what it proposes."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from nao.core import Architecture, Result
from nao.strategies.gaussian_process import (
    DRAWN,
    GaussianProcess,
    every_string,
    log_expected_improvement,
    parts,
    whole,
)
from nao.strategies.regression import JITTER, Process, negative_log_posterior, squared_distances
from tests.fakes import PairSpace

SPACE = PairSpace(letters=4, length=6)  # 4096 strings, 1000 architectures
LARGE = PairSpace()


def scored(proposals, score=lambda x: float(sum(x.tokens))):
    return [Result(p.architecture, score(p.architecture), {}, 0, 0, 0.0, "fake", 0) for p in proposals]


@pytest.fixture
def process(rng):
    X = [rng.normal(size=(12, 3)), rng.normal(size=(12, 2))]
    return Process(X, rng.normal(size=12), np.array([0.3, -2.0, -1.0, 0.5]))


def covariance(process, a, b):
    """The kernel, pair by pair."""
    t = process.theta
    exponent = [
        [sum(np.exp(t[2 + p]) * ((u[p] - v[p]) ** 2).sum() for p in range(2)) for v in zip(*b, strict=True)]
        for u in zip(*a, strict=True)
    ]
    return np.exp(t[0]) * np.exp(-np.array(exponent))


def test_the_posterior_is_that_of_a_joint_normal_distribution(process, rng):
    new = [rng.normal(size=(5, 3)), rng.normal(size=(5, 2))]
    K = covariance(process, process.parts, process.parts) + (np.exp(-2.0) + JITTER) * np.eye(12)
    K_new = covariance(process, process.parts, new)
    posterior = process.posterior(new)
    inverse = np.linalg.inv(K)
    np.testing.assert_allclose(posterior.mean, K_new.T @ inverse @ process.y, rtol=1e-9)
    expected = np.exp(0.3) - np.einsum("nc,nm,mc->c", K_new, inverse, K_new)
    np.testing.assert_allclose(posterior.variance, expected, rtol=1e-9)


def test_believing_a_mean_is_conditioning_on_it(process, rng):
    new = [rng.normal(size=(6, 3)), rng.normal(size=(6, 2))]
    believed = process.posterior(new)
    believed.believe(2)
    believed.believe(4)
    X = [np.concatenate([a, b[[2, 4]]]) for a, b in zip(process.parts, new, strict=True)]
    y = np.concatenate([process.y, process.posterior(new).mean[[2, 4]]])
    expected = Process(X, y, process.theta).posterior(new)
    np.testing.assert_allclose(believed.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(believed.variance, expected.variance, atol=1e-6)


def test_the_likelihood_is_the_normal_density_and_its_gradient_is_right(process):
    squares = np.stack([squared_distances(p, p) for p in process.parts])
    prior = np.array([0.1, -3.0, 0.2, 0.0])
    K = covariance(process, process.parts, process.parts) + (np.exp(-2.0) + JITTER) * np.eye(12)
    density = stats.multivariate_normal(np.zeros(12), K).logpdf(process.y)
    log_prior = stats.norm(prior, 1.0).logpdf(process.theta) - stats.norm(0, 1).logpdf(0)
    value, gradient = negative_log_posterior(process.theta, squares, process.y, prior)
    assert value == pytest.approx(-density - log_prior.sum() - 6 * np.log(2 * np.pi))
    numeric = optimize.approx_fprime(
        process.theta, lambda t: negative_log_posterior(t, squares, process.y, prior)[0], 1e-6
    )
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4)


def test_fitting_recovers_which_part_matters(rng):
    X = [rng.normal(size=(150, 2)), rng.normal(size=(150, 2))]
    process = Process.fit(X, np.sin(2 * X[0][:, 0]))
    assert process.theta[2] > process.theta[3] + 2
    assert process.theta[1] < -3  # there is no noise
    new = [rng.normal(size=(100, 2)), rng.normal(size=(100, 2))]
    assert np.corrcoef(process.posterior(new).mean, np.sin(2 * new[0][:, 0]))[0, 1] > 0.95


def test_observations_that_are_all_alike_are_no_obstacle(rng):
    process = Process.fit([np.ones((4, 2)), np.zeros((4, 3))], np.zeros(4))
    posterior = process.posterior([np.ones((2, 2)), np.zeros((2, 3))])
    assert np.isfinite(posterior.mean).all()
    assert (posterior.variance > 0).all()


@pytest.mark.parametrize(("mean", "s", "best"), [(0.0, 1.0, 0.0), (1.0, 0.5, 2.0), (2.0, 0.3, -1.0)])
def test_expected_improvement_is_the_integral(mean, s, best):
    value = integrate.quad(lambda f: (f - best) * stats.norm(mean, s).pdf(f), best, mean + 12 * s)[0]
    logged = log_expected_improvement(np.array([mean]), np.array([s**2]), best)
    assert np.exp(logged[0]) == pytest.approx(value, rel=1e-6)


def test_hopeless_candidates_are_still_told_apart():
    mean = np.array([-40.0, -60.0, -5000.0])
    logged = log_expected_improvement(mean, np.ones(3), 0.0)
    assert np.isfinite(logged).all()
    assert (np.diff(logged) < 0).all()
    # log EI = -z^2/2 - log(2 pi)/2 - 2 log|z| up to O(z^-2) far below the best
    expected = -(mean**2) / 2 - np.log(2 * np.pi) / 2 - 2 * np.log(-mean)
    np.testing.assert_allclose(logged, expected, rtol=1e-5)


def test_every_string_of_a_grammar_once():
    strings = every_string(SPACE.grammar)
    assert len(np.unique(strings, axis=0)) == len(strings) == SPACE.size
    assert all(SPACE.grammar.fault(x) is None for x in strings[::97].tolist())


def test_the_candidates_of_a_small_space_are_all_its_architectures():
    tokens, inputs = whole(SPACE)
    keys = {SPACE.canonical(Architecture(tuple(x), SPACE)) for x in tokens.tolist()}
    assert len(keys) == len(tokens) == SPACE.classes
    for part, again in zip(inputs, parts(SPACE, tokens), strict=True):
        np.testing.assert_array_equal(part, again)


def test_the_candidates_of_a_large_space_are_random_ones_and_neighbours():
    strategy = GaussianProcess(LARGE)
    strategy.tell(scored(strategy.ask(10)))
    strategy.ask(5)
    neighbours = LARGE.length * (LARGE.letters - 1)
    assert strategy.diagnostics()["candidates"] == DRAWN + 5 * neighbours
    assert 0 < strategy.diagnostics()["noise"] < 1


@pytest.mark.parametrize("space", [SPACE, LARGE], ids=["whole", "sampled"])
def test_finds_the_best_of_thousands_in_a_few_dozen(space):
    for seed in range(2):
        strategy, best = GaussianProcess(space, seed=seed), 0.0
        for _ in range(9):
            results = scored(strategy.ask(strategy.batch))
            best = max(best, *(r.score for r in results))
            strategy.tell(results)
        assert best == 3 * space.length


def test_predictions_are_in_the_units_of_the_scores():
    strategy = GaussianProcess(SPACE)
    results = scored(strategy.ask(40), lambda x: 1000 + 5 * float(sum(x.tokens)))
    strategy.tell(results)
    proposals = strategy.ask(5)
    assert [p.origin for p in proposals] == ["improvement"] * 5
    scores = [r.score for r in results]
    assert all(min(scores) <= p.predicted <= max(scores) for p in proposals)
    assert np.mean([p.predicted for p in proposals]) > np.mean(scores)


def test_the_proposals_of_a_batch_are_not_all_in_one_place():
    """Each is chosen as if those before it were known, so that the second best is often elsewhere."""
    strategy = GaussianProcess(SPACE, proposals=6)
    strategy.tell(scored(strategy.ask(15)))
    X = np.array([p.architecture.tokens for p in strategy.ask(6)])
    distances = (X[:, None] != X[None]).sum(axis=-1)[np.triu_indices(6, 1)]
    assert distances.max() >= 3


def test_random_until_there_are_scores_and_when_all_failed():
    strategy = GaussianProcess(SPACE, initial=3)
    assert strategy.batch == 3
    proposals = strategy.ask(8)
    assert [p.origin for p in proposals] == ["random"] * 8
    strategy.tell([Result(p.architecture, None, {}, 0, 0, 0.0, "x", 0, "failed") for p in proposals])
    assert strategy.batch == 5
    assert [p.origin for p in strategy.ask(5)] == ["random"] * 5
