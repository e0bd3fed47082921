"""The token that hosts show to be let in: a file of one line that only its owner can read.

Only the name of the file is ever said: on a command line, others on the machine could read the token.
"""

import dataclasses
import os
import secrets
import stat
from pathlib import Path

import platformdirs

from nao.core import InputError

SHORTEST = 16  # characters


def usual_path() -> Path:
    """Where the token is unless told otherwise."""
    return Path(platformdirs.user_config_dir("nao")) / "cluster-token"


@dataclasses.dataclass(frozen=True)
class Token:
    """A token.

    Attributes:
      path: of its file.
    """

    path: str


def existing_token(path: Path | None) -> Token:
    """The token of a host, that the driver has made and somebody has copied.

    Raises:
      InputError: there is none, others can read it, or it is none.
    """
    file = usual_path() if path is None else path.expanduser()
    try:
        with open(file, encoding="ascii") as opened:
            mode, content = stat.S_IMODE(os.fstat(opened.fileno()).st_mode), opened.read(4096)
    except FileNotFoundError:
        raise InputError(
            f"there is no token {file}: copy the one that the search names, or name it with --token-file"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"the token {file} cannot be read: {error}") from error
    if mode & 0o077:
        raise InputError(
            f"others can read the token {file}: chmod 600 {file}, and make a new one if they did"
        )
    if len(content.strip()) < SHORTEST or len(content.split()) != 1:
        raise InputError(f"{file} holds no token: it must be one line of at least {SHORTEST} characters")
    return Token(str(file.resolve()))


def token(path: Path | None) -> Token:
    """The token of a driver, which is made where there is none.

    Raises:
      InputError: it cannot be made, others can read it, or it is none.
    """
    file = usual_path() if path is None else path.expanduser()
    try:
        if file.exists():
            return existing_token(file)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"the token {file} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w") as opened:
        opened.write(secrets.token_hex(32) + "\n")
    return Token(str(file.resolve()))
