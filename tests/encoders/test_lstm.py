"""The hand-written gradient of the LSTM."""

import jax
import jax.numpy as jnp
import numpy as np

from nao.encoders.lstm import cell, lstm

T, B, D = 7, 5, 6


def plain(inputs, recurrent, h, c):
    def step(state, x):
        h, c, _ = cell(x + state[0] @ recurrent, state[1])
        return (h, c), h

    return jax.lax.scan(step, (h, c), inputs)[1]


def arguments(rng):
    shapes = [(T, B, 4 * D), (D, 4 * D), (B, D), (B, D)]
    return [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]


def test_gradients_equal_those_of_a_plain_scan(rng):
    given = arguments(rng)
    weight = jnp.asarray(rng.normal(size=(T, B, D)), jnp.float32)
    ours, plains = (
        jax.grad(lambda *a, f=f: jnp.sum(weight * f(*a) ** 2), argnums=(0, 1, 2, 3))(*given)
        for f in (lstm, plain)
    )
    for a, b in zip(ours, plains, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_it_is_an_lstm(rng):
    """Against the textbook equations, in NumPy."""
    inputs, recurrent, h, c = (np.asarray(a, np.float64) for a in arguments(rng))
    states = np.asarray(lstm(*(jnp.asarray(a, jnp.float32) for a in (inputs, recurrent, h, c))))
    for x, state in zip(inputs, states, strict=True):
        i, f, o, g = np.split(x + h @ recurrent, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        np.testing.assert_allclose(state, h, rtol=1e-4, atol=1e-5)
