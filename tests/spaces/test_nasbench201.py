"""The space of NAS-Bench-201: its strings, and which of them are one cell."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS, PATHS

SPACE = NASBENCH201
EXAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
ALL = [Architecture(tokens, SPACE) for tokens in SPACE.strings()]


def cell(words):
    """An architecture from its six operations, by the first letters of their last parts."""
    short = {"0": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "p": "avg_pool_3x3"}
    return SPACE.parse(" ".join(short[letter] for letter in words))


def paths(architecture):
    """The paths of a cell as (operations, how many)."""
    counts = SPACE.features(np.array([architecture.tokens]))[0]
    return {"".join(map(str, path)): int(n) for path, n in zip(PATHS, counts, strict=True) if n}


def test_sizes_and_words():
    assert (SPACE.size, SPACE.length, SPACE.group, len(ALL)) == (15_625, 6, 1, 15_625)
    assert SPACE.vocabulary == OPERATIONS
    assert OPERATIONS == ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def test_the_published_string():
    architecture = SPACE.parse(EXAMPLE)
    assert architecture.tokens == (3, 0, 1, 0, 0, 4)
    assert str(architecture) == EXAMPLE
    assert SPACE.parse("  " + EXAMPLE.replace("+", " + ") + "\n") == architecture
    assert SPACE.parse("nor_conv_3x3 none skip_connect none none avg_pool_3x3") == architecture


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE[:-1],
        EXAMPLE.replace("~2", "~1"),
        EXAMPLE.replace("+|none~0|none~1|avg_pool_3x3~2|", ""),
        EXAMPLE.replace("none~0|skip", "skip"),
        "|",
        "none~0",
    ],
)
def test_a_malformed_string_is_refused_with_the_form(text):
    with pytest.raises(InputError) as error:
        SPACE.parse(text)
    form = "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
    assert str(error.value) == f"nasbench201: a string is written {form}, or as six operations"


def test_an_unknown_operation_is_named_with_its_position():
    with pytest.raises(InputError, match=r"^nasbench201: position 3 is 'sep_conv', but only none, skip_conn"):
        SPACE.parse(EXAMPLE.replace("skip_connect", "sep_conv"))


def test_the_published_number_of_different_cells():
    """Dong and Yang 2020: 15,625 candidates, of which 6,466 are unique."""
    assert len({SPACE.canonical(a) for a in ALL}) == 6_466


def test_the_key_of_a_cell_by_hand():
    assert SPACE.canonical(cell("3ps1s0")) == "#+(0)2+(0)3"
    assert SPACE.canonical(cell("ss1pp3")) == "((0)2+0)3+(0)4+(0)4"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("300000", "p00000"),  # node 1 is not read
        ("s30030", "s30300"),  # node 1 is the input, and so is what is done to it
        ("001300", "003300"),  # node 1 is zero, and so is what is done to it
    ],
)
def test_the_same_cell(one, other):
    assert SPACE.canonical(cell(one)) == SPACE.canonical(cell(other))


def test_zeros_in_a_sum_count_as_published():
    """The inner nodes change places; only node 2 has a second edge, a zero, which its key keeps."""
    one, other = cell("1300p1"), cell("31001p")
    assert paths(one) == paths(other) == {"24": 1, "32": 1}
    assert SPACE.canonical(one) == "#+(#+(0)3)2+((0)2)4"
    assert SPACE.canonical(other) == "#+(#+(0)2)4+((0)3)2"


def test_augmentations_are_all_of_the_class(rng):
    by_key = {}
    for architecture in ALL:
        by_key.setdefault(SPACE.canonical(architecture), set()).add(architecture.tokens)
    for architecture in SPACE.sample(rng, 50):
        strings = by_key[SPACE.canonical(architecture)]
        augmented = SPACE.augment(np.array([architecture.tokens] * 20 * len(strings)), rng)
        assert set(map(tuple, augmented.tolist())) == strings
    assert sum(len(members) for members in by_key.values()) == 15_625
    assert any(len(members) == 1 for members in by_key.values())


def test_features_are_counts_of_paths():
    assert paths(cell("000000")) == {}
    assert paths(cell("000s00")) == {"": 1}
    assert paths(cell("3s0p10")) == {"32": 1, "4": 1}
    # Through both inner nodes, through each alone, and directly.
    assert paths(cell("3p1s31")) == {"322": 1, "33": 1, "42": 1, "": 1}
    assert paths(cell("ssssss")) == {"": 4}
    assert paths(cell("333333")) == {"333": 1, "33": 2, "3": 1}


def test_features_agree_with_walking_every_path(rng):
    edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    routes = [(0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)]
    for architecture in SPACE.sample(rng, 300):
        on = dict(zip(edges, architecture.tokens, strict=True))
        walked = [[on[edge] for edge in itertools.pairwise(route)] for route in routes]
        expected = ["".join(str(o) for o in walk if o != 1) for walk in walked if 0 not in walk]
        assert sorted(itertools.chain(*([p] * n for p, n in paths(architecture).items()))) == sorted(expected)


def test_features_are_equal_within_every_class():
    features = SPACE.features(np.array([a.tokens for a in ALL]))
    assert features.shape == (15_625, 40)
    rows = {}
    for architecture, row in zip(ALL, features.tolist(), strict=True):
        assert rows.setdefault(SPACE.canonical(architecture), row) == row


def test_24_neighbours(rng):
    for architecture in SPACE.sample(rng, 20):
        neighbours = [a.tokens for a in SPACE.neighbours(architecture)]
        different = (np.array(neighbours) != architecture.tokens).sum(axis=1)
        assert (len(set(neighbours)), set(different.tolist())) == (24, {1})


def test_it_needs_no_jax():
    code = "import sys, nao.spaces.nasbench201; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
