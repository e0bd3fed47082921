"""What the gradient is measured against: the same encoder, its candidates from elsewhere.

A control has the same E, f and D, fitted to the same scores, the same seeds and the same number of strings,
and the same choice among them. Only where the strings come from differs.

Axis letters: B strings, T tokens.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from nao.core import Architecture, Encoder, FittedEncoder, Json, Quality, SearchSpace
from nao.encoders import ProcessEncoder
from nao.encoders.configuration import DEFAULT


def random_directions() -> Encoder:
    """As far as `default` moves, but in a random direction, without any gradient."""
    return ProcessEncoder(dataclasses.replace(DEFAULT, name="random directions", gradient=0.0))


@dataclasses.dataclass(frozen=True)
class Favourites:
    """Takes what f likes best among strings that no embedding has a part in.

    Attributes:
      inner: the encoder whose f chooses.
      mutated: share of the candidates that are neighbours of the seeds, one edit away; the others are drawn
        at random.
    """

    inner: Encoder
    mutated: float = 0.5

    @property
    def steps(self) -> tuple[float, ...]:
        return tuple(self.inner.steps)

    def fit(
        self, space: SearchSpace, tokens: np.ndarray, scores: np.ndarray, *, seed: int
    ) -> "FittedFavourites":
        fitted = self.inner.fit(space, tokens, scores, seed=seed)
        return FittedFavourites(fitted, space, self.mutated, (seed, len(scores)))

    def configuration(self) -> Mapping[str, Json]:
        return {**self.inner.configuration(), "name": "favourites", "mutated": self.mutated}


@dataclasses.dataclass(frozen=True)
class FittedFavourites:
    """See `Favourites`."""

    inner: FittedEncoder
    space: SearchSpace
    mutated: float
    seed: tuple[int, int]  # other strings each time that more is known

    @property
    def quality(self) -> Quality:
        return self.inner.quality

    def predict(self, tokens: np.ndarray) -> np.ndarray:
        return self.inner.predict(tokens)

    def embed(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.inner.embed(tokens)

    def choose(self, tokens: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        return self.inner.choose(tokens, n)

    def improve(self, tokens: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
        """For each seed a random neighbour of it, or a random string."""
        rng = np.random.default_rng([*self.seed, len(tokens), round(1e6 * step)])
        found = self.space.grammar.sample(rng, len(tokens)).astype(np.int32)
        for i in np.flatnonzero(rng.random(len(tokens)) < self.mutated):
            x = Architecture(tuple(tokens[i].tolist()), self.space)
            found[i] = self.space.mutate(x, rng).tokens
        return found, self.inner.predict(found)
