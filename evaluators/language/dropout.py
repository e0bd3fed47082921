"""Variational dropout (Gal & Ghahramani 2016): one mask for all words of a window.

Axis letters: N streams, H units, V vocabulary.
"""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from nao.evaluators.language.child import LanguageChild


class Masks(NamedTuple):
    """Factors, each 0 or 1 / (1 - rate); None where nothing is dropped.

    Attributes:
      words: `[V]` for each type of the input.
      embedding: `[N, H]` for embedded words.
      input: `[N, H]` for what the cell reads.
      hidden: `[N, H]` for states, before they are multiplied by weights.
      output: `[N, H]` for what the softmax reads.
    """

    words: Float[Array, " V"] | None = None
    embedding: Float[Array, "N H"] | None = None
    input: Float[Array, "N H"] | None = None
    hidden: Float[Array, "N H"] | None = None
    output: Float[Array, "N H"] | None = None


def draw_masks(child: LanguageChild, types: int, key: PRNGKeyArray) -> Masks:
    """Masks for one window, each of which keeps the expectation.

    Args:
      child: its rates.
      types: V.
      key: JAX key, consumed.
    """
    keys = iter(jax.random.split(key, 5))

    def mask(rate: float, *shape: int) -> Array | None:
        key = next(keys)
        return jax.random.bernoulli(key, 1 - rate, shape) / (1 - rate) if rate else None

    rates = (child.drop_embedding, child.drop_input, child.drop_hidden, child.drop_output)
    return Masks(mask(child.drop_words, types), *(mask(rate, child.batch, child.units) for rate in rates))


def drop(x: Float[Array, "*T N H"], mask: Float[Array, "N H"] | None) -> Float[Array, "*T N H"]:
    """The values `[..., N, H]` times a mask, the same at every time."""
    if mask is None:
        return x
    return x * mask if x.ndim == mask.ndim else x * mask[None]
