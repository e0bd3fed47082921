"""One step of training: along which gradient it goes, and how far."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nao.evaluators.language import LanguageChild
from nao.evaluators.language.dropout import Masks, draw_masks
from nao.evaluators.language.gated import GatedCell
from nao.evaluators.language.network import Network, Read, initialise_weights, read
from nao.evaluators.language.training import TrainState, make_optimiser, penalty, train_step
from tests.evaluators.language.small import GATED, TYPES
from tests.evaluators.rates import rates

N, T = 4, 5
PLAIN = {"schedule": "constant", "clip": 1e9, "weight_decay": 0.0}  # gradient descent and no more
DROPOUT = {f"drop_{place}": 0.5 for place in Masks._fields}


def test_it_goes_down_the_loss_and_the_penalties(rng):
    """Both as they are with the masks; what is reported is the loss alone."""
    child = LanguageChild(units=8, batch=N, learning_rate=0.5, alpha=2.0, beta=3.0, **PLAIN, **DROPOUT)
    network, (architecture,) = Network(GatedCell(GATED, child.units), TYPES), GATED.sample(rng, 1)
    encoded = jax.tree.map(jnp.asarray, network.cell.encode(np.array(architecture.tokens)))
    weights = initialise_weights(network, jax.random.key(0))
    weights = weights._replace(embedding=10 * weights.embedding)
    masks, optimiser = draw_masks(child, TYPES, jax.random.key(1)), make_optimiser(child, jnp.int32(1))
    carried = (jnp.asarray(rng.normal(size=(N, child.units)), jnp.float32),)
    state = TrainState(jnp.int32(0), jnp.float32(0), weights, optimiser.init(weights), None, carried)
    x, y = jnp.asarray(rng.integers(0, TYPES, (2, T, N)), jnp.int32)

    def objective(weights):
        found = read(network, weights, encoded, masks, carried, x, y)
        return found.losses.mean() + penalty(child, found), found

    @jax.jit
    def step_and_gradient(state):
        after = train_step(network, child, optimiser, state, encoded, masks, x, y)
        return after, jax.value_and_grad(objective, has_aux=True)(state.weights)

    after, ((total, found), gradient) = step_and_gradient(state)
    np.testing.assert_allclose(after.loss, found.losses.mean(), rtol=1e-6)
    assert total > after.loss + 0.1
    expected = jax.tree.map(lambda weight, slope: weight - 0.5 * slope, weights, gradient)
    for ours, theirs in zip(*map(jax.tree.leaves, (after.weights, expected)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 15, 40])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_learning_rate(steps, schedule):
    child = LanguageChild(schedule=schedule, weight_decay=0.0, clip=1e3)
    found = rates(make_optimiser, child, steps, length=45)
    if schedule == "constant":
        np.testing.assert_allclose(found, child.learning_rate)
        return
    expected = optax.cosine_decay_schedule(child.learning_rate, steps)
    np.testing.assert_allclose(found[:steps], jax.vmap(expected)(np.arange(steps)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[steps:], 0, atol=1e-5)


@pytest.mark.parametrize(("clip", "decay"), [(0.5, 0.0), (100.0, 0.01), (0.5, 0.01)])
def test_a_gradient_is_clipped_and_weights_decay_beside_it(clip, decay):
    child = LanguageChild(schedule="constant", learning_rate=2.0, clip=clip, weight_decay=decay)
    weights, gradient = jnp.array([1.0, -2.0]), jnp.array([3.0, 4.0])
    optimiser = make_optimiser(child, jnp.int32(10))
    update, _ = optimiser.update(gradient, optimiser.init(weights), weights)
    expected = -2 * (gradient * min(1, clip / 5) + decay * weights)
    np.testing.assert_allclose(update, expected, rtol=1e-5)


def test_momentum_is_that_of_nesterov():
    """Two steps: v' = m v + g, and the weights move along m v' + g."""
    child = LanguageChild(learning_rate=2.0, momentum=0.75, **PLAIN)
    first, second = jnp.array([3.0, 4.0]), jnp.array([-1.0, 2.0])
    optimiser = make_optimiser(child, jnp.int32(10))
    one, state = optimiser.update(first, optimiser.init(first), first)
    other, _ = optimiser.update(second, state, first)
    np.testing.assert_allclose(one, -2 * (0.75 * first + first), rtol=1e-6)
    np.testing.assert_allclose(other, -2 * (0.75 * (0.75 * first + second) + second), rtol=1e-6)


def test_penalties(rng):
    states, outputs = (jnp.asarray(rng.normal(size=(4, 3, 2)), jnp.float32) for _ in range(2))
    found = Read(states, outputs, jnp.zeros((4, 3)), ())
    squares, changes = np.square(outputs).mean(), np.square(np.diff(states, axis=0)).mean()
    child = LanguageChild(alpha=2.0, beta=3.0)
    np.testing.assert_allclose(penalty(child, found), 2 * squares + 3 * changes, rtol=1e-5)
    assert penalty(LanguageChild(), found) == 0
    single = Read(states[:1], outputs[:1], jnp.zeros((1, 3)), ())
    np.testing.assert_allclose(penalty(child, single), 2 * np.square(outputs[:1]).mean(), rtol=1e-5)
