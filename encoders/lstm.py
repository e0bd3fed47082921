"""One LSTM layer over a sequence, with a hand-written backward pass.

Automatic differentiation of a scan adds up the weights' gradient once per time step. Here the backward scan
only hands back the gradients of the gates, and the weights' gradient is one large product after it; the
input projections come in already multiplied. The result is the same, and an update of all three networks
takes a quarter less time (as `published`, 0.037 instead of 0.049 CPU-seconds on a busy machine).

Axis letters: T time steps, B strings, d hidden units, G = 4 d gates (input, forget, output, candidate).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Residuals = tuple[Array, ...]


def cell(
    gates: Float[Array, "B G"], c: Float[Array, "B d"]
) -> tuple[Float[Array, "B d"], Float[Array, "B d"], Float[Array, "B G"]]:
    """One time step (Hochreiter and Schmidhuber 1997, with a forget gate).

    Args:
      gates: `[B, 4d]` the gates before their nonlinearities.
      c: `[B, d]` the cell state.

    Returns:
      `[B, d]` new hidden state, `[B, d]` new cell state, `[B, 4d]` the gates after their nonlinearities.
    """
    d = c.shape[-1]
    squashed = jax.nn.sigmoid(gates[:, : 3 * d])
    candidate = jnp.tanh(gates[:, 3 * d :])
    i, f, o = squashed[:, :d], squashed[:, d : 2 * d], squashed[:, 2 * d :]
    c = f * c + i * candidate
    return o * jnp.tanh(c), c, jnp.concatenate([squashed, candidate], axis=-1)


@jax.custom_vjp
def lstm(
    inputs: Float[Array, "T B G"],
    recurrent: Float[Array, "d G"],
    h: Float[Array, "B d"],
    c: Float[Array, "B d"],
) -> Float[Array, "T B d"]:
    """All hidden states of an LSTM.

    Args:
      inputs: `[T, B, 4d]` the inputs, already multiplied by their weights, bias included.
      recurrent: `[d, 4d]` weights from the hidden state to the gates.
      h: `[B, d]` initial hidden state.
      c: `[B, d]` initial cell state.

    Returns:
      `[T, B, d]` the hidden states h_1 .. h_T.
    """
    return _forward(inputs, recurrent, h, c)[0]


def _forward(inputs: Array, recurrent: Array, h: Array, c: Array) -> tuple[Array, Residuals]:
    def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
        h, c, gates = cell(x + state[0] @ recurrent, state[1])
        return (h, c), (h, c, gates)

    _, (hs, cs, gates) = jax.lax.scan(step, (h, c), inputs)
    return hs, (recurrent, h, c, hs, cs, gates)


def _backward(residuals: Residuals, hs_bar: Array) -> tuple[Array, Array, Array, Array]:
    """Gradients of `inputs`, `recurrent`, `h` and `c`; a bar marks the gradient of what it follows."""
    recurrent, h, c, hs, cs, gates = residuals
    d = h.shape[-1]
    transposed = recurrent.T
    before = jnp.concatenate([c[None], cs[:-1]])  # [T, B, d] the cell states that each step began with

    def step(state: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        h_bar, c_bar = state
        out_bar, gates, c, before = now
        i, f, o, g = (gates[:, n * d : (n + 1) * d] for n in range(4))
        tanh_c = jnp.tanh(c)
        h_bar = h_bar + out_bar
        c_bar = c_bar + h_bar * o * (1 - tanh_c * tanh_c)
        gates_bar = jnp.concatenate(
            [
                c_bar * g * i * (1 - i),
                c_bar * before * f * (1 - f),
                h_bar * tanh_c * o * (1 - o),
                c_bar * i * (1 - g * g),
            ],
            axis=-1,
        )
        return (gates_bar @ transposed, c_bar * f), gates_bar

    start = (jnp.zeros_like(h), jnp.zeros_like(c))
    (h_bar, c_bar), gates_bar = jax.lax.scan(step, start, (hs_bar, gates, cs, before), reverse=True)
    steps_before = jnp.concatenate([h[None], hs[:-1]]).reshape(-1, d)
    return gates_bar, steps_before.T @ gates_bar.reshape(-1, 4 * d), h_bar, c_bar


lstm.defvjp(_forward, _backward)
