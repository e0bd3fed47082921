"""Full binary trees: leaves, and nodes that join two others each, up to the root.

Nodes 0 ... N - 1 are the leaves, and node N + k joins nodes 2k and 2k + 1. Two orders of the nodes are the
same tree if one becomes the other by swapping what nodes join, with all that is below it.

Axis letters: B orders, N leaves, M = 2N - 1 nodes, K swaps.
"""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int, Int32


@dataclasses.dataclass(frozen=True)
class FullTree:
    """The tree with so many leaves.

    Attributes:
      leaves: N, at least 2.
    """

    leaves: int

    @property
    def nodes(self) -> int:
        """M."""
        return 2 * self.leaves - 1

    @functools.cached_property
    def joined(self) -> Int32[np.ndarray, "M 2"]:
        """The two nodes `[M, 2]` that each node joins: -1 for the leaves, which come first."""
        inner = np.arange(2 * self.leaves - 2, dtype=np.int32).reshape(self.leaves - 1, 2)
        joined = np.concatenate([np.full((self.leaves, 2), -1, np.int32), inner])
        joined.setflags(write=False)
        return joined

    @functools.cached_property
    def below(self) -> Bool[np.ndarray, "M M"]:
        """Whether node i is below node j, at `[i, j]`."""
        below = np.zeros((self.nodes, self.nodes), np.bool_)
        for j in range(self.leaves, self.nodes):
            below[:, j] = below[:, self.joined[j]].any(axis=1)
            below[self.joined[j], j] = True
        return below

    @functools.cached_property
    def levels(self) -> Int[np.ndarray, " M"]:
        """How many nodes are above each node `[M]`: 0 for the root."""
        levels: Int[np.ndarray, " M"] = self.below.sum(axis=1)
        return levels

    @functools.cached_property
    def _shapes(self) -> list[str]:
        """What is below each node. As nodes are joined in order, no two of them differ by swaps alone."""
        shapes: list[str] = []
        for i, joined in enumerate(self.joined.tolist()):
            shapes.append("" if i < self.leaves else f"({','.join([shapes[j] for j in joined])})")
        return shapes

    @functools.cached_property
    def swaps(self) -> Int[np.ndarray, "K M"]:
        """The order of all nodes after each swap of two trees of one shape."""
        swaps = []
        for left, right in self.joined[self.leaves :].tolist():
            if self._shapes[left] == self._shapes[right]:
                order = np.arange(self.nodes)
                for a, b in self._pair(left, right):
                    order[[a, b]] = b, a
                swaps.append(order)
        return np.array(swaps).reshape(len(swaps), self.nodes)

    def _pair(self, a: int, b: int) -> Iterator[tuple[int, int]]:
        """The nodes of two trees of one shape, each with the one that it changes places with."""
        yield a, b
        if a >= self.leaves:
            for i, j in zip(self.joined[a].tolist(), self.joined[b].tolist(), strict=True):
                yield from self._pair(i, j)

    def reorder(self, rng: np.random.Generator, n: int) -> Int[np.ndarray, "B M"]:
        """Orders that are the same tree: which node `[B, M]` comes at each place.

        Every swap is made with probability 1/2. As each order is one choice of swaps, made from the leaves
        to the root, all are equally likely.

        Args:
          rng: NumPy generator; it is advanced.
          n: B.
        """
        order = np.broadcast_to(np.arange(self.nodes), (n, self.nodes))
        for swapped in self.swaps:
            order = np.where(rng.random((n, 1)) < 0.5, order[:, swapped], order)
        return order
