"""The primitives on a CPU: shifts of whole rows of the batch.

With the batch innermost a shift in space moves whole rows of N numbers, so a depthwise convolution is a
chain of multiply-adds over shifted views, a dense convolution one matrix product over stacked shifts, and
pooling a chain of maxima or sums: all of them vectorise, where XLA's own grouped convolutions and
`reduce_window` on a CPU do not (benchmarks/child_step.py). Gradients are written in the same terms.

Axis letters: C channels, O output channels, H, W height and width, N batch, K, L window height and width.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from nao.evaluators.images.primitives import Primitives, Window, pad_image
from nao.evaluators.images.shifted_pooling import avg_pool, max_pool


def _compile_apart(compute: Callable[..., Array], shape: tuple[int, ...], *operands: Array) -> Array:
    """Computes an array of that shape in a part of the program that XLA does not fuse with what reads it.

    XLA on a CPU fuses a chain of shifted views into the flattening that the next matrix product asks for,
    and then divides the flat index of every element, which takes three times as long. It fuses nothing
    across the branches of a conditional, so the computation is put into one that is always taken. A
    conditional around nothing but slices would be removed: the padding belongs inside as well.
    """
    never = operands[0].ravel()[0] == jnp.inf
    result: Array = lax.cond(never, lambda *_: jnp.zeros(shape), compute, *operands)
    return result


def _shifted_views(padded: Array, window: Window, stride: int) -> list[Array]:
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


def _mirror(w: Array) -> Array:
    """The filter `[..., K, L]` of the adjoint: flipped. Made odd, so that it reaches as far on both sides."""
    w = w[..., ::-1, ::-1]
    if w.shape[-2] % 2 and w.shape[-1] % 2:
        return w
    return jnp.pad(w, [(0, 0)] * (w.ndim - 2) + [(0, 1 - size % 2) for size in w.shape[-2:]])


@functools.partial(jax.jit, static_argnums=2)
def _sum_of_products(x: Array, w: Array, stride: int) -> Array:
    """A depthwise convolution `[C, H', W', N]`: each shifted view times its weight, summed."""
    c, h, wide, n = x.shape
    shape, window = (c, -(-h // stride), -(-wide // stride), n), (w.shape[1], w.shape[2])

    def chain(x: Array, taps: Array) -> Array:
        views = _shifted_views(pad_image(x, window), window, stride)
        tap = [
            lax.broadcast_in_dim(lax.index_in_dim(taps, i, 1, keepdims=False), shape, (0,))
            for i in range(len(views))
        ]
        total: Array = functools.reduce(lax.add, map(lax.mul, tap, views))
        return total

    return _compile_apart(chain, shape, x, w.reshape(c, -1))


@functools.partial(jax.jit, static_argnums=(2, 3))
def _filter_gradient(x: Array, g: Array, window: Window, stride: int) -> Array:
    """The gradient `[C, K, L]` of a depthwise filter: sums of products of shifted views with g.

    All rows of the image, shifted horizontally in L ways, are multiplied with all rows of g, and of each
    product the K diagonals that belong to a vertical shift are kept. That is (H + K) / K times the work of
    the sums alone, but it is a matrix product.
    """
    c, h, w, n = g.shape
    rows = x.shape[1] + window[0] - 1

    def shifted(x: Array) -> Array:
        padded = pad_image(x, window)
        end = stride * (w - 1) + 1
        return jnp.stack(
            [lax.slice_in_dim(padded, j, j + end, stride, axis=2) for j in range(window[1])], axis=1
        )

    views = _compile_apart(shifted, (c, window[1], rows, w, n), x).reshape(c, window[1] * rows, w * n)
    products = jnp.einsum("crx,chx->crh", views, g.reshape(c, h, w * n)).reshape(c, window[1], rows * h)
    difference = np.arange(rows)[:, None] - stride * np.arange(h)[None, :]
    diagonals = np.stack([difference.ravel() == i for i in range(window[0])]).astype(
        np.float32
    )  # [K, rows * H']
    gradient: Array = jnp.einsum("clr,kr->ckl", products, diagonals)
    return gradient


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _depthwise(x: Array, w: Array, stride: int) -> Array:
    y: Array = _sum_of_products(x, w, stride)
    return y


def _depthwise_forward(x: Array, w: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return _sum_of_products(x, w, stride), (x, w)


def _depthwise_backward(stride: int, saved: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, w = saved
    dx = _sum_of_products(_dilate(g, stride, *x.shape[1:3]), _mirror(w), 1)
    return dx, _filter_gradient(x, g, (w.shape[1], w.shape[2]), stride)


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _im2col(x: Array, window: Window, stride: int) -> Array:
    """Every shifted view, stacked: `[K*L*C, H'*W'*N]`."""
    if window == (1, 1) and stride == 1:
        return x.reshape(x.shape[0], -1)
    stacked = jnp.concatenate(_shifted_views(pad_image(x, window), window, stride))
    return stacked.reshape(stacked.shape[0], -1)


def _matrix_convolve(x: Array, w: Array, stride: int) -> Array:
    """A dense convolution `[O, H', W', N]`, as one matrix product."""
    o, _, *window = w.shape
    out: Array = w.transpose(0, 2, 3, 1).reshape(o, -1) @ _im2col(x, (window[0], window[1]), stride)
    return out.reshape(o, -(-x.shape[1] // stride), -(-x.shape[2] // stride), x.shape[3])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x: Array, w: Array, stride: int) -> Array:
    return _matrix_convolve(x, w, stride)


def _convolve_forward(x: Array, w: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return _matrix_convolve(x, w, stride), (x, w)


def _convolve_backward(stride: int, saved: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, w = saved
    o, c, *window = w.shape
    dx = _matrix_convolve(_dilate(g, stride, *x.shape[1:3]), _mirror(w).swapaxes(0, 1), 1)
    dw = g.reshape(o, -1) @ _im2col(x, tuple(window), stride).T
    return dx, dw.reshape(o, *window, c).transpose(0, 3, 1, 2)


_convolve.defvjp(_convolve_forward, _convolve_backward)


SHIFTED = Primitives(_depthwise, _convolve, max_pool, avg_pool)
