"""Graphs of architectures in few bytes, from which `thumbnails.js` draws the one that is hovered.

Axis letters: none.
"""

from collections.abc import Iterable
from typing import Any

from nao.graph import Cell, Graph
from nao.report.page.columns import ALPHABET

MOST_BYTES = 2_000_000  # of all graphs of a page


class PackedGraphs:
    """Graphs as short strings, and the tables of what they have in common.

    A cell is `NUMBER:EDGES`: the number of its nodes in `headers`, and three characters for each edge, its
    source, its target and its operation. Cells are divided by spaces.
    """

    def __init__(self) -> None:
        self._headers: dict[tuple[str, int, tuple[tuple[str, str], ...]], int] = {}
        self._operations: dict[str, int] = {}
        self._size = 0

    def pack(self, graphs: Iterable[Graph]) -> list[str]:
        """Each graph as a string; empty for one that is too large, and once all are too many bytes."""
        return [self._pack(graph) for graph in graphs]

    def _pack(self, graph: Graph) -> str:
        operations = {edge.operation for cell in graph.cells for edge in cell.edges} | {*self._operations}
        nodes = max((len(cell.nodes) for cell in graph.cells), default=0)
        if max(nodes, len(operations)) > len(ALPHABET) or self._size > MOST_BYTES:
            return ""
        text = " ".join(self._cell(cell) for cell in graph.cells)
        self._size += len(text)
        return text

    def _cell(self, cell: Cell) -> str:
        header = (cell.name, cell.inputs, tuple((node.name, node.operation) for node in cell.nodes))
        number = self._headers.setdefault(header, len(self._headers))
        edges = []
        for edge in cell.edges:
            operation = self._operations.setdefault(edge.operation, len(self._operations))
            edges += [ALPHABET[i] for i in (edge.source, edge.target, operation)]
        return f"{number}:{''.join(edges)}"

    def tables(self) -> dict[str, Any]:
        """What the strings refer to, for the JSON of a page."""
        headers = [
            {"name": name, "inputs": inputs, "nodes": [operation or node for node, operation in nodes]}
            for name, inputs, nodes in self._headers
        ]
        return {"alphabet": ALPHABET, "operations": list(self._operations), "headers": headers}
