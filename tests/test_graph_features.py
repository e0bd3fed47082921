"""The features of graphs: against every path written out, on equal graphs, and at the edges."""

import dataclasses
import itertools

import numpy as np
import pytest

from nao.core import Architecture
from nao.graph_features import PER_SET, GraphFeatures, graph_features, operation_sets
from nao.spaces import CellSpace, WordSpace, space

NAMES = ["nasbench201", "nasbench101", "nasbench-macro", "cnn-cell-small"]


def paths(cell):
    """Every path from an input to the output, as its edges."""
    found, last = [], len(cell.nodes) - 1
    ways = [(v, ()) for v in range(cell.inputs)]
    while ways:
        v, way = ways.pop()
        found += [way] if v == last else []
        ways += [(edge.target, (*way, edge)) for edge in cell.edges if edge.source == v]
    return found


def written_out(cell, some, nodes):
    """The six features of a cell for one set of operations, by their definition."""
    ways = paths(cell)
    used = {edge for way in ways for edge in way}
    edges = [edge for edge in cell.edges if edge in used]
    kept = {v for edge in edges for v in (edge.source, edge.target)}

    def met(edge):
        words = cell.nodes[edge.source].operation, edge.operation, cell.nodes[edge.target].operation
        return [word for word in words if word]

    inside = [edge for edge in edges if set(met(edge)) <= some]
    free = [way for way in ways if all(edge in inside for edge in way)]
    applied = [
        [edge.operation for edge in way] + [cell.nodes[edge.target].operation for edge in way] for way in ways
    ]
    present = [edge.operation for edge in edges] + [cell.nodes[v].operation for v in kept]
    return [
        sum(word in some for word in present),
        min((len(way) for way in free), default=nodes),
        max((sum(word in some for word in words) for words in applied), default=0),
        sum(edge.source < cell.inputs for edge in inside),
        sum(edge.target == len(cell.nodes) - 1 for edge in inside),
        len(inside) / max(len(kept), 1),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_they_are_those_of_every_path_written_out(name):
    cells = space(name)
    features = GraphFeatures.of(cells)
    graphs = [cells.graph(x) for x in cells.sample(np.random.default_rng(1), 12)]
    found = features.describe(graphs)
    sets = [{word for word, there in zip(features.words, row, strict=True) if there} for row in features.sets]
    for row, graph in zip(found, graphs, strict=True):
        of_cells = row.reshape(len(graph.cells), PER_SET, len(sets))
        for cell, each in zip(graph.cells, of_cells, strict=True):
            expected = [written_out(cell, some, features.nodes) for some in sets]
            np.testing.assert_allclose(each.T, expected)


@pytest.mark.parametrize("name", NAMES)
def test_strings_that_mean_the_same_have_the_same(name):
    cells, rng = space(name), np.random.default_rng(0)
    tokens = cells.grammar.sample(rng, 50)
    same = cells.augment(tokens, rng)
    np.testing.assert_allclose(cells.graph_features(tokens), cells.graph_features(same), atol=1e-9)


def test_of_a_class_of_strings_they_are_the_mean():
    cells = space("nasbench201")
    tokens = cells.grammar.sample(np.random.default_rng(0), 5)
    keys = {strings: cells.canonical(Architecture(strings, cells)) for strings in cells.strings()}
    for x in tokens:
        members = [strings for strings, key in keys.items() if key == keys[tuple(x.tolist())]]
        mean = graph_features(cells, np.array(members)).mean(axis=0)
        np.testing.assert_allclose(cells.graph_features(x[None])[0], mean)


def test_over_random_strings_each_varies_by_one():
    cells = space("nasbench201")
    found = graph_features(cells, cells.grammar.sample(np.random.default_rng(0), 1024))
    np.testing.assert_allclose(found.std(axis=0), 1)


def test_of_no_strings_there_are_none():
    cells = space("nasbench201")
    assert graph_features(cells, np.zeros((0, 6), np.int32)).shape == (0, 90)


def test_a_chain_counts_its_words():
    mine = WordSpace("mine", [("relu", "tanh"), ("relu", "tanh"), ("conv", "pool")])
    features = GraphFeatures.of(mine)
    assert features.words == ("conv", "pool", "relu", "tanh")
    (row,) = features.describe([mine.graph(Architecture((0, 0, 2), mine))])
    counts = dict(zip(map(tuple, features.sets.tolist()), row, strict=False))
    assert counts[(False, False, True, False)] == 2
    assert counts[(True, False, True, False)] == 3
    assert counts[(False, True, False, True)] == 0


@pytest.mark.parametrize("words", [1, 3, 5])
def test_of_few_operations_every_set_is_looked_at(words):
    sets = operation_sets(words)
    assert {tuple(row) for row in sets.tolist()} == set(itertools.product([False, True], repeat=words)) - {
        (False,) * words
    }
    assert len(sets) == 2**words - 1


def test_of_many_operations_only_the_simplest_are():
    sizes = operation_sets(11).sum(axis=1).tolist()
    assert {size: sizes.count(size) for size in sizes} == {1: 11, 2: 55, 10: 11, 11: 1}


@pytest.mark.parametrize("name", ["cnn-cell", "cnn-cell-small"])
def test_arrays_without_graphs_are_those_of_the_graphs(name, rng, monkeypatch):
    where = space(name, blocks=4)
    tokens = where.grammar.sample(rng, 40)
    features = GraphFeatures.of(where)
    some = dataclasses.replace(features, words=features.words[1:])  # one operation is unknown
    found = [[dataclasses.astuple(each) for each in made.cells(where, tokens)] for made in (features, some)]
    monkeypatch.delattr(CellSpace, "cell_arrays")
    for made, of_space in zip((features, some), found, strict=True):
        for ours, theirs in zip(of_space, made.cells(where, tokens), strict=True):
            for a, b in zip(ours, dataclasses.astuple(theirs), strict=True):
                np.testing.assert_array_equal(a, b)
