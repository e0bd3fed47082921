"""What users hand over: numbers as Python's own, and the error that says what is wrong in one line."""

import errno
import importlib
import math
from pathlib import Path
from typing import Any

MOST_COUNT = 2**63 - 1  # what a file holds as a whole number
SHOWN = 100  # characters of a wrong value that a message repeats
ABSENT = (errno.ENOENT, errno.ENOTDIR)  # there is nothing of that name, yet
Json = Any  # what `json.dumps` takes: a configuration, a state


class InputError(ValueError):
    """Something the user gave is wrong. The message is one line: what is wrong, what would be right."""


def python_number(value: Any) -> Any:
    """A scalar of NumPy, JAX or PyTorch, or an array without axes, as Python's own; else what it was."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    return value


def real_number(value: Any) -> float | None:
    """The number as a float; None for what is no real number."""
    value = python_number(value)
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def whole_number(value: Any) -> int | None:
    """The number as an int; None for what is no whole number, or beyond 64 bits."""
    value = python_number(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or abs(value) > MOST_COUNT:
        return None
    return int(value)


def finite(number: float | int | None) -> float | int | None:
    """The number, or None in place of NaN and the infinities, which JSON cannot hold."""
    return number if number is not None and math.isfinite(number) else None


def show_wrong(value: Any) -> str:
    """A wrong value for a message, with its type."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = "what cannot be shown"
    return f"{text[:SHOWN]} ({type(value).__name__})"


def user_path(name: Path | str) -> Path:
    """The path that a user named, with `~` as a user's home.

    Raises:
      InputError: nobody of that name has a home, or no file can have this name.
    """
    try:
        path = Path(name).expanduser()
        path.lstat()  # only the file system knows which names are too long for it
    except RuntimeError as error:
        raise InputError(f"{name} begins with the home of a user who is not there") from error
    except OSError as error:
        if error.errno not in ABSENT:
            raise InputError(f"{str(name)[:SHOWN]} cannot be used: {error.strerror}") from error
    except ValueError as error:  # a zero byte
        raise InputError(f"{str(name)[:SHOWN]!r} is not the name of a file") from error
    return path


def file_name(path: Path) -> str:
    """The name of a file as text that can be written anywhere, whatever bytes it has."""
    return path.name.encode(errors="surrogateescape").decode(errors="replace")


def imported(package: str, extra: str, what: str) -> Any:
    """A package that not everybody needs.

    Args:
      package: its import name.
      extra: the extra of this project that installs it.
      what: needs it, for the message.

    Raises:
      InputError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise InputError(f"{what} needs a package: pip install 'nao-search[{extra}]'") from error
