"""Settings records: what they take, as what, and what is said about anything else."""

import dataclasses
from typing import Literal

import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import MOST_SEED, InputError
from nao.settings import above, at_least, build, check, check_seed, parse


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner:
    width: int = 8

    def __post_init__(self):
        check(self, "inner", width=at_least(1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    size: int
    rate: float = 0.5
    steps: int | None = None
    augment: bool = False
    name: str = "a"
    rule: Literal["first", "best"] = "best"
    etas: tuple[float, ...] = (1.0,)
    pair: tuple[int, str] = (1, "x")
    inner: Inner = Inner()

    def __post_init__(self):
        check(self, "example", size=at_least(1), rate=above(0, at_most=1), steps=at_least(1))


def types(record):
    return {name: type(value) for name, value in vars(record).items()}


TAKEN = [
    ({"size": 3}, {"size": 3}),
    ({"size": np.int64(3), "rate": np.float32(0.5)}, {"size": 3, "rate": 0.5}),
    ({"size": np.array(3), "rate": jnp.array(0.25)}, {"size": 3, "rate": 0.25}),
    ({"size": 3, "rate": 1, "steps": 7, "augment": np.True_}, {"rate": 1.0, "steps": 7, "augment": True}),
    ({"size": 3, "steps": None, "name": np.str_("b")}, {"steps": None, "name": "b"}),
    ({"size": 3, "etas": [1, 2.5], "pair": [2, "y"]}, {"etas": (1.0, 2.5), "pair": (2, "y")}),
    ({"size": 3, "rule": "first", "etas": []}, {"rule": "first", "etas": ()}),
]
REFUSED = [
    ({"size": 2.0}, "example.size must be a whole number, not 2.0"),
    ({"size": True}, "example.size must be a whole number, not True"),
    ({"size": "many"}, "example.size must be a whole number, not 'many'"),
    ({"size": np.array([1, 2])}, "example.size must be a whole number, not array([1, 2])"),
    ({"size": 0}, "example.size must be at least 1, not 0"),
    ({"size": 10**20}, "example.size must be a number within +-1,000,000,000, not 100000000000000000000"),
    ({"size": 1, "etas": [-1e300]}, "example.etas must be a number within +-1,000,000,000, not -1e+300"),
    ({"size": 1, "rate": 0}, "example.rate must be above 0 and at most 1, not 0.0"),
    ({"size": 1, "rate": float("nan")}, "example.rate must be a finite number, not nan"),
    ({"size": 1, "rate": None}, "example.rate must be a number, not None"),
    ({"size": 1, "steps": 0}, "example.steps must be at least 1, not 0"),
    ({"size": 1, "steps": 1.5}, "example.steps must be a whole number or null, not 1.5"),
    ({"size": 1, "augment": 1}, "example.augment must be true or false, not 1"),
    ({"size": 1, "name": 5}, "example.name must be text, not 5"),
    ({"size": 1, "rule": "last"}, "example.rule must be one of first, best, not 'last'"),
    ({"size": 1, "etas": [1, "b"]}, "example.etas must be a list, each a number, not [1, 'b']"),
    ({"size": 1, "pair": [1]}, "example.pair must be a list of 2, not [1]"),
    ({"size": 1, "inner": 3}, "example.inner must be a record of width, not 3"),
]


@pytest.mark.parametrize(("values", "expected"), TAKEN)
def test_takes_the_numbers_that_values_are(values, expected):
    for record in (build(Example, "example", values), Example(**values)):
        assert record == dataclasses.replace(Example(size=3), **expected)
        assert types(record) == types(Example(size=3)) | {key: type(x) for key, x in expected.items()}


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_refuses_in_one_line(values, message):
    for make in (lambda: build(Example, "example", values), lambda: Example(**values)):
        with pytest.raises(InputError) as error:
            make()
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sizes": 3}, "example has no parameter 'sizes'; it has size, rate, steps, augment, name, rule,"),
        ({"rate": 0.1}, "example.size is missing; it must be a whole number"),
        ({"size": 3, "inner": {"width": 0}}, "inner.width must be at least 1, not 0"),
        ({"size": 3, "inner": {"height": 0}}, "example.inner has no parameter 'height'; it has width"),
    ],
)
def test_build_says_what_is_unknown_or_missing(values, message):
    with pytest.raises(InputError) as error:
        build(Example, "example", values)
    assert str(error.value).startswith(message)


def test_build_reads_text():
    text = {"size": "3", "rate": "1", "steps": "null", "augment": "true", "name": "5", "etas": "[1, 2]"}
    expected = Example(size=3, rate=1.0, steps=None, augment=True, name="5", etas=(1.0, 2.0))
    assert build(Example, "example", text) == expected
    with pytest.raises(InputError, match=r"^example.size must be a whole number, not 'NaN'$"):
        build(Example, "example", {"size": "NaN"})


def test_build_takes_what_asdict_gives():
    record = Example(size=3, inner=Inner(width=2), etas=(1.0, 3.0))
    assert build(Example, "example", dataclasses.asdict(record)) == record


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0.1", 0.1),
        ("true", True),
        ("null", None),
        ("[1]", [1]),
        ("a", "a"),
        ("NaN", "NaN"),
        ("", ""),
    ],
)
def test_parse(text, value):
    assert parse(text) == value
    assert type(parse(text)) is type(value)


def test_parse_takes_anything_that_is_no_json_as_text():
    for text in ("1" * 5000, "[" * 100_000):
        assert parse(text) == text


@pytest.mark.parametrize("seed", [0, 3, np.int64(3), np.array(3), MOST_SEED])
def test_a_seed_is_a_whole_number(seed):
    assert check_seed(seed) == seed
    assert type(check_seed(seed)) is int


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "seed must be at least 0 and at most 2,147,483,647, not -1"),
        (2**31, "seed must be at least 0 and at most 2,147,483,647, not 2147483648"),
        (1.0, "seed must be a whole number, not 1.0"),
        (True, "seed must be a whole number, not True"),
        ("3", "seed must be a whole number, not '3'"),
        (None, "seed must be a whole number, not None"),
    ],
)
def test_another_seed_is_refused_in_one_line(seed, message):
    with pytest.raises(InputError) as error:
        check_seed(seed)
    assert str(error.value) == message
