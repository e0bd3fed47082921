"""The walks over a grammar: states, expansions, completions, and what never reaches an end."""

import itertools

import numpy as np
import pytest

from nao.grammar import Grammar
from nao.spaces.cells import CellSpace
from nao.spaces.operations import operations


def branching():
    """Strings of 3 letters. The third is c after an a, and a or b after a b or c; after a d there is none."""
    legal = np.zeros((3, 3, 4), np.bool_)  # state 2 is a dead end
    following = np.zeros((3, 3, 4), np.int32)
    legal[0, 0] = True
    legal[1, 0] = True
    following[1, 0] = [0, 1, 1, 2]
    legal[2, 0, 2] = legal[2, 1, :2] = True
    return Grammar(legal, following)


FREE = Grammar.from_positions(np.array([[True, True, False], [True, False, True], [True, True, True]]))
CELLS = CellSpace("cells", operations("a b", "a c", "b c"), cells=("cell",), blocks=1).grammar
GRAMMARS = {"free": FREE, "branching": branching(), "cells": CELLS}
every_grammar = pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)


def enumerated(grammar):
    """All strings in the order of their tokens, without any walk."""
    strings = itertools.product(range(grammar.legal.shape[2]), repeat=grammar.length)
    return np.array([x for x in strings if grammar.fault(x) is None], np.int32)


@every_grammar
def test_every_string_once_in_order(grammar):
    np.testing.assert_array_equal(grammar.every_string(), enumerated(grammar))
    assert len(grammar.every_string()) == grammar.size


@every_grammar
def test_states_are_those_before_each_token_and_after_the_last(grammar):
    for tokens, states in zip(enumerated(grammar), grammar.states(enumerated(grammar)), strict=True):
        assert states[0] == 0
        for t, token in enumerate(tokens):
            assert grammar.legal[t, states[t], token]
            assert states[t + 1] == grammar.following[t, states[t], token]
            np.testing.assert_array_equal(grammar.after(tokens[:t].tolist()), grammar.legal[t, states[t]])


def test_no_prefix_has_only_the_first_state():
    assert FREE.states(np.zeros((2, 0), np.int32)).tolist() == [[0], [0]]


def test_viable_leaves_out_what_leads_into_a_dead_end():
    grammar = branching()
    assert grammar.legal[1, 0].tolist() == [True, True, True, True]
    assert grammar.viable[1, 0].tolist() == [True, True, True, False]
    assert grammar.viable[0, 0].all()


@every_grammar
def test_arrays_are_the_grammar_without_dead_ends(grammar):
    viable, following = grammar.arrays()
    np.testing.assert_array_equal(viable, grammar.viable)
    np.testing.assert_array_equal(following, grammar.following)
    assert following.dtype == np.int32


@every_grammar
def test_expansions_are_the_prefixes_of_the_strings_that_begin_so(grammar):
    strings = enumerated(grammar)
    for t, u in ((0, 1), (1, 2), (1, 3), (2, 2)):
        begin = strings[len(strings) // 2, :t][None]
        expected = np.unique(strings[(strings[:, :t] == begin).all(axis=1)][:, :u], axis=0)
        np.testing.assert_array_equal(grammar.expand(begin, u), expected)


def test_too_many_expansions_are_drawn_from():
    grammar = Grammar.from_positions(np.ones((6, 8), np.bool_))
    strings = grammar.expand(np.zeros((1, 0), np.int32), 6, most=1000, rng=np.random.default_rng(0))
    assert len(np.unique(strings, axis=0)) == len(strings) == 1000
    assert set(np.unique(strings[:, 0])) == set(range(8))


@every_grammar
def test_a_completion_is_the_first_string_that_begins_so(grammar):
    strings = enumerated(grammar)
    for t in range(grammar.length):
        completed = grammar.complete(strings[:, :t])
        for x, prefix in zip(completed, strings[:, :t], strict=True):
            np.testing.assert_array_equal(x, strings[(strings[:, :t] == prefix).all(axis=1)][0])


@every_grammar
def test_a_completion_takes_the_preferred_token(grammar):
    strings = enumerated(grammar)
    preferred = 1 + np.random.default_rng(0).random((grammar.length, grammar.legal.shape[2]))
    (x,) = grammar.complete(strings[:1, :1], preferred)
    assert grammar.fault(x.tolist()) is None
    states = grammar.states(x[None])[0]
    for t in range(1, grammar.length):
        best = np.where(grammar.viable[t, states[t]], preferred[t], 0).argmax()
        assert x[t] == best
