"""The graph networks of NAS-Bench-Graph, as strings (Qin et al. 2022).

A network has 4 nodes. Each reads the input or a node before it and applies an operation; what no node
reads is the output. A string holds two tokens for each node, what it reads and its operation:

    input gcn node1 gat node1 skip input fc

The benchmark counts networks as equal that differ in the numbers of their nodes, or in skips that do
nothing. What is left of a network without these is a forest, and stands for all of them.

Axis letters: B strings, T tokens, K nodes of a network, P orders of the nodes, F features, V vocabulary.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.spaces import edits
from nao.spaces.text import Worded

NODES = 4  # K
SKIP = "skip"


class Tree(NamedTuple):
    """A node of a network: its operation, and what reads it."""

    operation: str
    readers: tuple["Tree", ...]


@dataclasses.dataclass(frozen=True)
class NASBenchGraphSpace(Worded):
    """All networks of 4 nodes with these operations, not all of them skips; a `nao.core.SearchSpace`.

    There are 4! (O^4 - 1) strings.

    Attributes:
      name: what the command line calls it.
      operations: what a node may do; `skip` among them.
      group: tokens of a node.

    Raises:
      InputError: there is no `skip`, or nothing else.
    """

    name: str
    operations: tuple[str, ...]
    group: int = dataclasses.field(default=2, init=False)

    def __post_init__(self) -> None:
        if SKIP not in self.operations or len(self.operations) < 2:
            raise InputError(f"{self.name}: the operations are {SKIP!r} and at least one more")

    def __reduce__(self) -> tuple[type["NASBenchGraphSpace"], tuple[object, ...]]:
        """Pickles what defines the space, and none of the tables that follow from it."""
        return type(self), (self.name, self.operations)

    @property
    def length(self) -> int:
        """T, the number of tokens in every string."""
        return 2 * NODES

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: what can be read (nothing reads the last node), then the operations."""
        return ("input", *(f"node{k}" for k in range(1, NODES)), *self.operations)

    @functools.cached_property
    def grammar(self) -> Grammar:
        """Nodes read what is before them. State 0 says that all operations were skips so far, 1 that not."""
        skip = self.vocabulary.index(SKIP)
        legal = np.zeros((self.length, 2, len(self.vocabulary)), np.bool_)
        following = np.broadcast_to(np.array([[0], [1]], np.int32), legal.shape).copy()
        for k in range(NODES):
            legal[2 * k, :, : k + 1] = True
            legal[2 * k + 1, :, NODES:] = True
            following[2 * k + 1, 0, NODES:] = 1
            following[2 * k + 1, 0, skip] = 0
        legal[-1, 0, skip] = False
        legal.setflags(write=False)
        following.setflags(write=False)
        return Grammar(legal, following)

    def tokens_of(self, links: Sequence[int], operations: Sequence[str]) -> tuple[int, ...]:
        """The string of a network as NAS-Bench-Graph gives it.

        Args:
          links: what each node reads: 0 for the input, k for node k.
          operations: of each node.

        Returns:
          T tokens.

        Raises:
          InputError: it is not a network of this space.
        """
        slots = [f"node{k}" if k else "input" for k in links]
        words = [word for pair in zip(slots, operations, strict=False) for word in pair]
        return self.parse(" ".join(words)).tokens

    def _reordered(
        self, tokens: Int[np.ndarray, "B T"]
    ) -> tuple[Int[np.ndarray, "B P T"], Bool[np.ndarray, "B P"]]:
        """The strings `[B, P, T]` with the nodes in every order, and whether each is one `[B, P]`."""
        orders = np.array(list(itertools.permutations(range(NODES))))  # [P, K]
        place = np.zeros((len(orders), NODES + 1), tokens.dtype)  # of the input, then of each node
        place[:, 1:] = np.argsort(orders) + 1
        links = place[np.arange(len(orders))[:, None], tokens[:, 0::2][:, orders]]  # [B, P, K]
        strings = np.stack([links, tokens[:, 1::2][:, orders]], axis=-1)
        return strings.reshape(*links.shape[:2], self.length), (links <= np.arange(NODES)).all(axis=-1)

    def symmetric(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every other string that numbering the nodes differently leads to, each once."""
        strings, kept = self._reordered(np.array([architecture.tokens]))
        for string in np.unique(strings[kept], axis=0).tolist():
            if tuple(string) != architecture.tokens:
                yield Architecture(tuple(string), self)

    def redraw(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Numbers the nodes of each string `[B, T]` at random.

        Every symmetric string comes of equally many orders, so a uniform order is a uniform string.
        """
        strings, kept = self._reordered(tokens)
        order = (kept * (1 - rng.random(kept.shape))).argmax(axis=1)  # the factor is never 0
        return np.take_along_axis(strings, order[:, None, None], axis=1)[:, 0]

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the networks that NAS-Bench-Graph takes to be equal.

        It is the forest without its idle skips: `gcn(gat fc(skip skip))`.
        """
        return _written(self._forest(architecture.tokens))

    def _forest(self, tokens: tuple[int, ...]) -> tuple[Tree, ...]:
        return _forest(tokens[0::2], tuple(self.vocabulary[token] for token in tokens[1::2]))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour: one node reads something else, or does something else."""
        return edits.mutate(architecture, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every string that `mutate` can make of this one, each once."""
        return edits.neighbours(architecture)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """What stands where in the forest `[B, F]`.

        All sequences of operations from input to output would be F = 7,380; these are their pieces:
        how often each operation stands at each depth (O K), and how often one reads another, the input
        and the output among them ((O + 1)^2). With 9 operations F is 136.
        """
        number = {operation: o for o, operation in enumerate(self.operations)}
        o = len(number)
        depths = np.zeros((len(tokens), NODES, o))
        reads = np.zeros((len(tokens), o + 1, o + 1))  # from the input or o, to o or the output
        for b, string in enumerate(tokens.tolist()):
            for depth, above, operation, leaf in _nodes(self._forest(tuple(string))):
                depths[b, depth, number[operation]] += 1
                reads[b, number.get(above, o), number[operation]] += 1
                reads[b, number[operation], o] += leaf
        flat = depths.reshape(len(tokens), NODES * o), reads.reshape(len(tokens), (o + 1) ** 2)
        return np.concatenate(flat, axis=1)

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study."""
        return {"space": self.name, "operations": list(self.operations)}


@functools.lru_cache(maxsize=2**16)
def _forest(
    links: tuple[int, ...], operations: tuple[str, ...], node: int = 0, raw: bool = True
) -> tuple[Tree, ...]:
    """What reads a node (0: the input) without idle skips, in an order that does not depend on the numbers.

    A node is raw if it is the input.
    """
    found = tuple(sorted(_below(links, operations, node, raw)))
    only_skip = found == (Tree(SKIP, ()),)  # which is one with what it reads
    return () if only_skip else found


def _below(links: tuple[int, ...], operations: tuple[str, ...], node: int, raw: bool) -> Iterator[Tree]:
    for k, (link, done) in enumerate(zip(links, operations, strict=True), 1):
        if link != node:
            continue
        if done == SKIP and k in links:
            yield from _below(links, operations, k, raw)  # a skip that is read is one with what it reads
        elif done != SKIP or not raw:  # a skip from input to output is left out
            yield Tree(done, _forest(links, operations, k, raw=False))


def _written(forest: tuple[Tree, ...]) -> str:
    """The forest as a string, with what reads an operation in brackets after it."""
    return " ".join([done + (f"({_written(below)})" if below else "") for done, below in forest])


def _nodes(forest: tuple[Tree, ...], above: str = "", depth: int = 0) -> Iterator[tuple[int, str, str, bool]]:
    """Each node's depth, the operation that it reads (empty: the input), its own, and if it is a leaf."""
    for done, below in forest:
        yield depth, above, done, not below
        yield from _nodes(below, done, depth + 1)


NASBENCH_GRAPH = NASBenchGraphSpace(
    "nasbench-graph", ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", SKIP)
)
"""NAS-Bench-Graph: 9 operations, 26,206 different networks, each a string of 8 tokens."""
