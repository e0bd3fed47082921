"""What every search space owes: the protocol `nao.core.SearchSpace`, and what a cell space adds to it."""

import json
import pickle

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture, InputError
from nao.spaces import SPACES, space
from nao.spaces.cells import CellSpace
from nao.spaces.operations import operations

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
# Three words an operation, whose legality depends on all the words before.
THREE_WORDS = CellSpace("three", operations("a b c", "a b d", "a c c", "b b c"), blocks=2)
TINY = [
    PNAS,
    CellSpace("one-block", SPACES["cnn-cell"].operations, cells=("cell",), blocks=1),
    CellSpace("two-blocks", operations("a x", "b y"), cells=("cell",), blocks=2),
    CellSpace("two-cells", operations("a", "b", "c"), blocks=1),
]
ALL = [
    *SPACES.values(),
    *(space(name, blocks=blocks) for name in SPACES for blocks in (1, 3)),
    PNAS,
    THREE_WORDS,
]


def label(space):
    return f"{space.name}-{space.blocks}"


every_space = pytest.mark.parametrize("space", ALL, ids=label)
tiny_space = pytest.mark.parametrize("space", TINY, ids=label)


def array(architectures):
    return np.array([a.tokens for a in architectures], np.int32)


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


@every_space
def test_format_and_parse_are_inverse(space, rng):
    for architecture in space.sample(rng, 10_000 if space.blocks == 5 else 1000):
        assert space.parse(str(architecture)).tokens == architecture.tokens


@every_space
def test_a_string_is_its_words_and_any_white_space_separates_them(space, rng):
    architecture = space.sample(rng, 1)[0]
    words = str(architecture).split(" ")
    assert words == [space.vocabulary[token] for token in architecture.tokens]
    assert len(words) == space.length == space.grammar.length
    assert space.length % space.group == 0
    assert space.parse("\n " + "\t\n ".join(words) + "\n") == architecture


@every_space
def test_masks_agree_with_samples_and_with_fault(space, rng):
    for architecture in space.sample(rng, 5):
        tokens = architecture.tokens
        assert space.grammar.fault(tokens) is None
        for t, token in enumerate(tokens):
            legal = space.legal(tokens[:t])
            assert legal.shape == (len(space.vocabulary),)
            assert legal[token]
            for v in range(len(space.vocabulary)):
                assert space.grammar.fault((*tokens[:t], v)) == (None if legal[v] else t)


@every_space
def test_vocabulary_is_exactly_what_occurs(space, rng):
    assert len(set(space.vocabulary)) == len(space.vocabulary)
    seen = np.unique(space.grammar.sample(rng, 3000))
    assert seen.tolist() == list(range(len(space.vocabulary)))


@tiny_space
def test_prefixes_enumerate_exactly_the_strings(space):
    prefixes = [()]
    for _ in range(space.length):
        prefixes = [(*p, int(v)) for p in prefixes for v in np.flatnonzero(space.legal(p))]
    assert len(set(prefixes)) == len(prefixes) == space.size
    drawn = space.grammar.sample(np.random.default_rng(1), 4 * space.size)
    assert set(map(tuple, drawn.tolist())) <= set(prefixes)


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
def test_the_first_wrong_word_is_named_with_what_was_legal(space, rng):
    for architecture in space.sample(rng, 20):
        words, t = str(architecture).split(), int(rng.integers(space.length))
        legal = space.legal(architecture.tokens[:t])
        illegal = [v for v in range(len(legal)) if not legal[v]]
        wrong = [space.vocabulary[v] for v in illegal[:1]] + ["x" * 500, "nöde\x001"]
        for word in wrong:
            with pytest.raises(InputError) as error:
                space.parse(" ".join([*words[:t], word, *words[t + 1 :]]))
            message = str(error.value)
            assert f"position {t + 1} is {word[:40]!r}" in message
            assert ", ".join(space.vocabulary[v] for v in np.flatnonzero(legal)) in message
            assert space.name in message
            assert message.isprintable()
            assert len(message) < 300


@every_space
def test_the_number_of_words_is_checked(space, rng):
    words = str(space.sample(rng, 1)[0]).split()
    for n in (0, 1, space.length - 1):
        with pytest.raises(InputError, match=rf"{space.length} words.* {n}: .* before position {n + 1}, "):
            space.parse(" ".join(words[:n]))
    with pytest.raises(InputError, match=rf"{space.length} words.* {space.length + 2}: position .* 'more'"):
        space.parse(" ".join([*words, "more", "words"]))


@every_space
def test_symmetric_strings_are_distinct_legal_and_complete(space, rng):
    for architecture in space.sample(rng, 3):
        others = list(space.symmetric(architecture))
        strings = {a.tokens for a in others}
        assert len(strings) == len(others)
        assert architecture.tokens not in strings
        assert all(space.grammar.fault(tokens) is None for tokens in strings)
        branches = space.branches(array([architecture]))[0]
        swappable = (branches[:, :, 0] != branches[:, :, 1]).any(axis=-1).sum()
        assert len(others) == 2**swappable - 1
        assert {space.canonical(a) for a in others} <= {space.canonical(architecture)}
        # Being symmetric is mutual: they are symmetric to each other.
        for other in others[:1]:
            assert {a.tokens for a in space.symmetric(other)} == strings - {other.tokens} | {
                architecture.tokens
            }


@every_space
def test_redraw_is_a_uniform_symmetric_string(space, rng):
    architecture = space.sample(rng, 1)[0]
    redrawn = space.redraw(array([architecture] * 2000), rng)
    orbit = {architecture.tokens, *(a.tokens for a in space.symmetric(architecture))}
    assert set(map(tuple, redrawn.tolist())) <= orbit
    before, after = space.branches(array([architecture])), space.branches(redrawn)
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
def test_redraw_keeps_canonical_row_by_row(space, rng):
    tokens = space.grammar.sample(rng, 300)
    redrawn = space.redraw(tokens, rng)
    assert redrawn.shape == tokens.shape
    assert redrawn.dtype == tokens.dtype
    for before, after in zip(tokens.tolist(), redrawn.tolist(), strict=True):
        keys = [space.canonical(Architecture(tuple(x), space)) for x in (before, after)]
        assert keys[0] == keys[1]
    assert space.redraw(tokens[:0], rng).shape == (0, space.length)


@every_space
def test_canonical_is_constant_on_relabellings(space, rng):
    for architecture in space.sample(rng, 100):
        branches = space.branches(array([architecture]))[0]
        other = space.tokens_of(np.stack([relabelled(cell, rng) for cell in branches]))
        redrawn = space.redraw(other[None], rng)[0]
        assert space.grammar.fault(redrawn.tolist()) is None
        key = space.canonical(architecture)
        assert space.canonical(Architecture(tuple(redrawn.tolist()), space)) == key


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
def test_the_same_seed_gives_the_same(space):
    def draws(seed):
        rng = np.random.default_rng(seed)
        sample = space.sample(rng, 20)
        return (
            [a.tokens for a in sample],
            space.redraw(array(sample), rng).tolist(),
            [space.mutate(a, rng).tokens for a in sample],
        )

    assert draws(7) == draws(7)
    assert draws(7)[0] != draws(8)[0]


@every_space
def test_spaces_and_architectures_pickle(space, rng):
    architecture = space.sample(rng, 1)[0]
    data = pickle.dumps(architecture)
    again = pickle.loads(data)
    assert again == architecture
    assert again.space == space
    assert hash(again.space) == hash(space)
    assert str(again) == str(architecture)
    assert len(data) < 3000


def test_configurations_are_json_and_differ_between_spaces():
    written = [json.dumps(s.configuration(), sort_keys=True) for s in ALL]
    assert len(set(written)) == len(ALL)
    one_cell = CellSpace("x", PNAS.operations, cells=("cell",))
    assert json.loads(json.dumps(one_cell.configuration())) == {
        "space": "x",
        "operations": [operation.name for operation in PNAS.operations],
        "cells": ["cell"],
        "blocks": 5,
    }
