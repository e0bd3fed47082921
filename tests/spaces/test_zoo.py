"""Published cells, as their sources have them."""

import re

import numpy as np
import pytest

from nao.core import InputError
from nao.spaces import CNN_CELL, RNN_CELL, RNNCellSpace, zoo

# What each node after node 0 does, and which node it reads.
CELLS = {
    "NAO": "relu0 relu0 relu1 tanh3 relu4 relu4 relu5 relu1 relu7 relu1 identity1",
    "NAO-WS": "relu0 relu1 sigmoid2 sigmoid1 relu4 relu4 relu4 relu7 sigmoid8 tanh1 relu4",
    "ENAS": "tanh0 tanh1 relu1 tanh3 tanh3 relu3 relu4 relu7 relu8 relu8 relu8",
    "ENAS-first": "tanh0 relu1 relu2 tanh2 tanh2 relu5 tanh1 relu6 relu8 relu8 relu8",
    "ENAS-LM": "sigmoid0 tanh1 relu2 sigmoid2 tanh4 tanh5 sigmoid3 sigmoid6",
    "DARTS-V1": "relu0 relu1 tanh2 relu3 relu4 identity1 relu5 relu1",
    "DARTS-V2": "sigmoid0 relu1 relu1 identity1 tanh2 sigmoid5 tanh3 relu5",
}


def tokens_of(entry):
    return np.array(entry.architecture.tokens)


def averaged(name):
    architecture = zoo.published(name).architecture
    return np.flatnonzero(architecture.space.mean_weights(np.array(architecture.tokens))).tolist()


def test_every_cell_is_what_its_source_says():
    assert [each.name for each in zoo.zoo()] == list(CELLS)
    for each in zoo.zoo():
        tokens, names = tokens_of(each), each.space.activations
        nodes = zip(each.space.activation_ids(tokens), each.space.parents(tokens), strict=True)
        first, *rest = [f"{names[a]}{p}" for a, p in nodes]
        assert first == "tanh0"
        assert rest == CELLS[each.name].split()
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{7}:[\w./-]+", each.source)  # repository@commit:path


def test_which_nodes_are_averaged():
    for name in ("NAO", "NAO-WS"):
        assert averaged(name) == list(range(1, 12))
    for name in ("DARTS-V1", "DARTS-V2", "ENAS-LM"):
        assert averaged(name) == list(range(1, 9))
    assert averaged("ENAS") == [2, 5, 6, 9, 10, 11]  # the `concat` of DARTS' code


def test_parameters_follow_from_the_sizes():
    counts = {}
    for each in zoo.zoo():
        for network in each.networks:
            h, V = network.sizes["units"], network.sizes["words"]
            assert network.parameters == V * h + V + 4 * h**2 + 2 * (each.space.nodes - 1) * h**2
            counts[each.name, h] = network.parameters
    assert counts["DARTS-V2", 850] == 22_960_000
    assert counts["NAO", 850] == 27_295_000
    assert counts["NAO", 700] == 36_067_878
    assert counts["ENAS", 748] == 22_037_104


def test_they_are_found_by_name():
    assert zoo.published("darts-v2") is zoo.published("DARTS-V2")
    assert zoo.published("LSTM") is None


def test_cells_of_12_nodes_are_strings_of_the_usual_space():
    for each in zoo.zoo():
        if each.space.nodes == 12:
            here = zoo.express(each.architecture, RNN_CELL)
            assert here.space is RNN_CELL
            assert here.tokens == each.architecture.tokens[-22:]
            assert (RNN_CELL.parents(np.array(here.tokens)) == each.space.parents(tokens_of(each))).all()
        else:
            with pytest.raises(
                InputError, match="a cell of 9 nodes is none of rnn-cell, whose cells have 12"
            ):
                zoo.express(each.architecture, RNN_CELL)


def test_activations_go_by_their_names():
    other = RNNCellSpace(
        "other", activations=("identity", "sin", "relu", "tanh"), first_activation="searched"
    )
    here = zoo.express(zoo.published("NAO").architecture, other)
    assert str(here) == "tanh " + str(zoo.published("NAO").architecture)
    assert zoo.express(here, RNN_CELL) == zoo.express(zoo.published("NAO").architecture, RNN_CELL)


def test_what_a_space_does_not_have_is_said():
    nao = zoo.published("NAO").architecture
    with pytest.raises(InputError, match="'relu', but only tanh may stand there"):
        zoo.express(nao, RNNCellSpace("few", activations=("tanh",)))
    with pytest.raises(InputError, match="an architecture of rnn-cell cannot be written as one of cnn-cell"):
        zoo.express(nao, CNN_CELL)
    other = RNNCellSpace(first_activation="searched").parse("relu " + str(nao))
    with pytest.raises(InputError, match="node 0 of the cell has relu, but in rnn-cell it has tanh"):
        zoo.express(other, RNN_CELL)
