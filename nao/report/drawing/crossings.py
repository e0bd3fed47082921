"""The order within each layer of a drawing, for as few crossings of edges as can be had.

Sweeps that sort each layer by the mean place of the neighbours (Sugiyama, Tagawa and Toda 1981) begin; then
each item moves to its best place in its layer until no move helps (sifting, Matuszewski, Schönfeld and
Molitor 1999). Both only find a local optimum, so this is done from many random orders. Other layers for the
nodes can also avoid crossings; these are tried one node at a time.

Axis letters: none.
"""

import bisect
import functools
import itertools
import random

from nao.graph import Cell
from nao.report.drawing.layers import Layered, assign_layers, layered, raised

Order = list[list[int]]  # the items of each layer, as they stand in it
STARTS = 60  # orders from which the search begins, at most, for the layers that are drawn
TRIAL_STARTS = 16  # for layers that are tried
WORK = 150_000  # pairs of items that are compared in a search for an order, about
TRIAL_WORK = 1_500_000  # in all searches for layers: a second or two
MORE_LAYERS = 1  # than the longest path needs
SWEEPS = 2
WIDE = 80  # items of a layer, above which none is moved on its own
KEPT = 4  # orders with the fewest crossings, to choose among


@functools.lru_cache(maxsize=2**8)
def arrange(cell: Cell) -> tuple[Layered, list[Order]]:
    """The layers of a cell, and orders in them, with the fewest crossings that are found.

    Nodes leave the layers of `assign_layers` only where that avoids a crossing.

    Returns:
      The cell in its layers, and a few orders of these, different ones that cross equally often.
    """
    layers = assign_layers(cell)
    deepest = max(layers, default=0) + MORE_LAYERS
    graph, work = layered(cell, layers), TRIAL_WORK
    fewest = _crossings(graph)
    while fewest:
        tried = []
        for each in raised(cell, layers, deepest):
            other = layered(cell, each)
            work -= _starts(other, TRIAL_STARTS) * _pairs(other)
            if work < 0:
                break
            tried.append((_crossings(other), len(other.layer), each, other))
        # Of equal ones, that with the fewest bends.
        best = min(tried, key=lambda each: each[:3], default=None)
        if best is None or best[0] >= fewest:
            break
        fewest, _, layers, graph = best
    return graph, best_orders(graph, STARTS)


def _crossings(graph: Layered) -> int:
    return count_crossings(graph, best_orders(graph, TRIAL_STARTS)[0])


def _starts(graph: Layered, most: int) -> int:
    """From how many orders a search begins."""
    return min(most, max(1, WORK // _pairs(graph)))


def _pairs(graph: Layered) -> int:
    """The pairs of items in the same layer."""
    return sum(len(layer) ** 2 for layer in graph.layers())


def best_orders(graph: Layered, starts: int) -> list[Order]:
    """The orders of the layers with the fewest crossings that were found; a few different ones.

    The same graph always has the same orders: the random ones begin from a fixed seed.

    Args:
      graph: what to draw.
      starts: orders from which the search begins; fewer where the graph is large.
    """
    order, near, rng = graph.layers(), _neighbours(graph), random.Random(0)
    found: dict[str, tuple[int, Order]] = {}
    for _ in range(_starts(graph, starts)):
        _improve(order, near)
        found[str(order)] = count_crossings(graph, order), order
        order = [rng.sample(layer, len(layer)) for layer in order]
    fewest = min(crossings for crossings, _ in found.values())
    return [order for crossings, order in found.values() if crossings == fewest][:KEPT]


def count_crossings(graph: Layered, order: Order) -> int:
    """How many pairs of edges cross, over all gaps between layers; those with a common end do not."""
    place = _places(order)
    gaps: list[list[tuple[int, int]]] = [[] for _ in order]
    for chain in graph.chains:
        for u, v in itertools.pairwise(chain):
            gaps[graph.layer[u]].append((place[u], place[v]))
    crossings = 0
    for gap in gaps:
        seen: list[int] = []  # the places where those arrive that leave before
        for _, v in sorted(gap):
            crossings += len(seen) - bisect.bisect_right(seen, v)
            bisect.insort(seen, v)
    return crossings


Neighbours = tuple[list[list[int]], list[list[int]]]  # of each item, in the layer before and in that after


def _neighbours(graph: Layered) -> Neighbours:
    before: list[list[int]] = [[] for _ in graph.layer]
    after: list[list[int]] = [[] for _ in graph.layer]
    for chain in graph.chains:
        for u, v in itertools.pairwise(chain):
            before[v].append(u)
            after[u].append(v)
    return before, after


def _places(order: Order) -> dict[int, int]:
    return {item: place for layer in order for place, item in enumerate(layer)}


def _improve(order: Order, near: Neighbours) -> None:
    """Sweeps, then moves items until no move helps; in place."""
    place = _places(order)
    for sweep in range(SWEEPS):
        _sweep(order[:: -1 if sweep % 2 else 1], near[sweep % 2], place)
    stale = list(range(len(order)))  # layers beside which something has moved
    while stale:
        at = stale.pop(0)
        if _sift(order[at], near, place):
            beside = range(max(0, at - 1), min(len(order), at + 2))
            stale += [each for each in beside if each not in stale]


def _sweep(layers: Order, neighbours: list[list[int]], place: dict[int, int]) -> None:
    """Sorts layers by the mean place of the neighbours, one after the other; who has none keeps its place."""
    for layer in layers:
        mean: dict[int, float] = {}
        for item in layer:
            places = [place[other] for other in neighbours[item]]
            mean[item] = sum(places) / len(places) if places else place[item]
        layer.sort(key=mean.__getitem__)
        place.update((item, i) for i, item in enumerate(layer))


def _sift(layer: list[int], near: Neighbours, place: dict[int, int]) -> bool:
    """Moves each item of a layer to where it causes the fewest crossings; whether any has moved."""
    if len(layer) > WIDE:
        return False
    sides = [{item: sorted([place[other] for other in side[item]]) for item in layer} for side in near]

    cost = {  # of the edges of u with those of v, if u stands before v
        (u, v): sum([bisect.bisect_left(side[v], p) for side in sides for p in side[u]])
        for u, v in itertools.permutations(layer, 2)
    }
    moved = False
    for u in list(layer):
        others = [v for v in layer if v != u]
        change = [0, *(cost[v, u] - cost[u, v] for v in others)]
        costs = list(itertools.accumulate(change))  # of each place, against the first
        if min(costs) < costs[layer.index(u)]:
            layer[:] = others
            layer.insert(costs.index(min(costs)), u)
            moved = True
    place.update((item, i) for i, item in enumerate(layer))
    return moved
