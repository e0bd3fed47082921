"""Which program trains the children of a space: networks of images, or language models.

Axis letters: none.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nao import data
from nao.core import InputError, Json, SearchSpace
from nao.evaluators.program import Program
from nao.settings import build
from nao.spaces import SPACES, CellSpace, RecurrentSpace

if TYPE_CHECKING:
    from nao.data import Dataset, Text
    from nao.evaluators.images import Child
    from nao.evaluators.language import LanguageChild


def child(space: SearchSpace, settings: Mapping[str, Json]) -> "Child | LanguageChild":
    """What a child of a space is, and how it is trained.

    Args:
      space: whose architectures they are.
      settings: where they are not to have their defaults.

    Raises:
      InputError: the space has no children, or there is no such setting.
    """
    if isinstance(space, RecurrentSpace):
        from nao.evaluators.language import LanguageChild

        return build(LanguageChild, "child", settings)
    from nao.evaluators.images import Child

    if not isinstance(space, CellSpace):
        known = ", ".join(x for x, each in SPACES.items() if isinstance(each, CellSpace | RecurrentSpace))
        raise InputError(
            f"{space.name} has no child network, only known scores: give a table of them, or one of the"
            f" spaces {known}"
        )
    return build(Child, "child", settings)


def load(space: SearchSpace, name: str | None = None, data_dir: Path | None = None) -> "Dataset | Text":
    """What children of a space train on.

    Args:
      space: whose architectures they are.
      name: as the command line has it; when None, digits, or text where cells are recurrent.
      data_dir: where TensorFlow Datasets keeps its sets.

    Raises:
      InputError: there is none, or it is for other children.
    """
    recurrent = isinstance(space, RecurrentSpace)
    usual, as_meant = ("text", data.as_text) if recurrent else ("digits", data.as_images)
    return as_meant(data.load(usual if name is None else name, data_dir=data_dir))


def program(space: SearchSpace, dataset: "Dataset | Text", child: "Child | LanguageChild") -> Program:
    """What trains the children of a space; see `child` and `load`.

    Raises:
      InputError: they do not fit each other.
    """
    if isinstance(dataset, data.Text):
        from nao.evaluators.language import LanguageChild, LanguageProgram

        assert isinstance(space, RecurrentSpace)
        assert isinstance(child, LanguageChild)
        return LanguageProgram(space, dataset, child)
    from nao.evaluators.images import Child, ImageProgram

    assert isinstance(space, CellSpace)
    assert isinstance(child, Child)
    return ImageProgram(space, dataset, child)
