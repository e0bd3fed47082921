"""Training small language models on two devices: what they learn, and what their scores depend on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nao.core import STANDARD, Fidelity, Request
from nao.evaluators.lane import arguments
from nao.evaluators.language import LanguageChild, LanguageProgram
from nao.evaluators.language.dropout import Masks
from nao.evaluators.language.network import Read, initialise_weights, read
from nao.evaluators.language.training import (
    TrainState,
    average,
    evaluate,
    make_optimiser,
    penalty,
    train,
)
from nao.evaluators.language.windows import arrange
from tests.evaluators.language.small import CHILD, GATED, TYPES, text

pytestmark = pytest.mark.xdist_group("language")  # compiled once, in one process


DROPOUTS = [field.name for field in dataclasses.fields(CHILD) if field.name.startswith("drop_")]
reading = jax.jit(read, static_argnums=0)


def measure(pool, requests):
    """The results, in the order of the requests."""
    found = {result.request: result for result in pool.evaluate(requests)}
    return [found[request] for request in requests]


def requests(pool, count=2):
    architectures = pool.space.sample(np.random.default_rng(0), count)
    return [Request(architecture, 10 + i) for i, architecture in enumerate(architectures)]


def outcomes(pool, words, asked):
    """What the program makes of another text, of the shapes that it was compiled for."""
    ((devices, compiled, _),) = pool._compiled
    data = arrange(words, CHILD.window, CHILD.batch)
    return jax.device_get(compiled(*arguments(pool.program, len(devices), dict(enumerate(asked))), data))


def test_they_learn_what_the_words_before_tell(language_pool):
    """All words are equally frequent: without those before, no model is below log V."""
    results = measure(language_pool, requests(language_pool, 4))
    assert min(result.metrics["valid_loss"] for result in results) < np.log(TYPES) - 1
    for result in results:
        assert result.score == -result.metrics["valid_loss"]
        assert result.test_score == -result.metrics["test_loss"]


def test_longer_is_better_and_all_steps_are_the_standard(language_pool):
    (request,) = requests(language_pool, 1)
    most = language_pool.program.count_steps(STANDARD)
    assert most == 3 * 19
    short, all_of_them, standard = measure(
        language_pool,
        [*(Request(request.architecture, 10, Fidelity("some", n)) for n in (5, most)), request],
    )
    assert short.metrics["valid_loss"] > standard.metrics["valid_loss"]
    assert all_of_them.metrics == standard.metrics


def test_another_seed_is_another_child(language_pool):
    (request,) = requests(language_pool, 1)
    one, other = measure(language_pool, [request, Request(request.architecture, 99)])
    assert one.metrics["valid_loss"] != other.metrics["valid_loss"]


def test_a_device_without_a_child_does_nothing(language_pool):
    found = outcomes(language_pool, text(), requests(language_pool, 1))
    assert found.steps.tolist() == [57, 0]
    assert found.loss[1].tolist() == [0, 0]


def test_the_validation_split_alone_decides(language_pool):
    asked = requests(language_pool)
    noise = np.random.default_rng(0).integers(0, TYPES, 62).astype(np.int32)
    one, other = (
        outcomes(language_pool, words, asked) for words in (text(), dataclasses.replace(text(), test=noise))
    )
    np.testing.assert_array_equal(one.loss[:, 0], other.loss[:, 0])
    assert (one.loss[:, 1] < other.loss[:, 1]).all()


def test_one_program_serves_every_cell(language_pool):
    traced = []

    class Counts(LanguageProgram):
        def train(self, *given):
            traced.append(1)
            return super().train(*given)

    program = Counts(language_pool.space, text(), CHILD)
    compiled = jax.jit(program.train)
    words = program.data
    losses = set()
    for architecture in program.space.sample(np.random.default_rng(5), 6):
        one = jax.tree.map(lambda leaf: leaf[0], program.encode([architecture]))
        losses.add(float(compiled(one, np.uint32(0), np.int32(3), words).loss[0]))
    assert len(traced) == 1
    assert len(losses) > 3


class TestOnItsOwn:
    """With a program that is compiled for one network."""

    PROGRAM = LanguageProgram(GATED, text(), CHILD)
    NETWORK = PROGRAM.network
    (FIRST,) = GATED.sample(np.random.default_rng(2), 1)
    ARCHITECTURE = jax.tree.map(lambda leaf: leaf[0], PROGRAM.encode([FIRST]))

    def run(self, steps, **settings):
        child = dataclasses.replace(CHILD, **settings)
        trained = jax.jit(lambda *given: train(self.NETWORK, child, *given))
        return trained(self.ARCHITECTURE, np.uint32(1), np.int32(steps), self.PROGRAM.data)

    def test_what_diverges_stops(self):
        found = self.run(50, learning_rate=1e9, clip=1e9)
        assert found.steps < 50
        report = self.PROGRAM.report(jax.device_get(found))
        assert report.score is None
        assert report.reason == f"diverged: the loss was not finite after {found.steps} steps"

    def test_everything_at_once_is_still_learnt(self):
        found = self.run(
            57,
            **dict.fromkeys(DROPOUTS, 0.1),
            **{"alpha": 0.01, "beta": 0.01, "average": 0.3, "schedule": "constant", "momentum": 0.2},
        )
        assert found.loss[0] / 82 < np.log(TYPES) - 0.5

    def test_all_that_is_averaged_is_evaluated(self):
        """The mean over one step is the weights after it, over two it is something else."""
        one, last, both = (self.run(2, average=share) for share in (0.0, 0.5, 1.0))
        np.testing.assert_allclose(one.loss, last.loss, rtol=1e-5)
        assert abs(both.loss[0] - one.loss[0]) > 1e-3

    def test_evaluation_in_windows_is_one_long_window(self):
        weights = initialise_weights(self.NETWORK, jax.random.key(0))
        weights = weights._replace(embedding=10 * weights.embedding)
        words = text()
        lengths = {"valid": len(words.valid) - 1, "test": len(words.test) - 1}
        found = jax.jit(evaluate, static_argnums=0)(
            self.NETWORK, weights, self.ARCHITECTURE, arrange(words, 7, 1)
        )
        for i, (split, length) in enumerate(lengths.items()):
            tokens = getattr(words, split)[:, None]
            state = self.NETWORK.zero_state(1)
            whole = reading(self.NETWORK, weights, self.ARCHITECTURE, Masks(), state, tokens[:-1], tokens[1:])
            assert len(whole.losses) == length
            np.testing.assert_allclose(found[i], whole.losses.sum(), rtol=1e-4)

    @pytest.mark.parametrize(("steps", "streams_of"), [(1, [0]), (2, [0, 1]), (20, [0])])
    def test_the_state_is_carried_through_a_pass_and_begins_anew_in_the_next(self, steps, streams_of):
        """With weights that hardly change, the last loss is that of the windows since the text began."""
        found = self.run(steps, learning_rate=1e-9)
        words, state = self.PROGRAM.data, self.NETWORK.zero_state(CHILD.batch)
        weights = initialise_weights(self.NETWORK, jax.random.split(jax.random.key(1))[0])
        for w in streams_of:
            last = reading(self.NETWORK, weights, self.ARCHITECTURE, Masks(), state, words.x[w], words.y[w])
            state = last.state
        np.testing.assert_allclose(found.train_loss, last.losses.mean(), rtol=1e-6)


@pytest.mark.parametrize("steps", [1, 15, 40])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_learning_rate(steps, schedule):
    child = LanguageChild(schedule=schedule, weight_decay=0.0, clip=1e3)

    @jax.jit
    def rates(steps, gradient):
        optimiser = make_optimiser(child, steps)

        def step(state, _):
            update, state = optimiser.update(gradient, state, gradient)
            return state, -update

        return jax.lax.scan(step, optimiser.init(gradient), length=steps_of)[1]

    steps_of = 45
    found = rates(steps, jnp.float32(1))
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


def test_penalties(rng):
    states, outputs = (jnp.asarray(rng.normal(size=(4, 3, 2)), jnp.float32) for _ in range(2))
    found = Read(states, outputs, jnp.zeros((4, 3)), ())
    squares, changes = np.square(outputs).mean(), np.square(np.diff(states, axis=0)).mean()
    child = LanguageChild(alpha=2.0, beta=3.0)
    np.testing.assert_allclose(penalty(child, found), 2 * squares + 3 * changes, rtol=1e-5)
    assert penalty(LanguageChild(), found) == 0
    single = Read(states[:1], outputs[:1], jnp.zeros((1, 3)), ())
    np.testing.assert_allclose(penalty(child, single), 2 * np.square(outputs[:1]).mean(), rtol=1e-5)


@pytest.mark.parametrize(("share", "counted"), [(1.0, 10), (0.3, 3), (0.25, 3), (0.01, 1)])
def test_the_mean_of_the_last_weights(share, counted, rng):
    child, steps = LanguageChild(average=share), 10
    values = rng.normal(size=steps).astype(np.float32)
    mean = jnp.float32(100)
    for step, value in enumerate(values):
        state = TrainState(jnp.int32(step + 1), jnp.float32(0), value, (), mean, ())
        mean = average(child, state, jnp.int32(steps))
    np.testing.assert_allclose(mean, values[-counted:].mean(), rtol=1e-4)
