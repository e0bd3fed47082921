"""E and D fitted to strings alone: a continuous space of architectures before any of them is scored.

This is Eqn. (1) with lambda = 0, on strings that cost nothing. It needs no scores, so it is done once for a
search, and what is learnt from the scores (`process_encoder.py`) stays the same space all along.

Axis letters: B strings, U others, T tokens, S steps of the encoder, d hidden units.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from nao.analysis.ranking import hamming
from nao.core import SearchSpace
from nao.encoders.configuration import Configuration
from nao.encoders.decode import Rules, greedy
from nao.encoders.fit import Data, Weights, fit, structure
from nao.encoders.networks import Networks, Sizes, pooled
from nao.encoders.rows import padded, padded_rows

STRINGS = 4096  # that E and D are fitted to
HELD_OUT = 256  # others, on which D is measured


@functools.partial(jax.jit, static_argnames=("choices", "sizes"))
def _encode(
    weights: Weights, tokens: Int[Array, "B T"], *, choices: Configuration, sizes: Sizes
) -> Float[Array, "B S d"]:
    return nnx.merge(structure(choices, sizes), weights).encoder(tokens)


@functools.partial(jax.jit, static_argnames=("choices", "sizes"))
def _decode(
    weights: Weights, h: Float[Array, "B S d"], rules: Rules, *, choices: Configuration, sizes: Sizes
) -> Int[Array, "B T"]:
    return greedy(nnx.merge(structure(choices, sizes), weights).decoder, h, pooled(h, choices), rules)


@dataclasses.dataclass(frozen=True)
class Autoencoder:
    """E and D of one space.

    Attributes:
      space: whose strings they read and write.
      choices: the configuration.
      sizes: of the space.
      rules: of the space.
      weights: of the networks.
      hamming: mean number of the T tokens that D gets wrong, on strings it was not fitted to.
    """

    space: SearchSpace
    choices: Configuration
    sizes: Sizes
    rules: Rules
    weights: Weights
    hamming: float = float("nan")

    def encode(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B S d"]:
        """All hidden states of E for each string."""
        padding = padded_rows(tokens.astype(np.int32), padded(len(tokens), 64))
        h = _encode(self.weights, jnp.asarray(padding), choices=self.choices, sizes=self.sizes)
        return np.asarray(h)[: len(tokens)]

    def decode(self, h: Float[np.ndarray, "B S d"]) -> Int[np.ndarray, "B T"]:
        """The string that D writes for each embedding."""
        padding = jnp.asarray(padded_rows(h, padded(len(h), 64)))
        decoded = _decode(self.weights, padding, self.rules, choices=self.choices, sizes=self.sizes)
        return np.asarray(decoded)[: len(h)]


@functools.lru_cache(maxsize=2)
def autoencoder(space: SearchSpace, choices: Configuration, seed: int) -> Autoencoder:
    """E and D of a space, fitted to random strings of it. The same seed gives the same."""
    rng = np.random.default_rng([seed, 1])
    sizes = Sizes(space.length, len(space.vocabulary), space.group if choices.branches else 1)
    rules = Rules.of(space.grammar)
    strings = space.grammar.sample(rng, STRINGS).astype(np.int32)
    data = Data(jnp.zeros((1, 1, space.length), jnp.int32), jnp.zeros(1), jnp.asarray(strings))
    start = nnx.state(Networks(choices, sizes, rng))
    weights, _ = fit(
        jax.tree.map(lambda leaf: leaf[None], start),
        jax.random.split(jax.random.key(seed), 1),
        data,
        rules,
        jnp.zeros((1, 1), jnp.int32),
        jnp.zeros(1, jnp.int32),
        jnp.asarray(choices.updates),
        configuration=choices,
        sizes=sizes,
    )
    fitted = Autoencoder(space, choices, sizes, rules, jax.tree.map(lambda leaf: leaf[0], weights))
    others = _others(space, strings, rng)
    return dataclasses.replace(fitted, hamming=hamming(fitted.decode(fitted.encode(others)), others))


def _others(
    space: SearchSpace, strings: Int[np.ndarray, "B T"], rng: np.random.Generator
) -> Int[np.ndarray, "U T"]:
    """Random strings that are not among some; of a space that has no others, any."""
    drawn = space.grammar.sample(rng, STRINGS).astype(np.int32)
    known = {x.tobytes() for x in strings}
    new = [x for x in drawn if x.tobytes() not in known]
    return np.array(new or drawn, np.int32)[:HELD_OUT]
