"""The primitives on an accelerator: XLA's own, which choose the memory layout that the hardware likes.

Axis letters: C channels, O output channels, H, W height and width, N batch.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from nao.evaluators.images.primitives import Primitives, Window, count_inside, same_padding

_LAYOUT = ("CHWN", "OIHW", "CHWN")


def _depthwise(x: Array, w: Array, stride: int) -> Array:
    padding = [same_padding(size) for size in w.shape[1:]]
    return lax.conv_general_dilated(
        x, w[:, None], (stride, stride), padding, dimension_numbers=_LAYOUT, feature_group_count=x.shape[0]
    )


def _convolve(x: Array, w: Array, stride: int) -> Array:
    padding = [same_padding(size) for size in w.shape[2:]]
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=_LAYOUT)


def _reduce_window(
    x: Array, start: float, combine: Callable[..., Array], window: Window, stride: int
) -> Array:
    padding = ((0, 0), same_padding(window[0]), same_padding(window[1]), (0, 0))
    out: Array = lax.reduce_window(x, start, combine, (1, *window, 1), (1, stride, stride, 1), padding)
    return out


def _max_pool(x: Array, window: Window, stride: int) -> Array:
    return _reduce_window(x, -jnp.inf, lax.max, window, stride)


def _avg_pool(x: Array, window: Window, stride: int) -> Array:
    return _reduce_window(x, 0.0, lax.add, window, stride) / count_inside(x, window, stride)


NATIVE = Primitives(_depthwise, _convolve, _max_pool, _avg_pool)
