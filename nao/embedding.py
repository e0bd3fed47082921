"""e_x, the point of the continuous space where an encoder E puts the string x.

Axis letters: B strings, S steps of the encoder (one for each token, or group of tokens), d hidden units,
F features.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nao.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class Embedding:
    """The embeddings of B strings.

    Attributes:
      states: `[B, S, d]` the hidden states h_1, ..., h_S of E. They are what moves, and what D decodes.
      features: `[B, F]` what the architectures mean (`SearchSpace.features`), for predictors that read it; F
        is 0 for the others. Features have no gradient, and stay those of x while the states move.
    """

    states: Float[Array | np.ndarray, "B S d"]
    features: Float[Array | np.ndarray, "B F"]


def l2_normalize(x: Float[Array, "*B d"]) -> Float[Array, "*B d"]:
    """Vectors scaled to length 1."""
    return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-12)
