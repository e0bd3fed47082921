"""What a strategy has seen: the memory that keeps it from proposing the same architecture twice.

And what it begins with: the same random architectures as every other strategy under its seed.
"""

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np

from nao.core import Architecture, Proposal, Result, SearchSpace

BATCH = 64  # strings drawn at a time
PATIENCE = 20  # a space is taken to be exhausted after this many draws per string without a new one,
MOST_DRAWS = 20_000  # or after this many


def first(space: SearchSpace, seed: int, n: int) -> list[Architecture]:
    """The first n different random architectures under a seed, whatever the strategy and however it asks.

    Strategies that begin with them can be compared in pairs: under the same seed they begin alike.
    """
    return Known(space).draw(np.random.default_rng([seed, 0]), n)


class Known:
    """A set of architectures, in which all strings that mean the same are one.

    Args:
      space: where they come from.
    """

    def __init__(self, space: SearchSpace):
        self._space = space
        self._keys: set[str] = set()

    def __contains__(self, architecture: Architecture) -> bool:
        return self._space.canonical(architecture) in self._keys

    def add(self, architecture: Architecture) -> bool:
        """Takes an architecture in. Returns whether it was new."""
        key = self._space.canonical(architecture)
        new = key not in self._keys
        self._keys.add(key)
        return new

    def copy(self) -> "Known":
        """Another set of the same architectures."""
        other = Known(self._space)
        other._keys = set(self._keys)
        return other

    def take(self, architectures: Iterable[Architecture], n: int) -> list[Architecture]:
        """Takes in the first n of some architectures that are not known, and returns them."""
        return list(itertools.islice((x for x in architectures if self.add(x)), n))

    def draw(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n architectures uniformly from those that are not known, and takes them in.

        Returns:
          n architectures; fewer when the space has (almost certainly) no more.
        """
        return list(itertools.islice(self.drawn(rng), n))

    def drawn(self, rng: np.random.Generator) -> Iterator[Architecture]:
        """Draws as `draw` does, one after the other, until the space has (almost certainly) no more."""
        patience = min(PATIENCE * self._space.size, MOST_DRAWS)
        misses = 0
        while misses < patience:
            for architecture in self._space.sample(rng, BATCH):
                new = self.add(architecture)
                misses = 0 if new else misses + 1
                if new:
                    yield architecture


class Beginning:
    """The random architectures that a strategy begins with, each handed out once, however it asks.

    Args:
      space: what is searched.
      seed: the strategy's.
      n: how many.

    Attributes:
      begun: how many have been handed out, or left out because they were known. All its state.
    """

    def __init__(self, space: SearchSpace, seed: int, n: int):
        self._first = first(space, seed, n)
        self.begun = 0

    @property
    def left(self) -> int:
        """How many are still to be handed out."""
        return len(self._first) - self.begun

    def take(self, n: int, known: Known) -> list[Proposal]:
        """The next n that are not known, or all that are left."""
        proposals: list[Proposal] = []
        while self.left and len(proposals) < n:
            architecture = self._first[self.begun]
            self.begun += 1
            if known.add(architecture):
                proposals.append(Proposal(architecture, "random"))
        return proposals


def finite_score(result: Result) -> float | None:
    """The score, if it is one to learn from."""
    return result.score if result.score is not None and math.isfinite(result.score) else None
