"""Training one child network: from its architecture and seed to its scores, as one traced function.

The architecture is data and so is the number of steps: one compiled program trains every architecture of
a space, and a device that has nothing to do is given zero steps. Nothing leaves the device until the end.

Axis letters: N images of a batch, T training images, E images that are evaluated, H, W height and width,
C colours.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Integer, PRNGKeyArray, Shaped

from nao.data import Dataset
from nao.evaluators.cell import AnyArray, Choices
from nao.evaluators.child import Child
from nao.evaluators.initial import initial_statistics, initial_weights
from nao.evaluators.network import Architecture, Network, Statistics, Weights, forward

MEMORY = 0.9  # of the running statistics of batch normalisation, as in the published code
EVALUATED = 128  # images of one evaluation batch


class Images(NamedTuple):
    """A data set as the training program wants it.

    Attributes:
      train: `[T, H, W, C]`, and their `labels` `[T]`.
      evaluated: `[batches, 128, H, W, C]` the validation and the test images, filled up with zeros, and
        their `answers` `[batches, 128]`.
      split: `[batches, 128, 2]` whether an image counts in the validation and in the test scores.
      mean: `[C]` and `deviation`: `[C]` of the training images.
    """

    train: Shaped[AnyArray, "T H W C"]
    labels: Int[AnyArray, " T"]
    evaluated: Shaped[AnyArray, "batches E H W C"]
    answers: Int[AnyArray, "batches E"]
    split: Bool[AnyArray, "batches E 2"]
    mean: Float[AnyArray, " C"]
    deviation: Float[AnyArray, " C"]


class Outcome(NamedTuple):
    """What training one child gave.

    Attributes:
      finished: steps done; fewer than asked for when the loss stopped being finite.
      train_loss: cross entropy of the last batch.
      right: `[2]` how many of the validation and of the test images it gets right.
      loss: `[2]` cross entropy on them, summed.
    """

    finished: Int[AnyArray, "*D"]
    train_loss: Float[AnyArray, "*D"]
    right: Int[AnyArray, "*D 2"]
    loss: Float[AnyArray, "*D 2"]


def images(dataset: Dataset) -> Images:
    """Lays a data set out for the training program, on the host."""
    valid, test = len(dataset.y_valid), len(dataset.y_test)
    batches = -(-(valid + test) // EVALUATED)
    spare = batches * EVALUATED - valid - test
    blank = np.zeros((spare, *dataset.shape), dataset.x_train.dtype)
    split = np.zeros((batches * EVALUATED, 2), bool)
    split[:valid, 0] = split[valid : valid + test, 1] = True
    answers = np.concatenate([dataset.y_valid, dataset.y_test, np.zeros(spare, np.int32)])
    evaluated = np.concatenate([dataset.x_valid, dataset.x_test, blank])
    return Images(
        dataset.x_train,
        dataset.y_train,
        evaluated.reshape(batches, EVALUATED, *dataset.shape),
        answers.reshape(batches, EVALUATED),
        split.reshape(batches, EVALUATED, 2),
        dataset.mean,
        dataset.std,
    )


def architecture_data(branches: Int[np.ndarray, "*n 2 B 2 2"]) -> Architecture:
    """Architectures as data: the (input, operation) of each branch of the normal and the reduction cell."""
    flat = branches.reshape(*branches.shape[:-4], 2, -1, 2)
    cells = [Choices(flat[..., i, :, 0], flat[..., i, :, 1]) for i in range(2)]
    return Architecture(cells[0], cells[1])


def _standardised(data: Images, batch: AnyArray) -> Array:
    centred = jnp.asarray(batch, jnp.float32) - data.mean[None, None, None, :]
    return centred / data.deviation[None, None, None, :]


def _augmented(child: Child, batch: Array, key: PRNGKeyArray) -> Array:
    """Random crops and flips, and the hole of cutout, one by one: `[N, H, W, C]`."""
    n, h, w, c = batch.shape

    def one(image: Array, key: PRNGKeyArray) -> Array:
        crop, flip, hole = jax.random.split(key, 3)
        if child.augment:
            margin = (h // 8, w // 8)
            padded = jnp.pad(image, ((margin[0],) * 2, (margin[1],) * 2, (0, 0)))
            corner = jax.random.randint(crop, (2,), 0, 2 * jnp.asarray(margin) + 1)
            image = lax.dynamic_slice(padded, (corner[0], corner[1], 0), (h, w, c))
            image = jnp.where(jax.random.bernoulli(flip), image[:, ::-1], image)
        if child.cutout:
            centre = jax.random.randint(hole, (2,), 0, jnp.asarray([h, w]))
            low = centre - child.cutout // 2
            rows, columns = jnp.arange(h)[:, None, None], jnp.arange(w)[None, :, None]
            inside = (rows >= low[0]) & (rows < low[0] + child.cutout)
            inside &= (columns >= low[1]) & (columns < low[1] + child.cutout)
            image = jnp.where(inside, 0.0, image)
        return image

    if not (child.augment or child.cutout):
        return batch
    return jax.vmap(one)(batch, jax.random.split(key, n))


def _order(child: Child, images: int, key: PRNGKeyArray) -> Int[Array, "steps N"]:
    """The training images of every step: one shuffle after another."""
    steps = child.length(images)
    shuffles = -(-steps * child.batch // images)
    keys = jax.random.split(key, shuffles)
    order = jax.vmap(lambda key: jax.random.permutation(key, images))(keys).reshape(-1)
    return order[: steps * child.batch].reshape(steps, child.batch)


def _channels_first(batch: Array) -> Array:
    return batch.transpose(3, 1, 2, 0)  # the layout of the primitives: [C, H, W, N]


def _evaluate(
    network: Network, weights: Weights, statistics: Statistics, architecture: Architecture, data: Images
) -> tuple[Array, Array]:
    """(number right `[2]`, summed cross entropy `[2]`) on the validation and the test images."""

    def batch(
        totals: tuple[Array, Array], part: tuple[AnyArray, AnyArray, AnyArray]
    ) -> tuple[tuple[Array, Array], None]:
        pixels, labels, split = part
        x = _channels_first(_standardised(data, pixels))
        logits, _ = forward(network, weights, statistics, architecture, x)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        right = jnp.argmax(logits, axis=-1) == labels
        counted = jnp.sum(right[:, None] & split, axis=0)
        return (totals[0] + counted, totals[1] + jnp.sum(jnp.where(split, losses[:, None], 0), axis=0)), None

    start = (jnp.zeros(2, jnp.int32), jnp.zeros(2))
    totals, _ = lax.scan(batch, start, (data.evaluated, data.answers, data.split))
    return totals


def train(
    network: Network,
    child: Child,
    architecture: Architecture,
    seed: Integer[Array, ""],
    steps: Int[Array, ""],
    data: Images,
) -> Outcome:
    """Trains one child network and evaluates it.

    Args:
      network: what was compiled.
      child: how to train.
      architecture: as data.
      seed: of the initial weights, the order of the images and their augmentation.
      steps: all of the child's, or 0 for a device that has nothing to do.
      data: the images.
    """
    initial, order, augmentation = jax.random.split(jax.random.key(seed), 3)
    batches = _order(child, len(data.train), order)
    schedule = optax.cosine_decay_schedule(child.learning_rate, len(batches))
    optimiser = optax.chain(
        optax.clip_by_global_norm(child.clip),
        optax.add_decayed_weights(child.weight_decay),
        optax.sgd(schedule, momentum=child.momentum, nesterov=True),
    )
    weights = initial_weights(network, architecture, initial)

    def objective(weights: Weights, x: Array, labels: Array) -> tuple[Array, Statistics]:
        logits, statistics = forward(network, weights, None, architecture, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), statistics

    State = tuple[Array, Array, Weights, optax.OptState, Statistics]

    def goes_on(state: State) -> Array:
        done, loss = state[0], state[1]
        return (done < steps) & jnp.isfinite(loss)

    def step(state: State) -> State:
        done, _, weights, momentum, memory = state
        index = batches[done]
        x = _augmented(child, _standardised(data, data.train[index]), jax.random.fold_in(augmentation, done))
        gradient = jax.value_and_grad(objective, has_aux=True)
        (loss, statistics), slope = gradient(weights, _channels_first(x), data.labels[index])
        update, momentum = optimiser.update(slope, momentum, weights)
        # The first batches are averaged evenly: a short training must not remember where it started.
        share = jnp.maximum(1 - MEMORY, 1 / (done + 1))
        memory = jax.tree.map(lambda old, new: old + share * (new - old), memory, statistics)
        return done + 1, loss, optax.apply_updates(weights, update), momentum, memory

    start = (jnp.int32(0), jnp.float32(0), weights, optimiser.init(weights), initial_statistics(network))
    done, loss, weights, _, memory = lax.while_loop(goes_on, step, start)
    right, losses = lax.cond(
        done > 0,
        lambda: _evaluate(network, weights, memory, architecture, data),
        lambda: (jnp.zeros(2, jnp.int32), jnp.zeros(2)),
    )
    return Outcome(done, loss, right, losses)
