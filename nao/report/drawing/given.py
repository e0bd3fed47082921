"""Which architecture is to be drawn: one that a user names, or the answer of a search in a folder.

Axis letters: none.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from nao import folder, given, study
from nao.core import Architecture, InputError, Json
from nao.spaces import space, zoo
from nao.study.recorded import RecordedSpace

SPACE = "cnn-cell-small"  # whose string it is, unless told otherwise


def given_architecture(
    text: str, name: str | None = None, parameters: Mapping[str, Json] = {}
) -> Architecture:
    """The architecture that a user names, or the answer of a search.

    Args:
      text: a string of the space, a published architecture, a file with one (see `nao.given`), or the folder
        of a search.
      name: of the space. Unless given, it is that of a published architecture, and else `SPACE`.
      parameters: of the space, see `nao.spaces.space`.

    Raises:
      InputError: it is none of these, a file has several, or the search has no answer yet, or one that
        cannot be drawn.
    """
    usual = (name, parameters) == (None, {})
    if os.path.isdir(run := os.path.expanduser(text)):
        if not usual:
            raise InputError(
                f"the search in {run} says what its space is: leave out --space and its parameters"
            )
        return _answer(Path(run))
    if usual and (published := zoo.published(text)):
        return published.architecture
    found = given.architectures([text], space(name or SPACE, **parameters))
    if len(found) != 1:
        raise InputError(f"{text} has {len(found)} architectures: draw one of them")
    return found[0]


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
