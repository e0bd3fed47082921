"""Configurations: what things are made of, as plain JSON that can be stored, compared and turned back.

Every space, strategy, encoder, data set and evaluator has a `configuration()`, and each room's `make` is its
inverse. The key `path` says where something lies, not what it is: it is stored and never compared.
"""

import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from pathlib import PurePath

from nao.core import InputError, Json
from nao.inputs import python_number

WHERE = "path"


def plain(value: Json, name: str = "the configuration") -> Json:
    """The value as JSON has it: numbers of NumPy as Python's own, tuples and sets as lists, paths as text.

    Args:
      value: anything.
      name: what to call it in a message.

    Raises:
      InputError: JSON has no such value; the message names the key.
    """
    value = python_number(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each, f"{name}.{key}") for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, f"{name}[{i}]") for i, each in enumerate(value)]
    if isinstance(value, set | frozenset):
        return sorted((plain(each, name) for each in value), key=repr)
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return plain(value.tolist(), name)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{name} is {value}, which JSON does not have; give a finite number")
    if value is None or isinstance(value, str | int | float):
        return value
    raise InputError(f"{name} is of type {type(value).__name__}; JSON has numbers, text and lists")


def dumps(value: Json, name: str = "the configuration") -> str:
    """The value in strict JSON, made `plain` where it has to be.

    Raises:
      InputError: JSON has no such value; the message names the key.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(plain(value, name), allow_nan=False)


def differences(ours: Json, theirs: Json, name: str = "") -> list[str]:
    """What differs between two configurations, as `a.b is 1 there and 2 here`, ours being here."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return [] if ours == theirs else [f"{name} is {theirs!r} there and {ours!r} here"]
    keys = [key for key in dict.fromkeys(itertools.chain(ours, theirs)) if key != WHERE]
    return [
        line
        for key in keys
        for line in differences(ours.get(key), theirs.get(key), f"{name}.{key}" if name else key)
    ]


def fingerprint(configuration: Mapping[str, Json]) -> str:
    """Eight hexadecimal digits, the same for configurations without differences."""
    return hashlib.sha256(json.dumps(_what(configuration), sort_keys=True).encode()).hexdigest()[:8]


def _what(value: Json) -> Json:
    """The value without what only says where something lies."""
    if isinstance(value, dict):
        return {key: _what(each) for key, each in value.items() if key != WHERE}
    return [_what(each) for each in value] if isinstance(value, list) else value
