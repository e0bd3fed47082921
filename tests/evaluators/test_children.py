"""Which program trains the children of a space, and what it says of data and settings of another kind."""

import pytest

from nao.core import InputError
from nao.evaluators import children
from nao.evaluators.images import Child, ImageProgram
from nao.evaluators.language import LanguageChild, LanguageProgram
from nao.spaces import SPACES, space


def made(name, settings=None, data=None):
    where = space(name)
    child = children.child(where, settings or {})
    return children.program(where, children.load(where, data), child)


@pytest.mark.parametrize(
    ("name", "kind", "child", "data"),
    [
        ("cnn-cell-small", ImageProgram, Child, "digits"),
        ("rnn-cell", LanguageProgram, LanguageChild, "text"),
        ("rnn-tree", LanguageProgram, LanguageChild, "text"),
    ],
)
def test_each_kind_of_cell_has_its_program_and_its_data(name, kind, child, data):
    program = made(name)
    assert type(program) is kind
    assert program.space == space(name)
    assert program.child == child()
    assert program.configuration()["data"]["name"] == data


def test_settings_are_those_of_the_child():
    assert made("rnn-cell", {"units": "8", "drop_hidden": "0.25"}).child == LanguageChild(
        units=8, drop_hidden=0.25
    )
    with pytest.raises(InputError, match="child has no parameter 'channels'; it has units, "):
        made("rnn-cell", {"channels": 4})
    with pytest.raises(InputError, match="child has no parameter 'units'; it has cells, "):
        made("cnn-cell-small", {"units": 4})


def test_data_of_the_other_kind():
    with pytest.raises(InputError, match=r"^digits has images, and this space is of language models: write "):
        made("rnn-cell", data="digits")
    with pytest.raises(InputError, match=r"^text is a text, and this space is of image networks: write "):
        made("cnn-cell-small", data="text")


@pytest.mark.parametrize("name", [name for name in SPACES if name.startswith("nasbench")])
def test_a_space_of_known_scores_has_no_children(name):
    with pytest.raises(InputError, match=f"^{name} has no child network, only known scores: give a table of"):
        children.child(space(name), {})
