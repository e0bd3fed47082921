"""The edit distance of graphs: closed forms, and a search through all correspondences."""

import itertools

import numpy as np
import pytest

from nao.analysis import edit_distance, edit_distances
from nao.graph import Cell, Edge, Graph, Node, chain
from nao.spaces import space
from tests.spaces.all_spaces import SPACES


def by_force(a, b):
    """The fewest edits between two pruned cells, over all correspondences of their intermediate nodes."""
    n = max(len(a.nodes), len(b.nodes)) - a.inputs - 1
    best = np.inf
    for order in itertools.permutations(range(a.inputs, a.inputs + n)):
        place = {v: v for v in range(b.inputs)} | dict(zip(range(b.inputs, b.inputs + n), order, strict=True))
        place[len(b.nodes) - 1] = "out"
        mine = {v if v < len(a.nodes) - 1 else "out": node for v, node in enumerate(a.nodes)}
        theirs = {place[v]: node for v, node in enumerate(b.nodes)}
        cost = 0
        for v in {*mine, *theirs}:
            one, other = mine.get(v), theirs.get(v)
            same = one and other and (one.operation, one.combiner) == (other.operation, other.combiner)
            cost += not same
        ends = [
            [((w(e.source), w(e.target)), e.operation) for e in cell.edges]
            for cell, w in ((a, lambda v: v if v < len(a.nodes) - 1 else "out"), (b, place.get))
        ]
        for pair in {pair for some in ends for pair, _ in some}:
            left, right = ([op for ends_, op in some if ends_ == pair] for some in ends)
            cost += max(len(left), len(right))
            for operation in left:
                if operation in right:
                    right.remove(operation)
                    cost -= 1
        best = min(best, cost)
    return best


def test_single_edits():
    one = chain(["conv", "pool"])
    graphs = [one, chain(["conv", "conv"]), chain(["conv"]), chain([]), one]
    found = edit_distances(graphs)
    # Renamed: 1. A node less: it and its two edges go, and one comes: 4.
    np.testing.assert_array_equal(found[0], [0, 1, 4, 6, 0])
    np.testing.assert_array_equal(found, found.T)


def test_parallel_edges_and_what_is_on_no_path():
    nodes = (Node("in"), Node("a"), Node("out"))
    whole = (Edge(0, 1, "conv"), Edge(0, 1, "conv"), Edge(1, 2))
    graphs = [
        Graph((Cell("", nodes, edges),))
        for edges in (whole, whole[1:], (Edge(0, 1, "pool"), *whole[1:]), (*whole[:2], Edge(0, 2)))
    ]
    # One edge less; one renamed; `a` is read by nobody: the node and three edges go, and one comes.
    np.testing.assert_array_equal(edit_distances(graphs)[0], [0, 1, 1, 5])


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "cnn-cell-small"])
def test_is_the_fewest_of_all_correspondences(name, rng):
    where = space(name, blocks=3) if name == "cnn-cell-small" else space(name)
    graphs = [where.graph(x) for x in where.sample(rng, 6)]
    found = edit_distances(graphs)
    for i, j in itertools.combinations(range(6), 2):
        cells = zip(graphs[i].cells, graphs[j].cells, strict=True)
        assert found[i, j] == sum(by_force(a.prune(), b.prune()) for a, b in cells)


def test_strings_that_mean_the_same_are_at_distance_0(rng):
    where = space("cnn-cell-small")
    drawn = where.sample(rng, 5)
    tokens = np.array([x.tokens for x in drawn])
    graphs = [where.graph(x) for x in drawn]
    for row in where.augment(tokens, rng).tolist():
        other = where.graph(type(drawn[0])(tuple(row), where))
        assert edit_distances([*graphs, other])[-1, :-1].min() == 0


def test_exchanges_bound_it_from_above(rng, monkeypatch):
    where = space("cnn-cell-small")
    graphs = [where.graph(x) for x in where.sample(rng, 8)]
    exact = edit_distances(graphs)
    monkeypatch.setattr(edit_distance, "MOST_EXACT", 0)
    bound = edit_distances(graphs)
    assert (bound >= exact).all()
    assert (bound.diagonal() == 0).all()
    assert bound.sum() < 1.15 * exact.sum()


@pytest.mark.parametrize("name", SPACES)
def test_every_space(name, rng):
    where = SPACES[name]
    found = edit_distances([where.graph(x) for x in where.sample(rng, 5)])
    assert (found >= 0).all()
    assert (found.diagonal() == 0).all()
    assert edit_distances([]).shape == (0, 0)
