"""The graph networks of NAS-Bench-Graph, as strings (Qin et al. 2022).

A network has 4 nodes. Each reads the input or a node before it and applies an operation; what no node
reads is the output. A string holds two tokens for each node, what it reads and its operation:

    input gcn node1 gat node1 skip input fc

The benchmark counts two networks as one if they differ in the numbers of their nodes alone, or in skips that
do nothing. Without numbers and such skips, a network is a forest, which is what its key is made from.

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
from nao.graph import Cell, Edge, Graph, Node
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.text import as_words, check_name

NODES = 4  # K
SKIP = "skip"


class Tree(NamedTuple):
    """A node of a network: its operation, and the nodes that read it."""

    operation: str
    readers: tuple["Tree", ...]


@dataclasses.dataclass(frozen=True)
class NASBenchGraphSpace(SpaceDefaults):
    """All networks of 4 nodes with these operations, not all of them skips; a `nao.core.SearchSpace`.

    There are 4! (O^4 - 1) strings.

    Attributes:
      name: what the command line calls it.
      operations: what a node may do; `skip` among them.

    Raises:
      InputError: there is no `skip`, or nothing else, or an operation cannot be a word.
    """

    name: str
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        check_name(self.name, "the name of a space")
        inputs = ("input", *(f"node{k}" for k in range(1, NODES)))
        operations = as_words(self.operations, f"{self.name}: the operations", reserved=inputs)
        object.__setattr__(self, "operations", operations)
        if SKIP not in self.operations or len(self.operations) < 2:
            raise InputError(f"{self.name}: the operations are {SKIP!r} and at least one more")

    @property
    def group(self) -> int:
        """Tokens of a node: what it reads, and its operation."""
        return 2

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: what a node can read (never the last node), then the operations."""
        return ("input", *(f"node{k}" for k in range(1, NODES)), *self.operations)

    @functools.cached_property
    def grammar(self) -> Grammar:
        """Nodes read what is before them. State 0 means that all operations were skips so far."""
        skip = self.vocabulary.index(SKIP)
        legal = np.zeros((2 * NODES, 2, len(self.vocabulary)), np.bool_)
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

    def _reorder(
        self, tokens: Int[np.ndarray, "B T"]
    ) -> tuple[Int[np.ndarray, "B P T"], Bool[np.ndarray, "B P"]]:
        """Puts the nodes of strings in every order.

        Returns:
          `[B, P, T]` the reordered strings, and `[B, P]` whether each is legal: no node reads a later one.
        """
        orders = np.array(list(itertools.permutations(range(NODES))))  # [P, K]
        place = np.zeros((len(orders), NODES + 1), tokens.dtype)  # of the input, then of each node
        place[:, 1:] = np.argsort(orders) + 1
        links = place[np.arange(len(orders))[:, None], tokens[:, 0::2][:, orders]]  # [B, P, K]
        strings = np.stack([links, tokens[:, 1::2][:, orders]], axis=-1)
        return strings.reshape(*links.shape[:2], self.length), (links <= np.arange(NODES)).all(axis=-1)

    def augment(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Numbers the nodes of each string `[B, T]` at random.

        As many orders of the nodes lead to each of the possible strings, so each is equally likely.
        """
        strings, legal = self._reorder(tokens)
        order = (legal * (1 - rng.random(legal.shape))).argmax(axis=1)  # the factor is never 0
        return np.take_along_axis(strings, order[:, None, None], axis=1)[:, 0]

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the networks that NAS-Bench-Graph takes to be equal.

        It is the forest without its idle skips: `gcn(gat fc(skip skip))`.
        """
        return _write_forest(self._forest(architecture.tokens))

    def _forest(self, tokens: tuple[int, ...]) -> tuple[Tree, ...]:
        return _find_readers(tokens[0::2], tuple(self.vocabulary[token] for token in tokens[1::2]))

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """Which operation stands at which depth of the forest, and which reads which `[B, F]`.

        A feature for each sequence of operations from input to output would be F = 7,380. These are pieces
        of such sequences: how often each operation stands at each depth (O K), and how often one reads
        another, the input and the output among them ((O + 1)^2). With 9 operations F is 136.
        """
        number = {operation: o for o, operation in enumerate(self.operations)}
        o = len(number)
        depths = np.zeros((len(tokens), NODES, o))
        reads = np.zeros((len(tokens), o + 1, o + 1))  # from the input or o, to o or the output
        for b, string in enumerate(tokens.tolist()):
            for depth, above, operation, leaf in _walk(self._forest(tuple(string))):
                depths[b, depth, number[operation]] += 1
                reads[b, number.get(above, o), number[operation]] += 1
                reads[b, number[operation], o] += leaf
        flat = depths.reshape(len(tokens), NODES * o), reads.reshape(len(tokens), (o + 1) ** 2)
        return np.concatenate(flat, axis=1)

    def graph(self, architecture: Architecture) -> Graph:
        """The network as the string has it, with skips that do nothing."""
        links, operations = architecture.tokens[0::2], architecture.tokens[1::2]
        inner = [Node(f"node{k}", self.vocabulary[token]) for k, token in enumerate(operations, 1)]
        nodes = (Node("input"), *inner, Node("output", combiner="concat"))
        edges = [Edge(link, k) for k, link in enumerate(links, 1)]
        edges += [Edge(k, NODES + 1) for k in range(1, NODES + 1) if k not in links]
        return Graph((Cell("", nodes, tuple(edges)),))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study, and what `from_configuration` makes it from."""
        return {"space": self.name, "operations": list(self.operations)}

    @classmethod
    def from_configuration(cls, c: Mapping[str, Json]) -> "NASBenchGraphSpace":
        """The space with this configuration."""
        return cls(c["space"], c["operations"])


@functools.lru_cache(maxsize=2**16)
def _find_readers(
    links: tuple[int, ...], operations: tuple[str, ...], node: int = 0, is_input: bool = True
) -> tuple[Tree, ...]:
    """The forest below a node, without skips that do nothing and in an order that no numbers decide.

    Args:
      links: what each node reads.
      operations: of each node.
      node: 0 for the input, k for node k.
      is_input: whether the node is the input, or a skip that hands the input on.
    """
    found = tuple(sorted(_iterate_readers(links, operations, node, is_input)))
    # A node that nothing but an unread skip reads is the output either way, with or without the skip.
    return () if found == (Tree(SKIP, ()),) else found


def _iterate_readers(
    links: tuple[int, ...], operations: tuple[str, ...], node: int, is_input: bool
) -> Iterator[Tree]:
    for k, (link, operation) in enumerate(zip(links, operations, strict=True), 1):
        if link != node:
            continue
        if operation == SKIP and k in links:
            # What reads a skip might as well read the node that the skip reads.
            yield from _iterate_readers(links, operations, k, is_input)
        elif operation != SKIP or not is_input:  # the benchmark leaves out a skip from input to output
            yield Tree(operation, _find_readers(links, operations, k, is_input=False))


def _write_forest(forest: tuple[Tree, ...]) -> str:
    """Writes each operation with its readers in brackets after it."""
    return " ".join(
        [tree.operation + (f"({_write_forest(tree.readers)})" if tree.readers else "") for tree in forest]
    )


def _walk(forest: tuple[Tree, ...], above: str = "", depth: int = 0) -> Iterator[tuple[int, str, str, bool]]:
    """Yields for each node its depth, the operation that it reads, its own operation, and if it is a leaf.

    Where a node reads the input, the operation that it reads is empty.
    """
    for operation, readers in forest:
        yield depth, above, operation, not readers
        yield from _walk(readers, operation, depth + 1)


NASBENCH_GRAPH = NASBenchGraphSpace(
    "nasbench-graph", ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", SKIP)
)
"""NAS-Bench-Graph: 9 operations, 26,206 different networks, each a string of 8 tokens."""
