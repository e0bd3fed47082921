"""The layers of a drawing: every node is in one, and an edge passes through all those between its ends.

This is the first step of Sugiyama, Tagawa and Toda (1981). What stands in a layer is an item: a node, or the
bend of an edge that passes through. Nodes come first and are numbered as in their cell. The operation of an
edge is written at one of its bends, so such an edge has at least one.

Axis letters: none.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from nao.graph import Cell, Edge


@dataclasses.dataclass(frozen=True)
class Layered:
    """A cell whose nodes and bends are in layers.

    Attributes:
      layer: of each item.
      chains: for each edge of the cell, the items that it goes through, its ends included.
    """

    layer: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]

    def layers(self) -> list[list[int]]:
        """The items of each layer."""
        found: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for item, layer in enumerate(self.layer):
            found[layer].append(item)
        return found


def layered(cell: Cell, layers: Sequence[int]) -> Layered:
    """Gives each edge a bend in every layer between those of its nodes.

    Args:
      cell: the cell.
      layers: of its nodes.
    """
    layer = list(layers)
    chains = []
    for edge in cell.edges:
        passed = range(layer[edge.source] + 1, layer[edge.target])
        chains.append((edge.source, *range(len(layer), len(layer) + len(passed)), edge.target))
        layer += passed
    return Layered(tuple(layer), tuple(chains))


def assign_layers(cell: Cell) -> list[int]:
    """The layer of each node: the longest path to it from an input, where an operation counts twice.

    Inputs are in the first layer and the output is in the last, alone. A node that has more readers than it
    reads comes as late as they allow, which makes the edges shorter.
    """
    last = len(cell.nodes) - 1
    layer = push(cell, [0] * cell.inputs + [1] * (len(cell.nodes) - cell.inputs))
    for v in reversed(range(cell.inputs, last)):
        readers = [edge for edge in cell.edges if edge.source == v]
        if len(readers) > sum(edge.target == v for edge in cell.edges):
            layer[v] = min(layer[edge.target] - _length(edge) for edge in readers)
    return layer


def push(cell: Cell, layers: Sequence[int]) -> list[int]:
    """Moves nodes to later layers until every node comes after those that it reads, the output after all."""
    layer, last = list(layers), len(cell.nodes) - 1
    for edge in sorted(cell.edges, key=lambda edge: edge.target):
        layer[edge.target] = max(layer[edge.target], layer[edge.source] + _length(edge))
    if last >= cell.inputs:
        layer[last] = max(layer[last], *(each + 1 for each in layer[:last]), 0)
    return layer


def raised(cell: Cell, layers: Sequence[int], deepest: int) -> Iterator[list[int]]:
    """Every way to move one node to a later layer, and those that read it where they are in the way.

    One input at least stays in the first layer.

    Args:
      cell: the cell.
      layers: of its nodes.
      deepest: the last layer that the output may be in.
    """
    last = len(cell.nodes) - 1
    free = [*layers[:last], 0]
    for v in range(last):
        for layer in range(layers[v] + 1, deepest):
            moved = push(cell, [*free[:v], layer, *free[v + 1 :]])
            if moved[last] > deepest or 0 not in moved[: cell.inputs]:
                break
            yield moved


def _length(edge: Edge) -> int:
    """How many layers an edge needs: one more where its operation is to be written."""
    return 2 if edge.operation else 1
