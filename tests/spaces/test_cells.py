"""Known sizes, known architectures, and architectures as data."""

import math
import subprocess
import sys

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.spaces import CNN_CELL, CNN_CELL_SMALL, SPACES, RNNCellSpace, RNNTreeSpace, space
from nao.spaces.cells import CellSpace
from nao.spaces.operations import Operation, operations

# Architectures that Luo et al. published, as (input, operation) numbers: normal cell, reduction cell.
# NAONet-A numbers the 11 operations from 5; the others number the 5 operations from 0.
NAONET_A = (
    "0 7 1 15 2 8 1 7 0 6 1 7 0 8 4 7 1 5 0 7",
    "0 7 1 13 0 6 0 14 0 9 1 10 0 14 2 6 1 11 0 7",
)
NAONET_B = (
    "0 1 0 2 0 1 2 2 1 3 0 2 4 0 1 3 2 1 0 3",
    "1 1 1 0 2 1 2 4 1 0 2 3 3 1 2 2 0 2 0 2",
)
NAONET_WS = (
    "0 1 0 4 2 2 1 3 1 0 2 0 2 3 1 3 1 2 0 4",
    "1 1 0 3 2 3 2 3 1 0 0 1 0 4 2 4 2 3 2 3",
)
PUBLISHED = [(CNN_CELL, NAONET_A, 5), (CNN_CELL_SMALL, NAONET_B, 0), (CNN_CELL_SMALL, NAONET_WS, 0)]


def published(cells, first_operation):
    branches = np.array([cell.split() for cell in cells], np.int32).reshape(2, 5, 2, 2)
    return branches - np.array([0, first_operation], np.int32)


def test_known_sizes():
    """(B + 1)!^2 ways to choose inputs, O^(2B) ways to choose operations, for each cell."""
    assert CNN_CELL.size == (518400 * 11**10) ** 2
    assert CNN_CELL_SMALL.size == (518400 * 5**10) ** 2
    assert space("cnn-cell", blocks=1).size == (2 * 11) ** 4
    assert space("cnn-cell-small", blocks=3).size == (24**2 * 5**6) ** 2
    assert CellSpace("one", CNN_CELL.operations, cells=("cell",)).size == 518400 * 11**10


def test_lengths_and_vocabularies():
    assert (CNN_CELL.length, CNN_CELL.group) == (60, 3)
    assert (CNN_CELL_SMALL.length, CNN_CELL_SMALL.group) == (40, 2)
    nodes = ("node1", "node2", "node3", "node4", "node5", "node6")
    kinds = ("identity", "conv", "max-pooling", "avg-pooling")
    assert CNN_CELL.vocabulary == (*nodes, *kinds, "1x1", "3x3", "1x3+3x1", "1x7+7x1", "2x2", "5x5")
    assert CNN_CELL_SMALL.vocabulary == (*nodes, *(o.name for o in CNN_CELL_SMALL.operations))


def test_sizes_that_each_kind_may_have():
    number = {word: v for v, word in enumerate(CNN_CELL.vocabulary)}
    legal = {
        kind: {CNN_CELL.vocabulary[v] for v in np.flatnonzero(CNN_CELL.legal((0, number[kind])))}
        for kind in ("identity", "conv", "max-pooling", "avg-pooling")
    }
    assert legal == {
        "identity": {"1x1"},
        "conv": {"1x1", "3x3", "1x3+3x1", "1x7+7x1"},
        "max-pooling": {"2x2", "3x3", "5x5"},
        "avg-pooling": {"2x2", "3x3", "5x5"},
    }


def test_inputs_that_each_block_may_read(rng):
    for cells in (CNN_CELL, CNN_CELL_SMALL):
        tokens = cells.sample(rng, 1)[0].tokens
        for branch in range(20):
            readable = 2 + branch % 10 // 2
            legal = np.flatnonzero(cells.legal(tokens[: branch * cells.group]))
            assert [cells.vocabulary[v] for v in legal] == [f"node{i + 1}" for i in range(readable)]


def test_a_conv_cannot_be_2x2():
    text = "node1 conv 2x2 node2 max-pooling 3x3"
    with pytest.raises(InputError) as error:
        CNN_CELL.parse(text)
    assert str(error.value) == (
        "cnn-cell: position 3 is '2x2', but only 1x1, 3x3, 1x3+3x1, 1x7+7x1 may stand there"
    )


def test_the_example_of_the_paper():
    one_block = CellSpace("one", CNN_CELL.operations, cells=("cell",), blocks=1)
    architecture = one_block.parse("node1 conv 3x3 node2 max-pooling 3x3")
    branches = one_block.branches(np.array([architecture.tokens]))
    assert branches.tolist() == [[[[[0, 2], [1, 6]]]]]
    augmented = one_block.augment(np.array([architecture.tokens] * 20), np.random.default_rng(0))
    assert {one_block.format(x) for x in augmented.tolist()} == {
        "node1 conv 3x3 node2 max-pooling 3x3",
        "node2 max-pooling 3x3 node1 conv 3x3",
    }
    assert one_block.canonical(architecture) == "0 2 1 6"


@pytest.mark.parametrize(("cells", "numbers", "first"), PUBLISHED, ids=["NAONet-A", "NAONet-B", "NAONet-WS"])
def test_published_architectures_round_trip(cells, numbers, first):
    branches = published(numbers, first)
    architecture = Architecture(tuple(cells.tokens_of(branches).tolist()), cells)
    again = cells.parse(str(architecture))
    assert again == architecture
    np.testing.assert_array_equal(cells.branches(np.array(again.tokens)), branches)


def test_published_architectures_in_words():
    architecture = CNN_CELL.format(CNN_CELL.tokens_of(published(NAONET_A, 5)).tolist())
    assert architecture.startswith(
        "node1 conv 3x3 node2 avg-pooling 5x5 node3 conv 1x3+3x1 node2 conv 3x3 node1 conv 1x1 node2 conv 3x3"
        " node1 conv 1x3+3x1 node5 conv 3x3 node2 identity 1x1 node1 conv 3x3"
    )
    architecture = CNN_CELL_SMALL.format(CNN_CELL_SMALL.tokens_of(published(NAONET_B, 0)).tolist())
    assert architecture.startswith("node1 sep-conv-5x5 node1 avg-pooling-3x3 node1 sep-conv-5x5 node3 avg-po")
    assert architecture.endswith("node1 avg-pooling-3x3 node1 avg-pooling-3x3")


def test_loose_ends_of_published_architectures():
    loose = CellSpace.loose_ends(published(NAONET_A, 5))
    assert loose.tolist() == [[False, True, False, True, True], [False, True, True, True, True]]


@pytest.mark.parametrize(
    "cells", [CNN_CELL, CNN_CELL_SMALL, space("cnn-cell", blocks=1)], ids=lambda c: c.name
)
def test_loose_ends_agree_with_brute_force(cells, rng):
    branches = cells.branches(cells.grammar.sample(rng, 200))
    loose = cells.loose_ends(branches)
    assert loose[..., -1].all()  # nothing can read the last block
    for n, c in np.ndindex(loose.shape[:2]):
        read = {int(i) for block in branches[n, c] for i, _ in block}
        assert loose[n, c].tolist() == [b + 2 not in read for b in range(cells.blocks)]


@pytest.mark.parametrize("cells", [CNN_CELL, CNN_CELL_SMALL], ids=lambda c: c.name)
def test_branches_keep_leading_axes(cells, rng):
    tokens = cells.grammar.sample(rng, 12)
    branches = cells.branches(tokens)
    assert branches.shape == (12, 2, 5, 2, 2)
    assert branches.dtype == np.int32
    np.testing.assert_array_equal(cells.tokens_of(branches), tokens)
    np.testing.assert_array_equal(
        cells.branches(tokens.reshape(3, 4, -1)), branches.reshape(3, 4, 2, 5, 2, 2)
    )
    np.testing.assert_array_equal(cells.branches(tokens[0]), branches[0])
    np.testing.assert_array_equal(cells.tokens_of(branches[0]), tokens[0])
    assert cells.loose_ends(branches[0]).shape == (2, 5)


def test_spaces_by_name():
    assert list(SPACES) == [s.name for s in SPACES.values()]
    assert all(space(name) is found for name, found in SPACES.items())
    assert space("cnn-cell", blocks=5) == CNN_CELL
    assert space("cnn-cell-small", blocks=2).blocks == 2
    names = ", ".join(SPACES)
    assert names.startswith("cnn-cell, cnn-cell-small, rnn-cell, rnn-tree, nasbench101, nasbench201, ")
    with pytest.raises(InputError, match=f"'cnn_cell'; the spaces are {names}$"):
        space("cnn_cell")
    for blocks in (0, -1):
        with pytest.raises(InputError, match=f"at least 1 block, not {blocks}$"):
            space("cnn-cell", blocks=blocks)
    with pytest.raises(InputError, match=r"^nasbench201 has no blocks, .* cnn-cell, cnn-cell-small$"):
        space("nasbench201", blocks=5)
    with pytest.raises(InputError, match=r"^rnn-cell has no blocks, .* cnn-cell, cnn-cell-small$"):
        space("rnn-cell", blocks=5)


def test_spaces_by_name_with_other_parameters():
    assert space("rnn-cell", nodes=9, averaged="searched") == RNNCellSpace(nodes=9, averaged="searched")
    assert space("rnn-cell", nodes=np.int64(9), activations=("tanh", "relu")).size == math.factorial(8) * 2**8
    assert space("rnn-tree", base=4) == RNNTreeSpace(base=4)
    few = space("cnn-cell", operations=["conv 1x1", "identity 1x1"], blocks=2, cells=["normal"])
    assert [x.name for x in few.operations] == ["conv 1x1", "identity 1x1"]
    with pytest.raises(InputError, match=r"^rnn-tree has no nodes, only base, .*; nodes are of rnn-cell$"):
        space("rnn-tree", nodes=9)
    with pytest.raises(InputError, match=r"^nasbench-macro has no depth, and nothing else to be set$"):
        space("nasbench-macro", depth=9)
    for key in ("name", "space"):
        with pytest.raises(InputError, match=rf"^rnn-cell has no {key}, only nodes, "):
            space("rnn-cell", **{key: "x"})
    for wrong in ("tanh", 5, ["tanh", 5], {"tanh": 1}, ["tanh", True]):
        with pytest.raises(InputError, match=r"^rnn-tree: activations must be a list of words, such as "):
            space("rnn-tree", activations=wrong)
    with pytest.raises(InputError, match=r"^there is no space 'x{40}'\.\.\.; the spaces are cnn-cell, "):
        space("x" * 500)
    with pytest.raises(InputError, match=r"^rnn-cell: nodes is out of all proportion: 1000000"):
        space("rnn-cell", nodes=10**30)
    for wrong in ("x", 2.5, None, [], 1001):
        with pytest.raises(InputError, match="rnn-cell"):
            space("rnn-cell", nodes=wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((), "operations are needed"),
        ((Operation(()),), "at least one"),
        (operations("conv 3x3", "identity"), "same number of words"),
        (operations("conv", "conv"), "written differently"),
        (operations("node2"), "'node2' cannot be"),
        ((Operation(("two words",)),), "'two words' cannot be"),
        ((Operation(("",)),), "'' cannot be"),
    ],
)
def test_operations_that_a_string_cannot_tell_apart(wrong, said):
    with pytest.raises(InputError, match=said):
        CellSpace("wrong", wrong)


def test_a_space_needs_a_cell():
    with pytest.raises(InputError, match="at least one cell"):
        CellSpace("wrong", operations("conv"), cells=())
    with pytest.raises(InputError, match="different names, not normal, normal"):
        CellSpace("wrong", operations("conv"), cells=("normal", "normal"))


def test_too_many_blocks_are_refused():
    with pytest.raises(InputError, match="at most 1000 blocks"):
        space("cnn-cell", blocks=10**6)


def test_the_grammar_cannot_be_overwritten():
    with pytest.raises(ValueError, match="read-only"):
        CNN_CELL.legal(())[0] = False


def test_spaces_need_no_jax():
    code = "import sys, nao.spaces; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
