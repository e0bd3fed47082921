"""Directed acyclic graphs whose vertices have operations, as strings: when are two of them the same?

Vertex 0 is the input, vertex N - 1 the output. A string is written column by column: for each vertex j from
1 on, it has a bit for every i < j, which says whether j reads i, and then the operation of j. The output has
no operation. Tokens 0 and 1 are the bits, and token 2 + o is operation o.

Everything here takes many strings at a time. The interior vertices have at most 5! = 120 orders, so that
going through all of them is one product of matrices.

Axis letters: B strings, T tokens, N vertices, P orders of the interior vertices, F sequences of operations.
"""

import dataclasses
import functools
import itertools

import numpy as np
from jaxtyping import Bool, Float, Int

FIRST_OPERATION = 2  # the token of operation 0


@dataclasses.dataclass(frozen=True)
class Columns:
    """The strings of graphs of a given size.

    Attributes:
      vertices: N, input and output included.
      operations: how many operations there are.
    """

    vertices: int
    operations: int

    @functools.cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """What stands at each of the T positions: the edge i -> j, or the operation of vertex j as (j, j)."""
        return [(i, j) for j in range(1, self.vertices) for i in range(j + 1)][:-1]  # the output has none

    @functools.cached_property
    def _ends(self) -> Int[np.ndarray, "2 T"]:
        """`pairs` as two arrays."""
        return np.array(self.pairs).T

    @functools.cached_property
    def _orders(self) -> Int[np.ndarray, "P N"]:
        """Every order of the interior vertices: which vertex comes at each place `[P, N]`."""
        interior = itertools.permutations(range(1, self.vertices - 1))
        return np.array([(0, *order, self.vertices - 1) for order in interior])

    @functools.cached_property
    def sources(self) -> Int[np.ndarray, "P T"]:
        """For each order and position, the position in the string whose token moves there `[P, T]`."""
        position = {pair: t for t, pair in enumerate(self.pairs)}
        i, j = self._ends
        ends = np.sort(np.stack([self._orders[:, i], self._orders[:, j]], axis=-1))  # [P, T, 2]
        return np.array([[position[a, b] for a, b in order] for order in ends.tolist()])

    @functools.cached_property
    def _backwards(self) -> Float[np.ndarray, "P T"]:
        """1 for every edge that would lead backwards in an order `[P, T]`."""
        place = np.argsort(self._orders)
        i, j = self._ends
        return (place[:, i] > place[:, j]).astype(np.float64)

    def are_topological(self, tokens: Int[np.ndarray, "B T"]) -> Bool[np.ndarray, "B P"]:
        """Whether each order has every vertex of a string after those that it reads `[B, P]`."""
        topological: Bool[np.ndarray, "B P"] = tokens @ self._backwards.T == 0
        return topological

    def adjacency(self, tokens: Int[np.ndarray, "B T"]) -> Bool[np.ndarray, "B N N"]:
        """Whether vertex j reads vertex i, at `[:, i, j]` of `[B, N, N]`."""
        i, j = self._ends
        adjacency = np.zeros((len(tokens), self.vertices, self.vertices), np.bool_)
        adjacency[:, i[i < j], j[i < j]] = tokens[:, i < j] == 1
        return adjacency

    def prune(self, tokens: Int[np.ndarray, "B T"]) -> Int[np.ndarray, "B T"]:
        """Removes the vertices that are on no path from input to output.

        They keep their places in the string, without edges and with operation 0.
        """
        adjacency = self.adjacency(tokens)
        reached, reaches = np.zeros((2, len(tokens), self.vertices), np.bool_)
        reached[:, 0] = reaches[:, -1] = True
        for j in range(1, self.vertices):
            reached[:, j] = (adjacency[:, :, j] & reached).any(axis=1)
        for i in reversed(range(self.vertices - 1)):
            reaches[:, i] = (adjacency[:, i, :] & reaches).any(axis=1)
        counts = reached & reaches
        i, j = self._ends
        blank = np.where(i == j, FIRST_OPERATION, 0)
        return np.where(counts[:, i] & counts[:, j], tokens, blank).astype(tokens.dtype)

    @functools.cached_property
    def _weights(self) -> Float[np.ndarray, "P T"]:
        """For each order, the weights `[P, T]` whose product with a string numbers the reordered string.

        That number has one digit for each token.
        """
        i, j = self._ends
        radix = np.where(i == j, float(self.operations), 2.0)
        digit = np.cumprod([1.0, *radix[:0:-1]])[::-1]
        weights = np.zeros(self.sources.shape)
        np.put_along_axis(weights, self.sources, np.broadcast_to(digit, weights.shape), axis=1)
        return weights

    def number_graphs(self, tokens: Int[np.ndarray, "B T"]) -> Int[np.ndarray, " B"]:
        """A number for each graph `[B]`, equal exactly for isomorphic graphs, once both are pruned.

        It is the smallest number that an order of the pruned graph's vertices leads to. For 7 vertices and 3
        operations it is below 2^30, so float64 holds it exactly, and is multiplied faster than integers are.
        """
        pruned = self.prune(tokens)
        numbers = np.where(self.are_topological(pruned), pruned @ self._weights.T, np.inf)
        smallest: Int[np.ndarray, " B"] = numbers.min(axis=1).astype(np.int64)
        return smallest

    def count_paths(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """How many paths from input to output have each sequence of operations `[B, F]`.

        The path encoding of White, Neiswanger and Savani (2021), with counts in place of bits. With O
        operations, the empty sequence has number 0, and sequence s followed by operation o has number
        1 + O s + o: F = 1 + O + ... + O^(N - 2).
        """
        n = self.vertices
        i, j = self._ends
        adjacency = self.adjacency(tokens).astype(np.float64)
        done = np.eye(self.operations)[tokens[:, i == j] - FIRST_OPERATION]  # [B, N - 2, O]
        shorter, f = (sum(self.operations**k for k in range(longest)) for longest in (n - 2, n - 1))
        paths = np.zeros((len(tokens), n - 1, f))  # from the input to each vertex
        paths[:, 0, 0] = 1
        for v in range(1, n - 1):
            arriving = np.einsum("bi,bis->bs", adjacency[:, :v, v], paths[:, :v, :shorter])
            paths[:, v, 1:] = np.einsum("bs,bo->bso", arriving, done[:, v - 1]).reshape(-1, f - 1)
        leading_out: Float[np.ndarray, "B F"] = np.einsum("bi,bis->bs", adjacency[:, :-1, -1], paths)
        return leading_out
