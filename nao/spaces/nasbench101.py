"""The cells of NAS-Bench-101, as strings (Ying et al. 2019).

A cell is an acyclic graph: vertex 0 is its input, vertex N - 1 its output, each vertex between them has
an operation, and there are at most 7 vertices and 9 edges. It is written column by column, as in SemiNAS
(Luo et al. 2020): for each vertex j a bit for every i < j, whether j reads i, then the operation of j.

    1 conv3x3-bn-relu 1 0 maxpool3x3 ...

says that vertex 1 is a convolution that reads the input, and that vertex 2 is a pooling that reads the
input and not vertex 1. Vertices on no path from input to output do not count, so that smaller cells have
strings too.

Axis letters: B strings, T tokens, N vertices, F features, V vocabulary.
"""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.graph import Cell, Edge, Graph, Node
from nao.spaces.dag import FIRST_OPERATION, Columns
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.text import as_count, as_words, check_name


@dataclasses.dataclass(frozen=True)
class NASBench101Space(SpaceDefaults):
    """All cells of at most so many vertices and edges; a `nao.core.SearchSpace`.

    The limit on edges holds for all edges of a string, those of vertices that do not count among them. The
    output can always be reached from the input. A step of the encoder is one token (`group` is 1): the
    columns have 2, 3, 4, ... tokens, so no larger group would hold the same things in every step.

    Attributes:
      name: what the command line calls it.
      operations: what an interior vertex may do.
      vertices: N, input and output included, from 3 to 7.
      edges: the most edges that a string may have.

    Raises:
      InputError: the number of vertices is out of range, no cell has so few edges, or an operation cannot be
        a word.
    """

    name: str
    operations: tuple[str, ...]
    vertices: int = 7
    edges: int = 9

    def __post_init__(self) -> None:
        check_name(self.name, "the name of a space")
        operations = as_words(self.operations, f"{self.name}: the operations", reserved=("0", "1"))
        object.__setattr__(self, "operations", operations)
        for field in ("vertices", "edges"):
            object.__setattr__(self, field, as_count(getattr(self, field), f"{self.name}: {field}"))
        if not 3 <= self.vertices <= 7:
            raise InputError(f"{self.name}: a cell has 3 to 7 vertices, not {self.vertices}")
        if self.edges < 1:
            raise InputError(f"{self.name}: a cell needs at least 1 edge, not {self.edges}")

    @functools.cached_property
    def _columns(self) -> Columns:
        """How a string is laid out."""
        return Columns(self.vertices, len(self.operations))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: no edge, an edge, then the operations."""
        return ("0", "1", *self.operations)

    @functools.cached_property
    def grammar(self) -> Grammar:
        """At most so many edges, and the output reachable from the input."""
        return _make_grammar(self._columns, self.edges)

    def tokens_of(self, matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> tuple[int, ...]:
        """The string of a cell as NAS-Bench-101 gives it, which may have fewer than N vertices.

        Args:
          matrix: rows of an upper triangular adjacency matrix; `matrix[i][j]` is 1 if j reads i.
          operations: of the vertices between the first and the last.

        Returns:
          T tokens. The vertices that are missing have no edges.

        Raises:
          InputError: it is not a cell of this space.
        """
        n = len(matrix)
        if not 2 <= n <= self.vertices or {len(row) for row in matrix} != {n} or len(operations) != n - 2:
            raise InputError(
                f"{self.name}: a cell has 2 to {self.vertices} vertices, all but the first and last with"
                f" an operation; not {n} with {len(operations)} operations"
            )
        if not set(operations) <= set(self.operations):
            raise InputError(f"{self.name}: the operations are {', '.join(self.operations)}")
        if any(matrix[i][j] not in ((0, 1) if i < j else (0,)) for i in range(n) for j in range(n)):
            raise InputError(f"{self.name}: the adjacency matrix must be upper triangular, of zeros and ones")
        row = {**{v: v for v in range(n - 1)}, self.vertices - 1: n - 1}  # where the vertices are in it
        blank = dict.fromkeys(self._columns.pairs, 0) | {
            (v, v): FIRST_OPERATION for v in range(1, self.vertices - 1)
        }
        edges = {(i, j): int(matrix[row[i]][row[j]]) for i, j in itertools.combinations(row, 2)}
        names = {(v, v): FIRST_OPERATION + self.operations.index(o) for v, o in enumerate(operations, 1)}
        tokens = tuple((blank | edges | names).values())
        if self.grammar.fault(tokens) is not None:
            raise InputError(
                f"{self.name}: a cell leads from its input to its output with at most {self.edges} edges"
            )
        return tokens

    def augment(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Numbers the interior vertices of each string `[B, T]` at random.

        As many orders of the vertices lead to each of the possible strings, so each is equally likely.
        Vertices that do not count keep their edges and operations.
        """
        topological = self._columns.are_topological(tokens)
        order = (topological * (1 - rng.random(topological.shape))).argmax(axis=1)  # the factor is never 0
        return np.take_along_axis(tokens, self._columns.sources[order], axis=1)

    def keys(self, tokens: Int[np.ndarray, "B T"]) -> list[str]:
        """`canonical` of many strings `[B, T]` at once, which is much faster; it takes 2 kB for each."""
        return [str(number) for number in self._columns.number_graphs(tokens).tolist()]

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for isomorphic graphs, once both are pruned (see `Columns`)."""
        return _canonical(self, architecture.tokens)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """How many paths from input to output have each sequence of operations `[B, F]`; F is 364."""
        return self._columns.count_paths(tokens)

    def graph(self, architecture: Architecture) -> Graph:
        """The cell as the string has it, with the vertices that do not count."""
        token = dict(zip(self._columns.pairs, architecture.tokens, strict=True))
        inner = [Node(f"node{v}", self.vocabulary[token[v, v]]) for v in range(1, self.vertices - 1)]
        edges = tuple(Edge(i, j) for (i, j), bit in token.items() if i < j and bit)
        return Graph((Cell("", (Node("input"), *inner, Node("output", combiner="concat")), edges),))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study, and what `from_configuration` makes it from."""
        return {
            "space": self.name,
            "operations": list(self.operations),
            "vertices": self.vertices,
            "edges": self.edges,
        }

    @classmethod
    def from_configuration(cls, c: Mapping[str, Json]) -> "NASBench101Space":
        """The space with this configuration."""
        return cls(c["space"], c["operations"], c["vertices"], c["edges"])


@functools.lru_cache(maxsize=2**16)
def _canonical(space: NASBench101Space, tokens: tuple[int, ...]) -> str:
    return space.keys(np.array([tokens]))[0]


# The edges so far, the finished vertices that the input reaches, and whether it reaches the vertex whose
# column is being read.
State = tuple[int, frozenset[int], bool]


def _make_grammar(columns: Columns, most: int) -> Grammar:
    """The automaton that reads a string column by column and counts its edges.

    At each position its states have numbers of their own. It has only the states from which a string can be
    finished.

    Args:
      columns: how a string is laid out.
      most: the most edges of a string.
    """

    def after(state: State, i: int, j: int, token: int) -> State:
        edges, reached, here = state
        if i == j:
            return edges, reached | {j} if here else reached, False
        return edges + token, reached, here or (token == 1 and i in reached)

    choices = [
        range(2) if i < j else range(FIRST_OPERATION, FIRST_OPERATION + columns.operations)
        for i, j in columns.pairs
    ]
    layers: list[list[State]] = [[(0, frozenset({0}), False)]]
    for (i, j), tokens in zip(columns.pairs, choices, strict=True):
        states = (after(state, i, j, token) for state in layers[-1] for token in tokens)
        layers.append(list(dict.fromkeys(state for state in states if state[0] <= most)))

    shape = (len(columns.pairs), max(map(len, layers)), FIRST_OPERATION + columns.operations)
    legal, following = np.zeros(shape, np.bool_), np.zeros(shape, np.int32)
    number = {state: 0 for state in layers[-1] if state[2]}  # the output is reached: the string is finished
    for t, (i, j) in reversed(list(enumerate(columns.pairs))):
        moves = [
            {token: number[then] for token in choices[t] if (then := after(state, i, j, token)) in number}
            for state in layers[t]
        ]
        number = {}
        for state, move in zip(layers[t], moves, strict=True):
            if move:
                legal[t, len(number), list(move)] = True
                following[t, len(number), list(move)] = list(move.values())
                number[state] = len(number)
    legal.setflags(write=False)
    following.setflags(write=False)
    return Grammar(legal, following)


NASBENCH101 = NASBench101Space("nasbench101", ("conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"))
"""NAS-Bench-101: at most 7 vertices and 9 edges, 423,624 different cells, each a string of 26 tokens."""
