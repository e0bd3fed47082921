"""Pooling on a CPU: along one axis of the image after the other, as maxima or sums of shifted views.

Axis letters: C channels, H, W height and width, N batch.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from nao.evaluators.images.primitives import Window, count_inside, pad_image


def max_pool(x: Array, window: Window, stride: int) -> Array:
    """The maximum over each window: see `Primitives`."""
    for axis, size in zip((1, 2), window, strict=True):
        x = _max_along(pad_image(x, _line_window(axis, size), -jnp.inf), axis, size, stride)
    return x


def avg_pool(x: Array, window: Window, stride: int) -> Array:
    """The mean over each window: see `Primitives`."""
    total = x
    for axis, size in zip((1, 2), window, strict=True):
        total = _sum_along(total, axis, size, stride)
    return total / count_inside(x, window, stride)


def _line_window(axis: int, size: int) -> Window:
    """The window that spans `size` positions of one axis."""
    return (size, 1) if axis == 1 else (1, size)


def _strided_views(x: Array, axis: int, size: int, stride: int) -> list[Array]:
    """The views of a padded image along one axis, every s-th position of that axis."""
    length = x.shape[axis] - size + 1
    return [lax.slice_in_dim(x, i, i + length, stride, axis) for i in range(size)]


def _scatter(parts: Sequence[Array], axis: int, stride: int, length: int) -> Array:
    """The adjoint of `_strided_views`: adds part i back at offset i."""
    total = []
    for i, part in enumerate(parts):
        span = stride * (part.shape[axis] - 1) + 1
        gaps = [(0, 0, 0)] * 4
        gaps[axis] = (i, length - i - span, stride - 1)
        total.append(lax.pad(part, jnp.zeros((), part.dtype), gaps))
    return functools.reduce(jnp.add, total)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _max_along(x: Array, axis: int, size: int, stride: int) -> Array:
    """The maximum over every `size` neighbours along one axis of a padded image."""
    return functools.reduce(jnp.maximum, _strided_views(x, axis, size, stride))


def _max_along_forward(x: Array, axis: int, size: int, stride: int) -> tuple[Array, tuple[Array, Array]]:
    y = _max_along(x, axis, size, stride)
    return y, (x, y)


def _max_along_backward(
    axis: int, size: int, stride: int, saved: tuple[Array, Array], g: Array
) -> tuple[Array]:
    x, y = saved
    # Equal values are common (plain background): the first of them takes the whole gradient.
    parts, free = [], jnp.ones(y.shape, bool)
    for view in _strided_views(x, axis, size, stride):
        wins = free & (view == y)
        free = free & ~wins
        parts.append(jnp.where(wins, g, 0))
    return (_scatter(parts, axis, stride, x.shape[axis]),)


_max_along.defvjp(_max_along_forward, _max_along_backward)


def _sum_along(x: Array, axis: int, size: int, stride: int) -> Array:
    """The sum over every `size` neighbours along one axis of an image."""
    return functools.reduce(
        jnp.add, _strided_views(pad_image(x, _line_window(axis, size)), axis, size, stride)
    )
