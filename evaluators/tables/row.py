"""What a table of known scores knows about one architecture, and what may stand in a file for it."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nao.core import InputError
from nao.inputs import python_number
from nao.spaces.listed import ListedSpace, Tokens

SHOWN = 40  # characters of a value that a message repeats
LONGEST = 2**13  # bits of a whole number that can be shown


@dataclasses.dataclass(frozen=True)
class Row:
    """One architecture that was trained before.

    Attributes:
      score: the column to search by, higher is better.
      test_score: the column to report.
      parameters: trainable parameters of its network, 0 where they were not counted.
      seconds: how long it was trained, 0 where that was not measured.
      flops: multiply-adds x 2 of one forward pass on one example, 0 where that was not counted.
      costs: further costs, by the names of their columns.
    """

    score: float
    test_score: float
    parameters: int = 0
    seconds: float = 0.0
    flops: int = 0
    costs: Mapping[str, float] = dataclasses.field(default_factory=dict)


Entry = tuple[str, str, Row]  # where a row stands, the string of its architecture, and the row


def number(value: Any, file: Path | str, where: str, column: str, unit: int = 1) -> float:
    """A finite number of some unit, which may be written as text.

    Raises:
      InputError: the value is none.
    """
    value, found = python_number(value), math.nan
    # Python takes True for 1, and 6_3.3 for a number.
    if "_" not in value if isinstance(value, str) else type(value) in (int, float):
        try:
            found = unit * float(value)
        except (ValueError, OverflowError):
            found = math.nan
    if not math.isfinite(found):
        raise InputError(f"{file}, {where}: {column} is {_shown(value)}, but must be a finite number")
    return found


def _shown(value: Any) -> str:
    """A wrong value for a message."""
    if value is None:
        return "missing"
    if isinstance(value, str | float) or (isinstance(value, int) and value.bit_length() < LONGEST):
        return repr(str(value)[:SHOWN])
    return f"of type {type(value).__name__}"


def complete(space: ListedSpace, entries: Iterable[Entry], file: Path) -> dict[Tokens, Row]:
    """The rows of a table that has one for every string of its space.

    Args:
      space: whose strings.
      entries: the rows of the file.
      file: for messages.

    Raises:
      InputError: a string is not of the space, comes twice, or is missing.
    """
    rows: dict[Tokens, Row] = {}
    for where, string, row in entries:
        try:
            tokens = space.parse(string).tokens
        except InputError as error:
            raise InputError(f"{file}, {where}: {error}") from error
        if tokens in rows:
            raise InputError(f"{file}, {where}: a second row for {space.format(tokens)}")
        rows[tokens] = row
    missing = [tokens for tokens in space.strings() if tokens not in rows]
    if missing:
        raise InputError(
            f"{file} is not complete: {len(missing):,} of the {space.size:,} rows are missing,"
            f" the first is {space.format(missing[0])}"
        )
    return rows
