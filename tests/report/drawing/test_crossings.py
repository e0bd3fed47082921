"""Edges cross as rarely as can be had: against every order, and against Graphviz."""

import functools
import itertools
import warnings

import numpy as np
import pytest

from nao.graph import Cell, Edge, Node
from nao.report.drawing import svg
from nao.report.drawing.crossings import arrange, best_orders, count_crossings
from nao.report.drawing.layers import Layered, assign_layers, layered, raised
from nao.spaces import CNN_CELL_SMALL
from tests.report.drawing.pictures import bezier, cells_of, crossings, drawing
from tests.report.drawing.published import ALL

EACH = {
    f"{name} {cell.name}".strip(): (cell, name, c)
    for name, graph in ALL.items()
    for c, cell in enumerate(graph.cells)
}


@functools.cache
def drawn(each, direction="right"):
    """How often the edges of a published cell cross as they are drawn."""
    _, name, c = EACH[each]
    _, edges = cells_of(drawing(name, direction))[c]
    return crossings([edge.line for edge in edges])


def dot_lines(cell, direction):
    """The edges of a cell as Graphviz draws them."""
    pygraphviz = pytest.importorskip("pygraphviz", exc_type=ImportError)
    graph = pygraphviz.AGraph(directed=True, strict=False, rankdir={"right": "LR", "up": "BT"}[direction])
    for v, node in enumerate(cell.nodes):
        graph.add_node(v, shape="box", label=node.operation or node.name)
    for i, edge in enumerate(cell.edges):
        graph.add_edge(edge.source, edge.target, key=str(i), label=edge.operation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Graphviz says of fonts
        graph.layout("dot")
    return [_dot_line(graph.get_edge(*edge).attr["pos"]) for edge in graph.edges(keys=True)]


def _dot_line(spline):
    """The points of `e,x,y x,y x,y ...`: the tip, then those of cubic curves."""
    tip, *points = [tuple(map(float, each.removeprefix("e,").split(","))) for each in spline.split()]
    curves = (bezier(*points[i : i + 4]) for i in range(0, len(points) - 1, 3))
    return [points[0], *itertools.chain.from_iterable(curves), tip]


@pytest.mark.parametrize("name", EACH)
def test_no_more_crossings_than_graphviz_makes(name):
    dots = [crossings(dot_lines(EACH[name][0], direction)) for direction in ("right", "up")]
    assert drawn(name) <= min(dots)


@pytest.mark.parametrize("name", EACH)
def test_both_directions_cross_as_often_as_the_layout_counts(name):
    graph, orders = arrange(EACH[name][0])
    counted = {count_crossings(graph, order) for order in orders}
    assert counted == {drawn(name)} == {drawn(name, "up")}


def test_random_cells_cross_no_more_than_in_graphviz_on_the_whole(rng):
    cells = [cell for each in CNN_CELL_SMALL.sample(rng, 2) for cell in CNN_CELL_SMALL.graph(each).cells]
    ours = [count_crossings(graph, orders[0]) for graph, orders in map(arrange, cells)]
    dots = [crossings(dot_lines(cell, "right")) for cell in cells]
    assert sum(ours) <= sum(dots)


def random_layers(rng):
    """Three layers of three or four items, with random edges between layers that follow each other."""
    layer = np.repeat([0, 1, 2], rng.integers(3, 5, 3)).tolist()
    pairs = itertools.product(range(len(layer)), repeat=2)
    chains = [(u, v) for u, v in pairs if layer[v] == layer[u] + 1 and rng.random() < 0.45]
    return Layered(tuple(layer), tuple(chains))


@pytest.mark.parametrize("seed", range(6))
def test_the_fewest_crossings_of_all_orders_are_found(seed):
    graph = random_layers(np.random.default_rng(seed))
    first, middle, last = (list(itertools.permutations(layer)) for layer in graph.layers())

    def fewest(order):
        """Once the middle is in order, the outer layers do not depend on each other."""
        sides = [
            Layered(graph.layer, tuple(c for c in graph.chains if graph.layer[c[0]] == g)) for g in (0, 1)
        ]
        before = min(count_crossings(sides[0], [list(each), list(order), []]) for each in first)
        return before + min(count_crossings(sides[1], [[], list(order), list(each)]) for each in last)

    found = best_orders(graph, starts=50)
    assert {count_crossings(graph, order) for order in found} == {min(map(fewest, middle))}
    assert all([sorted(layer) for layer in order] == graph.layers() for order in found)


def test_crossings_are_counted_pair_by_pair(rng):
    for _ in range(20):
        graph = random_layers(rng)
        order = [rng.permutation(layer).tolist() for layer in graph.layers()]
        place = {item: i for layer in order for i, item in enumerate(layer)}
        pairs = itertools.combinations(graph.chains, 2)
        assert count_crossings(graph, order) == sum(
            graph.layer[a] == graph.layer[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
            for (a, b), (c, d) in pairs
        )


def test_layers_are_the_longest_paths_and_operations_count_twice():
    nodes = tuple(Node(name) for name in "abcdo")
    cell = Cell("", nodes, (Edge(0, 1, "relu"), Edge(1, 2), Edge(0, 3), Edge(2, 4), Edge(3, 4)))
    assert assign_layers(cell) == [0, 2, 3, 1, 4]
    graph = layered(cell, [0, 2, 3, 1, 4])
    assert [len(chain) for chain in graph.chains] == [3, 2, 2, 2, 4]
    assert all(
        graph.layer[v] == graph.layer[u] + 1 for chain in graph.chains for u, v in itertools.pairwise(chain)
    )


def test_moved_nodes_stay_after_what_they_read():
    cell, *_ = EACH["DARTS V1 normal"]
    layers = assign_layers(cell)
    tried = list(raised(cell, layers, layers[-1] + 1))
    assert tried
    assert len({tuple(each) for each in tried}) == len(tried)
    for each in tried:
        assert each != layers
        assert all(each[e.target] - each[e.source] >= (2 if e.operation else 1) for e in cell.edges)
        assert max(each[:-1]) < each[-1] <= layers[-1] + 1
        assert 0 in each[: cell.inputs]


def test_the_same_cell_always_has_the_same_drawing():
    once = drawing("PNASNet-5", "right")
    arrange.cache_clear()
    assert svg(ALL["PNASNet-5"], title="PNASNet-5") == once
