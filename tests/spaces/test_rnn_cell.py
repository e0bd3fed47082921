"""Recurrent cells whose nodes read one node each: their strings, what is averaged, and which are the same."""

import itertools
import math

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.spaces import RNN_CELL, RNNCellSpace, make
from tests.spaces.all_spaces import every_string

SMALL = RNNCellSpace("small", nodes=4, activations=("tanh", "relu"))
SEARCHED = RNNCellSpace("searched", first_activation="searched", averaged="loose")


def test_it_is_the_space_of_the_paper():
    assert RNN_CELL.length == 22
    assert len(RNN_CELL.vocabulary) == 15  # and one symbol that begins a string
    assert RNN_CELL.size == math.factorial(11) * 4**11 == 167_423_193_907_200
    assert SEARCHED.length == 23
    assert SEARCHED.size == 4 * RNN_CELL.size


def test_the_string_says_what_each_node_reads_and_does():
    space = RNNCellSpace(nodes=4)
    tokens = np.array(space.parse("node0 relu node0 identity node2 sigmoid").tokens)
    assert space.parents(tokens).tolist() == [0, 0, 0, 2]
    assert [space.activations[a] for a in space.activation_ids(tokens)] == [
        *("tanh", "relu", "identity", "sigmoid")
    ]
    with pytest.raises(InputError, match="position 3 is 'node2', but only node0, node1 may stand there"):
        space.parse("node0 relu node2 identity node2 sigmoid")
    first = RNNCellSpace(nodes=2, first_activation="searched")
    tokens = np.array(first.parse("sigmoid node0 relu").tokens)
    assert first.activation_ids(tokens).tolist() == [2, 1]
    assert first.parents(tokens).tolist() == [0, 0]


@pytest.mark.parametrize("space", [RNN_CELL, SEARCHED, SMALL], ids=lambda space: space.name)
def test_data_and_strings_are_inverse_for_any_leading_axes(space, rng):
    tokens = space.grammar.sample(rng, 60).reshape(3, 20, space.length)
    parents, activations = space.parents(tokens), space.activation_ids(tokens)
    assert parents.dtype == activations.dtype == np.int32
    assert (parents[..., 1:] < np.arange(1, space.nodes)).all()
    assert (space.tokens_of(parents, activations) == tokens).all()
    assert (space.parents(tokens[1, 2]) == parents[1, 2]).all()
    assert (space.mean_weights(tokens[1, 2]) == space.mean_weights(tokens)[1, 2]).all()


def test_the_three_means():
    text = "node0 relu node0 identity node2 sigmoid"
    expected = {"all": [1, 1, 1, 1], "searched": [0, 1, 1, 1], "loose": [0, 1, 0, 1]}
    for averaged, nodes in expected.items():
        space = RNNCellSpace(nodes=4, averaged=averaged)
        weights = space.mean_weights(np.array(space.parse(text).tokens))
        assert weights.dtype == np.float32
        np.testing.assert_allclose(weights, np.array(nodes) / sum(nodes), rtol=1e-6)
        reads = [line for line in space.graph(space.parse(text)).lines() if "mean" in line]
        assert reads == [f"  output = mean({', '.join(f'node{i}' for i in range(4) if nodes[i])})"]


@pytest.mark.parametrize(("nodes", "trees"), [(2, 1), (3, 2), (4, 4), (5, 9), (6, 20), (7, 48)])
def test_with_one_activation_there_are_as_many_cells_as_rooted_trees(nodes, trees):
    space = RNNCellSpace(nodes=nodes, activations=("tanh",))
    strings = space.grammar.every_string().tolist()
    assert len(strings) == math.factorial(nodes - 1)
    assert len({space.canonical(Architecture(tuple(x), space)) for x in strings}) == trees


def test_two_strings_have_one_key_exactly_if_a_new_order_of_nodes_leads_from_one_to_the_other():
    """By trying all orders."""
    keys, smallest = {}, {}
    for string in every_string(SMALL):
        x = Architecture(string, SMALL)
        parents, activations = SMALL.parents(np.array(string)), SMALL.activation_ids(np.array(string))
        orders = (np.array((0, *order)) for order in itertools.permutations((1, 2, 3)))
        same = (tuple(zip(np.argsort(o)[parents[o]], activations[o], strict=True)) for o in orders)
        keys[string], smallest[string] = SMALL.canonical(x), min(same)
    pairs = set(zip(keys.values(), smallest.values(), strict=True))
    assert len(pairs) == len(set(keys.values())) == len(set(smallest.values())) < len(keys)


def test_keys_agree_with_the_graphs(rng):
    space = RNNCellSpace(nodes=6, activations=("tanh", "relu"), averaged="loose")
    pairs = {(space.canonical(x), space.graph(x).isomorphism_key()) for x in space.sample(rng, 200)}
    assert len(pairs) == len({key for key, _ in pairs}) == len({key for _, key in pairs}) < 190


def test_features_are_equal_for_every_order_of_the_nodes():
    by_key = {}
    for string in every_string(SMALL):
        key = SMALL.canonical(Architecture(string, SMALL))
        by_key.setdefault(key, set()).add(tuple(SMALL.features(np.array([string]))[0]))
    assert {len(features) for features in by_key.values()} == {1}


def test_a_chain_of_a_thousand_nodes_has_a_key():
    space = RNNCellSpace(nodes=1000)
    chain = space.tokens_of(np.arange(-1, 999), np.zeros(1000, np.int32))
    key = space.canonical(Architecture(tuple(chain.tolist()), space))
    assert key == "(".join("0" * 1000) + ")" * 999


def test_the_graph_is_drawn_as_the_string_has_it():
    space = RNNCellSpace(nodes=3, averaged="searched")
    assert space.graph(space.parse("node0 relu node1 identity")).lines()[:-1] == [
        "  node0 = tanh(x + h)",
        "  node1 = relu(node0)",
        "  node2 = identity(node1)",
        "  output = mean(node1, node2)",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nodes": 1}, "rnn-cell: a cell has 2 to 1000 nodes, not 1"),
        ({"activations": ("relu",)}, "the activation of node 0 is tanh, which is not among relu"),
        ({"activations": ("tanh", "node3")}, "'node3' cannot be a word here"),
        ({"averaged": "none"}, "averaged is one of all, searched, loose, not 'none'"),
        ({"first_activation": "tanh"}, "first_activation is one of fixed, searched, not 'tanh'"),
    ],
)
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises(InputError, match=said):
        RNNCellSpace(**wrong)


def test_the_first_activation_may_be_any_where_it_is_searched():
    space = RNNCellSpace("other", 3, ("relu", "sin"), "searched", "loose")
    assert space.size == 2**3 * 2
    assert make(space.configuration()) == space
