"""The default encoder with more scores than an exact Gaussian process is fitted to."""

import jax
import numpy as np
import pytest

from nao.core import InputError
from nao.encoders import members
from nao.encoders.members import encode
from nao.metrics import kendall_tau
from nao.surrogates import inducing_points
from nao.surrogates.inducing_points import SparseGaussianProcess
from tests.encoders.small import PROCESS, fitted, improved

pytestmark = pytest.mark.xdist_group("encoders")  # fitted and compiled once, in one process

N, M = 60, 32  # architectures, and inducing points among them


@pytest.fixture
def threshold(monkeypatch):
    monkeypatch.setattr(inducing_points, "MAX_EXACT", 50)
    monkeypatch.setattr(inducing_points, "INDUCING", M)


@pytest.fixture
def model(threshold, space):
    return fitted(space, PROCESS, n=N)[0]


def test_all_that_programs_read_has_a_row_for_each_inducing_point(model):
    f = model.predictor
    assert (f.count, f.scored) == (M, N)
    assert len(f.rows) == len(f.alpha) == len(f.mean) == len(f.states) == len(f.features) == 64
    assert f.inverse_cholesky.shape == (64, 64)
    assert not f.alpha[M:].any()
    assert not f.inverse_cholesky[M:].any()
    assert model.quality.held_out == N
    assert model.quality.kendall_tau > 0.2


def test_the_predictor_is_the_sparse_process_of_the_host(model, space):
    tokens = space.sample_tokens(np.random.default_rng(3), 8)
    mean, std = model.posterior(model.embed(tokens))
    expected = model.joint_posterior(tokens)
    assert isinstance(model.predictor.regression, SparseGaussianProcess)
    np.testing.assert_allclose(mean, expected.mean, atol=1e-3)
    np.testing.assert_allclose(np.square(std), expected.variance, atol=1e-3)
    # A model whose arrays went through JAX has to put the process of the host together again.
    again = jax.tree.map(np.asarray, model).joint_posterior(tokens)
    np.testing.assert_allclose(again.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(again.variance, expected.variance, atol=1e-6)


def test_what_is_saved_brings_it_back(model, space):
    """Also where the process of a new search would be exact: what a model is, its arrays say."""
    arrays = model.arrays()
    assert arrays["predictor.rows"].shape == (M,)
    assert arrays["predictor.tokens"].shape == (N, space.length)
    tokens = space.sample_tokens(np.random.default_rng(3), 8)
    again = PROCESS.load(space, arrays)
    np.testing.assert_array_equal(again.predict(tokens), model.predict(tokens))
    for a, b in zip(*(improved(PROCESS, m, tokens, 0.6) for m in (model, again)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.arrays().keys() == arrays.keys()


@pytest.mark.parametrize("wrong", [-1, N, None])  # None: the number of another row
def test_rows_that_are_none_are_refused(wrong, model, space):
    arrays = model.arrays()
    rows = arrays["predictor.rows"].copy()
    rows[0] = rows[1] if wrong is None else wrong
    with pytest.raises(InputError, match=f"rows must be different numbers from 0 to {N - 1}"):
        PROCESS.load(space, {**arrays, "predictor.rows": rows})


def test_a_model_without_inducing_points_is_as_it_was(space, monkeypatch):
    exact, tokens = fitted(space, PROCESS, n=N)
    arrays = exact.arrays()
    assert "predictor.rows" not in arrays
    monkeypatch.setattr(inducing_points, "MAX_EXACT", 50)
    again = PROCESS.load(space, arrays)
    assert (again.predictor.count, again.predictor.scored) == (N, N)
    np.testing.assert_array_equal(again.predict(tokens), exact.predict(tokens))


def test_it_ranks_what_it_was_not_fitted_to(model, space):
    fresh = space.sample_tokens(np.random.default_rng(9), 200)
    assert kendall_tau(model.predict(fresh), space.score(fresh)) > 0.4


def test_strings_are_encoded_in_turns(space, monkeypatch, rng):
    model, _ = fitted(space, PROCESS, n=20)
    tokens = space.sample_tokens(rng, 150)
    at_once = encode(model.encoder, tokens)
    monkeypatch.setattr(members, "LARGEST", 64)
    largest = []
    padded = members._pad
    monkeypatch.setattr(members, "_pad", lambda *given: largest.append(padded(*given)) or largest[-1])
    in_turns = encode(model.encoder, tokens)
    assert [len(rows) for rows in largest] == [64, 64, 64]
    np.testing.assert_allclose(in_turns, at_once, atol=1e-6)
