"""Training one language model: from its architecture and seed to its losses, as one traced function.

The architecture is data and so is the number of steps, as with images: one compiled program trains every
architecture of a space, and nothing leaves the device until the end.

Axis letters: T words of a window, N streams, H units, D devices.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int, Integer

from nao.evaluators.language.averaging import Averaging, add, begin, judge
from nao.evaluators.language.child import LanguageChild
from nao.evaluators.language.choices import AnyArray
from nao.evaluators.language.dropout import Masks, draw_masks
from nao.evaluators.language.network import Network, Read, State, Weights, initialise_weights, read
from nao.evaluators.language.windows import Windows
from nao.evaluators.program import PyTree


class Outcome(NamedTuple):
    """What training one child gave.

    Attributes:
      steps: how many were done; fewer than asked for when the loss stopped being finite.
      train_loss: mean negative log likelihood of a word in the last window.
      loss: `[2]` negative log likelihoods of the validation and of the test split, summed.
    """

    steps: Int[AnyArray, "*D"]
    train_loss: Float[AnyArray, "*D"]
    loss: Float[AnyArray, "*D 2"]


class TrainState(NamedTuple):
    """Where a training stands.

    Attributes:
      step: how many steps are done.
      loss: of the last window; 0 before the first.
      weights: of the child.
      optimiser: the state of the optimiser.
      averaging: of the weights of the last steps; None where the child has none.
      carried: the state of the cell after the last window.
    """

    step: Int[Array, ""]
    loss: Float[Array, ""]
    weights: Weights
    optimiser: optax.OptState
    averaging: Averaging | None
    carried: State


def train(
    network: Network,
    child: LanguageChild,
    architecture: PyTree,
    seed: Integer[Array, ""],
    steps: Int[Array, ""],
    windows: Windows,
) -> Outcome:
    """Trains one language model and evaluates it.

    Args:
      network: what was compiled.
      child: how to train.
      architecture: of the cell, as data.
      seed: of the initial weights and of dropout.
      steps: how many; 0 for a device that has nothing to do.
      windows: the text.
    """
    initial, dropout = jax.random.split(jax.random.key(seed))
    optimiser = make_optimiser(child, steps)
    weights = initialise_weights(network, initial)
    averaging, zero = begin(child, weights, steps), network.zero_state(child.batch)
    state = TrainState(jnp.int32(0), jnp.float32(0), weights, optimiser.init(weights), averaging, zero)
    architecture = jax.tree.map(jnp.asarray, architecture)

    def goes_on(state: TrainState) -> Array:
        return (state.step < steps) & jnp.isfinite(state.loss)

    def step(state: TrainState) -> TrainState:
        w = state.step % len(windows.x)
        carried = jax.tree.map(lambda h: jnp.where(w == 0, 0, h), state.carried)
        state = state._replace(carried=carried)
        masks = draw_masks(child, network.types, jax.random.fold_in(dropout, state.step))
        found = train_step(network, child, optimiser, state, architecture, masks, windows.x[w], windows.y[w])
        return found._replace(averaging=average(found, w == len(windows.x) - 1))

    def average(state: TrainState, epoch_ends: Array) -> Averaging | None:
        if state.averaging is None:
            return None
        averaging = add(state.averaging, state.weights, state.step)
        if not child.nonmonotone:
            return averaging

        def judged() -> Averaging:
            valid, _ = evaluate(network, state.weights, architecture, windows)
            return judge(averaging, valid, state.step)

        found: Averaging = lax.cond(epoch_ends & averaging.waits, judged, lambda: averaging)
        return found

    state = lax.while_loop(goes_on, step, state)
    final = state.weights if state.averaging is None else state.averaging.mean
    loss = lax.cond(
        state.step > 0,
        lambda: evaluate(network, final, architecture, windows),
        lambda: jnp.zeros(2),
    )
    return Outcome(state.step, state.loss, loss)


def make_optimiser(child: LanguageChild, steps: Int[Array, ""]) -> optax.GradientTransformation:
    """SGD as the child asks for it; on a cosine, the learning rate falls to zero in that many steps."""

    def rate(step: Array) -> Any:
        if child.schedule == "constant":
            return child.learning_rate
        return child.learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(step, steps) / steps))

    momentum = child.momentum or None
    return optax.chain(
        optax.clip_by_global_norm(child.clip),
        optax.add_decayed_weights(child.weight_decay),
        optax.sgd(rate, momentum=momentum, nesterov=momentum is not None),
    )


def train_step(
    network: Network,
    child: LanguageChild,
    optimiser: optax.GradientTransformation,
    state: TrainState,
    architecture: PyTree,
    masks: Masks,
    x: Int[Array, "T N"],
    y: Int[Array, "T N"],
) -> TrainState:
    """One step of gradient descent on a window: words `[T, N]`, and those to predict `[T, N]`."""

    def objective(weights: Weights) -> tuple[Array, Read]:
        found = read(network, weights, architecture, masks, state.carried, x, y)
        return jnp.mean(found.losses) + penalty(child, found), found

    (_, found), gradient = jax.value_and_grad(objective, has_aux=True)(state.weights)
    update, optimiser_state = optimiser.update(gradient, state.optimiser, state.weights)
    weights = optax.apply_updates(state.weights, update)
    loss = jnp.mean(found.losses)
    return TrainState(state.step + 1, loss, weights, optimiser_state, state.averaging, found.state)


def penalty(child: LanguageChild, found: Read) -> Float[Array, ""]:
    """What large outputs and fast changes of the state add to the loss (Merity et al. 2017)."""
    total = jnp.zeros(())
    if child.alpha:
        total = total + child.alpha * jnp.mean(jnp.square(found.outputs))
    if child.beta and len(found.states) > 1:
        total = total + child.beta * jnp.mean(jnp.square(jnp.diff(found.states, axis=0)))
    return total


def evaluate(network: Network, weights: Weights, architecture: PyTree, windows: Windows) -> Float[Array, "2"]:
    """Negative log likelihoods `[2]` of the validation and of the test split, summed.

    The state goes on from one window to the next.
    """

    def window(totals: tuple[Array, State], part: tuple[Array, ...]) -> tuple[tuple[Array, State], None]:
        (total, state), (x, y, counts, begins) = totals, part
        state = jax.tree.map(lambda h: jnp.where(begins, 0, h), state)
        found = read(network, weights, architecture, Masks(), state, x, y)
        losses = jnp.where(counts, found.losses[:, :, None], 0)
        return (total + jnp.sum(losses, axis=(0, 1)), found.state), None

    start = (jnp.zeros(2), network.zero_state(windows.x_eval.shape[2]))
    parts = (windows.x_eval, windows.y_eval, windows.counts, windows.begins)
    totals: tuple[Array, State]
    totals, _ = lax.scan(window, start, parts)
    return totals[0]
