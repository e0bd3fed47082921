"""What every evaluator promises (`nao.core.Evaluator`)."""

import json
import math

import pytest

from nao.core import Evaluator, Request, SearchSpace


@pytest.fixture(params=["pool"])
def evaluator(request):
    """Each evaluator: the name of a fixture that makes a small one."""
    return request.getfixturevalue(request.param)


class TestEvaluatorContract:
    @pytest.fixture
    def architectures(self, evaluator, rng):
        """One more than fills all devices twice."""
        return evaluator.space.sample(rng, 2 * evaluator.devices + 1)

    def test_it_is_one(self, evaluator):
        assert isinstance(evaluator, Evaluator)
        assert isinstance(evaluator.space, SearchSpace)
        assert evaluator.devices >= 1

    def test_each_index_once_with_its_architecture_and_seed(self, evaluator, architectures):
        requests = [Request(x, 7 * i) for i, x in enumerate(architectures)]
        found = [result.request for result in evaluator.evaluate(requests)]
        assert sorted(found, key=requests.index) == requests

    def test_results_hold_plain_numbers(self, evaluator, architectures):
        for result in evaluator.evaluate([Request(x) for x in architectures]):
            assert (type(result.parameters), type(result.flops), type(result.seed)) == (int, int, int)
            assert type(result.seconds) is float
            assert type(result.device) is str
            assert min(result.parameters, result.flops) > 0
            assert result.seconds >= 0
            assert all(type(value) is float for value in result.metrics.values())
            if result.status == "ok":
                assert type(result.score) is float
                assert math.isfinite(result.score)
                assert result.reason == ""
            else:
                assert (result.status, result.score) == ("failed", None)
                assert len(result.reason.splitlines()) == 1

    def test_nothing_to_do(self, evaluator):
        assert list(evaluator.evaluate([])) == []

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
