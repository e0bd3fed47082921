"""The primitives on a CPU: shifts of whole rows of the batch.

With the batch innermost a shift in space moves whole rows of N numbers, so a depthwise convolution is a
chain of multiply-adds over shifted views, a dense convolution one matrix product over stacked shifts, and
pooling a chain of maxima or sums: all of them vectorise, where XLA's own grouped convolutions and
`reduce_window` on a CPU do not (benchmarks/child_step.py). Gradients are written in the same terms.

Axis letters: C channels, O output channels, H, W height and width, N batch, K, L window height and width.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from nao.evaluators.primitives import Primitives, Window, counts, reach


def _apart(compute: Callable[..., Array], shape: tuple[int, ...], *operands: Array) -> Array:
    """`compute(*operands)`, an array of that shape, compiled apart from what reads it.

    XLA on a CPU fuses a chain of shifted views into the flattening that the next matrix product asks for,
    and then divides the flat index of every element: three times the time of the two steps apart. A branch
    that is never taken keeps the computation to itself, as long as it is more than a chain of slices: give
    it the padding too.
    """
    never = operands[0].ravel()[0] == jnp.inf
    result: Array = lax.cond(never, lambda *_: jnp.zeros(shape), compute, *operands)
    return result


@functools.partial(jax.jit, static_argnums=(1, 2))
def _pad(x: Array, window: Window, value: Array | float = 0.0) -> Array:
    """Surrounds the image so that every window fits."""
    return jnp.pad(x, ((0, 0), reach(window[0]), reach(window[1]), (0, 0)), constant_values=value)


def _shifts(padded: Array, window: Window, stride: int) -> list[Array]:
    """The K*L shifted views `[C, H', W', N]` of a padded image, row by row."""
    c, h, w, n = padded.shape
    h, w = h - window[0] + 1, w - window[1] + 1
    return [
        lax.slice(padded, (0, i, j, 0), (c, i + h, j + w, n), (1, stride, stride, 1))
        for i in range(window[0])
        for j in range(window[1])
    ]


def _dilate(g: Array, stride: int, height: int, width: int) -> Array:
    """The adjoint of keeping every s-th position: zeros in between, back to `[C, H, W, N]`."""
    if stride == 1:
        return g
    gaps = [
        (0, 0, 0),
        *(
            (0, size - (stride * (small - 1) + 1), stride - 1)
            for size, small in zip((height, width), g.shape[1:3], strict=True)
        ),
        (0, 0, 0),
    ]
    return lax.pad(g, jnp.zeros((), g.dtype), gaps)


def _mirrored(w: Array) -> Array:
    """The filter `[..., K, L]` of the adjoint: flipped. Made odd, so that it reaches as far on both sides."""
    w = w[..., ::-1, ::-1]
    if w.shape[-2] % 2 and w.shape[-1] % 2:
        return w
    return jnp.pad(w, [(0, 0)] * (w.ndim - 2) + [(0, 1 - size % 2) for size in w.shape[-2:]])


@functools.partial(jax.jit, static_argnums=2)
def _weighted(x: Array, w: Array, stride: int) -> Array:
    c, h, wide, n = x.shape
    shape, window = (c, -(-h // stride), -(-wide // stride), n), (w.shape[1], w.shape[2])

    def chain(x: Array, taps: Array) -> Array:
        views = _shifts(_pad(x, window), window, stride)
        tap = [
            lax.broadcast_in_dim(lax.index_in_dim(taps, i, 1, keepdims=False), shape, (0,))
            for i in range(len(views))
        ]
        total: Array = functools.reduce(lax.add, map(lax.mul, tap, views))
        return total

    return _apart(chain, shape, x, w.reshape(c, -1))


@functools.partial(jax.jit, static_argnums=(2, 3))
def _tap_gradients(x: Array, g: Array, window: Window, stride: int) -> Array:
    """`[C, K, L]` the gradient of a depthwise filter: sums of products of shifted views with g.

    One product of all rows of the image, shifted horizontally in L ways, with all rows of g, of which the
    K diagonals that belong to a vertical shift are kept: (H + K) / K times the work of the sums, but as a
    matrix product.
    """
    c, h, w, n = g.shape
    rows = x.shape[1] + window[0] - 1

    def shifted(x: Array) -> Array:
        padded = _pad(x, window)
        end = stride * (w - 1) + 1
        return jnp.stack(
            [lax.slice_in_dim(padded, j, j + end, stride, axis=2) for j in range(window[1])], axis=1
        )

    views = _apart(shifted, (c, window[1], rows, w, n), x).reshape(c, window[1] * rows, w * n)
    products = jnp.einsum("crx,chx->crh", views, g.reshape(c, h, w * n)).reshape(c, window[1], rows * h)
    apart = np.arange(rows)[:, None] - stride * np.arange(h)[None, :]
    diagonals = np.stack([apart.ravel() == i for i in range(window[0])]).astype(np.float32)  # [K, rows * H']
    gradient: Array = jnp.einsum("clr,kr->ckl", products, diagonals)
    return gradient


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _depthwise(x: Array, w: Array, stride: int) -> Array:
    y: Array = _weighted(x, w, stride)
    return y


def _depthwise_forward(x: Array, w: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return _weighted(x, w, stride), (x, w)


def _depthwise_backward(stride: int, saved: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, w = saved
    dx = _weighted(_dilate(g, stride, *x.shape[1:3]), _mirrored(w), 1)
    return dx, _tap_gradients(x, g, (w.shape[1], w.shape[2]), stride)


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _columns(x: Array, window: Window, stride: int) -> Array:
    """`[K*L*C, H'*W'*N]`: every shifted view, stacked."""
    if window == (1, 1) and stride == 1:
        return x.reshape(x.shape[0], -1)
    stacked = jnp.concatenate(_shifts(_pad(x, window), window, stride))
    return stacked.reshape(stacked.shape[0], -1)


def _product(x: Array, w: Array, stride: int) -> Array:
    o, _, *window = w.shape
    out: Array = w.transpose(0, 2, 3, 1).reshape(o, -1) @ _columns(x, (window[0], window[1]), stride)
    return out.reshape(o, -(-x.shape[1] // stride), -(-x.shape[2] // stride), x.shape[3])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x: Array, w: Array, stride: int) -> Array:
    return _product(x, w, stride)


def _convolve_forward(x: Array, w: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return _product(x, w, stride), (x, w)


def _convolve_backward(stride: int, saved: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, w = saved
    o, c, *window = w.shape
    dx = _product(_dilate(g, stride, *x.shape[1:3]), _mirrored(w).swapaxes(0, 1), 1)
    dw = g.reshape(o, -1) @ _columns(x, tuple(window), stride).T
    return dx, dw.reshape(o, *window, c).transpose(0, 3, 1, 2)


_convolve.defvjp(_convolve_forward, _convolve_backward)


def _line(axis: int, size: int) -> Window:
    return (size, 1) if axis == 1 else (1, size)


def _strided(x: Array, axis: int, size: int, stride: int) -> list[Array]:
    """The views of a padded image along one axis, every s-th position of that axis."""
    length = x.shape[axis] - size + 1
    return [lax.slice_in_dim(x, i, i + length, stride, axis) for i in range(size)]


def _scatter(parts: Sequence[Array], axis: int, stride: int, length: int) -> Array:
    """The adjoint of `_strided`: adds part i back at offset i."""
    total = []
    for i, part in enumerate(parts):
        span = stride * (part.shape[axis] - 1) + 1
        gaps = [(0, 0, 0)] * 4
        gaps[axis] = (i, length - i - span, stride - 1)
        total.append(lax.pad(part, jnp.zeros((), part.dtype), gaps))
    return functools.reduce(jnp.add, total)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _max_line(x: Array, axis: int, size: int, stride: int) -> Array:
    return functools.reduce(jnp.maximum, _strided(x, axis, size, stride))


def _max_line_forward(x: Array, axis: int, size: int, stride: int) -> tuple[Array, tuple[Array, Array]]:
    y = _max_line(x, axis, size, stride)
    return y, (x, y)


def _max_line_backward(
    axis: int, size: int, stride: int, saved: tuple[Array, Array], g: Array
) -> tuple[Array]:
    x, y = saved
    # Equal values are common (plain background): the first of them takes the whole gradient.
    parts, free = [], jnp.ones(y.shape, bool)
    for view in _strided(x, axis, size, stride):
        wins = free & (view == y)
        free = free & ~wins
        parts.append(jnp.where(wins, g, 0))
    return (_scatter(parts, axis, stride, x.shape[axis]),)


_max_line.defvjp(_max_line_forward, _max_line_backward)


def _max_pool(x: Array, window: Window, stride: int) -> Array:
    for axis, size in zip((1, 2), window, strict=True):
        x = _max_line(_pad(x, _line(axis, size), -jnp.inf), axis, size, stride)
    return x


def _sum_line(x: Array, axis: int, size: int, stride: int) -> Array:
    return functools.reduce(jnp.add, _strided(_pad(x, _line(axis, size)), axis, size, stride))


def _avg_pool(x: Array, window: Window, stride: int) -> Array:
    total = x
    for axis, size in zip((1, 2), window, strict=True):
        total = _sum_line(total, axis, size, stride)
    return total / counts(x, window, stride)


SHIFTED = Primitives(_depthwise, _convolve, _max_pool, _avg_pool)
