"""The text that comes with Python: prose only, nothing twice, and other versions are said to be others."""

import json

import numpy as np
import pytest

from nao.core import InputError
from nao.data import load, load_topics, make
from nao.data.text_topics import divide, sentences

TOPIC = """The "pass" statement
********************

   pass_stmt ::= "pass"

"pass" is a null operation. It is *useful* as a placeholder (see e.g.
here). For example:

   def f(arg): pass    # a function that does nothing

   >>> f.

* It has
  a point.

2. It has another.  [1]

+----+
| a. |
+----+
"""


def test_prose_becomes_one_sentence_a_line():
    assert sentences({"pass": TOPIC})["pass"] == [
        '"pass" is a null operation.\n',
        "It is useful as a placeholder (see e.g. here).\n",
        "For example:\n",
        "It has a point.\n",
        "It has another. [1]\n",
    ]


def test_a_paragraph_stands_where_it_comes_first():
    found = sentences({"b": "One more.\n\nIt is.", "a": "* It\n  is.", "c": "It is.\n\n\n\nWell?"})
    assert found == {"a": ["It is.\n"], "b": ["One more.\n"], "c": ["Well?\n"]}


def test_topics_are_divided_whole():
    topics = {f"topic {i}": [f"{i}" * (i % 13 + 1)] for i in range(300)}
    parts = divide(topics)
    assert sorted(line for lines in parts.values() for line in lines) == sorted(x[0] for x in topics.values())
    lengths = np.array([sum(map(len, lines)) for lines in parts.values()])
    assert np.abs(lengths / lengths.sum() - [0.8, 0.1, 0.1]).max() < 0.01
    assert divide(dict(reversed(topics.items()))) == parts


@pytest.mark.parametrize("level", ["word", "character"])
def test_it_is_english_in_three_splits(level):
    data = load_topics(level)
    total = len(data.train) + len(data.valid) + len(data.test)
    assert total > {"word": 50_000, "character": 200_000}[level]
    assert abs(len(data.train) / total - 0.8) < 0.02
    assert abs(len(data.valid) / total - 0.1) < 0.02
    counts = np.bincount(data.train, minlength=data.types)
    assert counts[1:].min() >= 2
    assert data.vocabulary[0] == "<unk>"
    if level == "word":
        assert 1_000 < data.types < 4_000
        assert data.vocabulary[1 + counts[1:].argmax()] in ("the", '"')
        assert counts[0] < 0.05 * len(data.train)
        assert (data.valid == 0).mean() < 0.1
    else:
        assert 60 < data.types < 200
        assert data.vocabulary[counts.argmax()] == " "
    assert 0 < data.unigram_entropy < np.log(data.types)


def test_hardly_a_long_sentence_is_in_two_splits():
    data = load("characters")
    text = {split: "".join(data.vocabulary[i] for i in getattr(data, split)) for split in ("train", "valid")}
    known = set(text["train"].splitlines())
    long = [line for line in text["valid"].splitlines() if len(line) > 60]
    assert sum(line in known for line in long) < 0.02 * len(long)


@pytest.mark.parametrize("name", ["text", "characters"])
def test_it_is_made_again_and_says_why_it_may_differ(name):
    data = load(name)
    configuration = json.loads(json.dumps(data.configuration()))
    assert (configuration["name"], configuration["path"]) == (name, None)
    assert make(configuration) == data
    with pytest.raises(InputError, match="differs between its versions, of which this is 3") as error:
        make(configuration | {"fingerprint": "0" * 32})
    assert "\n" not in str(error.value)


def test_a_python_without_topics_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", None)
    with pytest.raises(InputError, match="lacks the topics of its help; give text:FILE"):
        load("text")
