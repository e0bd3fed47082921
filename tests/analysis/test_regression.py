"""Gaussian process regression and expected improvement against closed forms."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from nao.analysis.regression import (
    FAILED,
    JITTER,
    Process,
    by_improvement,
    log_expected_improvement,
    negative_log_posterior,
    squared_distances,
)


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


@pytest.mark.parametrize("far", [30.0, 800.0, 1e5])
def test_wherever_a_search_for_theta_looks_there_is_a_value_and_a_way_back(process, far, rng):
    alike = [p[[0, 0, *range(2, 12)]] for p in process.parts]
    squares = np.stack([squared_distances(p, p) for p in alike])
    squares[0, 5, 5] = 1e-16  # what rounding may leave
    prior = np.array([0.1, -3.0, 0.2, 0.0])
    at_prior = negative_log_posterior(prior, squares, process.y, prior)[0]
    failed = 0
    for signs in rng.choice([-1.0, 0.0, 1.0], size=(60, 4)):
        theta = prior + far * signs
        value, gradient = negative_log_posterior(theta, squares, process.y, prior)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert value > at_prior or not signs.any()
        if value == FAILED + 0.5 * ((theta - prior) ** 2).sum():
            failed += 1
            assert gradient == pytest.approx(theta - prior)
    assert failed > 0 or far < 800


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


def test_the_order_by_improvement_spreads_over_what_is_not_known(process, rng):
    near = [rng.normal(size=(1, 3)), rng.normal(size=(1, 2))]
    new = [np.concatenate([x, x + 1e-3, rng.normal(size=(4, x.shape[1]))]) for x in near]
    believed = process.posterior(new)
    first = int(log_expected_improvement(believed.mean, believed.variance, 0.0).argmax())
    order = list(by_improvement(believed, 0.0))
    assert sorted(order) == list(range(6))
    assert order[0] == first
    # Of two candidates that are nearly the same, the second tells nothing once the first is believed.
    assert abs(order.index(0) - order.index(1)) > 1


def test_a_part_in_which_all_are_the_same_is_none(rng):
    part, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    alone, beside = Process.fit([part], y).theta, Process.fit([part, np.ones_like(part)], y).theta
    np.testing.assert_allclose(beside[:3], alone, atol=1e-6)
    assert np.isfinite(beside).all()
