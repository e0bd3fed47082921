"""The lines of a text file, whatever it is encoded in, ended with or as long as.

Axis letters: none.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path

from nao.core import InputError

MARKS = {  # with which files begin that are encoded so; the longer ones first
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
LONGEST = 2**20  # characters; a longer line is read in pieces, so that no line fills the memory


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (number from 1, line), each with one newline at its end, whatever it ends with in the file.

    Of a very long line, it yields pieces that end with a space if there is one; the last has the newline.

    Raises:
      InputError: the file cannot be read, is empty, or is not UTF-8.
    """
    number, rest, piece = 1, "", ""
    try:
        with open(path, encoding="utf-8-sig") as file:
            while more := file.readline(LONGEST):
                piece = more
                if "\0" in piece:
                    raise InputError(f"{path}: line {number} has a zero byte; save it as a text in UTF-8")
                if piece.endswith("\n"):
                    yield number, rest + piece
                    number, rest = number + 1, ""
                else:
                    cut = piece.rfind(" ") + 1 or len(piece)
                    yield number, rest + piece[:cut]
                    rest = piece[cut:]
        if not piece:
            raise InputError(f"{path} is empty; it must have text")
        if not piece.endswith("\n"):
            yield number, rest + "\n"
    except UnicodeDecodeError:
        line, now = _undecodable(path)
        raise InputError(
            f"{path}: line {line} is not UTF-8; save it so, for instance with iconv -f {now} -t UTF-8"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def plain_lines(path: Path) -> Iterator[str]:
    """The lines of `numbered_lines`, without their numbers."""
    return (line for _, line in numbered_lines(path))


def _undecodable(path: Path) -> tuple[int, str]:
    """The number of the first line that is not UTF-8, and what the file may be encoded in instead."""
    number = 1
    with open(path, "rb") as file:
        begins = file.read(4)
        now = next((name for mark, name in MARKS.items() if begins.startswith(mark)), "LATIN1")
        file.seek(0)
        for line in file:
            try:
                line.decode()
            except UnicodeDecodeError:
                break
            number += 1
    return number, now
