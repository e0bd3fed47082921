"""E and D fitted to strings alone: a continuous space of architectures before any of them is scored.

This is Eqn. (1) with lambda = 0, on strings that cost nothing. It needs no scores, so it is done once for a
search, and what is learnt from the scores (`process_encoder.py`) stays the same space all along.

Axis letters: B strings, U others, A strings that mean the same, T tokens, S steps of the encoder, d hidden
units.
"""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from nao.analysis.ranking import hamming
from nao.core import Architecture, SearchSpace
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
    _embedded: dict[tuple[int, bytes], Float[np.ndarray, " d"]] = dataclasses.field(
        default_factory=dict, repr=False
    )

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

    def embed(self, tokens: Int[np.ndarray, "B T"], variants: int) -> Float[np.ndarray, "B d"]:
        """The mean embedding of each architecture: the mean of h_1 .. h_S, averaged over its strings.

        Strings that `SearchSpace.symmetric` connects have the same one. Where there are more than `variants`
        of them it is averaged over so many random ones, the same each time for the same string; with
        `variants` of 1 it is that of the string as it stands.
        """
        strings = np.ascontiguousarray(tokens, np.int32)
        keys = [(variants, x.tobytes()) for x in strings]
        new = {key: x for key, x in zip(keys, strings, strict=True) if key not in self._embedded}
        if new:
            same = [_same(self.space, x, variants) for x in new.values()]
            e = self.encode(np.concatenate(same)).mean(axis=1, dtype=np.float64)
            for key, part in zip(new, np.split(e, np.cumsum([len(x) for x in same])[:-1]), strict=True):
                self._embedded[key] = part.mean(axis=0)
        return np.array([self._embedded[key] for key in keys])


def _same(space: SearchSpace, tokens: Int[np.ndarray, " T"], most: int) -> Int[np.ndarray, "A T"]:
    """All strings that mean the same as one, in order, or `most` random ones where there are more.

    If `most` is 1 it is the string itself.
    """
    if most == 1:
        return tokens[None]
    x = Architecture(tuple(tokens.tolist()), space)
    others = list(itertools.islice(space.symmetric(x), most))
    if len(others) < most:
        return np.array(sorted([x.tokens, *(other.tokens for other in others)]), np.int32)
    return space.redraw(np.tile(tokens, (most, 1)), np.random.default_rng(x.tokens))


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
