"""Reads pickles that others made, as far as they are plain data, without running what is in them.

A pickle may name any function and have it called. Here only containers and NumPy's numbers and arrays are
made; the tensors of PyTorch, which the files of benchmarks carry along, become `Nothing`.
"""

import bz2
import collections
import contextlib
import pickle
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from nao.core import InputError

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # how torch.save before version 1.6 began a file
LEGACY_HEADERS = 2  # what comes between that and the data: the version, facts about the machine
BROKEN = (
    *(pickle.UnpicklingError, EOFError, OSError, ValueError, LookupError, AttributeError, TypeError),
    *(ImportError, MemoryError, OverflowError, zlib.error, zipfile.BadZipFile, NotImplementedError),
)


class Nothing:
    """What stands for a tensor."""

    def __init__(self, *ignored: Any) -> None: ...

    def __setstate__(self, ignored: Any) -> None: ...


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes, as pickles of protocol 2 write them."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding!r}")
    return text.encode("latin1")


_SCALAR = cast(Any, np.float64(0)).__reduce__()[0]
_ARRAY = cast(Any, np.zeros(0)).__reduce__()[0]
ALLOWED = {
    **{("builtins", made.__name__): made for made in (set, frozenset, bytearray, complex)},
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "_reconstruct"): _ARRAY,
    ("_codecs", "encode"): _latin1,
}
RENAMED = {"__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray"}


class Plain(pickle.Unpickler):
    """Reads plain data."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name in a pickle stands for.

        Raises:
          pickle.UnpicklingError: nothing that is allowed here.
        """
        if module.partition(".")[0] == "torch":
            return Nothing
        module = RENAMED.get(module, module)
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no plain data")
        return ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Nothing:
        """The numbers of a tensor, which lie outside of the pickle."""
        return Nothing()


def read_bz2(file: Path) -> Any:
    """The data in a pickle compressed by bzip2.

    Raises:
      InputError: the file is missing, damaged, cut off, something else, or holds more than plain data.
    """
    with _explained(file), bz2.open(file, "rb") as opened:
        data = Plain(opened).load()
        opened.read()  # to the end, where the checksum is
        return data


def read_torch(file: Path) -> Any:
    """The data that `torch.save` wrote, now (a zip archive) or before PyTorch 1.6.

    Raises:
      InputError: the file is missing, damaged, cut off, something else, or holds more than plain data.
    """
    with _explained(file):
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
                with archive.open(name) as opened:
                    return Plain(opened).load()
        with file.open("rb") as opened:
            if Plain(opened).load() != LEGACY_MAGIC:
                raise pickle.UnpicklingError("torch.save did not write it")
            for _ in range(LEGACY_HEADERS):
                Plain(opened).load()
            return Plain(opened).load()


@contextlib.contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{file} is not there") from error
    except (*BROKEN, StopIteration) as error:
        why = str(error) or type(error).__name__
        raise InputError(f"{file} cannot be read, it is damaged, cut off or something else: {why}") from error
