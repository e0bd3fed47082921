"""Spaces of words: what they can be made of, what they have without being told, and what is refused."""

import itertools
import pickle

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture, InputError
from nao.grammar import Grammar
from nao.spaces import SpaceDefaults, WordSpace
from nao.spaces.text import as_count, as_word, as_words, check_name
from tests.spaces.all_spaces import LATIN, array, every_string

SPACE = WordSpace(
    "mine", [("relu", "tanh"), (64, 128, "relu"), (0.5,)], positions=["act", "width", "drop out"]
)


class Own(SpaceDefaults):
    """A class of a user's own, which brings nothing but its words and its grammar."""

    name = "own"
    vocabulary = ("a", "b", "c")
    grammar = Grammar.from_positions(np.array([[True, True, False], [True, True, True]]))


def test_a_space_of_choices():
    assert SPACE.vocabulary == ("relu", "tanh", "64", "128", "0.5")
    assert SPACE.choices == (("relu", "tanh"), ("relu", "64", "128"), ("0.5",))
    assert (SPACE.size, SPACE.length, SPACE.group) == (6, 3, 1)
    architecture = SPACE.parse("tanh 128 0.5")
    assert str(architecture) == SPACE.canonical(architecture) == "tanh 128 0.5"
    assert SPACE.graph(architecture).lines() == ["  act = tanh", "  width = 128", "  drop out = 0.5", ""]
    assert [str(a) for a in SPACE.neighbours(architecture)] == [
        "relu 128 0.5",
        "tanh relu 0.5",
        "tanh 64 0.5",
    ]
    # For each position, each word that may stand there, in the order of the vocabulary.
    assert SPACE.features(array([architecture])).tolist() == [[0, 1, 0, 0, 1, 1]]
    assert SPACE.configuration() == {
        "space": "mine",
        "choices": [["relu", "tanh"], ["relu", "64", "128"], ["0.5"]],
        "positions": ["act", "width", "drop out"],
    }


def test_a_space_is_what_it_is_made_of():
    same = WordSpace(
        "mine", [("relu", "tanh"), ("64", np.int64(128), "relu"), [0.5]], positions=SPACE.positions
    )
    assert same == SPACE
    assert hash(same) == hash(SPACE)
    for other in (
        WordSpace("other", SPACE.choices, positions=SPACE.positions),
        WordSpace("mine", SPACE.choices),
        WordSpace("mine", SPACE.choices[::-1]),
    ):
        assert other != SPACE


def test_a_class_of_ones_own_needs_words_and_grammar_alone(rng):
    space = Own()
    assert (space.size, space.length, space.group) == (6, 2, 1)
    architecture = space.parse("b c")
    assert pickle.loads(pickle.dumps(space)).parse("b c").tokens == architecture.tokens == (1, 2)
    assert space.features(array([architecture])).tolist() == [[0, 1, 0, 0, 1]]
    assert space.graph(architecture).lines() == ["  node1 = b", "  node2 = c", ""]
    assert {str(space.mutate(architecture, rng)) for _ in range(50)} == {"a c", "b a", "b b"}
    assert space.configuration() == {
        "space": "own",
        "class": "Own",
        "vocabulary": ["a", "b", "c"],
        "grammar": Own.grammar.digest,
    }


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([], "choices must be a list with the words of each position: []"),
        ("abc", "choices must be a list with the words of each position: 'abc'"),
        ([("a", "b"), "ab"], "the choices of position 2 must be a list of words, not 'ab'"),
        ([("a", "b"), ()], "the choices of position 2 must be at least one word, not none"),
        ([("a", "b", "a")], "the choices of position 1 must be different, but 'a' comes twice"),
        ([(1, "1")], "the choices of position 1 must be different, but '1' comes twice"),
        (
            [("a", "two words")],
            "position 1: 'two words' cannot be a word: it must be a text without white space",
        ),
        ([("a", "")], "position 1: '' cannot be a word"),
        ([("a", None)], "position 1: a word must be text or a number, not None"),
        ([("a",), ("b",)], "there must be at least 2 strings to choose from, not 1"),
    ],
)
def test_choices_that_are_none(choices, said):
    with pytest.raises(InputError) as error:
        WordSpace("mine", choices)
    assert str(error.value).startswith("mine: ")
    assert said in str(error.value)


def test_arguments_that_do_not_fit_together():
    grammar = Grammar.from_positions(np.ones((2, 3), np.bool_))
    for arguments, said in (
        ({}, "needs its choices, or a vocabulary and a Grammar"),
        ({"choices": [("a", "b")], "grammar": grammar}, "needs its choices, or"),
        ({"vocabulary": ["a", "b"]}, "needs its choices, or"),
        ({"vocabulary": ["a", "b"], "grammar": grammar}, "the grammar is of 3 words, the vocabulary has 2"),
        ({"choices": [("a", "b")], "positions": ["x", "y"]}, "1 positions need as many different names"),
        ({"choices": [("a", "b")] * 2, "positions": ["x", "x"]}, "2 positions need as many different names"),
    ):
        with pytest.raises(InputError, match=said):
            WordSpace("mine", **arguments)


@pytest.mark.parametrize("values", ["text", b"bytes", {"a", "b"}, {"a": 1}, 3, None])
def test_what_is_no_list_of_words_is_refused(values):
    with pytest.raises(InputError, match="x must be a list of words, not "):
        as_words(values, "x")


def test_numbers_are_written_as_python_writes_them():
    assert as_words(np.array([0.1, 1e-5]), "x") == ("0.1", "1e-05")
    assert as_words(range(3), "x") == ("0", "1", "2")
    assert as_word(np.float32(0.5), "x") == "0.5"
    for value in ("a\u2028b", "\x00", " a", "a\t"):
        with pytest.raises(InputError, match="cannot be a word") as error:
            as_word(value, "x")
        assert str(error.value).isprintable()


def test_counts_and_names():
    assert (as_count(np.int64(3), "x"), type(as_count(np.int64(3), "x"))) == (3, int)
    for value in (2.5, "3", True, None):
        with pytest.raises(InputError, match="x must be a whole number, not "):
            as_count(value, "x")
    for value in ("", " ", "two\nlines", 3, None):
        with pytest.raises(InputError, match="x must be a text of one line, not "):
            check_name(value, "x")


class TestRows:
    def test_the_space_of_a_table_has_its_rows_and_no_others(self):
        rows = [(3, "a"), (1, "b"), (3, "b"), (2, "a"), (3, "a")]
        space = WordSpace.from_rows("table", rows, ["depth", "kind"])
        assert space.vocabulary == ("3", "1", "2", "a", "b")
        assert {space.format(x) for x in every_string(space)} == {"3 a", "1 b", "3 b", "2 a"}
        with pytest.raises(InputError, match="table: position 2 is 'a', but only b may stand there"):
            space.parse("1 a")

    def test_a_full_product_is_a_space_of_choices(self):
        choices = [("x", "y", "z"), (1, 2), ("x", "u")]
        rows = list(itertools.product(*choices))
        assert WordSpace.from_rows("table", rows) == WordSpace("table", choices)
        assert (
            WordSpace.from_rows("table", rows).configuration() == WordSpace("table", choices).configuration()
        )
        assert WordSpace.from_rows("table", rows[:-1]).size == 11

    def test_the_grammar_of_random_strings(self, rng):
        strings = rng.integers(3, size=(200, 6))
        grammar = Grammar.from_strings(strings, 3)
        expected = set(map(tuple, strings.tolist()))
        assert grammar.size == len(expected)
        assert {tuple(x) for x in grammar.sample(rng, 4000).tolist()} == expected
        assert Grammar.from_transitions(grammar.transitions, 3) == grammar
        assert Grammar.from_strings(strings[::-1], 3) == grammar
        assert Grammar.from_strings(strings[1:], 3) != grammar or tuple(strings[0]) in expected - {()}

    def test_a_large_table_takes_little_time(self):
        rows = [(i, j, k) for i, j, k in itertools.product(range(20), repeat=3) if (i + j + k) % 7]
        space = WordSpace.from_rows("large", rows)
        assert space.size == len(rows) > 6_000
        assert space.grammar.legal.shape[1] <= 20

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([], "the same number of words, at least one, but there are none"),
            ([("a", "b"), ("a",)], "the same number of words, at least one, not 1 to 2"),
            ([()], "at least one, not 0 to 0"),
            ([("a",), ("two words",)], "row 2: 'two words' cannot be a word"),
            ([("a", "b")], "at least 2 strings"),
        ],
    )
    def test_rows_that_are_none(self, rows, said):
        with pytest.raises(InputError, match=said):
            WordSpace.from_rows("table", rows)


class TestNearest:
    """Where no string differs in one word alone, the neighbours are those that differ in the fewest."""

    def test_neighbours_are_all_strings_at_the_smallest_distance(self, rng):
        strings = np.unique(rng.integers(4, size=(25, 5)), axis=0)
        space = WordSpace.from_rows("sparse", strings.tolist())
        for architecture in map(space.parse, (" ".join(map(str, row)) for row in strings)):
            own = np.array(architecture.tokens)
            everything = np.array(every_string(space))
            distance = (everything != own).sum(axis=1)
            nearest = everything[distance == distance[distance > 0].min()]
            found = [a.tokens for a in space.neighbours(architecture)]
            assert len(set(found)) == len(found)
            assert set(found) == set(map(tuple, nearest.tolist()))

    def test_mutate_is_uniform(self, rng):
        architecture = LATIN.parse("1 2 3")
        near = [a.tokens for a in LATIN.neighbours(architecture)]
        assert len(near) == 9
        assert {sum(map(int.__ne__, x, architecture.tokens)) for x in near} == {2}
        made = [LATIN.mutate(architecture, rng).tokens for _ in range(450)]
        assert scipy.stats.chisquare([made.count(x) for x in near]).pvalue > 0.001

    def test_the_only_string_has_no_neighbours(self, rng):
        class One(Own):
            grammar = Grammar.from_positions(np.array([[True, False, False]] * 2))

        only = Architecture((0, 0), One())
        assert list(One().neighbours(only)) == []
        with pytest.raises(ValueError, match="the only string"):
            One().mutate(only, rng)
