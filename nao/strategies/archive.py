"""What a strategy has proposed or was told: the memory that keeps it from proposing an architecture twice.

It also holds every strategy to the limits of a search: what is beyond them is never new.

Axis letters: M strings, T tokens of a string.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import Int

from nao.core import Architecture, SearchSpace
from nao.limits import Limits

BATCH = 64  # strings drawn at a time
PATIENCE = 20  # drawing ends after this many draws per string of the space without a new architecture,
MOST_DRAWS = 20_000  # or after this many
MOST_LISTED = 1_000_000  # strings of a space that is small enough to list what is left of it
CACHED = 20_000  # canonical keys that are kept for each space


@functools.lru_cache(maxsize=16)
def canonical_keys(space: SearchSpace) -> Callable[[tuple[int, ...]], str]:
    """The function from the tokens of a string to its canonical key, which remembers the last results.

    A key can take a tenth of a millisecond to compute, and is asked for at every step of a proposal's way.
    """
    return functools.lru_cache(maxsize=CACHED)(lambda tokens: space.canonical(Architecture(tokens, space)))


class Archive:
    """A set of architectures, in which all strings that mean the same are one.

    Strings beyond the limits count as if they were in it, and are never added: wherever a strategy asks
    whether a string is new, it is not.

    Args:
      space: where they come from.
      limits: what they may cost, if that is limited.
    """

    def __init__(self, space: SearchSpace, limits: Limits | None = None):
        self._space = space
        self._limits = limits
        self._key = canonical_keys(space)
        self._keys: set[str] = set()
        self._left: Int[np.ndarray, "M T"] | None = None  # strings among which are all that are not in here

    def __contains__(self, architecture: Architecture) -> bool:
        if self._limits is not None and architecture not in self._limits:
            return True
        return self._key(architecture.tokens) in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, architecture: Architecture) -> bool:
        """Adds an architecture, unless it is beyond the limits. Returns whether it is new."""
        new = architecture not in self
        if new:
            self._keys.add(self._key(architecture.tokens))
        return new

    def copy(self) -> "Archive":
        """Another set of the same architectures."""
        other = Archive(self._space, self._limits)
        other._keys = set(self._keys)
        return other

    def add_new(self, architectures: Iterable[Architecture], n: int) -> list[Architecture]:
        """Adds the first n of some architectures that are new, and returns them."""
        return list(itertools.islice((x for x in architectures if self.add(x)), n))

    def draw(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n new architectures, and adds them.

        Returns:
          n architectures; fewer when the space has no more.
        """
        return list(itertools.islice(self.draws(rng), n))

    def draws(self, rng: np.random.Generator) -> Iterator[Architecture]:
        """Draws new architectures one after the other, adding each, until the space has no more.

        Each string that is not in the archive is equally likely. It is found by drawing from the whole
        space, and once hardly any draw is new, by listing what is left. A space of more than `MOST_LISTED`
        strings is not listed; drawing ends there when (almost certainly) nothing is left.
        """
        patience = min(PATIENCE * self._space.size, MOST_DRAWS)
        misses = 0
        while misses < patience:
            drawn = self._space.sample(rng, BATCH)
            if self._limits is not None:
                self._limits.within(drawn)  # all at once, to be remembered
            for architecture in drawn:
                new = self.add(architecture)
                misses = 0 if new else misses + 1
                if new:
                    yield architecture
        if self._space.size <= MOST_LISTED:
            for tokens in rng.permutation(self._list_left()).tolist():
                if self.add(architecture := Architecture(tuple(tokens), self._space)):
                    yield architecture

    def _list_left(self) -> Int[np.ndarray, "M T"]:
        """All strings that are not in the archive, in the order of their tokens."""
        strings = self._space.grammar.every_string() if self._left is None else self._left
        new = [Architecture(tuple(tokens), self._space) not in self for tokens in strings.tolist()]
        self._left = strings[np.array(new, np.bool_)]
        return self._left


def every_architecture(space: SearchSpace, limits: Limits | None = None) -> Int[np.ndarray, "M T"]:
    """Every architecture of a small space, as the first of its strings (within limits) in their order."""
    archive = Archive(space, limits)
    strings = space.grammar.every_string()
    new = [archive.add(Architecture(tuple(tokens), space)) for tokens in strings.tolist()]
    return strings[np.array(new, np.bool_)]
