"""The cells of a convolutional network, as strings (Luo et al. 2018, section 3.1).

An architecture is a few cells, usually a normal and a reduction cell, written one after the other. A
cell has B blocks; a block is two branches, each an input and the operation that is applied to it, and
their results are summed. The inputs of block i (from 0) are node1 and node2, the outputs of the two
previous cells, and node3 ... node(i+2), the blocks before it. The cell's output is the concatenation
of its loose ends, which are the blocks that no other block reads.

    node1 conv 3x3 node2 max-pooling 3x3 ...

is block 0 of a cell whose operations are written in two words each. As data, an architecture is the
array `branches`: input 0 and 1 are node1 and node2, and input i + 2 is block i.

Axis letters: N strings (`*n`: any leading axes), T tokens, C cells, B blocks, O operations, V vocabulary,
S inputs of a cell and its blocks, F features.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.graph import Cell, Edge, Graph, Node
from nao.graph_features import Cells
from nao.spaces.canonical import find_smallest
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.operations import Operation, check_operations, operations
from nao.spaces.text import as_count, check_name

MOST_BLOCKS = 1000  # the tables of the grammar grow with the square of the blocks


@dataclasses.dataclass(frozen=True)
class CellSpace(SpaceDefaults):
    """All architectures of the given cells, blocks and operations; a `nao.core.SearchSpace`.

    There are (((B + 1)!)^2 O^(2B))^C strings.

    Attributes:
      name: what the command line calls it.
      operations: the O operations; all are written in the same number of words.
      cells: names of the C cells of an architecture.
      blocks: B, the number of blocks of each cell.

    Raises:
      InputError: blocks is below 1 or above 1000, two cells have the same name, or the operations cannot be
        told apart in a string.
    """

    name: str
    operations: tuple[Operation, ...]
    cells: tuple[str, ...] = ("normal", "reduction")
    blocks: int = 5

    def __post_init__(self) -> None:
        check_name(self.name, "the name of a space")
        object.__setattr__(self, "blocks", as_count(self.blocks, f"{self.name}: blocks"))
        if self.blocks < 1:
            raise InputError(f"{self.name}: a cell needs at least 1 block, not {self.blocks}")
        if self.blocks > MOST_BLOCKS:
            raise InputError(f"{self.name}: a cell has at most {MOST_BLOCKS} blocks, not {self.blocks}")
        if not self.cells:
            raise InputError(f"{self.name}: an architecture needs at least one cell")
        for cell in self.cells:
            check_name(cell, f"{self.name}: the name of a cell")
        if len(set(self.cells)) < len(self.cells):
            raise InputError(f"{self.name}: cells must have different names, not {', '.join(self.cells)}")
        check_operations(self.operations, reserved=self._nodes)

    @property
    def _nodes(self) -> tuple[str, ...]:
        """The B + 1 words of the input slots. Nothing in a cell reads its last block."""
        return tuple(f"node{i + 1}" for i in range(self.blocks + 1))

    @functools.cached_property
    def group(self) -> int:
        """Tokens of a branch: its input, then the words of its operation."""
        return 1 + len(self.operations[0].words)

    @functools.cached_property
    def length(self) -> int:
        """T, the number of tokens in every string."""
        return len(self.cells) * self.blocks * 2 * self.group

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: nodes, then first words of operations, then second words, and so on."""
        columns = zip(*(operation.words for operation in self.operations), strict=True)
        return tuple(dict.fromkeys([*self._nodes, *itertools.chain.from_iterable(columns)]))

    @functools.cached_property
    def _spelling(self) -> Int32[np.ndarray, "O words"]:
        """The tokens of each operation."""
        number = {word: v for v, word in enumerate(self.vocabulary)}
        return np.array([[number[word] for word in op.words] for op in self.operations], np.int32)

    @functools.cached_property
    def _operation(self) -> dict[tuple[int, ...], int]:
        """The operation that some tokens spell."""
        return {tuple(tokens): o for o, tokens in enumerate(self._spelling.tolist())}

    @functools.cached_property
    def grammar(self) -> Grammar:
        """Which token may follow which; a state is what has been written so far of an operation."""
        beginnings = (spelled[:k] for k in range(self.group - 1) for spelled in self._operation)
        state = {beginning: s for s, beginning in enumerate(dict.fromkeys(beginnings))}  # () is state 0
        shape = (self.length, len(state), len(self.vocabulary))
        legal, following = np.zeros(shape, np.bool_), np.zeros(shape, np.int32)
        positions = np.ndindex(len(self.cells), self.blocks, 2, self.group)
        for t, (_, block, _, slot) in enumerate(positions):
            if slot == 0:
                legal[t, 0, : block + 2] = True
                continue
            for spelled in self._operation:
                before, token, after = spelled[: slot - 1], spelled[slot - 1], spelled[:slot]
                legal[t, state[before], token] = True
                following[t, state[before], token] = state.get(after, 0)
        legal.setflags(write=False)
        following.setflags(write=False)
        return Grammar(legal, following)

    def branches(self, tokens: Int[np.ndarray, "*n T"]) -> Int32[np.ndarray, "*n C B 2 2"]:
        """Architectures as data, for a child network.

        Args:
          tokens: `[..., T]` legal strings.

        Returns:
          `[..., C, B, 2, 2]` for each branch its input (0 and 1: the previous cells; i + 2: block i) and
          its operation, an index into `operations`.
        """
        slots = tokens.reshape(*tokens.shape[:-1], len(self.cells), self.blocks, 2, self.group)
        operation = (slots[..., None, 1:] == self._spelling).all(axis=-1).argmax(axis=-1)
        return np.stack([slots[..., 0], operation], axis=-1).astype(np.int32)

    def tokens_of(self, branches: Int[np.ndarray, "*n C B 2 2"]) -> Int32[np.ndarray, "*n T"]:
        """The strings `[..., T]` of architectures `[..., C, B, 2, 2]`; the inverse of `branches`."""
        slots = np.concatenate([branches[..., :1], self._spelling[branches[..., 1]]], axis=-1)
        return slots.reshape(*branches.shape[:-4], self.length).astype(np.int32)

    @staticmethod
    def loose_ends(branches: Int[np.ndarray, "*n C B 2 2"]) -> Bool[np.ndarray, "*n C B"]:
        """The blocks `[..., C, B]` that no other block reads: they make up the cell's output."""
        inputs = branches[..., 0, None]  # [..., C, B, 2, 1]
        block = 2 + np.arange(branches.shape[-3])  # as an input
        loose: Bool[np.ndarray, "*n C B"] = ~(inputs == block).any(axis=(-3, -2))
        return loose

    def augment(self, tokens: Int[np.ndarray, "N T"], rng: np.random.Generator) -> Int[np.ndarray, "N T"]:
        """Swaps the branches of each block of each string `[N, T]` with probability 1/2.

        This draws from the symmetric architectures of Luo et al. 2018, section 3.3. The blocks of a cell keep
        their order.
        """
        slots = tokens.reshape(-1, len(self.cells), self.blocks, 2, self.group)
        swap = rng.random((*slots.shape[:3], 1, 1)) < 0.5
        return np.where(swap, slots[..., ::-1, :], slots).reshape(tokens.shape)

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the strings of isomorphic graphs.

        Such strings differ in the order of branches and in the order (hence the numbers) of blocks. The key
        is the smallest of them, written as the numbers of `branches`, with `|` between cells.
        """
        tokens, g, operation = architecture.tokens, self.group, self._operation
        branches = [(tokens[t], operation[tokens[t + 1 : t + g]]) for t in range(0, self.length, g)]
        blocks = list(zip(branches[::2], branches[1::2], strict=True))
        cells = [find_smallest(blocks[b : b + self.blocks]) for b in range(0, len(blocks), self.blocks)]
        return "|".join(
            [" ".join([f"{i} {p} {j} {q}" for (i, p), (j, q) in cell]) for cell in cells],
        )

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour: one input or operation, each equally likely, becomes another one that is legal."""
        branches = self.branches(np.array(architecture.tokens))
        choices = np.full_like(branches, len(self.operations))  # how many values each slot can have
        choices[..., 0] = 2 + np.arange(self.blocks)[:, None]
        slots = np.argwhere(choices > 1)
        slot = tuple(slots[rng.integers(len(slots))])
        branches[slot] = (branches[slot] + rng.integers(1, choices[slot])) % choices[slot]
        return Architecture(tuple(self.tokens_of(branches).tolist()), self)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every string in which one input or operation is another one that is legal, each once."""
        branches = self.branches(np.array(architecture.tokens))
        for slot in np.ndindex(branches.shape):
            _, block, _, part = slot
            for value in range(len(self.operations) if part else block + 2):
                if value != branches[slot]:
                    other = branches.copy()
                    other[slot] = value
                    yield Architecture(tuple(self.tokens_of(other).tolist()), self)

    def features(self, tokens: Int[np.ndarray, "N T"]) -> Float[np.ndarray, "N F"]:
        """The pieces of the paths from the inputs of each cell to its output `[N, F]`.

        There are too many paths for one feature each. For each cell: how often each operation reads
        node1, reads node2, and is in a loose end, and how often it reads a block that has another one:
        F = C O (3 + O).
        """
        branches = self.branches(tokens)
        done = np.eye(len(self.operations))[branches[..., 1]]  # [N, C, B, 2, O]
        read = np.eye(self.blocks + 2)[branches[..., 0]]  # [N, C, B, 2, S]
        readers = np.einsum("ncbis,ncbio->ncso", read, done)
        in_block = done.sum(axis=3)
        ends = np.einsum("ncb,ncbo->nco", self.loose_ends(branches), in_block)[:, :, None]
        pairs = np.einsum("ncbp,ncbo->ncpo", in_block, readers[:, :, 2:])
        pieces = np.concatenate([readers[:, :, :2], ends, pairs], axis=2)  # [N, C, 3 + O, O]
        count = math.prod(pieces.shape[1:])
        return pieces.reshape(len(tokens), count)

    def cell_arrays(self, tokens: Int[np.ndarray, "N T"], words: Sequence[str]) -> Iterator[Cells]:
        """The cells of many strings as arrays, for features of their graphs, without making any graph.

        Args:
          tokens: `[N, T]`.
          words: the W operations in their order.
        """
        N, W, V = len(tokens), len(words), self.blocks + 3
        branches = self.branches(tokens)
        place = {word: w for w, word in enumerate(words)}
        number = np.array([place.get(operation.name, W + 1) for operation in self.operations])
        n, b = np.arange(N)[:, None, None], np.arange(self.blocks)[None, :, None]
        for c, loose in enumerate(np.moveaxis(self.loose_ends(branches), 1, 0)):
            edges = np.zeros((N, V, V, W + 2), np.int32)
            np.add.at(edges, (n, branches[:, c, ..., 0], 2 + b, number[branches[:, c, ..., 1]]), 1)
            edges[:, 2:-1, -1, W] = loose
            yield Cells(edges, np.full((N, V), W, np.int32), inputs=2)

    def graph(self, architecture: Architecture) -> Graph:
        """The cells: operations are on the edges, blocks add their two branches."""
        branches = self.branches(np.array(architecture.tokens))
        loose = self.loose_ends(branches)
        nodes = [Node(f"node{i + 1}") for i in range(self.blocks + 2)]
        nodes.append(Node("output", combiner="concat"))
        cells = []
        for name, blocks, ends in zip(self.cells, branches.tolist(), loose, strict=True):
            edges = [
                Edge(i, 2 + b, self.operations[operation].name)
                for b, block in enumerate(blocks)
                for i, operation in block
            ]
            edges += [Edge(2 + b, 2 + self.blocks) for b in np.flatnonzero(ends).tolist()]
            cells.append(Cell(name, tuple(nodes), tuple(edges), inputs=2))
        return Graph(tuple(cells))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study, and what `from_configuration` makes it from."""
        return {
            "space": self.name,
            "operations": [operation.name for operation in self.operations],
            "cells": list(self.cells),
            "blocks": self.blocks,
        }

    @classmethod
    def from_configuration(cls, c: Mapping[str, Json]) -> "CellSpace":
        """The space with this configuration."""
        return cls(c["space"], operations(*c["operations"]), tuple(c["cells"]), c["blocks"])
