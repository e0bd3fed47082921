"""Architectures as a user names them: published, in a file, from the standard input, or as they are written.

Axis letters: none.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from nao.core import Architecture, InputError, SearchSpace
from nao.scores import read_architectures
from nao.spaces import zoo

STANDARD_INPUT = "-"


def architectures(sources: Iterable[str | Path], space: SearchSpace) -> list[Architecture]:
    """The architectures that a user names, each once, in the order of their first mention.

    Args:
      sources: each the name of a published architecture (`nao.spaces.zoo`), in capitals or not; a file with
        one architecture on each line, where empty lines and those that begin with `#` are none; `-`, which
        is the standard input, read like a file; or a string of the space.
      space: whose strings they are. A published cell becomes a string of it, if it has one.

    Raises:
      InputError: a source is none of these, a file cannot be read or has none, a line is no string of the
        space, or the space does not have the published cell.
    """
    if isinstance(sources, str | Path):
        raise InputError(f"give a list of architectures, such as [{str(sources)[:40]!r}]")
    named = dict.fromkeys(map(str, sources))
    return list(dict.fromkeys(each for source in named for each in _read(source, space)))


def _read(source: str, space: SearchSpace) -> list[Architecture]:
    """The architectures of one source."""
    if published := zoo.published(source):
        return [_expressed(published, space)]
    if source == STANDARD_INPUT:
        content = sys.stdin.buffer.read() if sys.stdin else b""
        return read_architectures(content, "the standard input", space)
    if os.path.exists(path := os.path.expanduser(source)):  # unlike Path, this takes a text of any length
        try:
            return read_architectures(Path(path).read_bytes(), source, space)
        except OSError as error:
            raise InputError(f"{source} cannot be read: {error.strerror}") from error
    try:
        return [space.parse(source)]
    except InputError as error:
        if len(source.split()) != 1:
            raise
        names = ", ".join(each.name for each in zoo.zoo())
        raise InputError(
            f"there is no file {source:.100}, and no published architecture of that name (there are {names});"
            f" and as a string: {error}"
        ) from error


def _expressed(published: zoo.Published, space: SearchSpace) -> Architecture:
    """A published architecture as a string of the space."""
    try:
        return zoo.express(published.architecture, space)
    except InputError as error:
        raise InputError(f"{published.name}: {error}") from error
