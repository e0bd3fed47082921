"""How many edits lead from one graph to another: nodes and edges that are added, taken away or renamed.

Graph edit distance with unit costs (Sanfeliu and Fu 1983). Cells are compared in their order and without the
nodes that are on no path (`Cell.prune`); inputs correspond to inputs, and outputs to outputs.

A correspondence of the intermediate nodes is an order of those of one cell, filled up with nodes that are
none. A node costs 1 where only one cell has it, or where the two differ; so do edges between two places. All
of this is |a| + |b| - (what both have): a product of two vectors of 0 and 1, one of them permuted.

Axis letters: N graphs, Q places of a cell, P orders of them, L labels, F facts about a cell.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from nao.graph import Cell, Graph

MOST_EXACT = 6  # intermediate nodes whose orders are all tried


def edit_distances(graphs: Sequence[Graph]) -> Float[np.ndarray, "N N"]:
    """The edit distance of every two graphs of one space.

    Exact where cells have at most 6 intermediate nodes. For larger ones, nodes are exchanged as long as that
    helps, beginning with their own order: an upper bound, which is 0 for equal graphs.
    """
    whole = np.zeros((len(graphs), len(graphs)))
    for cells in zip(*([cell.prune() for cell in graph.cells] for graph in graphs), strict=True):
        whole += _distances(_tables(cells))
    return whole


@dataclasses.dataclass(frozen=True)
class _Tables:
    """Cells as facts that are or are not so.

    Attributes:
      nodes: `[N, Q, L]` there is a node at a place; and it has a label.
      edges: `[N, Q, Q, L]` there is a first, second, ... edge from place to place; and with a label.
      size: `[N]` nodes and edges of each.
      inputs: how many of the places are inputs; the last place is the output.
    """

    nodes: Float[np.ndarray, "N Q L"]
    edges: Float[np.ndarray, "N Q Q _"]
    size: Float[np.ndarray, " N"]
    inputs: int

    def facts(self, i: int, orders: Int[np.ndarray, "P Q"]) -> Float[np.ndarray, "P F"]:
        """The facts about one cell, its nodes in several orders."""
        nodes = self.nodes[i][orders]
        edges = self.edges[i][orders[:, :, None], orders[:, None, :]]
        return np.concatenate([x.reshape(len(orders), -1) for x in (nodes, edges)], axis=1)

    def orders(self, intermediate: Sequence[Sequence[int]]) -> Int[np.ndarray, "P Q"]:
        """Orders of all places, from those of the intermediate ones."""
        last = self.nodes.shape[1] - 1
        return np.array([[*range(self.inputs), *order, last] for order in intermediate])


def _tables(cells: Sequence[Cell]) -> _Tables:
    """The facts about some cells; places that a cell has no node for are at the end, before the output."""
    inputs = cells[0].inputs if cells else 1
    Q = max((len(cell.nodes) for cell in cells), default=2)
    each = [[*range(len(cell.nodes) - 1), Q - 1] for cell in cells]  # the place of every node
    nodes = [
        [
            (p, label)
            for p, node in zip(places, cell.nodes, strict=True)
            for label in ("", (node.operation, node.combiner))
        ]
        for places, cell in zip(each, cells, strict=True)
    ]
    edges = [_edge_facts(cell, places) for cell, places in zip(cells, each, strict=True)]
    size = [len(cell.nodes) + len(cell.edges) for cell in cells]
    return _Tables(_fill(nodes, (Q,)), _fill(edges, (Q, Q)), np.array(size, float), inputs)


def _edge_facts(cell: Cell, places: Sequence[int]) -> list[tuple[Any, ...]]:
    """For each edge: that it is the so-manieth between two places, and the so-manieth of its kind."""
    counts: Counter[tuple[Any, ...]] = Counter()
    facts = []
    for edge in cell.edges:
        ends = places[edge.source], places[edge.target]
        for kind in (None, edge.operation):
            facts.append((*ends, (kind, counts[*ends, kind])))
            counts[*ends, kind] += 1
    return facts


def _fill(facts: Sequence[Sequence[tuple[Any, ...]]], shape: tuple[int, ...]) -> Float[np.ndarray, "N *Q L"]:
    """1 where a fact is so; the last part of each says which column it is in."""
    columns = {label: i for i, label in enumerate(dict.fromkeys(fact[-1] for some in facts for fact in some))}
    table = np.zeros((len(facts), *shape, max(len(columns), 1)), np.float32)
    for i, some in enumerate(facts):
        for *place, label in some:
            table[i, *place, columns[label]] = 1
    return table


def _distances(tables: _Tables) -> Float[np.ndarray, "N N"]:
    """The distance of every two cells: of each to the other in the best of its orders."""
    N, Q = tables.nodes.shape[:2]
    places = range(tables.inputs, Q - 1)
    own = tables.orders([tuple(places)])
    facts = np.concatenate([tables.facts(i, own) for i in range(N)]) if N else np.zeros((0, 1))
    exact = len(places) <= MOST_EXACT
    every = tables.orders([*itertools.permutations(places)]) if exact else own
    found = np.zeros((N, N))
    for j in range(N):
        if exact:
            common = (facts @ tables.facts(j, every).T).max(axis=1)
        else:
            common = np.array([_exchanged(row, tables, j, own[0]) for row in facts])
        found[:, j] = tables.size + tables.size[j] - common
    return np.minimum(found, found.T)


def _exchanged(
    facts: Float[np.ndarray, " F"], tables: _Tables, j: int, order: Int[np.ndarray, " Q"]
) -> float:
    """What a cell has in common with cell j, whose nodes are exchanged as long as that makes it more."""
    places = range(tables.inputs, len(order) - 1)
    common = float((tables.facts(j, order[None]) @ facts)[0])
    while True:
        others = np.repeat(order[None], len(places) * (len(places) - 1) // 2, axis=0)
        for row, (a, b) in zip(others, itertools.combinations(places, 2), strict=True):
            row[[a, b]] = row[[b, a]]
        each = tables.facts(j, others) @ facts
        if each.max() <= common:
            return common
        common, order = float(each.max()), others[each.argmax()]
