"""What operations are made of: convolutions and pooling on arrays laid out `[C, H, W, N]`.

There are two implementations: `shifted` for CPUs and `native` for accelerators. In both, every window is
centred (a window of two reaches to the right and downwards), padding is implicit, and an output of stride s
keeps every s-th position.

Axis letters: C channels, O output channels, H, W height and width, N batch, K, L window height and width.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Maps = Float[Array, "C H W N"]
Strided = Float[Array, "C _ _ N"]  # the same maps after a stride, which changes their size
Window = tuple[int, int]


class Primitives(NamedTuple):
    """One implementation of the four maps that operations are made of.

    Attributes:
      depthwise: `(x [C, H, W, N], w [C, K, L], stride) -> [C, H', W', N]`.
      convolve: `(x [C, H, W, N], w [O, C, K, L], stride) -> [O, H', W', N]`.
      max_pool: `(x, window, stride) -> [C, H', W', N]`.
      avg_pool: `(x, window, stride) -> [C, H', W', N]`; positions outside the image do not count.
    """

    depthwise: Callable[[Array, Array, int], Array]
    convolve: Callable[[Array, Array, int], Array]
    max_pool: Callable[[Array, Window, int], Array]
    avg_pool: Callable[[Array, Window, int], Array]


def same_padding(size: int) -> tuple[int, int]:
    """How far a window reaches before and behind its centre, and so how far the image is padded."""
    return (size - 1) // 2, size // 2


@functools.partial(jax.jit, static_argnums=(1, 2))
def pad_image(x: Array, window: Window, value: Array | float = 0.0) -> Array:
    """Surrounds the image so that every window fits."""
    return jnp.pad(
        x, ((0, 0), same_padding(window[0]), same_padding(window[1]), (0, 0)), constant_values=value
    )


def count_inside(x: Array, window: Window, stride: int) -> Float[np.ndarray, "1 _ _ 1"]:
    """`[1, H', W', 1]` how many positions of each window lie inside the image."""
    lines = []
    for length, size in zip(x.shape[1:3], window, strict=True):
        before, behind = same_padding(size)
        centre = np.arange(0, length, stride)
        lines.append(np.minimum(centre + behind, length - 1) - np.maximum(centre - before, 0) + 1)
    counts: np.ndarray = np.multiply.outer(*lines)[None, :, :, None].astype(np.float32)
    return counts
