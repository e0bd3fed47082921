"""Training one child network: from its architecture and seed to its scores, as one traced function.

The architecture is data and so is the number of steps: one compiled program trains every architecture of
a space, for as long as each is to be trained, and a device that has nothing to do is given zero steps.
Nothing leaves the device until the end.

Axis letters: N images of a batch, D devices.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int, Integer

from nao.evaluators.images.batches import Images, augment, channels_first, shuffle, standardise
from nao.evaluators.images.cell import AnyArray
from nao.evaluators.images.child import Child
from nao.evaluators.images.initial import initialise_statistics, initialise_weights
from nao.evaluators.images.network import Genotype, Network, Statistics, Weights, forward

BN_MOMENTUM = 0.9  # of the running statistics of batch normalisation, as in the published code


class Outcome(NamedTuple):
    """What training one child gave.

    Attributes:
      steps: how many were done; fewer than asked for when the loss stopped being finite.
      train_loss: cross entropy of the last batch.
      correct: `[2]` how many of the validation and of the test images it classifies correctly.
      loss: `[2]` cross entropy on them, summed.
    """

    steps: Int[AnyArray, "*D"]
    train_loss: Float[AnyArray, "*D"]
    correct: Int[AnyArray, "*D 2"]
    loss: Float[AnyArray, "*D 2"]


class TrainState(NamedTuple):
    """Where a training stands.

    Attributes:
      step: how many steps are done.
      loss: of the last batch; 0 before the first.
      weights: of the child.
      optimiser: the state of the optimiser.
      statistics: running means and variances of the normalisations, for the evaluation.
    """

    step: Int[Array, ""]
    loss: Float[Array, ""]
    weights: Weights
    optimiser: optax.OptState
    statistics: Statistics


def train(
    network: Network,
    child: Child,
    genotype: Genotype,
    seed: Integer[Array, ""],
    steps: Int[Array, ""],
    images: Images,
) -> Outcome:
    """Trains one child network and evaluates it.

    Args:
      network: what was compiled.
      child: how to train.
      genotype: the architecture.
      seed: of the initial weights, the order of the images and their augmentation.
      steps: at most the child's own number; 0 for a device that has nothing to do.
      images: the data set.
    """
    initial, order, augmentation = jax.random.split(jax.random.key(seed), 3)
    count = len(images.x_train)
    batches = shuffle(count, child.batch, child.count_steps(count), order)
    optimiser = make_optimiser(child, steps)
    weights = initialise_weights(network, genotype, initial)
    statistics = initialise_statistics(network)
    state = TrainState(jnp.int32(0), jnp.float32(0), weights, optimiser.init(weights), statistics)

    def goes_on(state: TrainState) -> Array:
        return (state.step < steps) & jnp.isfinite(state.loss)

    def step(state: TrainState) -> TrainState:
        index = batches[state.step]
        key = jax.random.fold_in(augmentation, state.step)
        x = augment(child, standardise(images, images.x_train[index]), key)
        return train_step(network, optimiser, state, genotype, x, images.y_train[index])

    state = lax.while_loop(goes_on, step, state)
    correct, loss = lax.cond(
        state.step > 0,
        lambda: evaluate(network, state.weights, state.statistics, genotype, images),
        lambda: (jnp.zeros(2, jnp.int32), jnp.zeros(2)),
    )
    return Outcome(state.step, state.loss, correct, loss)


def make_optimiser(child: Child, steps: Int[Array, ""]) -> optax.GradientTransformation:
    """SGD as the child asks for it, with a learning rate that falls to zero in that many steps."""

    def cosine(step: Array) -> Array:
        # The rounding is that of `optax.cosine_decay_schedule`, which takes no traced number of steps.
        return child.learning_rate * (0.5 * (1 + jnp.cos(jnp.minimum(step, steps) * (jnp.pi * (1 / steps)))))

    return optax.chain(
        optax.clip_by_global_norm(child.clip),
        optax.add_decayed_weights(child.weight_decay),
        optax.sgd(cosine, momentum=child.momentum, nesterov=True),
    )


def train_step(
    network: Network,
    optimiser: optax.GradientTransformation,
    state: TrainState,
    genotype: Genotype,
    x: Float[Array, "N H W C"],
    y: Int[Array, " N"],
) -> TrainState:
    """One step of gradient descent on a batch of images `[N, H, W, C]` and their labels `[N]`."""

    def objective(weights: Weights) -> tuple[Array, Statistics]:
        logits, statistics = forward(network, weights, None, genotype, channels_first(x))
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), statistics

    (loss, statistics), gradient = jax.value_and_grad(objective, has_aux=True)(state.weights)
    update, optimiser_state = optimiser.update(gradient, state.optimiser, state.weights)
    # The first batches are averaged evenly: a short training must not remember where it started.
    share = jnp.maximum(1 - BN_MOMENTUM, 1 / (state.step + 1))
    running = jax.tree.map(lambda old, new: old + share * (new - old), state.statistics, statistics)
    weights = optax.apply_updates(state.weights, update)
    return TrainState(state.step + 1, loss, weights, optimiser_state, running)


def evaluate(
    network: Network, weights: Weights, statistics: Statistics, genotype: Genotype, images: Images
) -> tuple[Int[Array, "2"], Float[Array, "2"]]:
    """How many of the validation and of the test images are correct, and their summed cross entropy."""

    def batch(
        totals: tuple[Array, Array], part: tuple[AnyArray, AnyArray, AnyArray]
    ) -> tuple[tuple[Array, Array], None]:
        pixels, labels, split = part
        x = channels_first(standardise(images, pixels))
        logits, _ = forward(network, weights, statistics, genotype, x)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        correct = jnp.argmax(logits, axis=-1) == labels
        counted = jnp.sum(correct[:, None] & split, axis=0)
        return (totals[0] + counted, totals[1] + jnp.sum(jnp.where(split, losses[:, None], 0), axis=0)), None

    start = (jnp.zeros(2, jnp.int32), jnp.zeros(2))
    totals, _ = lax.scan(batch, start, (images.x_eval, images.y_eval, images.split))
    return totals
