"""Training small language models on two devices: what they learn, and what their scores depend on."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from nao.core import STANDARD, Fidelity, Request
from nao.evaluators.lane import arguments
from nao.evaluators.language import LanguageProgram
from nao.evaluators.language.dropout import Masks, draw_masks
from nao.evaluators.language.network import initialise_weights, read
from nao.evaluators.language.training import (
    evaluate,
    train,
)
from nao.evaluators.language.windows import arrange
from tests.evaluators.language.small import CHILD, GATED, TYPES, text

pytestmark = pytest.mark.xdist_group("language")  # compiled once, in one process


DROPOUTS = [field.name for field in dataclasses.fields(CHILD) if field.name.startswith("drop_")]
CONSTANT = {"schedule": "constant", "learning_rate": 1.0}  # steps do not depend on how many there are
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

    @classmethod
    @functools.cache
    def compiled(cls, **settings):
        child = dataclasses.replace(CHILD, **settings)
        return jax.jit(lambda *given: train(cls.NETWORK, child, *given))

    def run(self, steps, words=PROGRAM.data, **settings):
        """What so many steps give; they are data, so that each child is compiled once."""
        return self.compiled(**settings)(self.ARCHITECTURE, np.uint32(1), np.int32(steps), words)

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
        one, last = (self.run(2, average=share, **CONSTANT) for share in (0.0, 0.5))
        np.testing.assert_allclose(one.loss, last.loss, rtol=1e-5)
        after, both = (self.run(4, average=share, **CONSTANT) for share in (0.0, 0.5))
        assert abs(both.loss[0] - after.loss[0]) > 1e-2

    def test_averaging_begins_when_the_validation_loss_has_not_been_lower_for_some_epochs(self):
        """What is evaluated is as if it had been told when; without a beginning, the last weights."""
        wrong = text().valid.copy()
        wrong[::9] = 0  # so that what is learnt is soon believed too much: the loss falls, then it rises
        words = arrange(dataclasses.replace(text(), valid=wrong), CHILD.window, CHILD.batch)
        epoch, n = len(words.x), 2
        losses = [self.run(epoch * (1 + t), words, average=0.0, **CONSTANT).loss[0] for t in range(8)]
        late = [t for t in range(n + 1, 8) if losses[t] > min(losses[: t - n])]
        assert late[0] > n + 1  # the first time it could be, it is not
        steps = 2 * epoch * (1 + late[0])
        last, told = (self.run(steps, words, average=share, **CONSTANT) for share in (0.0, 0.5))
        found = self.run(steps, words, nonmonotone=n, **CONSTANT)
        np.testing.assert_allclose(found.loss, told.loss, rtol=1e-4)
        assert abs(found.loss[0] - last.loss[0]) > 1e-2
        never = self.run((n + 1) * epoch, words, nonmonotone=n, **CONSTANT)
        np.testing.assert_allclose(never.loss[0], losses[n], rtol=1e-4)

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
    def test_the_state_is_carried_through_a_pass_and_masks_are_drawn_anew_in_a_step(self, steps, streams_of):
        """With weights that hardly change, the last loss is that of the windows since the text began."""
        settings = {"learning_rate": 1e-9, "drop_output": 0.5}
        found = self.run(steps, **settings)
        child, words = dataclasses.replace(CHILD, **settings), self.PROGRAM.data
        initial, dropout = jax.random.split(jax.random.key(1))
        weights = initialise_weights(self.NETWORK, initial)

        def loss(step):
            """With the masks of that step, on which the state does not depend."""
            masks = draw_masks(child, TYPES, jax.random.fold_in(dropout, step))
            state = self.NETWORK.zero_state(CHILD.batch)
            for w in streams_of:
                last = reading(self.NETWORK, weights, self.ARCHITECTURE, masks, state, words.x[w], words.y[w])
                state = last.state
            return last.losses.mean()

        np.testing.assert_allclose(found.train_loss, loss(steps - 1), rtol=1e-6)
        assert abs(loss(steps) - loss(steps - 1)) > 1e-4
