"""Graph features: numbers that say what a graph is like, for many sets of operations.

They are those of Kadlecova et al. 2024 (Surprisingly Strong Performance Prediction with Neural Graph
Features), read from `space.graph`, so that every space has them.

Axis letters: B architectures, T tokens, C cells, V nodes of a cell, W operations (X = W + 2
with none and unknown ones), S sets of them, F features.
"""

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.core import Architecture, SearchSpace
from nao.graph import Cell, Graph

SAMPLE = 1024  # random strings, from which the operations of a space and the scale of each feature are read
CHUNK = 1024  # architectures at a time: their paths for every set take several times as much memory
PER_SET = 6  # features of a cell
MOST_SETS = 63  # so many sets of operations at most are all looked at


def graph_features(space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
    """The features `[B, F]` of strings, each divided by its standard deviation over random strings.

    What is the same for all of those counts for nothing. Strings with isomorphic graphs have equal features.
    """
    features = GraphFeatures.of(space)
    told = features.scale > 0
    found = [np.zeros((0, np.count_nonzero(told)))]
    for i in range(0, len(tokens), CHUNK):
        cells = features.cells(space, tokens[i : i + CHUNK])
        found.append(features.of_cells(cells)[:, told] * features.scale[told])
    return np.concatenate(found)


@dataclasses.dataclass(frozen=True)
class GraphFeatures:
    """Which features a space has.

    Attributes:
      words: the W operations, in alphabetical order.
      sets: `[S, W]` the sets of operations.
      nodes: V, of the largest cell.
      scale: `[F]` what each feature is multiplied by; 0 where it is the same for all.
    """

    words: tuple[str, ...]
    sets: Bool[np.ndarray, "S W"]
    nodes: int
    scale: Float[np.ndarray, " F"]

    @classmethod
    @functools.lru_cache(maxsize=16)
    def of(cls, space: SearchSpace) -> "GraphFeatures":
        """The features of a space."""
        tokens = space.grammar.sample(np.random.default_rng(0), SAMPLE)
        graphs = [space.graph(Architecture(tuple(x), space)) for x in tokens.tolist()]
        cells = [cell for graph in graphs for cell in graph.cells]
        words = tuple(sorted({word for cell in cells for word in _operations(cell)}))
        nodes = max(len(cell.nodes) for cell in cells)
        unscaled = cls(words, operation_sets(len(words)), nodes, np.ones(1))
        spread = unscaled.of_cells(unscaled.cells(space, tokens)).std(axis=0)
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)
        return dataclasses.replace(unscaled, scale=scale)

    def describe(self, graphs: Sequence[Graph]) -> Float[np.ndarray, "B F"]:
        """The features as they are, cell by cell."""
        return self.of_cells(self._of_graphs(graphs))

    def of_cells(self, cells: Sequence["Cells"]) -> Float[np.ndarray, "B F"]:
        """The same, from the cells as arrays."""
        found = [restricted(each, self.sets, self.nodes) for each in cells]
        return np.concatenate([each for of_cell in found for each in of_cell], axis=1)

    def cells(self, space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> list["Cells"]:
        """The cells of strings as arrays; a space that has a `cell_arrays` makes them without graphs."""
        own = getattr(space, "cell_arrays", None)
        if own is not None:
            return list(own(tokens, self.words))
        return self._of_graphs([space.graph(Architecture(tuple(x), space)) for x in tokens.tolist()])

    def _of_graphs(self, graphs: Sequence[Graph]) -> list["Cells"]:
        return [self._arrays(cells) for cells in zip(*(graph.cells for graph in graphs), strict=True)]

    def _arrays(self, cells: Sequence[Cell]) -> "Cells":
        """Cells as arrays, in which the output of each is the last node."""
        place = {word: o for o, word in enumerate(self.words)}
        W = len(self.words)
        B, V = len(cells), max(self.nodes, *(len(cell.nodes) for cell in cells))
        last = V - 1
        edges = np.zeros((B, V, V, W + 2), np.int32)
        at_node = np.full((B, V), W, np.int32)
        inputs = cells[0].inputs
        for b, cell in enumerate(cells):
            out = len(cell.nodes) - 1
            for edge in cell.edges:
                target = last if edge.target == out else edge.target
                edges[b, edge.source, target, place.get(edge.operation, W + 1) if edge.operation else W] += 1
            for v, node in enumerate(cell.nodes):
                if node.operation:
                    at_node[b, last if v == out else v] = place.get(node.operation, W + 1)
        return Cells(edges, at_node, inputs)


@dataclasses.dataclass(frozen=True)
class Cells:
    """Many cells of one kind as arrays. Index W of an operation is none at all, W + 1 an unknown one.

    Attributes:
      edges: `[B, V, V, W + 2]` how many edges with each operation go from a node to another.
      at_node: `[B, V]` the operation of each node.
      inputs: how many of the nodes are inputs; the last one is the output.
    """

    edges: Int[np.ndarray, "B V V X"]
    at_node: Int[np.ndarray, "B V"]
    inputs: int


def restricted(cells: Cells, sets: Bool[np.ndarray, "S W"], none: int) -> list[Float[np.ndarray, "B S"]]:
    """The six features for each set of operations.

    A path is restricted to a set when every operation on it is in the set. What is on no path from an input
    to the output counts for nothing.

    Returns:
      How many operations of the set there are; the fewest edges from an input to the output along restricted
      paths, or `none` if there is none; the most operations of the set on any path; and the numbers of
      restricted edges out of the inputs, into the output, and of a node on average.
    """
    edges, at_node = prune(cells)
    B, V = at_node.shape
    S, W = sets.shape
    inside = np.concatenate([sets, np.zeros((S, 2), np.bool_)], axis=1)  # [S, W + 2]
    passes = inside.copy()
    passes[:, W] = True
    node_in, node_passes = inside[:, at_node], passes[:, at_node]  # [S, B, V]
    flat = edges.reshape(-1, W + 2).astype(np.float32)  # counts: products of them are exact
    between = (passes.astype(np.float32) @ flat.T).reshape(S, B, V, V)
    between = between * node_passes[:, :, :, None] * node_passes[:, :, None, :]
    there = np.asarray((edges > 0).any(axis=-1))
    hit = ((inside.astype(np.float32) @ (flat > 0).T.astype(np.float32)) > 0).reshape(S, B, V, V)
    shortest = np.full((S, B, V), V, np.int32)
    shortest[:, :, : cells.inputs] = 0
    most = np.where(np.arange(V) < cells.inputs, 0, -V) * np.ones((S, B, 1), np.int32)
    for v in range(cells.inputs, V):
        step = np.where(between[:, :, :v, v] > 0, shortest[:, :, :v] + 1, V)
        shortest[:, :, v] = step.min(axis=2)
        step = np.where(there[:, :v, v], most[:, :, :v] + hit[:, :, :v, v], -V)
        most[:, :, v] = step.max(axis=2) + node_in[:, :, v]
    kept = there.any(axis=1) | there.any(axis=2)
    count = inside.astype(np.int32) @ edges.sum(axis=(1, 2)).T + (node_in & kept).sum(axis=2)
    nodes = np.maximum(kept.sum(axis=1), 1)
    found = (
        count,
        np.minimum(shortest[:, :, -1], none),
        np.maximum(most[:, :, -1], 0),
        between[:, :, : cells.inputs].sum(axis=(2, 3)),
        between[:, :, :, -1].sum(axis=2),
        between.sum(axis=(2, 3)) / nodes,
    )
    return [np.asarray(each.T, np.float64) for each in found]


def prune(cells: Cells) -> tuple[Int[np.ndarray, "B V V X"], Int[np.ndarray, "B V"]]:
    """The edges that are on a path from an input to the output, and the operations of the nodes there."""
    there = np.asarray((cells.edges > 0).any(axis=-1))
    B, V, _ = there.shape
    reached = np.broadcast_to(np.arange(V) < cells.inputs, (B, V)).copy()
    useful = np.broadcast_to(np.arange(V) == V - 1, (B, V)).copy()
    for v in range(cells.inputs, V):
        reached[:, v] = (there[:, :, v] & reached).any(axis=1)
    for v in range(V - 2, -1, -1):
        useful[:, v] = (there[:, v, :] & useful).any(axis=1)
    on_path = reached & useful
    edges = cells.edges * (on_path[:, :, None] & on_path[:, None, :])[..., None]
    none = cells.edges.shape[-1] - 2
    return edges, np.where(on_path, cells.at_node, none)


def operation_sets(W: int) -> Bool[np.ndarray, "S W"]:
    """Sets of W operations: all but the empty one; of many, single ones, pairs, all but one, and all."""
    sizes = range(1, W + 1) if 2**W - 1 <= MOST_SETS else sorted({1, 2, W - 1, W})
    chosen = [some for size in sizes for some in itertools.combinations(range(W), size)]
    sets = np.zeros((len(chosen), W), np.bool_)
    for row, some in zip(sets, chosen, strict=True):
        row[list(some)] = True
    return sets


def _operations(cell: Cell) -> list[str]:
    """Every operation of a cell, as often as it has it."""
    return [
        *filter(None, [*(node.operation for node in cell.nodes), *(edge.operation for edge in cell.edges)])
    ]
