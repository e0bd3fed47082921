"""Eqn. (2): moving the embedding of a string up the gradient of f.

Axis letters: B strings, S steps of the encoder, d hidden units.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nao.encoders.configuration import Configuration
from nao.encoders.networks import Networks, pooled, unit


def value(networks: Networks, configuration: Configuration, h: Float[Array, "B S d"]) -> Float[Array, " B"]:
    """f(e_x)."""
    return networks.predictor(pooled(h, configuration))


def gradient(
    f: Callable[[Float[Array, "B S d"]], Float[Array, " B"]], h: Float[Array, "B S d"]
) -> Float[Array, "B S d"]:
    """df/dh_t for every h_t."""
    slope: Array = jax.grad(lambda h: jnp.sum(f(h)))(h)
    return slope


def ascend(
    f: Callable[[Float[Array, "B S d"]], Float[Array, " B"]],
    configuration: Configuration,
    h: Float[Array, "B S d"],
    eta: Float[Array, ""],
    noise: Float[Array, "B S d"] | None = None,
) -> Float[Array, "B S d"]:
    """h'_t = h_t + eta df/dh_t on every h_t, then the encoder's own normalisation.

    The slide does not print the equation. Paper: one step. Code: one step, then h_t back to length 1. With
    `moves` > 1 the step is divided, and the gradient is taken anew after each part; with `relative` the
    gradient gives only the direction.

    Args:
      f: what to climb, each row on its own.
      configuration: how.
      h: `[B, S, d]` where from.
      eta: the step length.
      noise: `[B, S, d]` of length 1 each: with `relative`, a direction that is mixed with the gradient's.
    """

    def move(h: Array, _: None) -> tuple[Array, None]:
        direction = gradient(f, h)
        if configuration.relative:
            direction = configuration.gradient * _directed(direction)
            if noise is not None:
                direction = _directed(direction + configuration.noise * noise)
            direction = direction * _length(start)
        h = h + eta / configuration.moves * direction
        return unit(h) if configuration.unit else h, None

    start = h
    return jax.lax.scan(move, h, None, length=configuration.moves)[0]


def _directed(h: Float[Array, "B S d"]) -> Float[Array, "B S d"]:
    """Scaled to length 1."""
    return h / (_length(h) + 1e-12)


def _length(h: Float[Array, "B S d"]) -> Float[Array, "B 1 1"]:
    return jnp.sqrt(jnp.sum(h * h, axis=(1, 2), keepdims=True))
