"""Eqn. (2): moving the embedding of a string up the gradient of f.

Axis letters: B strings, S steps of the encoder, d hidden units.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nao.encoders.configuration import Configuration
from nao.encoders.networks import Networks, pooled, unit


def value(networks: Networks, configuration: Configuration, h: Float[Array, "B S d"]) -> Float[Array, " B"]:
    """f(e_x)."""
    return networks.predictor(pooled(h, configuration))


def gradient(
    networks: Networks, configuration: Configuration, h: Float[Array, "B S d"]
) -> Float[Array, "B S d"]:
    """df/dh_t for every h_t."""
    slope: Array = jax.grad(lambda h: jnp.sum(value(networks, configuration, h)))(h)
    return slope


def ascend(
    networks: Networks, configuration: Configuration, h: Float[Array, "B S d"], eta: Float[Array, ""]
) -> Float[Array, "B S d"]:
    """h'_t = h_t + eta df/dh_t on every h_t, then the encoder's own normalisation.

    The slide does not print the equation. Paper: one step. Code: one step, then h_t back to length 1. With
    `moves` > 1 the step is divided, and the gradient is taken anew after each part; with `relative` the
    gradient gives only the direction.
    """

    def move(h: Array, _: None) -> tuple[Array, None]:
        direction = gradient(networks, configuration, h)
        if configuration.relative:
            direction = direction * (_length(start) / (_length(direction) + 1e-12))
        h = h + eta / configuration.moves * direction
        return unit(h) if configuration.unit else h, None

    start = h
    return jax.lax.scan(move, h, None, length=configuration.moves)[0]


def _length(h: Float[Array, "B S d"]) -> Float[Array, "B 1 1"]:
    return jnp.sqrt(jnp.sum(h * h, axis=(1, 2), keepdims=True))
