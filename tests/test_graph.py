"""Graphs: their listings, paths and keys, and that the fast forms of the spaces agree with them."""

import itertools
from collections import Counter

import numpy as np
import pytest

from nao.core import Architecture
from nao.graph import Cell, Edge, Graph, Node, chain
from nao.spaces import CNN_CELL_SMALL, CellSpace, operations
from nao.spaces.nasbench101 import NASBENCH101
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS, PATHS
from nao.spaces.nasbench_graph import NASBENCH_GRAPH
from nao.spaces.nasbench_macro import NASBENCH_MACRO

# Two inputs; `a` reads both, `b` reads `a` twice, and nothing reads `dead`.
NODES = (Node("x"), Node("y"), Node("a"), Node("b", "relu"), Node("dead"), Node("out", combiner="concat"))
EDGES = (
    *(Edge(0, 2, "conv"), Edge(1, 2)),
    *(Edge(2, 3, "pool"), Edge(2, 3)),
    *(Edge(0, 4, "conv"), Edge(2, 5), Edge(3, 5)),
)
CELL = Cell("normal", NODES, EDGES, inputs=2)


def random_cell(rng, inner=4):
    """A cell of one input whose nodes have one of two operations, and edges one of two."""
    inside = [Node(f"n{i}", "pq"[rng.integers(2)]) for i in range(inner)]
    nodes = (Node("in"), *inside, Node("out"))
    pairs = itertools.combinations(range(inner + 2), 2)
    edges = [Edge(i, j, "cd"[rng.integers(2)]) for i, j in pairs if rng.random() < 0.5]
    return Cell("", nodes, tuple(edges))


def relabel(cell, order):
    """The same cell with its nodes in another order, or None where a node would come before what it reads."""
    place = {v: i for i, v in enumerate(order)}
    edges = tuple(Edge(place[e.source], place[e.target], e.operation) for e in cell.edges)
    if any(edge.source > edge.target for edge in edges):
        return None
    return Cell(cell.name, tuple(cell.nodes[v] for v in order), edges[::-1], cell.inputs)


def brute_force_key(cell):
    """The smallest way to write a pruned cell down, over all orders of its interior nodes."""
    cell, ways = cell.prune(), []
    for inner in itertools.permutations(range(1, len(cell.nodes) - 1)):
        place = {v: i for i, v in enumerate((0, *inner, len(cell.nodes) - 1))}
        edges = sorted((place[e.source], place[e.target], e.operation) for e in cell.edges)
        ways.append(([cell.nodes[v].operation for v in inner], edges))
    return str(min(ways))


def test_a_listing_names_what_each_node_reads():
    assert Graph((CELL, chain(["a", "b"]).cells[0])).lines() == [
        "normal cell",
        "  a = conv(x) + y",
        "  b = relu(pool(a) + a)",
        "  dead = conv(x)",
        "  out = concat(a, b)",
        "",
        "  node1 = a",
        "  node2 = b",
        "",
    ]


def test_a_node_that_reads_nothing_is_zero():
    cell = Cell("", (Node("in"), Node("n", "conv"), Node("out")), ())
    assert cell.lines() == ["n = conv(0)", "out = 0"]
    assert cell.count_paths() == {}
    assert cell.prune().nodes == (Node("in"), Node("out"))


def test_a_chain_is_called_what_it_is_told():
    assert chain(["3", "relu"], ["depth", "activation"]).lines() == ["  depth = 3", "  activation = relu", ""]


def test_pruning_leaves_out_what_is_on_no_path():
    pruned = CELL.prune()
    assert [node.name for node in pruned.nodes] == ["x", "y", "a", "b", "out"]
    assert pruned.edges == (*EDGES[:4], Edge(2, 4), Edge(3, 4))
    assert pruned.prune() == pruned


def test_paths_by_hand():
    assert CELL.count_paths() == Counter(
        {
            ("conv",): 1,
            (): 1,
            ("conv", "pool", "relu"): 1,
            ("conv", "relu"): 1,
            ("pool", "relu"): 1,
            ("relu",): 1,
        }
    )


def test_keys_are_equal_exactly_for_isomorphic_cells(rng):
    """Against all orders of the nodes, on random cells and random relabellings of them."""
    keys, expected = [], []
    for _ in range(150):
        cell = random_cell(rng)
        keys.append(cell.isomorphism_key())
        expected.append(brute_force_key(cell))
        other = relabel(cell, (0, *(1 + rng.permutation(4)).tolist(), 5))
        assert other is None or other.isomorphism_key() == keys[-1]
    pairs = set(zip(keys, expected, strict=True))
    assert len(pairs) == len(set(keys)) == len(set(expected)) > 100


def test_inputs_and_cells_keep_their_places():
    one = Cell("", (Node("x"), Node("y"), Node("out")), (Edge(0, 2, "conv"),), inputs=2)
    other = Cell("", (Node("x"), Node("y"), Node("out")), (Edge(1, 2, "conv"),), inputs=2)
    assert one.isomorphism_key() != other.isomorphism_key()
    assert Graph((one, other)).isomorphism_key() != Graph((other, one)).isomorphism_key()


def test_many_equal_nodes_are_no_work():
    """Nodes that can change places without a trace are tried once: 12 of them are not 12! orders."""
    nodes = (Node("in"), *(Node(f"n{i}", "conv") for i in range(12)), Node("out"))
    edges = [Edge(0, i) for i in range(1, 13)] + [Edge(i, 13) for i in range(1, 13)]
    key = Cell("", nodes, tuple(edges)).isomorphism_key()
    assert key == Cell("", nodes, tuple(reversed(edges))).isomorphism_key()
    assert key != Cell("", nodes, (*edges, Edge(1, 2))).isomorphism_key()


class TestSpaces:
    """What the spaces compute fast is what their graphs say."""

    def test_keys_of_cells(self, rng):
        tiny = CellSpace("tiny", operations("a", "b"), blocks=3)
        for space, n in ((tiny, 300), (CNN_CELL_SMALL, 50)):
            drawn = space.sample(rng, n)
            drawn += [Architecture(tuple(x), space) for x in space.augment(tokens_of(drawn), rng).tolist()]
            pairs = {(space.canonical(a), space.graph(a).isomorphism_key()) for a in drawn}
            assert len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs}) < len(drawn)

    def test_features_of_cells(self, rng):
        drawn = CNN_CELL_SMALL.sample(rng, 20)
        names = [operation.name for operation in CNN_CELL_SMALL.operations]
        expected = []
        for architecture in drawn:
            pieces = []
            for cell in CNN_CELL_SMALL.graph(architecture).cells:
                last = len(cell.nodes) - 1
                inner = [edge for edge in cell.edges if edge.target < last]
                loose = {edge.source for edge in cell.edges if edge.target == last}
                first, second = ([edge for edge in inner if edge.source == i] for i in range(2))
                ends = [edge for edge in inner if edge.target in loose]
                for some in (first, second, ends):
                    pieces += [sum(edge.operation == name for edge in some) for name in names]
                between = Counter(
                    (above.operation, below.operation)
                    for above, below in itertools.product(inner, inner)
                    if above.target == below.source
                )
                pieces += [between[pair] for pair in itertools.product(names, names)]
            expected.append(pieces)
        np.testing.assert_array_equal(CNN_CELL_SMALL.features(tokens_of(drawn)), expected)

    def test_keys_of_nasbench101(self, rng):
        drawn = NASBENCH101.sample(rng, 100)
        drawn += [NASBENCH101.mutate(a, rng) for a in drawn]
        drawn += [
            Architecture(tuple(x), NASBENCH101) for x in NASBENCH101.augment(tokens_of(drawn), rng).tolist()
        ]
        pairs = {(NASBENCH101.canonical(a), NASBENCH101.graph(a).isomorphism_key()) for a in drawn}
        assert len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs}) < len(drawn)

    def test_features_of_nasbench101(self, rng):
        drawn = NASBENCH101.sample(rng, 100)
        sequences = [s for n in range(6) for s in itertools.product(NASBENCH101.operations, repeat=n)]
        expected = [[counts[s] for s in sequences] for counts in map(count_paths, drawn)]
        np.testing.assert_array_equal(NASBENCH101.features(tokens_of(drawn)), expected)

    def test_features_of_nasbench201(self, rng):
        drawn = NASBENCH201.sample(rng, 100)
        expected = []
        for architecture in drawn:
            counts = Counter()  # without the operation that does nothing
            for path, n in count_paths(architecture).items():
                counts[tuple(OPERATIONS.index(o) for o in path if o != "skip_connect")] += n
            expected.append([counts[path] for path in PATHS])
        np.testing.assert_array_equal(NASBENCH201.features(tokens_of(drawn)), expected)

    def test_features_and_keys_of_nasbench_graph_without_skips(self, rng):
        drawn = [a for a in NASBENCH_GRAPH.sample(rng, 400) if "skip" not in str(a)]
        pairs = {(NASBENCH_GRAPH.canonical(a), NASBENCH_GRAPH.graph(a).isomorphism_key()) for a in drawn}
        assert len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs})
        for architecture, row in zip(drawn, NASBENCH_GRAPH.features(tokens_of(drawn)), strict=True):
            (cell,) = NASBENCH_GRAPH.graph(architecture).cells
            depth, expected = [-1] * len(cell.nodes), np.zeros((4, 9))
            for edge in cell.edges[:4]:
                depth[edge.target] = depth[edge.source] + 1
                operation = NASBENCH_GRAPH.operations.index(cell.nodes[edge.target].operation)
                expected[depth[edge.target], operation] += 1
            np.testing.assert_array_equal(row[:36].reshape(4, 9), expected)

    def test_a_macro_network_is_a_chain_of_its_layers(self):
        lines = NASBENCH_MACRO.graph(NASBENCH_MACRO.parse("01200000")).lines()
        assert lines[:4] == [
            "  layer1 = identity",
            "  layer2 = mb3 3x3",
            "  layer3 = mb6 5x5",
            "  layer4 = identity",
        ]

    def test_a_cell_of_nasbench201_has_no_edge_for_none(self):
        text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
        assert NASBENCH201.graph(NASBENCH201.parse(text)).lines() == [
            "  node1 = nor_conv_3x3(input)",
            "  node2 = skip_connect(node1)",
            "  output = avg_pool_3x3(node2)",
            "",
        ]


def count_paths(architecture):
    (cell,) = architecture.space.graph(architecture).cells
    return cell.count_paths()


def tokens_of(architectures):
    return np.array([a.tokens for a in architectures], np.int32)


@pytest.mark.parametrize("n", [1, 3])
def test_a_chain_reads_itself_in_order(n):
    (cell,) = chain(list("abc")[:n]).cells
    assert cell.count_paths() == {tuple("abc"[:n]): 1}
