"""Reading files of known scores, and what is said of those that cannot be used."""

import bz2
import gzip
import hashlib
import math
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from nao.core import InputError
from nao.evaluators.tables.row import Row
from nao.spaces.listed import ListedSpace, Tokens

PART = 2**20  # bytes that are hashed at a time
DECOMPRESS = {".gz": gzip.decompress, ".bz2": bz2.decompress}


def text(file: Path) -> str:
    """What is written in a file, which may be compressed by gzip or bzip2.

    Raises:
      InputError: it is not there, is damaged, or is no text.
    """
    try:
        data = file.read_bytes()
        if file.suffix in DECOMPRESS:
            data = DECOMPRESS[file.suffix](data)
        return data.decode("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(f"{file} is not there, or not a file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text in UTF-8") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{file} cannot be read, it is damaged or cut off: {error}") from error


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


def check_columns(wanted: Iterable[str], there: Collection[str], file: Path) -> None:
    """Checks that a file has the columns that are wanted.

    Raises:
      InputError: it has not.
    """
    for column in wanted:
        if column not in there:
            raise InputError(f"{file} has no column {column[:40]!r}; it has {', '.join(there)}")


def number(value: Any, file: Path | str, where: str, column: str, unit: int = 1) -> float:
    """A finite number of some unit.

    Raises:
      InputError: the value is none.
    """
    try:
        found = unit * float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    # Python reads 6_3.3 as a number, and true as 1.
    if not math.isfinite(found) or isinstance(value, bool) or "_" in str(value):
        raise InputError(f"{file}, {where}: {column} is {str(value)[:40]!r}, but must be a finite number")
    return found


def complete(space: ListedSpace, entries: Iterable[tuple[str, str, Row]], file: Path) -> dict[Tokens, Row]:
    """The rows of a table that has one for every string of its space.

    Args:
      space: whose strings.
      entries: where each row stands, its string, and what is known of it.
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
