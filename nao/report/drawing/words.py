"""The words in a drawing: how wide they are, where they are broken, and what kind of operation they name.

Axis letters: none.
"""

import bisect
import functools
import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

Kind = Literal["convolution", "pooling", "identity", "none", "other"]

KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("none", re.compile(r"(none|zero(ize)?)\b", re.IGNORECASE)),
    ("identity", re.compile(r"identity|skip|id\b", re.IGNORECASE)),
    ("pooling", re.compile(r".*pool", re.IGNORECASE)),
    ("convolution", re.compile(r".*conv|sep|dil|mb\d", re.IGNORECASE)),
)
NARROW, BROAD = "ijlftrI.,:;|!'`()[]{}/\\ -", "mwMW@%"
MOST_LINES = 3


def kind_of(operation: str) -> Kind:
    """What kind of operation a name stands for, for its colour."""
    return next((kind for kind, pattern in KINDS if pattern.match(operation)), "other")


def width(text: str, size: float) -> float:
    """How wide a text is at most, in a sans-serif font of this size, in the same unit."""
    return size * sum(map(_ems, text))


@functools.cache
def _ems(character: str) -> float:
    """The width of a character in DejaVu Sans, which is a wide font, in units of its size; rounded up."""
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in NARROW:
        return 0.42
    if character in BROAD:
        return 1.0
    return 0.74 if character.isupper() or not character.isascii() else 0.64


def wrap(text: str, size: float, most: float) -> list[str]:
    """Breaks a text into lines, after spaces and signs; what does not fit ends with an ellipsis.

    Args:
      text: such as `avg-pooling-3x3`.
      size: of the font.
      most: how wide a line is at most, in the same unit.
    """
    pieces = re.findall(r"[^\s\-_+/,]*[\s\-_+/,]+|[^\s\-_+/,]+$", text.strip()) or [""]
    lines = [""]
    for piece in pieces:
        if lines[-1] and width(lines[-1] + piece.rstrip(), size) > most:
            lines.append("")
        lines[-1] += piece
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "".join(lines[MOST_LINES - 1 :])]
    return [_shorten(line.strip(), size, most) for line in lines]


def _shorten(text: str, size: float, most: float) -> str:
    """As much of a text as fits."""
    ends = list(itertools.accumulate(map(_ems, text)))
    if size * max(ends, default=0.0) <= most:
        return text
    return text[: bisect.bisect_right(ends, most / size - _ems("…"))] + "…"


def widest(lines: Sequence[str], size: float) -> float:
    """The width of the widest line."""
    return max((width(line, size) for line in lines), default=0.0)
