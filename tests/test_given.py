"""Architectures as a user names them."""

import io
import types

import numpy as np
import pytest

from nao.core import InputError
from nao.given import architectures
from nao.spaces import RNN_CELL, RNNCellSpace, WordSpace, space, zoo


def published(name, where=RNN_CELL):
    return zoo.express(zoo.published(name).architecture, where)


def test_a_file_has_one_on_each_line(tmp_path):
    file = tmp_path / "some.txt"
    file.write_text(f"# two cells\n{published('NAO')}\n\n{published('ENAS')}\n{published('NAO')}\n")
    assert architectures([str(file)], RNN_CELL) == [published("NAO"), published("ENAS")]


def test_a_published_cell_becomes_one_of_the_space():
    assert architectures(["nao"], RNN_CELL) == [published("NAO")]
    (found,) = architectures(["DARTS-V2"], RNNCellSpace(nodes=9))
    assert found.space == RNNCellSpace(nodes=9)


def test_sources_of_all_kinds_go_together_and_each_architecture_is_there_once(tmp_path, monkeypatch):
    given = RNN_CELL.sample(np.random.default_rng(0), 3)
    (file := tmp_path / "one.txt").write_text(f"{given[1]}\n")
    stdin = types.SimpleNamespace(buffer=io.BytesIO(f"{given[2]}\n{given[0]}\n".encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    sources = ["ENAS", str(given[0]), str(file), "-", "-", "enas"]
    assert architectures(sources, RNN_CELL) == [published("ENAS"), *given]


def test_paths_are_sources_and_a_lone_string_is_no_list_of_them(tmp_path):
    (file := tmp_path / "one.txt").write_text(str(published("NAO")))
    assert architectures([file], RNN_CELL) == [published("NAO")]
    with pytest.raises(InputError, match=r"^give a list of architectures, such as \['NAO'\]$"):
        architectures("NAO", RNN_CELL)


def test_a_string_of_one_word_is_one():
    words = WordSpace("words", [("relu", "tanh")])
    assert architectures(["tanh"], words) == [words.parse("tanh")]
    assert architectures([], words) == []


def test_a_string_that_is_too_long_for_a_file_is_a_string():
    where = space("cnn-cell", blocks=40)
    (one,) = where.sample(np.random.default_rng(0), 1)
    assert architectures([str(one)], where) == [one]


@pytest.mark.parametrize("name", ["none.txt", "x\0y", "~nobody-of-that-name/x", "a" * 5000, "", " "])
def test_what_is_nothing_is_said_in_one_line(name):
    with pytest.raises(InputError) as caught:
        architectures([name], RNN_CELL)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_wrong_is_said(tmp_path, monkeypatch):
    def said(source):
        with pytest.raises(InputError) as caught:
            architectures([str(source)], RNN_CELL)
        return str(caught.value)

    assert said("none.txt").startswith(
        "there is no file none.txt, and no published architecture of that name (there are NAO, NAO-WS, "
    )
    assert said("DARTS-V2") == (
        "DARTS-V2: a cell of 9 nodes is none of rnn-cell, whose cells have 12: give the space nodes=9"
    )
    assert said(tmp_path) == f"{tmp_path} cannot be read: Is a directory"
    (file := tmp_path / "bad.txt").write_text("node0 relu\n")
    assert said(file).startswith(f"{file}, line 1: rnn-cell: a string has 22 words")
    monkeypatch.setattr("sys.stdin", None)
    assert said("-").startswith("the standard input has no architecture")
