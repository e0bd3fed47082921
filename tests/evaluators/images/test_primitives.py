"""Convolutions and pooling: the two implementations agree, and do what they say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.evaluators.images.native import NATIVE
from nao.evaluators.images.shifted import SHIFTED

WINDOWS = [(1, 1), (3, 3), (5, 5), (1, 7), (7, 1), (2, 2)]
CHANNELS, OUTPUTS, BATCH = 3, 4, 2
SIZES = [(5, 6), (6, 5)]  # odd and even, both ways


@functools.partial(jax.jit, static_argnums=(0, 3))
def values_and_gradients(which, x, filters, window, gradients):
    """Of all four maps, for each stride; `gradients` are those of their outputs."""
    found = {}
    for (name, stride), gradient in gradients.items():
        apply = {
            "depthwise": lambda x, w, stride=stride: which.depthwise(x, w, stride),
            "dense": lambda x, w, stride=stride: which.convolve(x, w, stride),
            "max": lambda x, w, stride=stride: which.max_pool(x, window, stride),
            "avg": lambda x, w, stride=stride: which.avg_pool(x, window, stride),
        }[name]
        value, pull = jax.vjp(apply, x, filters.get(name, 0.0))
        found[name, stride] = value, pull(gradient)
    return found


@pytest.mark.parametrize(("window", "size"), list(zip(WINDOWS, 3 * SIZES, strict=True)))
def test_shifted_equals_native(window, size, rng):
    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    x = normal(CHANNELS, *size, BATCH)
    filters = {"depthwise": normal(CHANNELS, *window), "dense": normal(OUTPUTS, CHANNELS, *window)}
    channels = {"depthwise": CHANNELS, "dense": OUTPUTS, "max": CHANNELS, "avg": CHANNELS}
    gradients = {
        (name, stride): normal(channels[name], *(-(-side // stride) for side in size), BATCH)
        for name in channels
        for stride in (1, 2)
    }
    shifted, native = (
        values_and_gradients(which, x, filters, window, gradients) for which in (SHIFTED, NATIVE)
    )
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), shifted, native)
    assert all(np.abs(pulled[0]).max() > 0.1 for _, pulled in shifted.values())


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("window", [(2, 2), (3, 3), (1, 5)])
class TestPooling:
    def test_the_mean_of_a_constant_is_that_constant(self, window, stride):
        pooled = SHIFTED.avg_pool(jnp.full((1, 5, 4, 1), 3.0), window, stride)
        np.testing.assert_allclose(pooled, np.full((1, 3, 2, 1) if stride == 2 else (1, 5, 4, 1), 3.0), 1e-6)

    def test_tied_maxima_share_one_gradient(self, window, stride):
        y, pull = jax.vjp(lambda x: SHIFTED.max_pool(x, window, stride), jnp.ones((1, 5, 4, 1)))
        gradient = jnp.arange(1.0, y.size + 1).reshape(y.shape)
        np.testing.assert_allclose(pull(gradient)[0].sum(), gradient.sum(), 1e-6)

    def test_the_maximum_of_negative_values_is_negative(self, window, stride):
        assert SHIFTED.max_pool(jnp.full((1, 4, 4, 1), -2.0), window, stride).max() == -2


def test_a_window_of_two_reaches_to_the_right_and_downwards():
    x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    assert SHIFTED.max_pool(x, (2, 2), 1)[0, :, :, 0].tolist() == [[4, 5, 5], [7, 8, 8], [7, 8, 8]]
    assert SHIFTED.avg_pool(x, (2, 2), 2)[0, :, :, 0].tolist() == [[2, 3.5], [6.5, 8]]


def test_a_stride_keeps_every_other_position(rng):
    x = jnp.asarray(rng.normal(size=(2, 5, 5, 1)), jnp.float32)
    w = jnp.asarray(rng.normal(size=(2, 3, 3)), jnp.float32)
    every = SHIFTED.depthwise(x, w, 1)
    np.testing.assert_allclose(SHIFTED.depthwise(x, w, 2), every[:, ::2, ::2], rtol=1e-5, atol=1e-6)
