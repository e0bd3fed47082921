"""Which architecture is meant by the text that a user gives: a string of a space, or the folder of a search.

Axis letters: none.
"""

import os
from pathlib import Path

from nao import folder, study
from nao.core import Architecture, InputError
from nao.spaces import CellSpace, space
from nao.study.recorded import RecordedSpace

SPACE = "cnn-cell-small"  # whose string it is, unless told otherwise


def given_architecture(text: str, name: str | None = None, blocks: int | None = None) -> Architecture:
    """The architecture of a string, or the answer of a search.

    Args:
      text: a string of the space, or the folder of a search.
      name: of the space of the string; `SPACE` unless given.
      blocks: of each of its cells; 5 unless given.

    Raises:
      InputError: it is neither, or the search has no answer yet, or one that cannot be drawn.
    """
    named = os.path.expanduser(text)
    if not os.path.isdir(named):  # unlike Path, this takes a text of any length
        return _parse(text, name or SPACE, blocks)
    run = Path(named)
    if (name, blocks) != (None, None):
        raise InputError(f"the search in {run} says what its space is: leave out --space and --blocks")
    return _answer(run)


def _parse(text: str, name: str, blocks: int | None) -> Architecture:
    where = space(name)
    if blocks is not None:
        if not isinstance(where, CellSpace):
            raise InputError(f"{name} has no blocks: leave out --blocks")
        where = space(name, blocks=blocks)
    try:
        return where.parse(text)
    except InputError as error:
        if len(text.split()) != 1:
            raise
        raise InputError(f"there is no folder {text[:100]}, and as a string: {error}") from error


def _answer(run: Path) -> Architecture:
    """What a search has found to be the best so far."""
    if folder.kind(run) == "comparison":
        raise InputError(
            f"{run} is the folder of a comparison: draw a string, or name the folder of a search"
        )
    history = study.read(run)
    if history.best is None:
        raise InputError(f"no architecture in {run} has a score that counts yet: nao show {run} says why")
    if isinstance(history.space, RecordedSpace):
        raise InputError(
            f"the space {history.space.name} of {run} is a class of your own, which is not here: draw it in"
            " Python, with nao.report.drawing.svg(space.graph(architecture))"
        )
    return history.best.architecture
