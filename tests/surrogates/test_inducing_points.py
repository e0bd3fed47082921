"""Gaussian process regression by way of inducing points, against closed forms."""

import numpy as np
import pytest

from nao.metrics import kendall_tau
from nao.surrogates import inducing_points
from nao.surrogates.gaussian_process import JITTER, GaussianProcess, Kernel
from nao.surrogates.inducing_points import SparseGaussianProcess, best_and_spread, condition, fit

KERNEL = Kernel.from_vector(np.array([0.3, -2.0, -1.0, 0.5]))
ROWS = np.array([3, 0, 7, 11, 5])


@pytest.fixture
def X(rng):
    return [rng.normal(size=(30, 3)), rng.normal(size=(30, 2))]


@pytest.fixture
def y(rng):
    return rng.normal(size=30)


@pytest.fixture
def new(rng):
    return [rng.normal(size=(6, 3)), rng.normal(size=(6, 2))]


def test_with_all_observations_as_inducing_points_it_is_the_exact_process(X, y, new, rng):
    exact = GaussianProcess(X, y, KERNEL)
    sparse = condition(X, y, KERNEL, rng.permutation(30))
    found, expected = sparse.posterior(new), exact.posterior(new)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(found.variance, expected.variance, atol=1e-6)
    np.testing.assert_allclose(sparse.leave_one_out(), exact.leave_one_out(), atol=1e-6)


def test_the_posterior_is_that_of_a_joint_normal_distribution(X, y, new):
    """Equation 20a of Quiñonero-Candela and Rasmussen: K_ff is replaced by Q_ff = K_fu K_uu^-1 K_uf."""
    u = [part[ROWS] for part in X]
    inverse = np.linalg.inv(KERNEL(u, u))
    Q_ff, Q_f_star = (KERNEL(X, u) @ inverse @ KERNEL(u, other) for other in (X, new))
    explained = np.linalg.solve(Q_ff + (KERNEL.noise + JITTER) * np.eye(30), Q_f_star)
    posterior = condition(X, y, KERNEL, ROWS).posterior(new)
    np.testing.assert_allclose(posterior.mean, explained.T @ y, atol=1e-6)
    expected = np.exp(0.3) - np.einsum("nc,nc->c", Q_f_star, explained)
    np.testing.assert_allclose(posterior.variance, expected, atol=1e-6)


def test_what_is_left_out_is_predicted_by_the_others(X, y):
    left_out = condition(X, y, KERNEL, ROWS).leave_one_out()
    for i in (13, 29):  # no inducing points, which stay where they are
        others = np.arange(30) != i
        rest = condition([part[others] for part in X], y[others], KERNEL, ROWS)
        mean = rest.posterior([part[[i]] for part in X]).mean
        np.testing.assert_allclose(left_out[i], mean[0], atol=1e-6)


def test_inducing_points_that_are_alike_are_no_obstacle(y, new):
    alike = [np.ones((30, 3)), np.zeros((30, 2))]
    sparse = condition(alike, y, KERNEL, np.arange(20))
    posterior = sparse.posterior(new)
    expected = GaussianProcess(alike, y, KERNEL).posterior(new)
    np.testing.assert_allclose(posterior.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(posterior.variance, expected.variance, atol=1e-5)


def test_the_inducing_points_are_the_best_and_some_of_every_rank(rng):
    targets = rng.permutation(100).astype(float)
    picked = targets[best_and_spread(targets, 21)]
    assert len(set(picked)) == 21
    assert (np.diff(picked) > 0).all()
    assert set(picked) >= set(range(90, 100))
    assert picked[0] == 0
    assert np.diff(picked).max() <= 10


def function(X):
    return np.sin(2 * X[0][:, 0]) + 0.5 * X[1][:, 1]


@pytest.fixture
def many(rng, monkeypatch):
    """200 observations with noise, of which 100 are too many."""
    monkeypatch.setattr(inducing_points, "MAX_EXACT", 100)
    monkeypatch.setattr(inducing_points, "INDUCING", 50)
    monkeypatch.setattr(inducing_points, "CHUNK", 64)
    X = [rng.normal(size=(200, 2)), rng.normal(size=(200, 2))]
    return X, function(X) + 0.5 * rng.normal(size=200)


def test_few_observations_are_seen_as_before(many):
    X, y = [part[:100] for part in many[0]], many[1][:100]
    process, exact = fit(X, y), GaussianProcess.fit(X, y)
    assert isinstance(process, GaussianProcess)
    for found, expected in zip(
        (process.kernel.vector(), process.posterior(X).mean, process.posterior(X).variance),
        (exact.kernel.vector(), exact.posterior(X).mean, exact.posterior(X).variance),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_many_observations_never_meet_all_at_once(many, monkeypatch):
    X, y = many
    largest = []
    covariances = Kernel.__call__

    def watched(self, a, b):
        K = covariances(self, a, b)
        largest.append(K.shape)
        return K

    monkeypatch.setattr(Kernel, "__call__", watched)
    process = fit(X, y)
    assert isinstance(process, SparseGaussianProcess)
    process.posterior([part[:7] for part in X])
    assert sorted(set(largest)) == [(50, 7), (50, 8), (50, 50), (50, 64)]
    assert process.alpha.shape == (50,)
    assert process.reduction.shape == (50, 50)
    assert [part.shape for part in process.inputs] == [(50, 2), (50, 2)]


def test_all_observations_say_more_than_the_inducing_points_alone(many, rng):
    X, y = many
    new = [rng.normal(size=(300, 2)), rng.normal(size=(300, 2))]
    process = fit(X, y)
    alone = GaussianProcess([part[process.rows] for part in X], y[process.rows], process.kernel)
    sparse, few = (kendall_tau(each.posterior(new).mean, function(new)) for each in (process, alone))
    assert sparse > few + 0.02
    assert kendall_tau(process.leave_one_out(), y) > 0.4
