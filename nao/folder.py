"""Folders of searches and comparisons: who may write in one, and files that are whole or not there."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from nao.core import InputError
from nao.inputs import user_path

STUDY = "study.sqlite"
COMPARISON = "comparison.json"
KINDS = {STUDY: "search", COMPARISON: "comparison"}  # what a folder that has this file holds
UNFINISHED = ".part"  # what a file is called until it is whole


def named(out: Path | str) -> Path:
    """The folder that a user named, with `~` as the user's own.

    Raises:
      InputError: the name is none, empty, or that of a file.
    """
    if not isinstance(out, str | os.PathLike) or "\0" in str(out):
        raise InputError(f"a folder is named by text or a path, not by {out!r:.40}")
    if not str(out):
        raise InputError("the name of the folder is empty; name one with --out, such as runs/mine")
    folder = user_path(out)
    if os.path.lexists(folder) and not os.path.isdir(folder):
        kind = "a link that leads nowhere" if os.path.islink(folder) else "a file"
        raise InputError(f"{folder} is {kind}; name a folder with --out")
    return folder


def kind(folder: Path) -> str | None:
    """What a folder holds: `search`, `comparison`, or nothing of ours."""
    return next((word for name, word in KINDS.items() if (folder / name).exists()), None)


@contextlib.contextmanager
def lock(folder: Path, mine: str) -> Iterator[None]:
    """Makes the folder, and keeps every other process from writing in it.

    What is locked is the folder itself: no file that stands for it can be removed by mistake.

    Args:
      folder: where.
      mine: which file says what the folder holds, one of `KINDS`.

    Raises:
      InputError: it cannot be written, is in use, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [word for name, word in KINDS.items() if name != mine and (folder / name).exists()]
        if others:
            raise InputError(f"{folder} is the folder of a {others[0]}; choose another with --out")
        if not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        handle = _locked(folder)
    except BlockingIOError as error:
        raise InputError(
            f"another search is running in {folder}; wait for it, or choose another folder with --out"
        ) from error
    except OSError as error:
        raise InputError(f"cannot write in {folder}: {error.strerror}; choose another with --out") from error
    try:
        yield
    finally:
        os.close(handle)


def _locked(folder: Path) -> int:
    """A handle that holds the lock until it is closed. Raises BlockingIOError when another process does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # some network file systems lock only what is open for writing
        os.close(handle)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
    return handle


def write(file: Path, content: str | bytes) -> None:
    """Writes a file as a whole: whoever looks finds the old one or the new one.

    Raises:
      InputError: the disk does not take it, or its folder is gone.
    """
    part = file.with_name(file.name + UNFINISHED)
    try:
        with part.open("wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except FileNotFoundError as error:
        if not file.parent.is_dir():
            raise removed(file.parent) from error
        raise InputError(f"cannot write {file}: that folder takes no files") from error
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}; what is stored is safe") from error


def removed(place: Path) -> InputError:
    """What to say when a file or folder of a run is no longer where it was."""
    return InputError(f"{place} was removed while it was in use: what it held is gone; begin again")
