"""Expected improvement against integrals and its own gradient; the choice of several candidates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from nao.acquisition import (
    NEGLIGIBLE,
    expected_improvement,
    kriging_believer,
    log_expected_improvement,
    log_improvement,
    posterior_mean,
)
from nao.surrogates.gaussian_process import GaussianProcess, Kernel


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


def gradient(acquisition, mean, std, best):
    """With respect to mean and standard deviation."""
    return jax.jit(jax.grad(lambda m, s: acquisition(m, s, best).sum(), argnums=(0, 1)))(mean, std)


def test_what_is_climbed_has_the_direction_of_the_expected_improvement():
    mean, std, best = np.array([-3.0, -0.5, 0.0, 1.0]), np.array([0.1, 0.5, 1.0, 0.2]), 0.25
    ours = np.stack(gradient(expected_improvement, *map(jnp.asarray, (mean, std)), best))
    z = (mean - best) / std
    theirs = np.stack([stats.norm.cdf(z), stats.norm.pdf(z)])  # d EI / d mean, d EI / d std
    hopeful = theirs[0] > 1e-12
    np.testing.assert_allclose((ours / ours[0])[:, hopeful], (theirs / theirs[0])[:, hopeful], rtol=1e-4)
    assert (ours[0] == 1).all()  # it vanishes nowhere
    assert np.isfinite(ours).all()


def test_the_log_of_the_improvement_has_its_gradient_at_the_right_scale():
    mean, std, best = np.array([-3.0, -0.5, 0.0, 1.0, 0.25]), np.array([0.2, 0.5, 1.0, 0.2, 0.01]), 0.25
    ours = gradient(log_improvement, *map(jnp.asarray, (mean, std)), best)
    for i, step in enumerate(np.eye(2) * 1e-6):
        up, down = (
            log_expected_improvement(mean + sign * step[0], (std + sign * step[1]) ** 2, best)
            for sign in (1, -1)
        )
        np.testing.assert_allclose(ours[i], (up - down) / 2e-6, rtol=2e-3)
    hopeless = gradient(log_improvement, jnp.array([-1e4]), jnp.array([0.1]), best)
    assert np.isfinite(hopeless).all()


def test_without_uncertainty_it_is_the_mean():
    mean, std = jnp.array([-1.0, 0.0, 2.0]), jnp.zeros(3)
    np.testing.assert_array_equal(expected_improvement(mean, std, 0.5), mean)
    np.testing.assert_array_equal(log_improvement(mean, std, 0.5), mean)
    np.testing.assert_array_equal(gradient(expected_improvement, mean, std, 0.5)[0], np.ones(3))
    np.testing.assert_array_equal(posterior_mean(mean, std + 1, 0.5), mean)


def test_the_kriging_believer_spreads_over_what_is_not_known(rng):
    X = [rng.normal(size=(12, 3)), rng.normal(size=(12, 2))]
    kernel = Kernel.from_vector(np.array([0.3, -2.0, -1.0, 0.5]))
    process = GaussianProcess(X, rng.normal(size=12), kernel)
    near = [rng.normal(size=(1, 3)), rng.normal(size=(1, 2))]
    new = [np.concatenate([x, x + 1e-3, rng.normal(size=(4, x.shape[1]))]) for x in near]
    posterior = process.posterior(new)
    first = int(log_expected_improvement(posterior.mean, posterior.variance, 0.0).argmax())
    order = list(kriging_believer(posterior, 0.0))
    assert sorted(order) == list(range(6))
    assert order[0] == first
    # Of two candidates that are nearly the same, the second tells nothing once the first is believed.
    assert abs(order.index(0) - order.index(1)) > 1


def test_the_chance_to_succeed_multiplies_the_improvement(rng):
    process = GaussianProcess(
        [rng.normal(size=(12, 3))], rng.normal(size=12), Kernel.from_vector(np.zeros(3))
    )
    new, chance = [rng.normal(size=(20, 3))], rng.random(20)
    posterior = process.posterior(new)
    improvement = np.exp(log_expected_improvement(posterior.mean, posterior.variance, 0.5))
    expected = ((improvement + NEGLIGIBLE) * chance).argmax()
    assert next(kriging_believer(posterior, 0.5, np.log(chance))) == expected
    alike = [list(kriging_believer(process.posterior(new), 0.5, same)) for same in (None, np.full(20, -1.0))]
    assert alike[0] == alike[1]


def test_no_failure_is_risked_where_hardly_anything_can_be_gained(rng):
    process = GaussianProcess(
        [rng.normal(size=(12, 3))], rng.normal(size=12), Kernel.from_vector(np.zeros(3))
    )
    posterior = process.posterior([rng.normal(size=(20, 3))])
    likely = rng.permutation(20) < 10
    order = list(kriging_believer(posterior, 30.0, np.log(np.where(likely, 0.9, 0.5))))
    assert likely[order[:10]].all()
