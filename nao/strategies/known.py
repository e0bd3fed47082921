"""What a strategy has seen: the memory that keeps it from proposing the same architecture twice."""

import numpy as np

from nao.core import Architecture, SearchSpace

BATCH = 64  # strings drawn at a time
PATIENCE = 20  # a space is taken to be exhausted after this many draws per string without a new one,
MOST_DRAWS = 20_000  # or after this many


class Known:
    """A set of architectures, in which all strings that mean the same are one.

    Args:
      space: where they come from.
    """

    def __init__(self, space: SearchSpace):
        self._space = space
        self._keys: set[str] = set()

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

    def draw(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n architectures uniformly from those that are not known, and takes them in.

        Returns:
          n architectures; fewer when the space has (almost certainly) no more.
        """
        drawn: list[Architecture] = []
        patience = min(PATIENCE * self._space.size, MOST_DRAWS)
        misses = 0
        while len(drawn) < n and misses < patience:
            for architecture in self._space.sample(rng, BATCH):
                if len(drawn) == n:
                    break
                new = self.add(architecture)
                misses = 0 if new else misses + 1
                drawn += [architecture] if new else []
        return drawn
