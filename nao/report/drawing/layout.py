"""A layered layout of a cell: where its nodes stand, how its edges run, where their operations are written.

Inside a layer an edge goes straight on, and only between two layers does it change its place. So no edge
touches a node that is not its end, and two edges cross at most once between two layers.

Axis letters: none.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from nao.graph import Cell
from nao.report.drawing.coordinates import BALANCE, Pull, coordinates
from nao.report.drawing.crossings import Order, arrange
from nao.report.drawing.layers import Layered

Direction = Literal["right", "up"]
Size = tuple[float, float]  # width and height
Point = tuple[float, float]  # x and y, which grows downwards

GAP_BETWEEN = {0: 14.0, 1: 12.0, 2: 16.0}  # between two items of a layer, by how many of them are boxes
SHORTEST, LONGEST, SLOPE = 32.0, 68.0, 0.25  # of the gap between two layers, and its share of the way across
ARRIVAL = 8.0  # before a layer, edges are straight again: room for an arrow head
BEND_TO_BEND = 8.0  # how much more it matters there that an edge goes straight
PORT = 9.0  # between the ends of two edges at a node
CORNER = 7.0  # of a node, where no edge ends


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle, by its centre."""

    x: float
    y: float
    width: float
    height: float


@dataclasses.dataclass(frozen=True)
class Route:
    """How an edge runs.

    Attributes:
      points: it goes straight from the first to the second, bends from there to the third, goes straight to
        the fourth, and so on; it begins and ends straight. A bend leaves and arrives in the direction of
        the drawing.
      label: where its operation is written, if it has one.
    """

    points: tuple[Point, ...]
    label: Box | None


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where everything of a cell is drawn.

    Attributes:
      width: of all of it; x is from 0 to it.
      height: of all of it; y is from 0 to it.
      nodes: the box of each node.
      edges: the route of each edge.
    """

    width: float
    height: float
    nodes: tuple[Box, ...]
    edges: tuple[Route, ...]


def lay_out(
    cell: Cell, nodes: Sequence[Size], labels: Sequence[Size], direction: Direction = "right"
) -> Layout:
    """Lays a cell out.

    Args:
      cell: the cell.
      nodes: the size of the text of each node, its margin included.
      labels: the size of the text of each edge, its margin included; it counts for operations.
      direction: in which the edges lead. The inputs are left and the output is right, or the inputs are below
        and the output is above.
    """
    if not cell.nodes:
        return Layout(0.0, 0.0, (), ())
    graph, orders = arrange(cell)
    turned = direction == "up"
    sizes = [_turn(size, turned) for size in nodes]
    texts = [_turn(size, turned) if e.operation else None for e, size in zip(cell.edges, labels, strict=True)]
    tried = (_Arrangement(graph, order, sizes, texts) for order in orders)
    return min(tried, key=lambda arrangement: arrangement.cost).layout(turned)


class _Arrangement:
    """One way to draw a cell, in terms of `along`, the direction of the edges, and `across`.

    Args:
      graph: the cell, in layers.
      order: of the items in each layer.
      sizes: of the nodes, along and across.
      texts: of the operations of the edges, along and across; None for an edge without one.
    """

    def __init__(
        self, graph: Layered, order: Order, sizes: Sequence[Size], texts: Sequence[Size | None]
    ) -> None:
        self._graph = graph
        self._nodes = len(sizes)
        self._place = {item: place for layer in order for place, item in enumerate(layer)}
        self._ports, ends = self._choose_ports()
        self._sizes: dict[int, Size] = {}
        for v, (along, across) in enumerate(sizes):
            self._sizes[v] = along, max(across, (ends[v] - 1) * PORT + 2 * CORNER)
        self._labels = self._choose_labels(order, texts)
        self._across, cost = coordinates(order, self._apart(order), self._pulls())
        self._bands = self._choose_bands(order)
        low, high = self._sides()
        self.cost = cost + high - low

    def _choose_ports(self) -> tuple[list[tuple[float, float]], list[int]]:
        """Where each edge begins and ends, against the centres of its nodes; and how many a side has at most.

        The edges of a side of a node stand in the order of what they lead to, so that they do not cross.
        """
        chains = self._graph.chains
        begins: list[list[tuple[int, int]]] = [[] for _ in range(self._nodes)]
        ends: list[list[tuple[int, int]]] = [[] for _ in range(self._nodes)]
        for e, chain in enumerate(chains):
            begins[chain[0]].append((self._place[chain[1]], e))
            ends[chain[-1]].append((self._place[chain[-2]], e))
        ports = [[0.0, 0.0] for _ in chains]
        for end, sides in enumerate((begins, ends)):
            for side in sides:
                for place, (_, e) in enumerate(sorted(side)):
                    ports[e][end] = (place - (len(side) - 1) / 2) * PORT
        most = [max(len(side) for side in both) for both in zip(begins, ends, strict=True)]
        return [(begin, end) for begin, end in ports], most

    def _choose_labels(self, order: Order, texts: Sequence[Size | None]) -> dict[int, int]:
        """The bend at which each operation is written: where most room is, then near the target."""
        room = [sum(self._sizes.get(item, (0, 0))[1] for item in layer) for layer in order]
        labels: dict[int, int] = {}
        chains = self._graph.chains
        for e in sorted(range(len(chains)), key=lambda e: len(chains[e])):
            text = texts[e]
            if text is not None:
                bends = chains[e][1:-1]
                labels[e] = min(bends, key=lambda b: (room[self._graph.layer[b]], -self._graph.layer[b]))
                self._sizes[labels[e]] = text
                room[self._graph.layer[labels[e]]] += text[1] + GAP_BETWEEN[2]
        return labels

    def _size(self, item: int) -> Size:
        return self._sizes.get(item, (0.0, 0.0))

    def _apart(self, order: Order) -> dict[tuple[int, int], float]:
        """How far the centres of neighbours in a layer are apart at least."""
        found = {}
        for layer in order:
            for u, v in itertools.pairwise(layer):
                gap = GAP_BETWEEN[(u in self._sizes) + (v in self._sizes)]
                found[u, v] = (self._size(u)[1] + self._size(v)[1]) / 2 + gap
        return found

    def _pulls(self) -> list[Pull]:
        """Edges are to go straight, the more so between two bends; nodes are to be amid what they touch.

        An edge that has to turn does so rather at the end that it shares with others.
        """
        chains = self._graph.chains
        begins, ends = Counter(chain[0] for chain in chains), Counter(chain[-1] for chain in chains)
        near: list[list[int]] = [[] for _ in range(self._nodes)]
        found = []
        for chain, (begin, end) in zip(chains, self._ports, strict=True):
            last = len(chain) - 2
            for i, (u, v) in enumerate(itertools.pairwise(chain)):
                offset = (end if i == last else 0.0) - (begin if i == 0 else 0.0)
                weight = BEND_TO_BEND
                if i in (0, last):
                    weight = 1.0 + 1.0 / (begins[u] if i == 0 else ends[v])
                found.append(Pull(v, (u,), offset, weight))
            near[chain[0]].append(chain[1])
            near[chain[-1]].append(chain[-2])
        balance = [Pull(v, tuple(dict.fromkeys(each)), 0.0, BALANCE) for v, each in enumerate(near) if each]
        return found + balance

    def _choose_bands(self, order: Order) -> list[tuple[float, float]]:
        """From where to where each layer reaches along."""
        ways = [0.0] * len(order)  # the longest way across in the gap before each layer
        for chain, route in zip(self._graph.chains, self._heights(), strict=True):
            for item, (begin, end) in zip(chain[1:], route, strict=True):
                layer = self._graph.layer[item]
                ways[layer] = max(ways[layer], abs(begin - end))
        bands: list[tuple[float, float]] = []
        at = 0.0
        for way, items in zip(ways, order, strict=True):
            at += min(max(SHORTEST, SLOPE * way), LONGEST) if bands else 0.0
            end = at + max((self._size(item)[0] for item in items), default=0.0)
            bands.append((at, end))
            at = end
        return bands

    def _heights(self) -> list[list[tuple[float, float]]]:
        """For each edge, where across it leaves each layer, and where it arrives in the next."""
        found = []
        for chain, (begin, end) in zip(self._graph.chains, self._ports, strict=True):
            at = [self._across[item] for item in chain]
            at[0], at[-1] = at[0] + begin, at[-1] + end
            found.append(list(itertools.pairwise(at)))
        return found

    def _sides(self) -> tuple[float, float]:
        """The lowest and the highest across, of all boxes and bends."""
        reach = [(self._across[item], self._size(item)[1] / 2) for item in range(len(self._graph.layer))]
        return min(at - half for at, half in reach), max(at + half for at, half in reach)

    def layout(self, turned: bool) -> Layout:
        """The drawing; turned, it leads up."""
        low, high = self._sides()
        length = self._bands[-1][1]

        def box(item: int) -> Box:
            begin, end = self._bands[self._graph.layer[item]]
            centre = point((begin + end) / 2, self._across[item])
            return Box(*centre, *_turn(self._size(item), turned))

        def point(along: float, across: float) -> Point:
            return (across - low, length - along) if turned else (along, across - low)

        routes = []
        for e, (chain, heights) in enumerate(zip(self._graph.chains, self._heights(), strict=True)):
            points = [self._face(chain[0], 1, heights[0][0])]
            for (u, v), (begin, end) in zip(itertools.pairwise(chain), heights, strict=True):
                points.append((self._bands[self._graph.layer[u]][1], begin))
                points.append((self._bands[self._graph.layer[v]][0] - ARRIVAL, end))
            points.append(self._face(chain[-1], -1, heights[-1][1]))
            label = box(self._labels[e]) if e in self._labels else None
            routes.append(Route(tuple(point(*each) for each in points), label))
        width, height = _turn((length, high - low), turned)
        return Layout(width, height, tuple(box(v) for v in range(self._nodes)), tuple(routes))

    def _face(self, v: int, side: int, across: float) -> Point:
        """The point of a node's side, along and across, where an edge begins (1) or ends (-1)."""
        begin, end = self._bands[self._graph.layer[v]]
        return (begin + end) / 2 + side * self._size(v)[0] / 2, across


def _turn(size: Size, turned: bool) -> Size:
    return (size[1], size[0]) if turned else size
