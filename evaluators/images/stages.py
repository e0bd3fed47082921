"""The stages that operations are chains of: convolutions with their ReLU, pooling, and the identity.

Axis letters: C channels, O output channels, H, W height and width, N batch.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nao.evaluators.images.primitives import Maps, Primitives, Strided, Window

Shape = tuple[int, ...]


@runtime_checkable
class Stage(Protocol):
    """One step of an operation."""

    def weight_shapes(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        """The (shape, fan-in) of each array of weights; empty for a stage without weights."""

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        """Computes the stage, up to its normalisation."""

    def multiply_adds(self, channels: int, stride: int) -> int:
        """Multiply-adds for each position of the output."""


@dataclasses.dataclass(frozen=True)
class Dense:
    """ReLU and a dense convolution."""

    window: Window

    def weight_shapes(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        return [((channels, channels, *self.window), channels * math.prod(self.window))]

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        return primitives.convolve(jax.nn.relu(x), weights[0], stride)

    def multiply_adds(self, channels: int, stride: int) -> int:
        return channels**2 * math.prod(self.window)


@dataclasses.dataclass(frozen=True)
class Separable:
    """ReLU, a depthwise and a pointwise convolution."""

    window: Window

    def weight_shapes(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        return [((channels, *self.window), math.prod(self.window)), ((channels, channels, 1, 1), channels)]

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        depthwise, pointwise = weights
        return primitives.convolve(primitives.depthwise(jax.nn.relu(x), depthwise, stride), pointwise, 1)

    def multiply_adds(self, channels: int, stride: int) -> int:
        return channels * math.prod(self.window) + channels**2


@dataclasses.dataclass(frozen=True)
class Pool:
    """Maximum (`max`) or mean (`avg`) over a window."""

    kind: str
    window: Window

    def weight_shapes(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        return []

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        pool = primitives.max_pool if self.kind == "max" else primitives.avg_pool
        return pool(x, self.window, stride)

    def multiply_adds(self, channels: int, stride: int) -> int:
        return 0


@dataclasses.dataclass(frozen=True)
class Skip:
    """The identity; with a stride, the factorised reduction of NASNet (see `reduce_factorised`)."""

    def weight_shapes(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        if stride == 1:
            return []
        half = channels // 2
        return [((half, channels, 1, 1), channels), ((channels - half, channels, 1, 1), channels)]

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        if stride == 1:
            return x
        even, odd = weights
        return reduce_factorised(primitives, jax.nn.relu(x), even, odd)

    def multiply_adds(self, channels: int, stride: int) -> int:
        return 0 if stride == 1 else channels**2


def reduce_factorised(primitives: Primitives, x: Maps, even: Array, odd: Array) -> Float[Array, "O _ _ N"]:
    """Halves the image: one pointwise convolution reads its even positions, another one the odd ones.

    Args:
      primitives: the convolutions to use.
      x: `[C, H, W, N]`.
      even: `[O', C, 1, 1]` weights of the first, which makes the first channels of the output.
      odd: `[O - O', C, 1, 1]` weights of the second, which makes the other ones.
    """
    shifted = jnp.pad(x[:, 1:, 1:], ((0, 0), (0, 1), (0, 1), (0, 0)))
    return jnp.concatenate([primitives.convolve(x, even, 2), primitives.convolve(shifted, odd, 2)])
