"""What a pickle may call while it is read as plain data: the constructors that published benchmarks use.

Each takes the arguments that the pickle gives, as one tuple, and checks that they are those of the published
files. NumPy's numbers become Python numbers. No reader needs an array, a set or a tensor: all of them become
`NOTHING`, so that none is ever made.
"""

import struct
from collections.abc import Callable
from typing import Any

LONGEST = 8  # bytes of a number
NUMBERS = {  # NumPy's codes of them, little-endian
    "f2": struct.Struct("<e"),
    "f4": struct.Struct("<f"),
    "f8": struct.Struct("<d"),
    "b1": struct.Struct("<?"),
    **{f"i{size}": struct.Struct(f"<{code}") for size, code in zip((1, 2, 4, 8), "bhiq", strict=True)},
    **{f"u{size}": struct.Struct(f"<{code}") for size, code in zip((1, 2, 4, 8), "BHIQ", strict=True)},
}

Arguments = tuple[Any, ...]
Constructor = Callable[[Arguments], Any]


class UnpickleError(ValueError):
    """A pickle is damaged, or holds more than plain data."""


class Nothing:
    """Stands for an array, a set or a tensor."""

    __slots__ = ()


NOTHING = Nothing()


def nothing(arguments: Arguments) -> Nothing:
    """An array, a set or a tensor."""
    return NOTHING


def ordered(arguments: Arguments) -> dict[Any, Any]:
    """`collections.OrderedDict()`: a dictionary keeps its order."""
    if arguments:
        raise UnpickleError("an OrderedDict has arguments")
    return {}


def dtype(arguments: Arguments) -> struct.Struct:
    """`numpy.dtype(code, align, copy)`: how a number of that type is stored."""
    code, _, _ = arguments
    if type(code) is not str or code not in NUMBERS:
        raise UnpickleError("a NumPy type is not that of a number")
    return NUMBERS[code]


def scalar(arguments: Arguments) -> Any:
    """A number of NumPy, from its type and its bytes."""
    stored, data = arguments
    if type(stored) is not struct.Struct or type(data) is not bytes:
        raise UnpickleError("a NumPy number has no type or no bytes")
    return stored.unpack(data)[0]


def latin1(arguments: Arguments) -> bytes | Nothing:
    """`_codecs.encode(text, "latin1")`: bytes, as protocol 2 writes them. Only those of a number are kept."""
    text, encoding = arguments
    if type(text) is not str or encoding != "latin1":
        raise UnpickleError("bytes are not written as text in latin1")
    return text.encode("latin1") if len(text) <= LONGEST else NOTHING


RENAMED = {"__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray"}
CONSTRUCTORS: dict[tuple[str, str], Constructor] = {
    ("builtins", "set"): nothing,
    ("builtins", "frozenset"): nothing,
    ("collections", "OrderedDict"): ordered,
    ("numpy", "dtype"): dtype,
    ("numpy", "ndarray"): nothing,
    ("numpy._core.multiarray", "_reconstruct"): nothing,
    ("numpy._core.multiarray", "scalar"): scalar,
    ("_codecs", "encode"): latin1,
}
"""By module and name."""


def find(module: str, name: str) -> Constructor:
    """The constructor of that name; whatever belongs to PyTorch makes `NOTHING`.

    Raises:
      UnpickleError: plain data need no such name.
    """
    if module.partition(".")[0] == "torch":
        return nothing
    known = CONSTRUCTORS.get((RENAMED.get(module, module), name))
    if known is None:
        raise UnpickleError(f"it holds {f'{module}.{name}'[:80]!a}, which is no plain data")
    return known
