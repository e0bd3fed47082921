"""Settings records: frozen dataclasses whose fields are what a user may set.

A record checks itself, so that it is right however it was made:

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        population: int = 50

        def __post_init__(self) -> None:
            check(self, "evolution", population=at_least(1))

`build` makes one from names and values that a user wrote, on a command line or in a configuration. A field
may be annotated with `int`, `float`, `bool`, `str`, `None`, `Literal`, `tuple`, another settings record, or
a union of these. NumPy and JAX scalars count as the Python numbers that they are.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from nao.inputs import InputError, Json, python_number
from nao.records import MOST_SEED

LARGEST = 1_000_000_000  # a number further from 0 is taken to be a mistake
SHOWN = 40  # characters of a wrong value that a message repeats
UNIONS = (typing.Union, types.UnionType)
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}

Record = TypeVar("Record")


def build(kind: type[Record], name: str, values: Mapping[str, Json]) -> Record:
    """Makes a settings record from what a user gave.

    Args:
      kind: the record's class.
      name: what the record is called in messages.
      values: its fields, where they are not to have their defaults. Text for a field that takes no text is
        read by `parse`.

    Raises:
      InputError: there is no such field, a field without a default is missing, or a value is of the wrong
        type or out of range.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{name} must be a record of its parameters, not {values!r:.{SHOWN}}")
    annotations = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, kind))}
    taken: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            has = f"it has {', '.join(fields)}" if fields else "it has none"
            raise InputError(f"{name} has no parameter {key!r:.{SHOWN}}; {has}")
        if isinstance(value, str) and not _fits(value, annotations[key]):
            value = parse(value)
        taken[key] = convert(value, annotations[key], f"{name}.{key}")
    for key, field in fields.items():
        if key not in taken and field.default is field.default_factory is dataclasses.MISSING:
            raise InputError(f"{name}.{key} is missing; it must be {describe(annotations[key])}")
    return kind(**taken)


def parse(text: str) -> Json:
    """Reads a value as JSON (`5`, `0.1`, `true`, `null`, `[1, 2]`), or else as the text that it is."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


@dataclasses.dataclass(frozen=True)
class Bounds:
    """A range of numbers; `str()` is what a message says about it."""

    low: int | float
    high: int | float
    low_excluded: bool

    def __contains__(self, value: int | float) -> bool:
        return (self.low < value if self.low_excluded else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        low = f"above {self.low:,}" if self.low_excluded else f"at least {self.low:,}"
        return low if math.isinf(self.high) else f"{low} and at most {self.high:,}"


def at_least(low: int | float, *, at_most: int | float = math.inf) -> Bounds:
    """The numbers from `low` on, itself included."""
    return Bounds(low, at_most, low_excluded=False)


def above(low: int | float, *, at_most: int | float = math.inf) -> Bounds:
    """The numbers from `low` on, itself excluded."""
    return Bounds(low, at_most, low_excluded=True)


def check(record: Any, name: str, **bounds: Bounds) -> None:
    """Checks the fields of a new settings record, and makes their values plain Python ones.

    Args:
      record: the record, whose `__post_init__` this is called from.
      name: what the record is called in messages.
      **bounds: the range of each field that has one. A field that may be None has it for its numbers.

    Raises:
      InputError: a value is of the wrong type or out of range.
    """
    annotations = typing.get_type_hints(type(record))
    for field in dataclasses.fields(record):
        where = f"{name}.{field.name}"
        value = convert(getattr(record, field.name), annotations[field.name], where)
        if field.name in bounds and value is not None and value not in bounds[field.name]:
            raise InputError(f"{where} must be {bounds[field.name]}, not {value}")
        object.__setattr__(record, field.name, value)


def check_seed(seed: Any) -> int:
    """A seed as a Python number.

    Raises:
      InputError: it is no whole number, or out of range.
    """
    seed, bounds = python_number(seed), at_least(0, at_most=MOST_SEED)
    if type(seed) is not int:
        raise InputError(f"seed must be a whole number, not {seed!r:.{SHOWN}}")
    if seed not in bounds:
        raise InputError(f"seed must be {bounds}, not {seed!r:.{SHOWN}}")
    return seed


def convert(value: Any, annotation: Any, where: str) -> Any:
    """A value as its annotation wants it: a whole number also for a `float`, a list also for a `tuple`.

    Args:
      value: the value.
      annotation: its type.
      where: what the value is called in messages.

    Raises:
      InputError: it is of another type, or a number out of all proportion.
    """
    try:
        return _convert(value, annotation, where)
    except TypeError as error:
        shown = f"{python_number(value)!r:.{SHOWN}}"
        raise InputError(f"{where} must be {describe(annotation)}, not {shown}") from error


def describe(annotation: Any) -> str:
    """An annotation in words."""
    origin, options = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, options))}"
    if origin in UNIONS:
        return " or ".join(describe(option) for option in options)
    if origin is tuple:
        return f"a list, each {describe(options[0])}" if ... in options else f"a list of {len(options)}"
    if dataclasses.is_dataclass(annotation):
        return f"a record of {', '.join(field.name for field in dataclasses.fields(annotation))}"
    return WORDS[annotation]


def _convert(value: Any, annotation: Any, where: str) -> Any:
    """Does what `convert` does, but raises `TypeError` where the type is another one."""
    value = python_number(value)
    origin, options = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in UNIONS:
        for option in options:
            if _fits(value, option):
                return _convert(value, option, where)
    elif origin is typing.Literal:
        if any(type(value) is type(option) and value == option for option in options):
            return value
    elif origin is tuple:
        if isinstance(value, list | tuple) and (... in options or len(value) == len(options)):
            each = options[:1] * len(value) if ... in options else options
            return tuple(_convert(x, option, where) for x, option in zip(value, each, strict=True))
    elif dataclasses.is_dataclass(annotation):
        if isinstance(value, Mapping):
            return build(typing.cast(type, annotation), where, value)
        if type(value) is annotation:
            return value
    elif type(value) is annotation or (annotation is float and type(value) is int):
        if type(value) is float and not math.isfinite(value):
            raise InputError(f"{where} must be a finite number, not {value!r:.{SHOWN}}")
        if type(value) in (int, float) and not -LARGEST <= value <= LARGEST:
            raise InputError(f"{where} must be a number within +-{LARGEST:,}, not {value!r:.{SHOWN}}")
        return float(value) if annotation is float else value
    raise TypeError


def _fits(value: Any, annotation: Any) -> bool:
    """Whether a value is of the type of an annotation, in range or not."""
    try:
        _convert(value, annotation, "")
    except TypeError:
        return False
    except InputError:
        return True
    return True
