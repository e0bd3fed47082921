"""E and D fitted to strings alone, and the Gaussian process on their embedding."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.acquisition import expected_improvement, log_expected_improvement, posterior_mean
from nao.encoders.members import process_inputs
from nao.encoders.networks import EncoderLSTM, Initializer
from nao.encoders.predictors.features import PARTS
from nao.encoders.predictors.gaussian_process import GaussianProcess
from nao.improve import improve
from nao.metrics import kendall_tau, pairwise_accuracy
from nao.surrogates.gaussian_process import GaussianProcess as Regression
from nao.surrogates.gaussian_process import Kernel
from tests.encoders.small import PROCESS, fitted, improved

pytestmark = pytest.mark.xdist_group("encoders")  # fitted and compiled once, in one process


@pytest.fixture(scope="module")
def learned(space):
    return fitted(space, PROCESS, n=200)[0]


def test_strings_are_learned_once_for_a_search(space):
    first, _ = fitted(space, PROCESS, n=20)
    later, _ = fitted(space, dataclasses.replace(PROCESS, name="another"), n=40)
    assert first.decoder is later.decoder
    assert fitted(space, PROCESS, n=20, seed=1)[0].decoder is not first.decoder


def test_the_decoder_writes_what_it_reads(learned):
    assert learned.quality.hamming < 0.1


@pytest.mark.parametrize("n", [2, 3, 70])
def test_every_architecture_is_left_out_once(n, space):
    assert fitted(space, PROCESS, n=n)[0].quality.held_out == n


def test_f_reads_the_embedding_from_which_the_ascent_starts(space):
    model, tokens = fitted(space, PROCESS)
    e = model.embed(tokens)
    f = model.predictor
    np.testing.assert_allclose(f.mean[:60], e.states.mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(f.states[:60], e.states.reshape(60, -1))
    np.testing.assert_allclose(np.hstack([f.features, f.graph])[:60], e.features)


@pytest.mark.parametrize("l2_normalize", [False, True])
def test_the_host_pools_as_the_compiled_model_does(l2_normalize, space, rng):
    networks = dataclasses.replace(PROCESS.networks, l2_normalize=l2_normalize)
    encoder = EncoderLSTM.create(networks, space, Initializer(None, rng))
    tokens = space.sample_tokens(rng, 9)
    mean, states, *_ = process_inputs(encoder, space, tokens, PARTS)
    h = jnp.asarray(states.reshape(9, 8, -1), jnp.float32)
    np.testing.assert_allclose(mean, encoder.mean_pool(h), atol=1e-6)


@pytest.fixture
def regression(rng):
    parts = [rng.normal(size=(9, 3)), rng.normal(size=(9, 6)), rng.normal(size=(9, 4))]
    kernel = Kernel.from_vector(np.array([0.2, -2.0, -1.0, -1.5, -2.0]))
    return Regression(parts, rng.normal(size=9), kernel)


def posterior(regression, h, features):
    f = GaussianProcess.condition(regression, np.zeros((9, 1), np.int32), PARTS[:3])
    return f.posterior(jnp.mean(h, axis=1), h, jnp.asarray(features, jnp.float32))


def test_the_predictor_is_the_regression(regression, rng):
    h, features = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 4))
    mean, std = posterior(regression, jnp.asarray(h, jnp.float32), features)
    expected = regression.posterior([h.mean(axis=1), h.reshape(5, 6), features])
    np.testing.assert_allclose(mean, expected.mean, atol=1e-4)
    np.testing.assert_allclose(std**2, expected.variance, atol=1e-4)


def test_the_gradient_in_the_embedding_is_that_of_the_expected_improvement(regression, rng):
    h, features = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 4))
    best = float(regression.targets.max())

    def objective(h):
        return expected_improvement(*posterior(regression, h, features), best).sum()

    gradient = np.asarray(jax.grad(objective)(jnp.asarray(h, jnp.float32)))

    def improvement(h):
        at = regression.posterior([h.mean(axis=1), h.reshape(5, 6), features])
        return log_expected_improvement(at.mean, at.variance, best)

    numeric = np.zeros_like(h)
    for place in np.ndindex(2, 3):
        moved = np.zeros_like(h)
        moved[:, *place] = 1e-5
        numeric[:, *place] = (improvement(h + moved) - improvement(h - moved)) / 2e-5
    for a, b in zip(gradient.reshape(5, -1), numeric.reshape(5, -1), strict=True):
        assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) > 0.9999


@pytest.mark.parametrize("name", PARTS)
def test_an_input_can_be_left_out(name, space):
    """Then no distance in it counts, neither for a prediction nor on the way up."""
    inputs = tuple(other for other in PARTS if other != name)
    encoder = dataclasses.replace(PROCESS, predictor=dataclasses.replace(PROCESS.predictor, inputs=inputs))
    model, tokens = fitted(space, encoder)
    assert not getattr(model.predictor, name).any()
    assert np.ptp(model.predict(tokens)) > 0
    at_rest, moved = (improved(encoder, model, tokens[:8], eta)[1] for eta in (0.0, 0.6))
    assert np.isfinite(moved).all()
    assert not np.array_equal(at_rest, moved)
    np.testing.assert_allclose(at_rest, model.predict(tokens[:8]), atol=0.05)


def test_predicts(learned, space):
    fresh = space.sample_tokens(np.random.default_rng(9), 300)
    assert pairwise_accuracy(learned.predict(fresh), space.score(fresh)) > 0.7
    measured = kendall_tau(learned.predict(fresh), space.score(fresh))
    assert learned.quality.kendall_tau == pytest.approx(measured, abs=0.1)


def moved(model, tokens, acquisition, noise=0.0, eta=0.9):
    ascent = dataclasses.replace(PROCESS.ascent, noise=noise, step_sizes=(eta,))
    ((_, decoded, values),) = improve(model, tokens, ascent, (0, 0), acquisition)
    return decoded, values


def test_climbing_the_mean_raises_the_prediction(learned, space):
    others = space.sample_tokens(np.random.default_rng(4), 50)
    at_rest, after = (moved(learned, others, posterior_mean, eta=eta)[1] for eta in (0.0, 0.05))
    assert np.mean(after >= at_rest) > 0.95


def test_the_gradient_leads_to_better_architectures_than_a_random_direction(learned, space):
    tokens = space.sample_tokens(np.random.default_rng(1), 200)
    scores = space.score(tokens)
    seeds = tokens[np.argsort(-scores)[:40]]

    def gain(*how):
        return space.score(moved(learned, seeds, *how)[0]).mean() - space.score(seeds).mean()

    def flat(mean, std, best):
        return 0.0 * mean

    straight, mixed = gain(expected_improvement), gain(expected_improvement, 1.0)
    assert straight > 0
    assert straight > mixed > gain(flat, 1.0) + 0.1 * scores.std()
