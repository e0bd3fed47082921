"""Training small children on two devices: what they learn, and what their scores depend on."""

import jax
import numpy as np
import optax
import pytest

from nao.core import STANDARD, Fidelity, Request
from nao.evaluators.images import Child
from nao.evaluators.images.batches import arrange
from nao.evaluators.images.cost import count_cost
from nao.evaluators.images.training import make_optimiser
from nao.evaluators.lane import arguments
from tests.evaluators.rates import rates
from tests.evaluators.small import CHILD, SPACE, TEST, VALID, dataset

pytestmark = pytest.mark.xdist_group("pool")  # compiled once, in one process

FIRST, SECOND, *OTHERS = SPACE.sample(np.random.default_rng(0), 5)
REQUESTS = [Request(architecture, 10 + i) for i, architecture in enumerate([FIRST, SECOND, *OTHERS])]


def measure(pool, requests):
    """The results, in the order of the requests."""
    found = {result.request: result for result in pool.evaluate(requests)}
    return [found[request] for request in requests]


@pytest.fixture(scope="module")
def results(pool):
    return measure(pool, REQUESTS)


def outcomes(pool, data, requests=REQUESTS[:2]):
    """What the program makes of other images, of the shapes that it was compiled for."""
    ((devices, compiled, _),) = pool._compiled
    return jax.device_get(compiled(*arguments(pool.program, len(devices), dict(enumerate(requests))), data))


class TestScores:
    def test_they_are_shares_of_the_validation_images(self, results):
        for result in results:
            assert result.score * VALID == pytest.approx(round(result.score * VALID))
            assert result.test_score * TEST == pytest.approx(round(result.test_score * TEST))
            assert set(result.metrics) == {"train_loss", "valid_loss", "test_loss"}

    def test_children_learn(self, results):
        assert np.mean([result.score for result in results]) > 0.6  # of 4 classes

    def test_costs_are_those_of_the_architecture(self, pool, results):
        for request, result in zip(REQUESTS, results, strict=True):
            branches = SPACE.branches(np.array(request.architecture.tokens))
            assert result.cost == count_cost(pool.program.network, branches)

    def test_another_seed_is_another_child(self, pool, results):
        (result,) = measure(pool, [Request(FIRST, 99)])
        assert result.metrics["valid_loss"] != results[0].metrics["valid_loss"]

    def test_each_device_gives_the_same(self, pool, results):
        assert len(pool.devices) == 2
        devices = {results[0].device}
        for requests in (REQUESTS[1::-1], REQUESTS[:2]):
            for result in pool.evaluate(requests):
                assert result.metrics == results[REQUESTS.index(result.request)].metrics
                if result.architecture == FIRST:
                    devices.add(result.device)
        assert len(devices) == 2

    def test_the_validation_images_alone_decide(self, pool):
        one, other = (outcomes(pool, arrange(dataset(seed=seed))) for seed in (0, 1))
        np.testing.assert_array_equal(one.train_loss, other.train_loss)
        np.testing.assert_array_equal(one.loss[:, 0], other.loss[:, 0])
        assert (one.loss[:, 1] != other.loss[:, 1]).all()


class TestSteps:
    def test_a_child_that_diverges_stops(self, pool):
        images = arrange(dataset())
        found = outcomes(pool, images._replace(std=0 * images.std))
        assert found.steps.tolist() == [1, 1]
        report = pool.program.report(jax.tree.map(lambda leaf: leaf[0], found))
        assert report.score is None
        assert report.reason == "diverged: the loss was not finite after 1 steps"

    def test_a_device_without_a_child_does_nothing(self, pool):
        found = outcomes(pool, arrange(dataset()), REQUESTS[:1])
        assert found.steps.tolist() == [CHILD.steps, 0]
        assert found.correct[1].tolist() == [0, 0]

    def test_a_fidelity_of_fewer_steps(self, pool, results):
        short = Request(FIRST, 10, Fidelity("short", 5))
        assert outcomes(pool, arrange(dataset()), [short]).steps.tolist() == [5, 0]
        (result,) = measure(pool, [short])
        assert result.status == "ok"
        assert result.metrics["train_loss"] > results[0].metrics["train_loss"]

    def test_a_fidelity_of_all_steps_is_the_standard_one(self, pool, results):
        (result,) = measure(pool, [Request(FIRST, 10, Fidelity("all", CHILD.steps))])
        assert result.metrics == results[0].metrics

    @pytest.mark.parametrize("steps", [1, 15, 40, 117])
    def test_the_learning_rate_falls_along_a_cosine_to_the_last_step(self, steps):
        child = Child(momentum=0.0, weight_decay=0.0)
        expected = optax.cosine_decay_schedule(child.learning_rate, steps)
        found = rates(make_optimiser, child, steps, length=118)
        np.testing.assert_allclose(found[:steps], jax.vmap(expected)(np.arange(steps)), rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(found[steps:], 0, atol=1e-9)


def test_the_standard_fidelity_is_the_childs(pool):
    assert pool.program.count_steps(STANDARD) == CHILD.steps
