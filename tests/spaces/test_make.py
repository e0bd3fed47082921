"""Configurations that are no space's end in one line."""

import copy
import random

import pytest

from nao.core import InputError
from nao.spaces import CNN_CELL_SMALL, make
from tests.fakes import PairSpace
from tests.spaces.all_spaces import ALL

WRONG = [None, True, -1, 0, 2.5, 10**30, "", "a b", "\n", [], ["a", "a"], [[]], {}, {"a": 1}, ["a", 3, None]]


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({}, "names it as `space`, but this is {}"),
        ("cnn-cell", "names it as `space`, but this is 'cnn-cell'"),
        ({"space": "mine"}, "no space has the configuration"),
        ({"space": "nasbench201", "vocabulary": ["a"], "length": 6}, "no space has the configuration"),
        (
            PairSpace().configuration(),
            "'pairs' is of a class of your own, 'PairSpace': hand the space itself",
        ),
        ({"space": "mine", "choices": [["a", "a"]]}, "mine: the choices of position 1 must be different"),
        ({"space": "mine", "choices": [["a", "b"]], "more": 1}, "'mine' is malformed"),
        ({**CNN_CELL_SMALL.configuration(), "blocks": 0}, "at least 1 block"),
        ({"space": "x", "vocabulary": ["a", "b"], "grammar": [[[0, 2, 0]]]}, "'x' is malformed"),
        ({"space": "x", "vocabulary": ["a", "b"], "grammar": [[[0, 1, 10**12]]]}, "'x' is malformed"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(configuration, said):
    with pytest.raises(InputError) as error:
        make(configuration)
    assert said in str(error.value)
    assert str(error.value).isprintable()


def places(value, path=()):
    """The path to every value inside a configuration."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


@pytest.mark.parametrize("space", ALL.values(), ids=ALL)
def test_a_damaged_configuration_is_refused_or_makes_another_space(space):
    random.seed(0)
    configuration = space.configuration()
    everywhere, refused = list(places(configuration))[1:], []
    for _ in range(60):
        damaged, path, wrong = copy.deepcopy(configuration), random.choice(everywhere), random.choice(WRONG)
        inside = damaged
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = wrong
        try:
            made = make(damaged)
        except InputError as error:
            refused.append(str(error))
            continue
        assert made.configuration() == damaged
        assert (made == space) == (damaged == configuration)
    assert len(refused) > 10
    assert all(message.isprintable() for message in refused)
