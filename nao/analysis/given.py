"""What every question does first with what it is handed, so that all take the same and refuse the same.

Tokens may be arrays or lists of whole numbers, and are strings of their space; other numbers may be arrays or
lists. Inside a compiled program tokens have no values yet: there they are taken as they are.

Axis letters: B strings, T tokens, N points, D numbers of a point.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from nao.core import InputError, SearchSpace
from nao.inputs import show_wrong, whole_number

R = TypeVar("R")
Tokens = Shaped[Array | np.ndarray, "_ _"] | Sequence[Any]


def strings(space: SearchSpace, tokens: Tokens) -> Int[Array | np.ndarray, "B T"]:
    """Tokens `[B, T]` that are architectures of a space; an array of JAX stays one.

    Raises:
      InputError: they are something else.
    """
    if isinstance(tokens, jax.core.Tracer):
        return tokens
    checked = host_strings(space, tokens)
    return jnp.asarray(checked) if isinstance(tokens, jax.Array) else checked


def host_strings(space: SearchSpace, tokens: Tokens) -> Int[np.ndarray, "B T"]:
    """The same on the host.

    Raises:
      InputError: as `strings`.
    """
    given = whole_numbers(space, tokens)
    fine = space.grammar.accepts(given)
    if not fine.all():
        row = int(fine.argmin())
        at = space.grammar.fault(wrong := given[row].tolist())
        assert at is not None
        raise InputError(f"row {row} is no architecture of {space.name}: token {wrong[at]} at position {at}")
    return given.astype(np.int32)


def whole_numbers(space: SearchSpace, tokens: Tokens) -> Int[np.ndarray, "B T"]:
    """As many numbers a row as the strings of a space have tokens, whatever they mean there.

    Raises:
      InputError: they are no such table, or not whole.
    """
    given = _array(tokens)
    if not given.size:
        given = given.reshape(0, space.length)
    if given.ndim != 2 or given.shape[1] != space.length:
        raise InputError(
            f"architectures of {space.name} are [B, {space.length}] tokens, not {list(given.shape)}"
        )
    with np.errstate(invalid="ignore"):  # nan and the infinities differ from whatever they become
        whole = given.astype(np.int64)
    if (whole != given).any():
        raise InputError(f"tokens are whole numbers, not {given[whole != given][0]}")
    return whole


def _array(given: Any) -> np.ndarray:
    """An array of numbers, from whatever can be one."""
    try:
        found = np.asarray(given)
    except ValueError:  # rows of different lengths
        found = np.array(None)
    if found.dtype.kind not in "biuf":
        raise InputError(
            f"numbers are asked for, in an array or in lists of one length, not {show_wrong(given)}"
        )
    return found


def numbers(given: Any) -> Any:
    """An array of real numbers, if it is one of whole numbers, or lists; else what was given.

    Raises:
      InputError: it holds something else.
    """
    if isinstance(given, list | tuple):
        given = _array(given)
    if isinstance(given, jax.Array):
        return given if jnp.issubdtype(given.dtype, jnp.floating) else given.astype(np.float32)
    if isinstance(given, np.ndarray) and given.dtype.kind != "f":
        return _array(given).astype(np.float32)
    return given


def compiled(*static: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """`jax.jit` for functions of real numbers, which then may be whole numbers or lists, too.

    Args:
      static: the arguments that are no arrays.
    """

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        program = jax.jit(function, static_argnames=static)

        @functools.wraps(function)
        def ask(*given: Any, **named: Any) -> R:
            given, named = tuple(map(numbers, given)), {name: numbers(x) for name, x in named.items()}
            try:
                answer: R = program(*given, **named)
            except InputError as error:  # to which JAX has added lines about its own
                raise InputError(str(error)) from None
            return answer

        return ask

    return decorate


def checked_count(k: Any, most: int, of: str) -> int:
    """How many of so many.

    Raises:
      InputError: k is no whole number from 1 to the most that there are.
    """
    count = whole_number(k)
    if count is None or not 1 <= count <= most:
        raise InputError(f"k must be at least 1 and at most {max(most, 0)}, {of}, not {k!r:.100}")
    return count


def centred(x: Float[Array | np.ndarray, " N *_"]) -> Float[Array, " N *_"]:
    """Numbers minus their mean, and 0 where all rows are equal.

    The mean of equal numbers is rounded, and what is left would be noise: the first row is 0 before.
    """
    moved = jnp.asarray(x) - x[:1]
    return moved - jnp.mean(moved, axis=0, keepdims=True)


@jax.checkpoint  # a gradient computes the differences again, and does not keep those of all rows
def distances_from(point: Float[Array, " D"], points: Float[Array, "N D"]) -> Float[Array, " N"]:
    """The Euclidean distance of one point from each of the others: 0 from an equal one, with slope 0."""
    squares = jnp.sum((points - point[None]) ** 2, axis=1)
    apart = squares > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squares, 1.0)), 0.0)
