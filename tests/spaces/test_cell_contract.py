"""What cell spaces owe beyond what every space does: what means the same, and that draws are uniform."""

import json

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture
from nao.spaces import CNN_CELL, CNN_CELL_SMALL, space
from nao.spaces.cells import CellSpace
from nao.spaces.operations import operations
from tests.spaces.all_spaces import THREE_WORDS, array, every_string

PNAS = CellSpace(
    "pnas",
    operations(
        "sep-conv-3x3",
        "sep-conv-5x5",
        "sep-conv-7x7",
        "identity",
        "avg-pooling-3x3",
        "max-pooling-3x3",
        "dil-conv-3x3",
        "conv-1x7-7x1",
    ),
    cells=("cell",),
    blocks=1,
)
TINY = [
    PNAS,
    CellSpace("one-block", CNN_CELL.operations, cells=("cell",), blocks=1),
    CellSpace("two-blocks", operations("a x", "b y"), cells=("cell",), blocks=2),
    CellSpace("two-cells", operations("a", "b", "c"), blocks=1),
]
ALL = [
    *(CNN_CELL, CNN_CELL_SMALL),
    *(space(name, blocks=blocks) for name in ("cnn-cell", "cnn-cell-small") for blocks in (1, 3)),
    *(PNAS, THREE_WORDS),
]


def label(space):
    return f"{space.name}-{space.blocks}"


every_space = pytest.mark.parametrize("space", ALL, ids=label)
tiny_space = pytest.mark.parametrize("space", TINY, ids=label)


def relabelled(branches, rng):
    """One cell `[B, 2, 2]` with its blocks in a random order that keeps inputs before their readers."""
    number, order, left = {0: 0, 1: 1}, [], list(range(len(branches)))
    while left:
        ready = [b for b in left if all(int(i) in number for i in branches[b, :, 0])]
        b = ready[rng.integers(len(ready))]
        number[b + 2] = len(number)
        order.append(b)
        left.remove(b)
    cell = branches[order].copy()
    cell[..., 0] = np.vectorize(number.get)(cell[..., 0])
    return cell


def from_key(space, key):
    """The string that a canonical key writes down."""
    numbers = [int(word) for word in key.replace("|", " ").split()]
    branches = np.array(numbers, np.int32).reshape(len(space.cells), space.blocks, 2, 2)
    return Architecture(tuple(space.tokens_of(branches).tolist()), space)


@tiny_space
def test_prefixes_enumerate_exactly_the_strings(space):
    strings = every_string(space)
    assert len(set(strings)) == len(strings) == space.size
    drawn = space.grammar.sample(np.random.default_rng(1), 4 * space.size)
    assert set(map(tuple, drawn.tolist())) <= set(strings)


@every_space
def test_sampling_is_uniform(space, rng):
    """Every input slot and every operation slot: chi-square against equal shares."""
    branches = space.branches(space.grammar.sample(rng, 20_000))
    p_values = []
    for c, b, branch in np.ndindex(branches.shape[1:4]):
        for part, choices in ((0, b + 2), (1, len(space.operations))):
            counts = np.bincount(branches[:, c, b, branch, part], minlength=choices)
            assert len(counts) == choices
            p_values.append(scipy.stats.chisquare(counts).pvalue)
    assert min(p_values) > 0.001 / len(p_values)


@tiny_space
def test_sampling_reaches_every_string_equally_often(space, rng):
    strings, counts = np.unique(space.grammar.sample(rng, 40 * space.size), axis=0, return_counts=True)
    assert len(strings) == space.size
    assert scipy.stats.chisquare(counts).pvalue > 0.001


@every_space
def test_augmentations_are_all_swaps_of_branches(space, rng):
    for architecture in space.sample(rng, 3):
        augmented = space.augment(array([architecture] * 15_000), rng)
        branches = space.branches(array([architecture]))[0]
        swappable = (branches[:, :, 0] != branches[:, :, 1]).any(axis=-1).sum()
        assert len(np.unique(augmented, axis=0)) == 2**swappable
        as_sets = np.sort(space.branches(augmented[:500]).dot([len(space.operations), 1]))
        assert (as_sets == np.sort(branches.dot([len(space.operations), 1]))).all()


@every_space
def test_augmentation_swaps_the_branches_of_each_block_independently(space, rng):
    architecture = space.sample(rng, 1)[0]
    augmented = space.augment(array([architecture] * 2000), rng)
    before, after = space.branches(array([architecture])), space.branches(augmented)
    swapped = (before != after).any(axis=(-2, -1))  # [N, C, B]
    swappable = (before[:, :, :, 0] != before[:, :, :, 1]).any(axis=-1)[0]
    rate = swapped.mean(axis=0)
    assert np.all(np.abs(rate[swappable] - 0.5) < 5 * 0.5 / np.sqrt(2000))
    assert not rate[~swappable].any()
    if swappable.sum() > 1:  # blocks are swapped independently of each other
        a, b = np.flatnonzero(swappable.ravel())[:2]
        both = swapped.reshape(2000, -1)[:, [a, b]].all(axis=1).mean()
        assert abs(both - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 2000)


@every_space
def test_canonical_is_constant_on_relabellings(space, rng):
    for architecture in space.sample(rng, 100):
        branches = space.branches(array([architecture]))[0]
        other = space.tokens_of(np.stack([relabelled(cell, rng) for cell in branches]))
        augmented = space.augment(other[None], rng)[0]
        assert space.grammar.fault(augmented.tolist()) is None
        key = space.canonical(architecture)
        assert space.canonical(Architecture(tuple(augmented.tolist()), space)) == key


@every_space
def test_canonical_is_idempotent(space, rng):
    for architecture in space.sample(rng, 100):
        key = space.canonical(architecture)
        representative = from_key(space, key)
        assert space.grammar.fault(representative.tokens) is None
        assert space.canonical(representative) == key


@every_space
def test_mutate_changes_exactly_one_choice_uniformly(space, rng):
    architecture = space.sample(rng, 1)[0]
    before = space.branches(array([architecture]))[0]
    n = 40 * before.size
    mutated = [space.mutate(architecture, rng) for _ in range(n)]
    assert all(space.grammar.fault(m.tokens) is None for m in mutated)
    changed = space.branches(array(mutated)) != before
    assert (changed.reshape(n, -1).sum(axis=1) == 1).all()
    assert scipy.stats.chisquare(changed.sum(axis=0).ravel()).pvalue > 0.001


def test_mutate_reaches_every_other_value():
    space = TINY[2]
    rng = np.random.default_rng(0)
    architecture = space.sample(rng, 1)[0]
    neighbours = {space.mutate(architecture, rng).tokens for _ in range(1000)}
    # Inputs of block 0 have 1 other value, those of block 1 have 2; each of 4 operations has 1.
    assert len(neighbours) == 2 * 1 + 2 * 2 + 4 * 1


def test_mutate_without_a_choice_of_operations_moves_an_input(rng):
    space = CellSpace("one-operation", operations("conv"), blocks=2)
    architecture = space.sample(rng, 1)[0]
    assert all(space.mutate(architecture, rng).tokens != architecture.tokens for _ in range(100))


@every_space
def test_neighbours_are_one_for_each_other_value(space, rng):
    """Block b has b + 2 values for each input."""
    operations, blocks = len(space.operations), space.blocks
    expected = 2 * len(space.cells) * (sum(b + 1 for b in range(blocks)) + blocks * (operations - 1))
    assert len(list(space.neighbours(space.sample(rng, 1)[0]))) == expected


def test_features_of_a_cell_by_hand():
    """Block 0 reads both inputs, block 1 reads block 0 twice and is the only loose end."""
    space = CellSpace("x", operations("a", "b"), cells=("cell",), blocks=2)
    architecture = space.parse("node1 a node2 b node3 b node3 b")
    assert space.features(array([architecture])).reshape(5, 2).tolist() == [
        [1, 0],  # reads node1
        [0, 1],  # reads node2
        [0, 2],  # is in a loose end
        [0, 2],  # reads a block with a
        [0, 2],  # reads a block with b
    ]


@every_space
def test_features_are_equal_on_relabellings(space, rng):
    for architecture in space.sample(rng, 50):
        branches = space.branches(array([architecture]))[0]
        other = space.tokens_of(np.stack([relabelled(cell, rng) for cell in branches]))
        first, second = space.features(np.stack([array([architecture])[0], other]))
        assert first.tolist() == second.tolist()
        assert len(first) == len(space.cells) * len(space.operations) * (3 + len(space.operations))


def test_the_configuration_is_what_makes_a_space():
    one_cell = CellSpace("x", PNAS.operations, cells=("cell",))
    assert json.loads(json.dumps(one_cell.configuration())) == {
        "space": "x",
        "operations": [operation.name for operation in PNAS.operations],
        "cells": ["cell"],
        "blocks": 5,
    }
