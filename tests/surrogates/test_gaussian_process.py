"""Gaussian process regression against closed forms."""

import numpy as np
import pytest
from scipy import optimize, stats

from nao.surrogates.gaussian_process import (
    JITTER,
    NO_COVARIANCE,
    GaussianProcess,
    Kernel,
    negative_log_posterior,
    squared_distances,
)


@pytest.fixture
def process(rng):
    X = [rng.normal(size=(12, 3)), rng.normal(size=(12, 2))]
    return GaussianProcess(X, rng.normal(size=12), Kernel.from_vector(np.array([0.3, -2.0, -1.0, 0.5])))


def covariance(process, a, b):
    """The kernel, pair by pair."""
    t = process.kernel.vector()
    exponent = [
        [sum(np.exp(t[2 + p]) * ((u[p] - v[p]) ** 2).sum() for p in range(2)) for v in zip(*b, strict=True)]
        for u in zip(*a, strict=True)
    ]
    return np.exp(t[0]) * np.exp(-np.array(exponent))


def test_the_posterior_is_that_of_a_joint_normal_distribution(process, rng):
    new = [rng.normal(size=(5, 3)), rng.normal(size=(5, 2))]
    K = covariance(process, process.inputs, process.inputs) + (np.exp(-2.0) + JITTER) * np.eye(12)
    K_new = covariance(process, process.inputs, new)
    posterior = process.posterior(new)
    inverse = np.linalg.inv(K)
    np.testing.assert_allclose(posterior.mean, K_new.T @ inverse @ process.targets, rtol=1e-9)
    expected = np.exp(0.3) - np.einsum("nc,nm,mc->c", K_new, inverse, K_new)
    np.testing.assert_allclose(posterior.variance, expected, rtol=1e-9)


def test_conditioning_on_a_mean(process, rng):
    new = [rng.normal(size=(6, 3)), rng.normal(size=(6, 2))]
    believed = process.posterior(new)
    believed.condition_on_mean(2)
    believed.condition_on_mean(4)
    X = [np.concatenate([a, b[[2, 4]]]) for a, b in zip(process.inputs, new, strict=True)]
    y = np.concatenate([process.targets, process.posterior(new).mean[[2, 4]]])
    expected = GaussianProcess(X, y, process.kernel).posterior(new)
    np.testing.assert_allclose(believed.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(believed.variance, expected.variance, atol=1e-6)


@pytest.mark.parametrize("far", [30.0, 800.0, 1e5])
def test_wherever_a_search_for_theta_looks_there_is_a_value_and_a_way_back(process, far, rng):
    alike = [p[[0, 0, *range(2, 12)]] for p in process.inputs]
    squares = np.stack([squared_distances(p, p) for p in alike])
    squares[0, 5, 5] = 1e-16  # what rounding may leave
    prior = np.array([0.1, -3.0, 0.2, 0.0])
    at_prior = negative_log_posterior(prior, squares, process.targets, prior)[0]
    failed = 0
    for signs in rng.choice([-1.0, 0.0, 1.0], size=(60, 4)):
        theta = prior + far * signs
        value, gradient = negative_log_posterior(theta, squares, process.targets, prior)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert value > at_prior or not signs.any()
        if value == NO_COVARIANCE + 0.5 * ((theta - prior) ** 2).sum():
            failed += 1
            assert gradient == pytest.approx(theta - prior)
    assert failed > 0 or far < 800


def test_the_likelihood_is_the_normal_density_and_its_gradient_is_right(process):
    squares = np.stack([squared_distances(p, p) for p in process.inputs])
    prior = np.array([0.1, -3.0, 0.2, 0.0])
    K = covariance(process, process.inputs, process.inputs) + (np.exp(-2.0) + JITTER) * np.eye(12)
    density = stats.multivariate_normal(np.zeros(12), K).logpdf(process.targets)
    log_prior = stats.norm(prior, 1.0).logpdf(process.kernel.vector()) - stats.norm(0, 1).logpdf(0)
    value, gradient = negative_log_posterior(process.kernel.vector(), squares, process.targets, prior)
    assert value == pytest.approx(-density - log_prior.sum() - 6 * np.log(2 * np.pi))
    numeric = optimize.approx_fprime(
        process.kernel.vector(), lambda t: negative_log_posterior(t, squares, process.targets, prior)[0], 1e-6
    )
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4)


def test_fitting_recovers_which_part_matters(rng):
    X = [rng.normal(size=(150, 2)), rng.normal(size=(150, 2))]
    process = GaussianProcess.fit(X, np.sin(2 * X[0][:, 0]))
    assert process.kernel.log_scales[0] > process.kernel.log_scales[1] + 2
    assert process.kernel.log_noise < -3  # there is no noise
    new = [rng.normal(size=(100, 2)), rng.normal(size=(100, 2))]
    assert np.corrcoef(process.posterior(new).mean, np.sin(2 * new[0][:, 0]))[0, 1] > 0.95


def test_observations_that_are_all_alike_are_no_obstacle(rng):
    process = GaussianProcess.fit([np.ones((4, 2)), np.zeros((4, 3))], np.zeros(4))
    posterior = process.posterior([np.ones((2, 2)), np.zeros((2, 3))])
    assert np.isfinite(posterior.mean).all()
    assert (posterior.variance > 0).all()


def test_a_part_in_which_all_are_the_same_is_none(rng):
    part, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    fits = (GaussianProcess.fit(parts, y) for parts in ([part], [part, np.ones_like(part)]))
    alone, beside = (fit.kernel.vector() for fit in fits)
    np.testing.assert_allclose(beside[:3], alone, atol=1e-6)
    assert np.isfinite(beside).all()
