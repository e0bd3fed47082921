"""Recurrent cells that are trees: the paper's example, which are the same, and trees of any base."""

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.spaces import RNN_TREE, RNNTreeSpace, make
from nao.spaces.full_tree import FullTree
from tests.spaces.all_spaces import array, every_string

BASE_2 = RNNTreeSpace("base-2", base=2, activations=("tanh",))
EXAMPLE = "add tanh multiply relu multiply sigmoid add relu node1 node0"  # of the paper's figure 5


def test_it_is_the_space_of_the_paper():
    assert RNN_TREE.length == 34
    assert RNN_TREE.size == (2 * 4) ** 16 * 15**2 == 63_331_869_759_897_600


def test_the_example_of_the_paper():
    space = RNNTreeSpace(base=2)
    example = space.parse(EXAMPLE)
    parts = space.parts(np.array(example.tokens))
    names = [(space.combiners[c], space.activations[a]) for c, a in zip(*parts[:2], strict=True)]
    assert names == [("add", "tanh"), ("multiply", "relu"), ("multiply", "sigmoid")]
    assert space.combiners[parts.inject_combiner] == "add"
    assert space.activations[parts.inject_activation] == "relu"
    assert (parts.inject_at, parts.cell_from) == (0, 1)
    assert all(each.dtype == np.int32 for each in parts)
    assert space.graph(example).lines()[:-1] == [
        "  node0 = tanh(x + h)",
        "  inject = relu(node0 + c)",
        "  cell = multiply(x, h)",
        "  node1 = relu(cell)",
        "  node2 = sigmoid(multiply(inject, node1))",
        "  output = concat(node2, cell)",
    ]


def test_parts_have_the_leading_axes_of_the_strings(rng):
    tokens = RNN_TREE.grammar.sample(rng, 6).reshape(2, 3, 34)
    parts = RNN_TREE.parts(tokens)
    assert [each.shape for each in parts] == [(2, 3, 15)] * 2 + [(2, 3)] * 4
    one = RNN_TREE.parts(tokens[1, 2])
    assert all((a[1, 2] == b).all() for a, b in zip(parts, one, strict=True))


def test_the_root_of_base_8_has_three_levels_above_its_leaves():
    tree = RNN_TREE.tree()
    assert tree[:8].tolist() == [[-1, -1]] * 8
    assert tree[8:].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13]]


def test_injection_and_cell_at_one_node_and_at_the_root():
    space = RNNTreeSpace(base=2)
    text = "add tanh multiply relu add sigmoid multiply identity node2 node2"
    assert space.graph(space.parse(text)).lines()[2:-1] == [
        "  cell = node0 + node1",
        "  node2 = sigmoid(cell)",
        "  inject = identity(multiply(node2, c))",
        "  output = concat(inject, cell)",
    ]


def test_with_one_kind_of_node_the_cells_are_counted_by_burnside():
    """Orbits of pairs of nodes: the mean over the symmetries of the square of how many nodes each leaves."""
    for base, orbits in ((2, (9 + 1) / 2), (4, (49 + 25 + 25 + 9 + 4 * 1) / 8)):
        space = RNNTreeSpace(base=base, combiners=("add",), activations=("tanh",))
        strings = every_string(space)
        assert len(strings) == (2 * base - 1) ** 2
        assert len({space.canonical(Architecture(x, space)) for x in strings}) == orbits


def test_two_strings_have_one_key_exactly_if_their_graphs_are_isomorphic():
    pairs = set()
    strings = every_string(BASE_2)
    for string in strings:
        x = Architecture(string, BASE_2)
        pairs.add((BASE_2.canonical(x), BASE_2.graph(x).isomorphism_key()))
    assert len(pairs) == len({key for key, _ in pairs}) == len({key for _, key in pairs})
    assert len(pairs) == (len(strings) + 2 * 2 * 2) / 2  # the swap leaves those whose leaves are of one kind


@pytest.mark.parametrize(("base", "orders"), [(2, 2), (3, 2), (4, 8), (5, 4), (6, 16), (8, 128)])
def test_orders_of_a_tree_keep_it_and_are_equally_likely(base, orders, rng):
    tree = FullTree(base)
    found, counts = np.unique(tree.reorder(rng, 300 * orders), axis=0, return_counts=True)
    assert len(found) == orders == 2 ** len(tree.swaps)
    assert counts.min() > 200
    assert counts.max() < 400
    place = np.argsort(found)
    for order, at in zip(found, place, strict=True):
        assert sorted(order) == list(range(tree.nodes))
        for i in range(base, tree.nodes):
            assert set(at[tree.joined[order[i]]]) == set(tree.joined[i])
    assert (found[:, -1] == tree.nodes - 1).all()


def test_below_and_levels():
    tree = FullTree(4)
    assert tree.levels.tolist() == [2, 2, 2, 2, 1, 1, 0]
    assert np.argwhere(tree.below[:, 4]).ravel().tolist() == [0, 1]
    assert tree.below[:, 6].tolist() == [True] * 6 + [False]


@pytest.mark.parametrize("base", [2, 3, 5, 8])
def test_augmented_strings_compute_the_same(base, rng):
    """Cells with numbers at their leaves, which go where the leaves go: h and c are unchanged."""
    space = RNNTreeSpace(base=base, combiners=("add", "multiply", "maximum"), activations=("tanh", "sin"))
    x, augmented = (tokens := space.grammar.sample(rng, 40)), space.augment(tokens, rng)
    assert (x != augmented).any()
    combine = (np.add, np.multiply, np.maximum)
    for before, after in zip(x, augmented, strict=True):
        outcomes = []
        for string in (before, after):
            parts, tree = space.parts(string), space.tree()
            values, memory = [], None
            for i, joined in enumerate(tree.tolist()):
                kind = (parts.combiners[i], parts.activations[i])
                reads = (1.5, 0.5) if i < base else (values[joined[0]], values[joined[1]])
                total = combine[kind[0]](*reads)
                memory = total if i == parts.cell_from else memory
                value = (np.tanh, np.sin)[kind[1]](total)
                if i == parts.inject_at:
                    value = (np.tanh, np.sin)[parts.inject_activation](
                        combine[parts.inject_combiner](value, 0.3)
                    )
                values.append(value)
            outcomes.append((values[-1], memory))
        np.testing.assert_allclose(*outcomes, rtol=1e-12)


def test_features_see_the_memory(rng):
    base = np.array(RNNTreeSpace(base=2).parse(EXAMPLE).tokens)
    space = RNNTreeSpace(base=2)
    moved = base.copy()
    moved[-1] += 2  # the injection at the root
    assert (space.features(base[None]) != space.features(moved[None])).any()
    assert len(np.unique(RNN_TREE.features(array(RNN_TREE.sample(rng, 100))), axis=0)) == 100


def test_more_combiners_and_activations():
    space = RNNTreeSpace("more", 2, ("add", "multiply", "maximum"), ("tanh", "sin"))
    assert space.size == 6**4 * 3**2
    assert make(space.configuration()) == space


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"base": 1}, "rnn-tree: a tree has a base of 2 to 256, not 1"),
        ({"combiners": ()}, "the combiners must be at least one word"),
        ({"activations": ("tanh", "add")}, "'add' cannot be a word here"),
        ({"combiners": ("node14",)}, "'node14' cannot be a word here"),
    ],
)
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises(InputError, match=said):
        RNNTreeSpace(**wrong)
