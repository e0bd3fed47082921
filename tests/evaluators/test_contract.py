"""What every evaluator promises (`nao.core.Evaluator`)."""

import json
import math

import pytest

from nao.core import Evaluator, InputError, Request, SearchSpace
from nao.evaluators import make
from nao.spaces import space

TRAINED = pytest.param("pool", marks=pytest.mark.xdist_group("pool"))  # compiled once, in one process


@pytest.fixture(params=["fake_pool", TRAINED, "table"])
def evaluator(request):
    """Each evaluator: the name of a fixture that makes a small one."""
    return request.getfixturevalue(request.param)


class TestEvaluatorContract:
    @pytest.fixture
    def architectures(self, evaluator, rng):
        """One more than fills two devices twice."""
        return evaluator.space.sample(rng, 5)

    def test_it_is_one(self, evaluator):
        assert isinstance(evaluator, Evaluator)
        assert isinstance(evaluator.space, SearchSpace)

    def test_it_can_be_prepared_and_then_there_is_nothing_to_do(self, evaluator):
        assert all(isinstance(stage, str) for stage in evaluator.prepare())
        assert list(evaluator.prepare()) == []

    def test_each_request_once(self, evaluator, architectures):
        requests = [Request(x, 7 * i) for i, x in enumerate(architectures)]
        found = [result.request for result in evaluator.evaluate(requests)]
        assert sorted(found, key=requests.index) == requests

    def test_results_are_facts(self, evaluator, architectures):
        for result in evaluator.evaluate([Request(x) for x in architectures]):
            assert (result.status, result.reason) == ("ok", "")
            assert math.isfinite(result.score)
            assert min(result.parameters, result.flops, result.seconds) >= 0
            assert result.device

    def test_the_cost_is_known_before(self, evaluator, architectures):
        costs = evaluator.cost(architectures)
        for result in evaluator.evaluate([Request(x) for x in architectures]):
            assert result.cost == costs[architectures.index(result.architecture)]

    def test_nothing_to_do(self, evaluator):
        assert list(evaluator.evaluate([])) == []
        assert evaluator.cost([]) == []

    def test_the_same_score_alone_together_and_in_any_order(self, evaluator, architectures):
        requests = [Request(x, i) for i, x in enumerate(architectures)]
        together = {r.request: r.score for r in evaluator.evaluate(requests)}
        assert {r.request: r.score for r in evaluator.evaluate(requests[::-1])} == together
        for request in (requests[0], requests[-1]):
            (alone,) = evaluator.evaluate([request])
            assert alone.score == together[request]

    def test_the_same_architecture_twice(self, evaluator, architectures):
        first, second = evaluator.evaluate([Request(architectures[0], 5)] * 2)
        assert first.score == second.score

    def test_stopping_early_leaves_it_usable(self, evaluator, architectures):
        work = evaluator.evaluate([Request(x) for x in architectures])
        next(work)
        work.close()
        assert len(list(evaluator.evaluate([Request(architectures[0])]))) == 1

    def test_seeds_as_a_search_draws_them(self, evaluator, architectures):
        (result,) = evaluator.evaluate([Request(architectures[0], 2**31 - 1)])
        assert result.status == "ok"

    def test_its_configuration_is_json_and_stays(self, evaluator, architectures):
        before = json.dumps(evaluator.configuration(), allow_nan=False, sort_keys=True)
        list(evaluator.evaluate([Request(architectures[0])]))
        assert json.dumps(evaluator.configuration(), allow_nan=False, sort_keys=True) == before
        assert json.loads(before) == evaluator.configuration()


class TestMake:
    """What a configuration is turned back into."""

    @pytest.fixture
    def digits(self):
        from nao.data import load_digits
        from nao.evaluators.images import Child, ImageProgram
        from nao.evaluators.pool import DevicePool

        return DevicePool(ImageProgram(space("cnn-cell-small", blocks=2), load_digits(), Child(steps=7)))

    @pytest.mark.parametrize("name", ["digits", "table"])
    def test_it_is_the_same_again(self, name, request):
        evaluator = request.getfixturevalue(name)
        made = make(json.loads(json.dumps(evaluator.configuration())))
        assert type(made) is type(evaluator)
        assert made == evaluator
        assert made.space == evaluator.space

    def test_the_devices_are_those_of_the_machine_that_makes_it(self, digits):
        assert len(make(digits.configuration(), devices=1).devices) == 1
        with pytest.raises(InputError, match="devices"):
            make(digits.configuration(), devices=3)

    @pytest.mark.parametrize("configuration", [{}, {"program": "video"}, {"program": ["images"]}])
    def test_what_describes_no_evaluator(self, configuration):
        with pytest.raises(InputError, match=r"there is no program .*; the programs are images"):
            make(configuration)
