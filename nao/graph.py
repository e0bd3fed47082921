"""The graph of an architecture: drawings, listings, path features and isomorphism keys are read from it.

`space.graph(architecture)` makes one. A graph is a few cells, and a cell is a directed acyclic graph. In
some spaces the operations are applied at the nodes (NAS-Bench-101), in others on the way along an edge
(NAS-Bench-201, the cells of NAONet), so both can have one.

Axis letters: none.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Node:
    """One node of a cell: an input, an intermediate result, or the output.

    Attributes:
      name: unique in its cell; what listings and drawings call it.
      operation: what is applied to what the node has read; empty for nothing.
      combiner: how several incoming edges become one value: `add`, `concat` or another word for it.
    """

    name: str
    operation: str = ""
    combiner: str = "add"


@dataclasses.dataclass(frozen=True, order=True)
class Edge:
    """One node reads another.

    Attributes:
      source: the index of the node that is read.
      target: the index of the node that reads it; larger than `source`.
      operation: what is applied on the way; empty for nothing.
    """

    source: int
    target: int
    operation: str = ""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A directed acyclic graph with one output.

    Attributes:
      name: such as `normal` or `reduction`; empty where an architecture is a single cell.
      nodes: the inputs come first and the output last; every node comes after those that it reads.
      edges: in the order in which the listing names them. Two nodes may have several.
      inputs: how many of the nodes are inputs.
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    inputs: int = 1

    def lines(self) -> list[str]:
        """One formula for each node that is no input, such as `node3 = conv 3x3(node1) + identity(node2)`.

        In a chain, where every node reads the one before it, only the operations are listed.
        """
        last = len(self.nodes) - 1
        if self.edges == tuple(Edge(v, v + 1) for v in range(last)):
            return [f"{node.name} = {node.operation}" for node in self.nodes[self.inputs : last]]
        return [f"{self.nodes[v].name} = {self._formula(v)}" for v in range(self.inputs, last + 1)]

    def _formula(self, v: int) -> str:
        node = self.nodes[v]
        terms = []
        for edge in self.edges:
            if edge.target == v:
                name = self.nodes[edge.source].name
                terms.append(f"{edge.operation}({name})" if edge.operation else name)
        if node.combiner == "add":
            combined = " + ".join(terms) or "0"
        else:
            combined = f"{node.combiner}({', '.join(terms)})"
        return f"{node.operation}({combined})" if node.operation else combined

    def _repr_svg_(self) -> str:
        """The drawing that a notebook shows."""
        from nao.report.drawing import svg  # which draws graphs, and so imports this

        return svg(self)

    def prune(self) -> "Cell":
        """The cell without the nodes that are on no path from an input to the output.

        The inputs and the output always stay.
        """
        last = len(self.nodes) - 1
        reached, useful = set(range(self.inputs)), {last}
        for edge in sorted(self.edges, key=lambda edge: edge.target):
            reached |= {edge.target} if edge.source in reached else set()
        for edge in sorted(self.edges, key=lambda edge: -edge.source):
            useful |= {edge.source} if edge.target in useful else set()
        on_a_path = reached & useful
        kept = sorted(on_a_path | {*range(self.inputs), last})
        place = {v: i for i, v in enumerate(kept)}
        edges = tuple(
            Edge(place[edge.source], place[edge.target], edge.operation)
            for edge in self.edges
            if edge.source in on_a_path and edge.target in on_a_path
        )
        return Cell(self.name, tuple(self.nodes[v] for v in kept), edges, self.inputs)

    def count_paths(self) -> Counter[tuple[str, ...]]:
        """How many paths from an input to the output apply each sequence of operations.

        This is the path encoding of White, Neiswanger and Savani (2021), with counts in place of bits. It
        can be exponentially large in the number of nodes.
        """
        arriving: list[Counter[tuple[str, ...]]] = [Counter() for _ in self.nodes]
        for v in range(self.inputs):
            arriving[v][()] = 1
        for edge in sorted(self.edges, key=lambda edge: edge.target):
            steps = (edge.operation, self.nodes[edge.target].operation)
            for path, count in arriving[edge.source].items():
                arriving[edge.target][(*path, *filter(None, steps))] += count
        return arriving[-1]

    def isomorphism_key(self) -> str:
        """A key that is equal exactly for isomorphic cells, once both are pruned.

        An isomorphism may rename and reorder nodes, but it keeps operations, combiners, each input and the
        output.
        """
        cell = self.prune()
        last = len(cell.nodes) - 1
        labels = []
        for v, node in enumerate(cell.nodes):
            role = v + 1 if v < cell.inputs else -1 if v == last else 0
            labels.append((role, node.operation, node.combiner))
        return f"{sorted(labels)} {_smallest_edges(cell.edges, _rank(labels))}"


@dataclasses.dataclass(frozen=True)
class Graph:
    """An architecture as a graph.

    Attributes:
      cells: its cells, in the order in which the string has them.
    """

    cells: tuple[Cell, ...]

    def lines(self) -> list[str]:
        """The formulas of all cells, each cell with its name as a heading and an empty line at its end."""
        lines = []
        for cell in self.cells:
            lines += [f"{cell.name} cell"] if cell.name else []
            lines += [*(f"  {line}" for line in cell.lines()), ""]
        return lines

    def _repr_svg_(self) -> str:
        """The drawing that a notebook shows."""
        from nao.report.drawing import svg  # which draws graphs, and so imports this

        return svg(self)

    def isomorphism_key(self) -> str:
        """The keys of its cells; cells do not change places."""
        return " | ".join(cell.isomorphism_key() for cell in self.cells)


def chain(operations: Sequence[str], names: Sequence[str] = ()) -> Graph:
    """A graph of one cell, in which every operation is applied to the result of the one before it.

    Args:
      operations: in their order.
      names: of their nodes; node1, node2, ... unless given.
    """
    names = names or [f"node{i}" for i in range(1, len(operations) + 1)]
    inner = [Node(name, operation) for name, operation in zip(names, operations, strict=True)]
    nodes = (Node("input"), *inner, Node("output"))
    return Graph((Cell("", nodes, tuple(Edge(v, v + 1) for v in range(len(nodes) - 1))),))


def _rank(values: Sequence[Any]) -> list[int]:
    """The place of each value in the ascending order of the different values."""
    place = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return [place[value] for value in values]


def _smallest_edges(edges: Sequence[Edge], colours: Sequence[int]) -> list[tuple[int, int, str]]:
    """The smallest sorted list of edges that an order of the nodes leads to.

    The orders that are tried follow from the graph alone, so that isomorphic graphs try the same: nodes are
    in the order of their colours, which are refined by what each node reads and by what reads it. Where
    nodes still have one colour, each of them in turn comes first.

    Args:
      edges: between the nodes.
      colours: a number for each node, from its label.

    Returns:
      (source, target, operation) of each edge, where nodes have their places in the best order.
    """
    colours = _refine(edges, colours)
    sizes = Counter(colours)
    tied = [v for v, colour in enumerate(colours) if sizes[colour] > 1]
    if not tied:
        return sorted((colours[edge.source], colours[edge.target], edge.operation) for edge in edges)
    first = min(colours[v] for v in tied)
    # Nodes with the same edges can change places without a trace: one of them stands for all.
    different = {_edges_of(edges, v): v for v in tied if colours[v] == first}
    orders = ([2 * colour - (u == v) for u, colour in enumerate(colours)] for v in different.values())
    return min(_smallest_edges(edges, order) for order in orders)


def _refine(edges: Sequence[Edge], colours: Sequence[int]) -> list[int]:
    """Splits colours until nodes of one colour read, and are read by, nodes of the same colours."""
    while True:
        reads: list[list[tuple[str, int]]] = [[] for _ in colours]
        readers: list[list[tuple[str, int]]] = [[] for _ in colours]
        for edge in edges:
            reads[edge.target].append((edge.operation, colours[edge.source]))
            readers[edge.source].append((edge.operation, colours[edge.target]))
        near = [(tuple(sorted(r)), tuple(sorted(w))) for r, w in zip(reads, readers, strict=True)]
        refined = _rank(list(zip(colours, near, strict=True)))
        if len(set(refined)) == len(set(colours)):
            return refined
        colours = refined


def _edges_of(edges: Sequence[Edge], v: int) -> tuple[tuple[tuple[int, str], ...], ...]:
    """The edges that lead to a node, and those that lead away from it, without the node itself."""
    reads = sorted((edge.source, edge.operation) for edge in edges if edge.target == v)
    readers = sorted((edge.target, edge.operation) for edge in edges if edge.source == v)
    return tuple(reads), tuple(readers)
