"""Configurations are plain JSON, and what is wrong with one is said with the key's name."""

import json
from pathlib import Path

import numpy as np
import pytest

from nao.configuration import differences, fingerprint, plain
from nao.core import InputError


def test_what_python_has_and_json_has_not_becomes_what_it_has():
    made = {
        "rate": np.float32(0.5),
        "seed": np.int64(3),
        "sizes": (1, np.int8(2)),
        "file": Path("a/b"),
        "names": {"b", "a"},
        "table": np.eye(2),
        "nothing": None,
        3: True,
    }
    expected = {
        "rate": 0.5,
        "seed": 3,
        "sizes": [1, 2],
        "file": "a/b",
        "names": ["a", "b"],
        "table": [[1.0, 0.0], [0.0, 1.0]],
        "nothing": None,
        "3": True,
    }
    assert json.loads(json.dumps(plain(made), allow_nan=False)) == plain(made) == expected


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"a": {"b": object()}}, "mine.a.b is of type object"),
        ({"a": [1, lambda: 0]}, r"mine.a\[1\] is of type function"),
        ({"a": float("nan")}, "mine.a is nan, which JSON does not have"),
        ({"a": 1j}, "mine.a is of type complex"),
    ],
)
def test_what_json_cannot_have_is_named(value, complaint):
    with pytest.raises(InputError, match=complaint):
        plain(value, "mine")


def test_differences_are_named_and_where_something_lies_is_none():
    ours = {"a": {"b": 1, "path": "/here"}, "c": [1]}
    assert differences(ours, {"a": {"b": 1, "path": "/there"}, "c": [1]}) == []
    assert differences(ours, {"a": {"b": 2}, "d": 0}) == [
        "a.b is 2 there and 1 here",
        "c is None there and [1] here",
        "d is 0 there and None here",
    ]


def test_a_fingerprint_is_that_of_what_is_compared():
    one = {"a": {"b": 1, "path": "/here"}, "c": [{"path": "x"}]}
    assert fingerprint(one) == fingerprint({"c": [{"path": "y"}], "a": {"path": "/there", "b": 1}})
    assert fingerprint(one) != fingerprint({**one, "c": []})
    assert len(fingerprint(one)) == 8
