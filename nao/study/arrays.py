"""Arrays that are kept beside a study by name: fitted models, shared weights. Never pickles."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nao.core import InputError
from nao.folder import removed, write


def write_arrays(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays into one `.npz` file, which is there as a whole or not at all.

    Raises:
      InputError: one of them holds objects, or the disk does not take it.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise InputError(f"{name} holds Python objects, which are not kept; give numbers")
    stream = io.BytesIO()
    named: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
    np.savez(stream, **named)
    try:
        file.parent.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise removed(file.parent.parent) from error
    except OSError as error:
        raise InputError(f"cannot write in {file.parent}: {error.strerror}") from error
    write(file, stream.getvalue())


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Reads what `write_arrays` wrote.

    Raises:
      InputError: the file is not there, damaged, or something else.
    """
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InputError(f"there is no {file.name} in {file.parent}") from None
    except Exception as error:  # whatever a damaged file makes of the zip and array readers
        raise InputError(f"{file} is damaged, or holds no arrays; delete it") from error
