"""The operations that a branch of a cell can apply, and where their parameters lie in one flat vector.

An operation is a chain of stages: `conv 3x3` is one dense stage, `sep-conv 3x3` two separable ones (as in
NASNet, Zoph et al. 2018). A stage that has weights is ReLU, convolution, batch normalisation, in this order.
Every branch keeps its parameters in a flat vector of the same length P, which the largest operation of the
space needs, so that the operation can be chosen while the program runs.

Axis letters: C channels, H, W height and width, N batch, P parameters of a branch, M normalisations of a
branch.
"""

import functools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from nao.core import InputError
from nao.evaluators.images.primitives import Maps, Primitives, Strided, Window
from nao.evaluators.images.stages import Dense, Pool, Separable, Shape, Skip, Stage

EPSILON = 1e-5  # of batch normalisation, as in the published code

MeanVariance = Float[Array, "2 C"]  # mean and variance of each channel


Operation = tuple[Stage, ...]
SIZE = "[1-9][0-9]*x[1-9][0-9]*"  # how a window is written


def parse_operation(name: str) -> Operation:
    """The stages behind an operation's name, such as `conv 1x7+7x1` or `sep-conv-3x3`.

    Raises:
      InputError: for a name that no child network knows.
    """
    spelling = re.fullmatch(rf"([a-z-]*[a-z])(?:[ -]?({SIZE}(?:\+{SIZE})*))?", name)
    kind, size = spelling.groups() if spelling else ("", None)
    windows = [_parse_window(part) for part in size.split("+")] if size else []
    match kind:
        case "identity":
            return (Skip(),)
        case "conv" if windows:
            return tuple(Dense(window) for window in windows)
        case "sep-conv" if windows:
            return tuple(Separable(window) for window in windows * 2)
        case "max-pooling" | "avg-pooling" if windows:
            return tuple(Pool(kind[:3], window) for window in windows)
    raise InputError(
        f"no child network knows the operation {name!r}; it knows "
        "identity, and conv, sep-conv, max-pooling and avg-pooling with a size, such as conv-3x3"
    )


def _parse_window(text: str) -> Window:
    height, width = text.split("x")
    return int(height), int(width)


@jax.jit
def batch_norm(
    x: Maps, gamma: Float[Array, " C"], beta: Float[Array, " C"], statistics: MeanVariance | None
) -> tuple[Maps, MeanVariance]:
    """Batch normalisation (Ioffe & Szegedy 2015).

    Args:
      x: `[C, H, W, N]`.
      gamma: `[C]` the scale.
      beta: `[C]` the offset.
      statistics: `[2, C]` mean and variance to use; those of the batch when None.

    Returns:
      The normalised maps, and the mean and variance `[2, C]` that were used.
    """
    if statistics is None:
        mean = jnp.mean(x, axis=(1, 2, 3))
        variance = jnp.maximum(jnp.mean(x * x, axis=(1, 2, 3)) - mean**2, 0)
        statistics = jnp.stack([mean, variance])
    mean, variance = statistics
    slope = gamma * lax.rsqrt(variance + EPSILON)
    column = (slice(None), None, None, None)
    return x * slope[column] + (beta - mean * slope)[column], statistics


def parameter_shapes(op: Operation, channels: int, stride: int) -> list[tuple[Shape, int]]:
    """The (shape, fan-in) of all arrays of an operation, in order; fan-in 0 marks gamma and beta."""
    found: list[tuple[Shape, int]] = []
    for i, stage in enumerate(op):
        weights = stage.weight_shapes(channels, stride if i == 0 else 1)
        found += weights + ([((2, channels), 0)] if weights else [])
    return found


def count_parameters(op: Operation, channels: int, stride: int) -> int:
    """How many parameters an operation has."""
    return sum(math.prod(shape) for shape, _ in parameter_shapes(op, channels, stride))


def count_norms(ops: Sequence[Operation]) -> int:
    """M, the largest number of normalisations that an operation has."""
    return max(len(op) for op in ops)


class Segment(NamedTuple):
    """A stretch of a branch's parameters: where it starts, and the mean and deviation to draw them with."""

    start: int
    mean: float
    std: float


def initial_segments(op: Operation, channels: int, stride: int) -> list[Segment]:
    """How the parameters of an operation are drawn; the last segment is what it does not use.

    He et al. (2015) for convolutions, 1 for gamma, 0 for beta and for what is not used.
    """
    segments, start = [], 0
    for shape, fan_in in parameter_shapes(op, channels, stride):
        if fan_in:
            segments.append(Segment(start, 0.0, math.sqrt(2 / fan_in)))
        else:
            segments += [Segment(start, 1.0, 0.0), Segment(start + channels, 0.0, 0.0)]
        start += math.prod(shape)
    return [*segments, Segment(start, 0.0, 0.0)]


@functools.partial(jax.jit, static_argnames=("op", "primitives", "stride", "num_norms"))
def apply_operation(
    op: Operation,
    primitives: Primitives,
    x: Maps,
    parameters: Float[Array, " P"],
    statistics: Float[Array, "M 2 C"] | None,
    stride: int,
    num_norms: int,
) -> tuple[Strided, Float[Array, "M 2 C"]]:
    """Applies an operation. Compiled inline; `jit` only saves tracing it again.

    Args:
      op: the operation.
      primitives: the convolutions to use.
      x: `[C, H, W, N]`.
      parameters: `[P]` of the branch.
      statistics: `[M, 2, C]` for the normalisations; those of the batch when None.
      stride: of the first stage.
      num_norms: M.

    Returns:
      `[C, H', W', N]`, and the statistics `[M, 2, C]` used (mean 0, variance 1 where there is none).
    """
    channels, at = x.shape[0], 0
    used = [jnp.stack([jnp.zeros(channels), jnp.ones(channels)])] * num_norms

    def take(shape: Shape) -> Array:
        nonlocal at
        at += math.prod(shape)
        return parameters[at - math.prod(shape) : at].reshape(shape)

    for i, stage in enumerate(op):
        step = stride if i == 0 else 1
        weights = [take(shape) for shape, _ in stage.weight_shapes(channels, step)]
        x = stage.apply(primitives, x, weights, step)
        if weights:
            gamma, beta = take((2, channels))
            x, used[i] = batch_norm(x, gamma, beta, None if statistics is None else statistics[i])
    return x, jnp.stack(used)
