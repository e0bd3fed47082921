"""Eqn. (2) on objectives whose gradient is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.ascent import ascend
from nao.embedding import Embedding, l2_normalize


@pytest.fixture
def e(rng):
    states, features = rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 2))
    return Embedding(jnp.asarray(states, jnp.float32), jnp.asarray(features, jnp.float32))


def parabola(e):
    """-|h|^2 / 2, whose gradient is -h, plus what the features say."""
    return -0.5 * jnp.sum(e.states**2, axis=(1, 2)) + e.features[:, 0]


def linear(e):
    return e.states[:, 0, 0] - e.states[:, 1, 2]


def test_one_step_adds_eta_times_the_gradient(e):
    moved = ascend(parabola, e, 0.25)
    np.testing.assert_allclose(moved.states, 0.75 * e.states, rtol=1e-6)
    np.testing.assert_array_equal(moved.features, e.features)


def test_several_steps_share_eta_and_take_the_gradient_anew(e):
    np.testing.assert_allclose(ascend(parabola, e, 0.5, num_steps=2).states, 0.75**2 * e.states, rtol=1e-6)


def test_unit_length_scales_every_hidden_state_after_every_step(e):
    start = Embedding(l2_normalize(e.states), e.features)
    moved = ascend(linear, start, 3.0, unit_length=True).states
    slope = np.zeros((4, 3), np.float32)
    slope[0, 0], slope[1, 2] = 1.0, -1.0
    expected = np.asarray(start.states) + 3.0 * slope
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(moved, expected, atol=1e-6)


@pytest.mark.parametrize("num_steps", [1, 4])
def test_a_normalized_step_moves_by_a_share_of_the_embedding(num_steps, e):
    """While the gradient keeps its direction, eta = 0.2 moves an embedding by a fifth of its length."""

    def steep(e):
        return 1000 * linear(e)

    moved = ascend(steep, e, 0.2, num_steps=num_steps, normalize=True).states - e.states
    shares = np.linalg.norm(moved, axis=(1, 2)) / np.linalg.norm(e.states, axis=(1, 2))
    np.testing.assert_allclose(shares, 0.2, rtol=1e-4)
    np.testing.assert_allclose(moved[:, 0, 0], -moved[:, 1, 2], rtol=1e-4)


def test_noise_turns_the_direction_and_keeps_the_length(e, rng):
    noise = rng.normal(size=(5, 4, 3)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=(1, 2), keepdims=True)
    moved = np.asarray(ascend(linear, e, 0.2, normalize=True, noise=jnp.asarray(noise)).states - e.states)
    uphill = np.zeros((5, 4, 3), np.float32)
    uphill[:, 0, 0], uphill[:, 1, 2] = 0.5**0.5, -(0.5**0.5)
    expected = uphill + noise
    length = np.linalg.norm(e.states, axis=(1, 2), keepdims=True)
    expected *= 0.2 * length / np.linalg.norm(expected, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    # Where there is no gradient, the noise alone decides.
    flat = ascend(lambda e: 0.0 * linear(e), e, 0.2, normalize=True, noise=jnp.asarray(noise))
    np.testing.assert_allclose(flat.states - e.states, 0.2 * length * noise, atol=1e-5)


def test_it_climbs_inside_jit_and_knows_nothing_of_what_it_climbs(e):
    climbed = jax.jit(lambda e, eta: ascend(parabola, e, eta, num_steps=3))(e, 0.3)
    assert (parabola(climbed) > parabola(e)).all()
    assert np.isfinite(np.asarray(ascend(parabola, e, 1e4, num_steps=3, normalize=True).states)).all()
