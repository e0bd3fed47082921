"""The space of NAS-Bench-Macro: its strings, and which of them are one network."""

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.spaces.nasbench_macro import NASBENCH_MACRO, split_stages

SPACE = NASBENCH_MACRO
ALL = [Architecture(tokens, SPACE) for tokens in SPACE.strings()]


def test_sizes_and_words():
    assert (SPACE.size, SPACE.length, SPACE.group) == (6_561, 8, 1)
    assert SPACE.vocabulary == ("0", "1", "2")


def test_the_published_string():
    architecture = SPACE.parse("22212220")
    assert architecture.tokens == (2, 2, 2, 1, 2, 2, 2, 0)
    assert str(architecture) == "22212220"
    assert SPACE.parse(" 2 2 2 1\n2 2 2 0 ") == SPACE.parse("22212220\n") == architecture


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("22232220", "position 4 is '3', but only 0, 1, 2 may stand there"),
        ("2221222", "a string has 8 words, but this one has 7"),
        ("222122201", "a string has 8 words, but this one has 9"),
        ("", "a string has 8 words, but this one has 0"),
    ],
)
def test_a_malformed_string_is_refused(text, message):
    with pytest.raises(InputError, match=f"^nasbench-macro: {message}"):
        SPACE.parse(text)


def test_the_published_number_of_different_networks():
    """3 * 3 ways for a stage of two layers, 3 * (1 + 2 + 4) for one of three."""
    assert len({SPACE.canonical(a) for a in ALL}) == 3_969 == 9 * 21 * 21


def test_an_identity_counts_only_as_the_first_layer_of_a_stage():
    assert split_stages(SPACE.parse("02012101").tokens) == [[0, 2], [0, 1, 2], [1, 1]]
    same = ["10120020", "10102020", "10120002", "10102002"]
    architecture = SPACE.parse(same[0])
    augmented = SPACE.augment(np.array([architecture.tokens] * 100), np.random.default_rng(0))
    assert {SPACE.format(x) for x in augmented.tolist()} == set(same)
    assert SPACE.canonical(architecture) == "1|12|02"
    assert SPACE.canonical(SPACE.parse("01120020")) != SPACE.canonical(architecture)


def test_features_by_hand():
    features = SPACE.features(np.array([SPACE.parse("20012110").tokens]))[0]
    assert features.astype(int).tolist() == [
        *(0, 1, 0, 0),  # the first stage: a 2, then nothing
        *(0, 1),  # no 1 and one 2
        *(0, 0, 1, 0, 0, 1),  # the second: Identity, 1, 2
        *(1, 1),
        *(1, 0, 1, 0, 0, 0),  # the third: 1, 1, nothing
        *(2, 0),
        *(3, 2),  # in all
    ]


def test_features_are_equal_exactly_within_a_class():
    features = SPACE.features(np.array([a.tokens for a in ALL]))
    assert features.shape == (6_561, 24)
    pairs = {(SPACE.canonical(a), tuple(row)) for a, row in zip(ALL, features.tolist(), strict=True)}
    assert len(pairs) == len({row for _, row in pairs}) == 3_969


def test_16_neighbours(rng):
    for architecture in SPACE.sample(rng, 20):
        neighbours = [a.tokens for a in SPACE.neighbours(architecture)]
        different = (np.array(neighbours) != architecture.tokens).sum(axis=1)
        assert (len(set(neighbours)), set(different.tolist())) == (16, {1})
