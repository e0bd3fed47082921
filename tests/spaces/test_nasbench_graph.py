"""The networks of NAS-Bench-Graph: which strings there are, and which of them are one network."""

import collections
import itertools

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture, InputError
from nao.spaces.nasbench_graph import NASBENCH_GRAPH, NASBenchGraphSpace
from tests.spaces.all_spaces import array, every_string

NUMBER = {operation: o for o, operation in enumerate(NASBENCH_GRAPH.operations)}
# The benchmark's list of macro structures, and which nodes of each can change places.
MACROS = [
    ((0, 0, 0, 0), [(0, 1), (1, 2), (2, 3)]),
    ((0, 0, 0, 1), [(1, 2)]),
    ((0, 0, 1, 1), [(2, 3)]),
    ((0, 0, 1, 2), [(0, 1)]),
    ((0, 0, 1, 3), []),
    ((0, 1, 1, 1), [(1, 2), (2, 3)]),
    ((0, 1, 1, 2), []),
    ((0, 1, 2, 2), [(2, 3)]),
    ((0, 1, 2, 3), []),
]
TINY = NASBenchGraphSpace("tiny", ("gcn", "fc", "skip"))


def architecture(links, *operations, space=NASBENCH_GRAPH):
    return Architecture(space.tokens_of(links, operations), space)


def everything(space):
    """All strings, from the rule itself: every node reads what is before it, and not all are skips."""
    for links in itertools.product(*(range(k + 1) for k in range(4))):
        for operations in itertools.product(space.operations, repeat=4):
            if set(operations) != {"skip"}:
                yield architecture(links, *operations, space=space)


def test_it_is_a_space_of_8_tokens():
    assert (NASBENCH_GRAPH.length, NASBENCH_GRAPH.group) == (8, 2)
    assert NASBENCH_GRAPH.size == 24 * (9**4 - 1)


def test_the_strings_are_exactly_those_of_the_rule():
    strings = every_string(TINY)
    assert len(strings) == TINY.size
    assert set(strings) == {a.tokens for a in everything(TINY)}


def test_sampling_is_uniform(rng):
    strings, counts = np.unique(TINY.grammar.sample(rng, 20 * TINY.size), axis=0, return_counts=True)
    assert len(strings) == TINY.size
    assert scipy.stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(("unused", "networks"), [((), 26_206), (("gat", "gin", "cheb", "graph"), 2021)])
def test_the_published_number_of_networks(unused, networks):
    """With all 9 operations, and with the 5 that were used on the data set proteins.

    The nine macro structures of the benchmark stand for all, and what is alike is gone through once.
    """
    operations = [operation for operation in NASBENCH_GRAPH.operations if operation not in unused]
    keys = set()
    for links, alike in MACROS:
        for chosen in itertools.product(range(len(operations)), repeat=4):
            if all(chosen[a] <= chosen[b] for a, b in alike) and {operations[o] for o in chosen} != {"skip"}:
                slots = zip(links, chosen, strict=True)
                tokens = tuple(x for link, o in slots for x in (link, 4 + NUMBER[operations[o]]))
                keys.add(NASBENCH_GRAPH.canonical(Architecture(tokens, NASBENCH_GRAPH)))
    assert len(keys) == networks


def test_the_classes_are_those_of_the_package():
    package = pytest.importorskip("nas_bench_graph")
    space = NASBenchGraphSpace("three", ("gat", "gcn", "skip"))
    of_key, of_number = collections.defaultdict(set), collections.defaultdict(set)
    for a in everything(space):
        links = list(a.tokens[0::2])
        operations = [space.vocabulary[token] for token in a.tokens[1::2]]
        number, key = package.Arch(links, operations).valid_hash(), space.canonical(a)
        of_key[key].add(number)
        of_number[number].add(key)
    assert {len(found) for found in of_key.values()} == {len(found) for found in of_number.values()} == {1}


@pytest.mark.parametrize(
    ("links", "operations", "key"),
    [
        ((0, 0, 0, 0), ("gin", "gcn", "gat", "gcn"), "gat gcn gcn gin"),
        ((0, 1, 2, 2), ("gcn", "gat", "fc", "arma"), "gcn(gat(arma fc))"),
        # A skip that is read, or that is the only reader, is one with what it reads.
        ((0, 1, 2, 3), ("skip", "gcn", "skip", "gat"), "gcn(gat)"),
        ((0, 1, 2, 3), ("gcn", "gat", "skip", "skip"), "gcn(gat)"),
        ((0, 1, 1, 2), ("gcn", "skip", "gat", "fc"), "gcn(fc gat)"),
        # Beside another reader it carries an intermediate result to the output,
        ((0, 1, 1, 0), ("gcn", "skip", "gat", "fc"), "fc gcn(gat skip)"),
        # but the input does not count as one.
        ((0, 0, 2, 0), ("gcn", "skip", "skip", "gat"), "gat gcn"),
    ],
)
def test_idle_skips_are_left_out(links, operations, key):
    assert NASBENCH_GRAPH.canonical(architecture(links, *operations)) == key


def test_augmentations_are_all_numberings_of_the_nodes(rng):
    for drawn in NASBENCH_GRAPH.sample(rng, 30):
        links, operations = drawn.tokens[0::2], drawn.tokens[1::2]
        expected = set()
        for order in itertools.permutations(range(4)):
            new = {0: 0} | {old + 1: k + 1 for k, old in enumerate(order)}
            if all(new[links[old]] <= k for k, old in enumerate(order)):
                expected.add(tuple(x for old in order for x in (new[links[old]], operations[old])))
        assert set(map(tuple, NASBENCH_GRAPH.augment(array([drawn] * 600), rng).tolist())) == expected
        assert {NASBENCH_GRAPH.canonical(Architecture(x, NASBENCH_GRAPH)) for x in expected} == {
            NASBENCH_GRAPH.canonical(drawn)
        }


def test_augmentation_is_uniform(rng):
    drawn = architecture((0, 0, 1, 0), "gcn", "gat", "fc", "gat")
    augmented = NASBENCH_GRAPH.augment(array([drawn] * 3000), rng)
    strings, counts = np.unique(augmented, axis=0, return_counts=True)
    assert len(strings) == 6  # 4! orders, halved as gcn comes before fc, halved as the two gat are alike
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_features_are_equal_exactly_within_a_class():
    """Exactly: in this small space they even tell all classes apart."""
    strings = list(everything(TINY))
    rows = map(tuple, TINY.features(array(strings)).tolist())
    pairs = {(TINY.canonical(a), row) for a, row in zip(strings, rows, strict=True)}
    assert len(pairs) == len({key for key, _ in pairs}) == len({row for _, row in pairs})


def test_features_count_operations_by_depth_and_by_what_they_read():
    drawn = architecture((0, 1, 1, 0), "gcn", "fc", "gat", "gat", space=NASBENCH_GRAPH)
    (row,) = NASBENCH_GRAPH.features(array([drawn]))
    assert row.shape == (136,)
    depths, reads = row[:36].reshape(4, 9), row[36:].reshape(10, 10)
    gat, gcn, fc, outside = (*map(NASBENCH_GRAPH.operations.index, ("gat", "gcn", "fc")), 9)
    assert {(*at,): depths[*at] for at in np.argwhere(depths).tolist()} == {
        (0, gcn): 1,
        (0, gat): 1,
        (1, fc): 1,
        (1, gat): 1,
    }
    assert {(*at,): reads[*at] for at in np.argwhere(reads).tolist()} == {
        (outside, gcn): 1,
        (outside, gat): 1,
        (gcn, fc): 1,
        (gcn, gat): 1,
        (fc, outside): 1,
        (gat, outside): 2,
    }


def test_neighbours_differ_in_one_token_and_are_what_mutate_makes(rng):
    drawn = architecture((0, 1, 2, 3), "skip", "skip", "fc", "skip", space=TINY)
    everyone = array(everything(TINY))
    different = (everyone != array([drawn])).sum(axis=1)
    expected = set(map(tuple, everyone[different == 1].tolist()))
    found = [a.tokens for a in TINY.neighbours(drawn)]
    assert len(found) == len(set(found)) == 1 + 2 + 3 + 4 * 2 - 1  # the fc may not become a fourth skip
    assert set(found) == expected
    assert {TINY.mutate(drawn, rng).tokens for _ in range(1000)} == expected


def test_mutate_changes_every_position_equally_often(rng):
    drawn = architecture((0, 1, 2, 3), "gcn", "gat", "fc", "gin")
    changed = array([NASBENCH_GRAPH.mutate(drawn, rng) for _ in range(3000)]) != array([drawn])
    counts = changed.sum(axis=0)
    assert counts[0] == 0  # the first node can only read the input
    assert counts.sum() == 3000
    assert scipy.stats.chisquare(counts[1:]).pvalue > 0.001


def test_words():
    drawn = architecture((0, 1, 1, 0), "gcn", "gat", "skip", "fc")
    assert str(drawn) == "input gcn node1 gat node1 skip input fc"
    assert NASBENCH_GRAPH.parse(str(drawn)) == drawn


@pytest.mark.parametrize(
    ("links", "operations", "message"),
    [
        ((0, 0, 0, 0), ("skip",) * 4, "position 8 is 'skip', but only gat, .*, fc may stand there"),
        ((0, 2, 0, 0), ("gcn",) * 4, "position 3 is 'node2', but only input, node1"),
        ((0, -1, 0, 0), ("gcn",) * 4, "position 3 is 'node-1'"),
        ((0, 0, 0), ("gcn",) * 3, "8 words, but this one has 6"),
        ((0, 0, 0, 0), ("gcn", "gcn", "gcn", "mlp"), "position 8 is 'mlp'"),
    ],
)
def test_a_network_that_is_none_is_refused(links, operations, message):
    with pytest.raises(InputError, match=message):
        NASBENCH_GRAPH.tokens_of(links, operations)


@pytest.mark.parametrize("operations", [("gcn", "gat"), ("skip",)])
def test_a_space_needs_skip_and_something_else(operations):
    with pytest.raises(InputError, match="'skip' and at least one more"):
        NASBenchGraphSpace("x", operations)
