"""The device pool: what it scores, and what it makes of children that fail."""

import dataclasses
import math

import jax
import numpy as np
import pytest

from nao.core import InputError, Request
from nao.evaluators.child import Child
from nao.evaluators.cost import cost
from nao.evaluators.pool import DevicePool
from nao.spaces import CellSpace, operations
from tests.evaluators.small import CHILD, NETWORK, SPACE, TEST, VALID, dataset


@pytest.fixture(scope="module")
def architectures():
    return SPACE.sample(np.random.default_rng(0), 5)


@pytest.fixture(scope="module")
def results(pool, architectures):
    """By index, with seeds 10, 11, ..."""
    return by_index(pool, architectures)


def by_index(pool, architectures, seeds=range(10, 15)):
    """The results by the index of the architecture."""
    requests = [Request(x, seed) for x, seed in zip(architectures, seeds, strict=False)]
    return {requests.index(result.request): result for result in pool.evaluate(requests)}


def with_program(pool, program, data=None):
    """A pool like `pool` that runs another program, or the same program on other images."""
    other = DevicePool(SPACE, data or pool.dataset, CHILD)
    other.__dict__["_program"] = program
    return other


class TestScores:
    def test_they_are_shares_of_the_validation_images(self, results):
        for result in results.values():
            assert result.score == result.metrics["valid_score"]
            assert result.score * VALID == pytest.approx(round(result.score * VALID))
            assert result.test_score * TEST == pytest.approx(round(result.test_score * TEST))
            assert set(result.metrics) == {"train_loss", "valid_score", "valid_loss", "test_loss"}

    def test_children_learn(self, results):
        scores = [result.score for result in results.values()]
        assert np.mean(scores) > 0.6  # of 4 classes

    def test_the_validation_images_alone_decide(self, pool, architectures, results):
        other = with_program(pool, pool._program, dataset(seed=1))
        for i, result in by_index(other, architectures[:2]).items():
            assert result.score == results[i].score
            assert result.metrics["valid_loss"] == results[i].metrics["valid_loss"]
            assert result.metrics["test_loss"] != results[i].metrics["test_loss"]

    def test_without_test_images_there_is_no_test_score(self, pool, architectures, results):
        other = with_program(pool, pool._program, dataset(test=0))
        result = by_index(other, architectures[:1])[0]
        assert result.test_score is None
        assert set(result.metrics) == {"train_loss", "valid_score", "valid_loss"}
        assert result.score == results[0].score

    def test_another_seed_is_another_child(self, pool, architectures, results):
        result = by_index(pool, architectures[:1], [99])[0]
        assert result.metrics["valid_loss"] != results[0].metrics["valid_loss"]

    def test_each_device_gives_the_same(self, pool, architectures, results):
        assert pool.devices == jax.local_device_count() == 2
        devices = {results[0].device}
        for order in ([1, 0], [0, 1]):
            found = by_index(pool, [architectures[i] for i in order], [10 + i for i in order])
            for place, i in enumerate(order):
                assert found[place].metrics == results[i].metrics
            devices.add(found[order.index(0)].device)
        assert len(devices) == 2

    def test_costs_are_those_of_the_architecture(self, architectures, results):
        for i, architecture in enumerate(architectures):
            branches = SPACE.branches(np.array(architecture.tokens))
            assert (results[i].parameters, results[i].flops) == cost(NETWORK, branches)

    def test_a_device_without_a_child_does_nothing(self, pool):
        outcome = pool._program(*pool._stacked([], [], []), pool._data)
        assert np.asarray(outcome.finished).tolist() == [0, 0]
        assert np.asarray(outcome.right).tolist() == [[0, 0], [0, 0]]


class TestFailures:
    SEED = 12  # of the child that fails

    @pytest.mark.parametrize(
        ("message", "reason"),
        [
            ("RESOURCE_EXHAUSTED: no room\nfor it", "out of memory: RESOURCE_EXHAUSTED: no room"),
            ("broken", "RuntimeError: broken"),
            ("", "RuntimeError: RuntimeError"),
        ],
    )
    @pytest.mark.parametrize("when", ["sent", "collected"])
    def test_only_the_child_that_raises_fails(self, pool, architectures, results, message, reason, when):
        class Broken:
            """An array of a computation that went wrong."""

            addressable_shards = property(lambda self: [self, self])
            data = property(lambda self: self)

            def is_ready(self):
                return True

            def __array__(self, *_, **__):
                raise RuntimeError(message)

        def program(choices, seeds, steps, images):
            if self.SEED not in seeds[steps > 0]:
                return pool._program(choices, seeds, steps, images)
            if when == "sent":
                raise RuntimeError(message)
            return type(pool._program(choices, seeds, steps, images))(*[Broken()] * 4)

        found = by_index(with_program(pool, program), architectures)
        assert sorted(found) == list(range(5))
        failed = found.pop(self.SEED - 10)
        assert (failed.status, failed.score, failed.reason) == ("failed", None, reason)
        assert failed.architecture == architectures[self.SEED - 10]
        assert failed.metrics == {}
        for i, result in found.items():
            assert (result.status, result.metrics) == ("ok", results[i].metrics)

    def test_a_child_that_diverges_fails_and_the_others_go_on(self, pool, architectures, results):
        def program(choices, seeds, steps, images):
            if self.SEED in seeds:  # the whole call: children 2 and 3
                images = images._replace(deviation=0 * images.deviation)
            return pool._program(choices, seeds, steps, images)

        found = by_index(with_program(pool, program), architectures)
        for i in (2, 3):
            assert (found[i].status, found[i].score) == ("failed", None)
            assert found[i].reason == "diverged: the loss was not finite after 1 steps"
            assert all(map(math.isfinite, found[i].metrics.values()))
        for i in (0, 1, 4):
            assert (found[i].status, found[i].metrics) == ("ok", results[i].metrics)


class TestBadInput:
    @pytest.mark.parametrize("devices", [0, -1, 3])
    def test_devices(self, devices):
        with pytest.raises(InputError, match=f"devices must be between 1 and 2, .* but is {devices}"):
            DevicePool(SPACE, dataset(), CHILD, devices)

    def test_fewer_training_images_than_a_batch(self):
        with pytest.raises(InputError, match=r"quarters: a batch of 65 needs .* of which there are 64"):
            DevicePool(SPACE, dataset(), Child(batch=65))

    def test_no_validation_images(self):
        data = dataset()
        data = dataclasses.replace(data, x_valid=data.x_valid[:0], y_valid=data.y_valid[:0])
        with pytest.raises(InputError, match="a score needs validation images, of which there are 0"):
            DevicePool(SPACE, data, CHILD)

    def test_images_that_are_too_small(self):
        data = dataset()
        small = {name: getattr(data, name)[:, :3] for name in ("x_train", "x_valid", "x_test")}
        with pytest.raises(InputError, match=r"images must be 4x4 at least, .* not \(3, 8\)"):
            DevicePool(SPACE, dataclasses.replace(data, **small), CHILD)

    def test_an_operation_that_is_not_known(self):
        with pytest.raises(InputError, match="no child network knows the operation 'attention'"):
            DevicePool(CellSpace("odd", operations("attention")), dataset(), CHILD)
