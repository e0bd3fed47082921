"""The images that a child is trained and evaluated on: how they are laid out, shuffled and augmented.

Axis letters: N images of a batch, T training images, E images of an evaluation batch, H, W height and width,
C channels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from nao.data import Dataset
from nao.evaluators.images.cell import AnyArray
from nao.evaluators.images.child import Child

EVALUATED = 128  # E


class Images(NamedTuple):
    """A data set as the training program reads it.

    Attributes:
      x_train: `[T, H, W, C]` training images.
      y_train: `[T]` their labels.
      x_eval: `[batches, E, H, W, C]` validation images, then test images, then zeros to fill a batch.
      y_eval: `[batches, E]` their labels.
      split: `[batches, E, 2]` whether an image counts in the validation score, and in the test score.
      mean: `[C]` of the training images.
      std: `[C]` of the training images.
    """

    x_train: Shaped[AnyArray, "T H W C"]
    y_train: Int[AnyArray, " T"]
    x_eval: Shaped[AnyArray, "batches E H W C"]
    y_eval: Int[AnyArray, "batches E"]
    split: Bool[AnyArray, "batches E 2"]
    mean: Float[AnyArray, " C"]
    std: Float[AnyArray, " C"]


def arrange(dataset: Dataset) -> Images:
    """Arranges a data set for the training program, on the host."""
    valid, test = len(dataset.y_valid), len(dataset.y_test)
    batches = -(-(valid + test) // EVALUATED)
    spare = batches * EVALUATED - valid - test
    blank = np.zeros((spare, *dataset.shape), dataset.x_train.dtype)
    split = np.zeros((batches * EVALUATED, 2), bool)
    split[:valid, 0] = split[valid : valid + test, 1] = True
    x_eval = np.concatenate([dataset.x_valid, dataset.x_test, blank])
    y_eval = np.concatenate([dataset.y_valid, dataset.y_test, np.zeros(spare, np.int32)])
    return Images(
        dataset.x_train,
        dataset.y_train,
        x_eval.reshape(batches, EVALUATED, *dataset.shape),
        y_eval.reshape(batches, EVALUATED),
        split.reshape(batches, EVALUATED, 2),
        dataset.mean,
        dataset.std,
    )


def standardise(images: Images, x: AnyArray) -> Float[Array, "N H W C"]:
    """Pixels `[N, H, W, C]` with mean 0 and standard deviation 1 over the training images."""
    centred = jnp.asarray(x, jnp.float32) - images.mean[None, None, None, :]
    return centred / images.std[None, None, None, :]


def channels_first(x: Float[Array, "N H W C"]) -> Float[Array, "C H W N"]:
    """Images in the layout of the primitives."""
    return x.transpose(3, 1, 2, 0)


def shuffle(images: int, batch: int, steps: int, key: PRNGKeyArray) -> Int[Array, "steps N"]:
    """The training images of every step: one shuffle of all of them after another.

    The first steps are the same however many there are.

    Args:
      images: T.
      batch: N.
      steps: how many batches.
      key: JAX key, consumed.
    """
    shuffles = -(-steps * batch // images)
    keys = jax.random.split(key, shuffles)
    order = jax.vmap(lambda key: jax.random.permutation(key, images))(keys).reshape(-1)
    return order[: steps * batch].reshape(steps, batch)


def augment(child: Child, x: Float[Array, "N H W C"], key: PRNGKeyArray) -> Float[Array, "N H W C"]:
    """Crops and flips each image at random, and cuts the hole of cutout into it, as far as the child asks."""
    if not (child.augment or child.cutout):
        return x

    def one(image: Array, key: PRNGKeyArray) -> Array:
        crop, flip, hole = jax.random.split(key, 3)
        if child.augment:
            image = _crop_and_flip(image, crop, flip)
        return _cut_out(image, child.cutout, hole) if child.cutout else image

    return jax.vmap(one)(x, jax.random.split(key, len(x)))


def _crop_and_flip(image: Array, crop: PRNGKeyArray, flip: PRNGKeyArray) -> Array:
    """A random crop of the image padded by an eighth, flipped horizontally half of the time."""
    h, w, c = image.shape
    margin = (h // 8, w // 8)
    padded = jnp.pad(image, ((margin[0],) * 2, (margin[1],) * 2, (0, 0)))
    corner = jax.random.randint(crop, (2,), 0, 2 * jnp.asarray(margin) + 1)
    image = lax.dynamic_slice(padded, (corner[0], corner[1], 0), (h, w, c))
    return jnp.where(jax.random.bernoulli(flip), image[:, ::-1], image)


def _cut_out(image: Array, side: int, key: PRNGKeyArray) -> Array:
    """The image with a square set to zero around a random pixel (DeVries & Taylor 2017)."""
    h, w, _ = image.shape
    centre = jax.random.randint(key, (2,), 0, jnp.asarray([h, w]))
    low = centre - side // 2
    rows, columns = jnp.arange(h)[:, None, None], jnp.arange(w)[None, :, None]
    inside = (rows >= low[0]) & (rows < low[0] + side)
    inside &= (columns >= low[1]) & (columns < low[1] + side)
    return jnp.where(inside, 0.0, image)
