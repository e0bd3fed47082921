"""The operations that a branch of a cell can apply, and how their weights lie in one flat slot.

An operation is a chain of stages, each with its weights: `conv 3x3` is one dense stage, `sep-conv 3x3`
two separable ones (as in NASNet, Zoph et al. 2018). A stage that has weights is ReLU, convolution, batch
normalisation, in this order. Every operation of a space keeps its weights in a flat vector of the same
length P, as long as the largest of them needs, so that the operation can be chosen while the program runs.

Axis letters: C channels, H, W height and width, N batch, P slot of weights, M normalisations of a slot.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from nao.core import InputError
from nao.evaluators.primitives import Maps, Primitives, Strided, Window

EPSILON = 1e-5  # of batch normalisation, as in the published code

Shape = tuple[int, ...]
Statistics = Float[Array, "2 C"]  # mean and variance per channel


@runtime_checkable
class Stage(Protocol):
    """One step of an operation."""

    def weights(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        """The (shape, fan-in) of each array of weights; none for a stage without weights."""

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        """The stage without its normalisation."""

    def multiplications(self, channels: int, stride: int) -> int:
        """Multiply-adds per position of the output."""


@dataclasses.dataclass(frozen=True)
class Dense:
    """ReLU and a dense convolution."""

    window: Window

    def weights(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        """See `Stage`."""
        return [((channels, channels, *self.window), channels * math.prod(self.window))]

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        """See `Stage`."""
        return primitives.convolve(jax.nn.relu(x), weights[0], stride)

    def multiplications(self, channels: int, stride: int) -> int:
        """See `Stage`."""
        return channels**2 * math.prod(self.window)


@dataclasses.dataclass(frozen=True)
class Separable:
    """ReLU, a depthwise and a pointwise convolution."""

    window: Window

    def weights(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        """See `Stage`."""
        return [((channels, *self.window), math.prod(self.window)), ((channels, channels, 1, 1), channels)]

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        """See `Stage`."""
        depthwise, pointwise = weights
        return primitives.convolve(primitives.depthwise(jax.nn.relu(x), depthwise, stride), pointwise, 1)

    def multiplications(self, channels: int, stride: int) -> int:
        """See `Stage`."""
        return channels * math.prod(self.window) + channels**2


@dataclasses.dataclass(frozen=True)
class Pool:
    """Maximum or mean over a window."""

    kind: str
    window: Window

    def weights(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        """See `Stage`."""
        return []

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        """See `Stage`."""
        pool = primitives.max_pool if self.kind == "max" else primitives.avg_pool
        return pool(x, self.window, stride)

    def multiplications(self, channels: int, stride: int) -> int:
        """See `Stage`."""
        return 0


@dataclasses.dataclass(frozen=True)
class Skip:
    """The identity; with a stride, the factorised reduction of NASNet.

    Two pointwise convolutions read the even and the odd positions and make half of the channels each.
    """

    def weights(self, channels: int, stride: int) -> list[tuple[Shape, int]]:
        """See `Stage`."""
        if stride == 1:
            return []
        half = channels // 2
        return [((half, channels, 1, 1), channels), ((channels - half, channels, 1, 1), channels)]

    def apply(self, primitives: Primitives, x: Maps, weights: Sequence[Array], stride: int) -> Strided:
        """See `Stage`."""
        if stride == 1:
            return x
        x = jax.nn.relu(x)
        even, odd = weights
        shifted = jnp.pad(x[:, 1:, 1:], ((0, 0), (0, 1), (0, 1), (0, 0)))
        halves = [primitives.convolve(x, even, stride), primitives.convolve(shifted, odd, stride)]
        return jnp.concatenate(halves, axis=0)

    def multiplications(self, channels: int, stride: int) -> int:
        """See `Stage`."""
        return 0 if stride == 1 else channels**2


Operation = tuple[Stage, ...]
SIZE = "[1-9][0-9]*x[1-9][0-9]*"  # how a window is written


def _window(text: str) -> Window:
    height, width = text.split("x")
    return int(height), int(width)


def operation(name: str) -> Operation:
    """The stages behind an operation's name, such as `conv 1x7+7x1` or `sep-conv-3x3`.

    Raises:
      InputError: for a name that no child network knows.
    """
    spelling = re.fullmatch(rf"([a-z-]*[a-z])(?:[ -]?({SIZE}(?:\+{SIZE})*))?", name)
    kind, size = spelling.groups() if spelling else ("", None)
    windows = [_window(part) for part in size.split("+")] if size else []
    match kind:
        case "identity":
            return (Skip(),)
        case "conv" if windows:
            return tuple(Dense(window) for window in windows)
        case "sep-conv" if windows:
            return tuple(Separable(window) for window in windows * 2)
        case "max-pooling" | "avg-pooling" if windows:
            return tuple(Pool(kind[:3], window) for window in windows)
    raise InputError(f"no child network knows the operation {name!r}; known: identity, conv, sep-conv, ...")


@jax.jit
def normalise(
    x: Maps, scale: Float[Array, " C"], offset: Float[Array, " C"], statistics: Statistics | None
) -> tuple[Maps, Statistics]:
    """Batch normalisation (Ioffe & Szegedy 2015).

    Args:
      x: `[C, H, W, N]`.
      scale: `[C]` gamma.
      offset: `[C]` beta.
      statistics: `[2, C]` mean and variance to use; those of the batch when None.

    Returns:
      The normalised maps, and the statistics `[2, C]` that were used.
    """
    if statistics is None:
        mean = jnp.mean(x, axis=(1, 2, 3))
        variance = jnp.maximum(jnp.mean(x * x, axis=(1, 2, 3)) - mean**2, 0)
        statistics = jnp.stack([mean, variance])
    mean, variance = statistics
    slope = scale * lax.rsqrt(variance + EPSILON)
    column = (slice(None), None, None, None)
    return x * slope[column] + (offset - mean * slope)[column], statistics


def shapes(op: Operation, channels: int, stride: int) -> list[tuple[Shape, int]]:
    """The (shape, fan-in) of all arrays of an operation, in slot order; fan-in 0 marks gamma and beta."""
    found: list[tuple[Shape, int]] = []
    for i, stage in enumerate(op):
        weights = stage.weights(channels, stride if i == 0 else 1)
        found += weights + ([((2, channels), 0)] if weights else [])
    return found


def slot_size(ops: Sequence[Operation], channels: int, strides: Sequence[int]) -> int:
    """P, the length of a slot that holds the weights of any one of the operations."""
    return max(sum(math.prod(s) for s, _ in shapes(op, channels, stride)) for op in ops for stride in strides)


def normalisations(ops: Sequence[Operation]) -> int:
    """M, the largest number of normalisations that an operation has."""
    return max(len(op) for op in ops)


def initial(op: Operation, channels: int, stride: int) -> list[tuple[int, float, float]]:
    """The distribution of a fresh slot, as (first index, mean, standard deviation) of its stretches.

    He et al. (2015) for convolutions, gamma 1, beta 0, and zero for the rest of the slot.
    """
    stretches, at = [], 0
    for shape, fan_in in shapes(op, channels, stride):
        if fan_in:
            stretches.append((at, 0.0, math.sqrt(2 / fan_in)))
        else:
            stretches += [(at, 1.0, 0.0), (at + channels, 0.0, 0.0)]
        at += math.prod(shape)
    return [*stretches, (at, 0.0, 0.0)]


@functools.partial(jax.jit, static_argnames=("op", "primitives", "stride", "count"))
def apply(
    op: Operation,
    primitives: Primitives,
    x: Maps,
    slot: Float[Array, " P"],
    statistics: Float[Array, "M 2 C"] | None,
    stride: int,
    count: int,
) -> tuple[Strided, Float[Array, "M 2 C"]]:
    """Applies an operation whose weights lie in a slot. Compiled inline; `jit` only saves tracing it again.

    Args:
      op: the operation.
      primitives: the convolutions to use.
      x: `[C, H, W, N]`.
      slot: `[P]` flat weights.
      statistics: `[M, 2, C]` for the normalisations; those of the batch when None.
      stride: of the first stage.
      count: M.

    Returns:
      `[C, H', W', N]`, and the statistics `[M, 2, C]` used (mean 0, variance 1 where there is none).
    """
    channels, at = x.shape[0], 0
    used = [jnp.stack([jnp.zeros(channels), jnp.ones(channels)])] * count

    def take(shape: Shape) -> Array:
        nonlocal at
        at += math.prod(shape)
        return slot[at - math.prod(shape) : at].reshape(shape)

    for i, stage in enumerate(op):
        step = stride if i == 0 else 1
        weights = [take(shape) for shape, _ in stage.weights(channels, step)]
        x = stage.apply(primitives, x, weights, step)
        if weights:
            scale, offset = take((2, channels))
            x, used[i] = normalise(x, scale, offset, None if statistics is None else statistics[i])
    return x, jnp.stack(used)
