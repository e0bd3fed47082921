"""The cells of NAS-Bench-101, as strings (Ying et al. 2019).

A cell is an acyclic graph: vertex 0 is its input, vertex N - 1 its output, each vertex between them has
an operation, and there are at most 7 vertices and 9 edges. It is written column by column, as in SemiNAS
(Luo et al. 2020): for each vertex j a bit for every i < j, whether j reads i, then the operation of j.

    1 conv3x3-bn-relu 1 0 maxpool3x3 ...

says that vertex 1 is a convolution that reads the input; so is vertex 2, a pooling that does not read
vertex 1. Vertices on no path from input to output do not count, hence smaller cells are written too.

Axis letters: B strings, T tokens, N vertices, F features, V vocabulary.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.spaces import edits
from nao.spaces.dag import FIRST_OPERATION, Columns
from nao.spaces.text import Worded


@dataclasses.dataclass(frozen=True)
class NASBench101Space(Worded):
    """All cells of at most so many vertices and edges; a `nao.core.SearchSpace`.

    The edges of vertices that do not count are counted too: a string has at most `edges` of them, and
    its output can be reached from its input.

    Attributes:
      name: what the command line calls it.
      operations: what an interior vertex may do.
      vertices: N, input and output included, from 3 to 7.
      edges: the most edges that a string may have.
      group: tokens of one step of the encoder. The columns have 2, 3, 4, ... tokens, so no larger group
        would hold the same things in every step.

    Raises:
      InputError: the number of vertices is out of range, or no cell has so few edges.
    """

    name: str
    operations: tuple[str, ...]
    vertices: int = 7
    edges: int = 9
    group: int = dataclasses.field(default=1, init=False)

    def __post_init__(self) -> None:
        if not 3 <= self.vertices <= 7:
            raise InputError(f"{self.name}: a cell has 3 to 7 vertices, not {self.vertices}")
        if self.edges < 1:
            raise InputError(f"{self.name}: a cell needs at least 1 edge, not {self.edges}")

    def __reduce__(self) -> tuple[type["NASBench101Space"], tuple[object, ...]]:
        """Pickles what defines the space, and none of the tables that follow from it."""
        return type(self), (self.name, self.operations, self.vertices, self.edges)

    @functools.cached_property
    def _columns(self) -> Columns:
        """How a string is laid out, and what follows from that."""
        return Columns(self.vertices, len(self.operations))

    @property
    def length(self) -> int:
        """T, the number of tokens in every string."""
        return len(self._columns.pairs)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: no edge, an edge, then the operations."""
        return ("0", "1", *self.operations)

    @functools.cached_property
    def grammar(self) -> Grammar:
        """At most so many edges, and the output reachable from the input."""
        return _grammar(self._columns, self.edges)

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

    def symmetric(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every other string that numbering the interior vertices differently leads to, each once.

        What stands at vertices that do not count is kept; `canonical` leaves it out.
        """
        tokens = np.array(architecture.tokens)
        keeps = self._columns.keeps(tokens[None])[0]
        for string in np.unique(tokens[self._columns.sources[keeps]], axis=0).tolist():
            if tuple(string) != architecture.tokens:
                yield Architecture(tuple(string), self)

    def redraw(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Numbers the interior vertices of each string `[B, T]` at random.

        Every symmetric string comes of equally many orders, so a uniform order is a uniform string.
        """
        keeps = self._columns.keeps(tokens)
        order = (keeps * (1 - rng.random(keeps.shape))).argmax(axis=1)  # the factor is never 0
        return np.take_along_axis(tokens, self._columns.sources[order], axis=1)

    def keys(self, tokens: Int[np.ndarray, "B T"]) -> list[str]:
        """`canonical` of many strings `[B, T]` at once, which is much faster; takes 2 kB for each."""
        return [str(number) for number in self._columns.numbers(tokens).tolist()]

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for isomorphic graphs, once both are pruned (see `Columns.numbers`)."""
        return _canonical(self, architecture.tokens)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour: an edge appears or goes, or an operation is replaced."""
        return edits.mutate(architecture, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every string that `mutate` can make of this one, each once."""
        return edits.neighbours(architecture)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """How many paths from input to output have each sequence of operations `[B, F]`; F is 364."""
        return self._columns.paths(tokens)

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study."""
        return {
            "space": self.name,
            "operations": list(self.operations),
            "vertices": self.vertices,
            "edges": self.edges,
        }


@functools.lru_cache(maxsize=2**16)
def _canonical(space: NASBench101Space, tokens: tuple[int, ...]) -> str:
    return space.keys(np.array([tokens]))[0]


State = tuple[int, frozenset[int], bool]  # edges so far, vertices that the input reaches, is this one of them


def _grammar(columns: Columns, most: int) -> Grammar:
    """The automaton that reads a string column by column and counts its edges.

    Its states are numbered anew at each position; only those occur from which the string can be finished.
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
