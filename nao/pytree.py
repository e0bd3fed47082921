"""Records that cross `jax.jit`: frozen dataclasses as pytrees, and arrays of a few fixed sizes.

Axis letters: N rows.
"""

import dataclasses
from typing import Any, TypeVar

import jax
import numpy as np

from nao.records import Quality

T = TypeVar("T")


STATIC = {"static": True}
"""Metadata of a field that compiled programs take as a constant: another value compiles again."""


def pytree(record: type[T]) -> type[T]:
    """Registers a frozen dataclass as a JAX pytree whose leaves are in the fields that are not `STATIC`.

    A record that JAX puts together again is not checked by its constructor: inside a transformation its
    leaves may be tracers, shapes or axis numbers.
    """
    fields = dataclasses.fields(record)  # type: ignore[arg-type]
    constants = [field.name for field in fields if field.metadata.get("static")]
    children = [field.name for field in fields if field.name not in constants]

    def flatten(instance: T) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        named = [(jax.tree_util.GetAttrKey(name), getattr(instance, name)) for name in children]
        return named, tuple(getattr(instance, name) for name in constants)

    def unflatten(values: tuple[Any, ...], leaves: Any) -> T:
        instance = object.__new__(record)
        vars(instance).update(zip(constants, values, strict=True), **dict(zip(children, leaves, strict=True)))
        return instance

    jax.tree_util.register_pytree_with_keys(record, flatten, unflatten)
    return record


def replace(record: T, **changes: Any) -> T:
    """The record with other values in some fields, which may be tracers: no constructor checks them."""
    made = object.__new__(type(record))
    names = [field.name for field in dataclasses.fields(record)]  # type: ignore[arg-type]
    vars(made).update({name: changes.get(name, getattr(record, name)) for name in names})
    return made


pytree(Quality)  # here, because `nao.records` imports no JAX


def bucket_size(n: int, smallest: int) -> int:
    """The first of smallest, 4 smallest, 16 smallest, ... that holds n rows.

    A program that is compiled for one bucket serves every number of rows in it.
    """
    while smallest < n:
        smallest *= 4
    return smallest


def pad_rows(array: np.ndarray, size: int) -> np.ndarray:
    """The array with zeros after it, up to `size` rows."""
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])
