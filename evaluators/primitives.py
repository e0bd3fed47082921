"""What operations are made of: convolutions and pooling on arrays laid out `[C, H, W, N]`.

There are two implementations, for CPUs (`nao.evaluators.shifted`) and for accelerators
(`nao.evaluators.native`). In both, every window is centred (a window of two reaches to the right and
downwards), padding is implicit, and an output of stride s keeps every s-th position.

Axis letters: C channels, O output channels, H, W height and width, N batch, K, L window height and width.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

Maps = Float[Array, "C H W N"]
Strided = Float[Array, "C _ _ N"]  # the same maps after a stride, which changes their size
Window = tuple[int, int]


class Primitives(NamedTuple):
    """One implementation of the four linear or windowed maps that operations are made of.

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


def reach(size: int) -> tuple[int, int]:
    """How far a window reaches before and behind its centre."""
    return (size - 1) // 2, size // 2


def counts(x: Array, window: Window, stride: int) -> Float[np.ndarray, "1 _ _ 1"]:
    """`[1, H', W', 1]` how many positions of each window lie inside the image."""
    lines = []
    for length, size in zip(x.shape[1:3], window, strict=True):
        before, behind = reach(size)
        centre = np.arange(0, length, stride)
        lines.append(np.minimum(centre + behind, length - 1) - np.maximum(centre - before, 0) + 1)
    counts: np.ndarray = np.multiply.outer(*lines)[None, :, :, None].astype(np.float32)
    return counts
