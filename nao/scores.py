"""Files of architectures, one on each line, and files of scores: what `nao evaluate` reads and appends to.

A file of scores has one line of JSON for each result, written when it arrives. Whoever is stopped goes on:
what the file has is not measured again. A last line that was cut off is dropped; so is nothing else.
"""

import codecs
import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from nao.configuration import fingerprint, plain
from nao.core import Architecture, InputError, Json, Request, Result, SearchSpace

BEGINS = b'{"architecture": "'  # what each line begins with
NO_RESULT = "this is no result; remove the line, or name another file"
MEASUREMENT = "measurement"  # the fingerprint of the configuration that a score was measured with


def read_architectures(content: bytes, name: str, space: SearchSpace) -> list[Architecture]:
    """The architectures of a file, each once. Empty lines, and those that begin with `#`, are none.

    Args:
      content: of the file.
      name: of the file, for messages.
      space: whose strings they are.

    Raises:
      InputError: a line is no string of the space, or there is none; the message has its number.
    """
    found: dict[Architecture, None] = {}
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), 1):
        try:
            text = line.decode().strip()
            if text and not text.startswith("#"):
                found[space.parse(text)] = None
        except UnicodeDecodeError:
            raise InputError(f"{name}, line {number}: this is no text (UTF-8)") from None
        except InputError as error:
            raise InputError(f"{name}, line {number}: {error}") from error
    if not found:
        raise InputError(f"{name} has no architecture; write one on each line")
    return list(found)


class ScoresFile:
    """A file of scores that this process alone appends to.

    Attributes:
      path: of the file.
      known: the requests whose results it has, as text (see `key`).
      dropped: whether its last line was cut off, and was dropped.
    """

    def __init__(self, path: Path, handle: int, measurement: str):
        """Reads what is there; `scores_file` opens it."""
        self.path, self._handle, self._measurement = path, handle, measurement
        with os.fdopen(os.dup(handle), "rb") as file:
            content = file.read()
        *lines, rest = content.split(b"\n")
        self.known = {self._key_of(line, i) for i, line in enumerate(lines, 1) if line.strip()}
        self.dropped = bool(rest)
        if rest and not (rest.startswith(BEGINS) or BEGINS.startswith(rest)):
            raise InputError(f"{path}, line {len(lines) + 1}: {NO_RESULT}")  # and no part of one
        if rest:
            os.ftruncate(handle, len(content) - len(rest))
        os.lseek(handle, 0, os.SEEK_END)

    def key(self, request: Request) -> str:
        """What tells one request from another in the file."""
        return json.dumps([str(request.architecture), request.seed, request.fidelity.name])

    def append(self, result: Result) -> None:
        """Adds a result, for good."""
        line = json.dumps({**result.record(), MEASUREMENT: self._measurement}, allow_nan=False) + "\n"
        left = memoryview(line.encode())
        try:
            while left:
                left = left[os.write(self._handle, left) :]
            os.fsync(self._handle)
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}; whole lines are safe") from error
        self.known.add(self.key(result.request))

    def _key_of(self, line: bytes, number: int) -> str:
        """The key of the request of a line.

        Raises:
          InputError: it is no result, or that of another measurement.
        """
        where = f"{self.path}, line {number}"
        try:
            record = json.loads(line)
            key = [str(record["architecture"]), int(record["seed"]), str(record["fidelity"])]
            measurement = str(record[MEASUREMENT])
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InputError(f"{where}: {NO_RESULT}") from error
        if measurement != self._measurement:
            raise InputError(
                f"{where}: this was measured in another way ({measurement}, not {self._measurement}): on"
                " other data, in another space or with other settings of the child; name another file"
            )
        return json.dumps(key)


@contextlib.contextmanager
def scores_file(path: Path, configuration: Mapping[str, Json]) -> Iterator[ScoresFile]:
    """Opens a file of scores, to go on with it.

    Args:
      path: of the file, which is made if there is none.
      configuration: of the evaluator.

    Raises:
      InputError: it cannot be written, another process writes in it, or it has something else.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is none"
        raise InputError(f"cannot write {str(path)!r}: {reason}; name another file with --out") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise InputError(f"cannot write {str(path)!r}: it is no file; name another one with --out")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another process writes in {path}; name another file with --out") from None
        yield ScoresFile(path, handle, fingerprint(plain(configuration)))
    finally:
        os.close(handle)
