"""Reading files that others wrote: whole, within limits, and with one line for a file that cannot be used."""

import bz2
import csv
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nao.core import InputError

PART = 2**20  # bytes that are read at a time
OPEN: Mapping[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".pbz2": bz2.open}
SPARE, EXPANSION = 2**23, 32  # bytes that a compressed file may expand to: so many, and so many for each byte
SHOWN, MOST_NAMES = 40, 400  # characters of a name, and of a list of names, that a message repeats


def check_file(file: Path) -> None:
    """Checks that a file is there and may be read.

    Raises:
      InputError: it is not there, is a folder or a device, or may not be read.
    """
    if file.is_dir():
        raise InputError(f"{file} is a folder, not a file: give the file of a table")
    if not os.path.exists(file):
        raise InputError(f"{file} is not there")
    if not file.is_file():
        raise InputError(f"{file} is no regular file")
    if not os.access(file, os.R_OK):
        raise InputError(f"{file} may not be read")


def contents(file: Path) -> bytes:
    """All bytes of a file, expanded if its name ends in `.gz`, `.bz2` or `.pbz2`.

    Raises:
      InputError: it cannot be read, is damaged, or expands to far more than tables of known scores do.
    """
    check_file(file)
    most = SPARE + EXPANSION * file.stat().st_size
    parts, total = [], 0
    try:
        with OPEN.get(file.suffix, open)(file, "rb") as opened:
            while part := opened.read(PART):
                parts.append(part)
                total += len(part)
                if total > most:
                    raise InputError(f"{file} expands to more than {most:,} bytes: it is no table")
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(file, error) from error
    return b"".join(parts)


def damaged(file: Path, error: Exception) -> InputError:
    """What is said of a file whose bytes make no sense."""
    why = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{file} cannot be read, it is damaged, cut off or something else: {why}")


def text(file: Path) -> str:
    """What is written in a file, which may be compressed.

    Raises:
      InputError: it cannot be read, or is no text.
    """
    try:
        return contents(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text in UTF-8") from error


class Sheet:
    """A CSV file: a line with the names of the columns, then lines with as many cells.

    Args:
      file: it may be compressed.

    Raises:
      InputError: it cannot be read, or has no columns.
    """

    def __init__(self, file: Path):
        self.file = file
        self._lines = csv.reader(io.StringIO(text(file), newline=""))
        self.columns: Sequence[str] = [name.strip() for name in next(self._rows(), [])]
        if not self.columns:
            raise InputError(f"{file} is empty: its first line must name the columns, separated by commas")

    def _rows(self) -> Iterator[list[str]]:
        """The cells of each line that is not blank."""
        try:
            yield from filter(None, self._lines)
        except csv.Error as error:
            raise InputError(f"{self.file} is no CSV: {error}") from error

    def check(self, wanted: Sequence[str]) -> None:
        """Checks that there is one column of each name.

        Raises:
          InputError: there is none, or more than one.
        """
        check_columns(wanted, self.columns, self.file)
        for column in wanted:
            if self.columns.count(column) > 1:
                raise InputError(f"{self.file} has more than one column {column[:SHOWN]!r}")

    def check_costs(self, costs: Sequence[str], taken: Sequence[str]) -> None:
        """Checks that there is one column of each cost.

        Args:
          costs: the names of the columns.
          taken: the columns that are something else: scores, and positions.

        Raises:
          InputError: there is none, or more than one, or it is something else.
        """
        self.check(costs)
        for column in costs:
            if column in taken:
                raise InputError(
                    f"{self.file}: {column[:SHOWN]!r} cannot be a cost, it is a score or a part of the"
                    " architecture"
                )

    def lines(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Where each line stands, and its cells by the names of their columns.

        Raises:
          InputError: a line has more or fewer cells than there are columns, or is no CSV.
        """
        for cells in self._rows():
            where = f"line {self._lines.line_num}"
            if len(cells) != len(self.columns):
                raise InputError(
                    f"{self.file}, {where}: {len(cells)} cells, but there are {len(self.columns)} columns"
                )
            yield where, dict(zip(self.columns, map(str.strip, cells), strict=True))


def check_columns(wanted: Sequence[str], there: Sequence[str], file: Path) -> None:
    """Checks that a file has the columns that are wanted.

    Raises:
      InputError: it has not.
    """
    for column in wanted:
        if column not in there:
            names = ", ".join(name if name.isprintable() else repr(name) for name in there)
            raise InputError(f"{file} has no column {column[:SHOWN]!r}; it has {names[:MOST_NAMES]}")


def check_no_costs(costs: Sequence[str], file: Path) -> None:
    """Checks that no column of a file of fixed columns is to be a cost.

    Raises:
      InputError: one is.
    """
    for column in costs:
        raise InputError(
            f"{file} has no cost {column[:SHOWN]!r}; it has parameters, and flops where they are known"
        )


def digest(path: Path) -> str:
    """The SHA-256 of a file, or of all files in a folder with their names."""
    found = hashlib.sha256()
    for file in sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]:
        if path.is_dir():
            found.update(file.name.encode())
        with file.open("rb") as opened:
            while part := opened.read(PART):
                found.update(part)
    return found.hexdigest()
