"""What every evaluator promises (`nao.core.Evaluator`)."""

import json
import math

import numpy as np
import pytest

from nao.core import Evaluator, SearchSpace


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
        seeds = [7 * i for i in range(len(architectures))]
        found = list(evaluator.evaluate(architectures, seeds))
        assert sorted(i for i, _ in found) == list(range(len(architectures)))
        for i, result in found:
            assert result.architecture == architectures[i]
            assert result.seed == seeds[i]

    def test_results_hold_plain_numbers(self, evaluator, architectures):
        for i, result in evaluator.evaluate(architectures, range(len(architectures))):
            assert type(i) is int
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
        assert list(evaluator.evaluate([], [])) == []

    def test_the_same_score_alone_together_and_in_any_order(self, evaluator, architectures):
        count = len(architectures)
        together = {i: r.score for i, r in evaluator.evaluate(architectures, range(count))}
        backwards = evaluator.evaluate(architectures[::-1], range(count)[::-1])
        assert {count - 1 - i: r.score for i, r in backwards} == together
        for i in (0, count - 1):
            ((_, alone),) = evaluator.evaluate([architectures[i]], [i])
            assert alone.score == together[i]

    def test_the_same_architecture_twice(self, evaluator, architectures):
        found = dict(evaluator.evaluate([architectures[0]] * 2, [5, 5]))
        assert found[0].score == found[1].score

    def test_stopping_early_leaves_it_usable(self, evaluator, architectures):
        work = evaluator.evaluate(architectures, range(len(architectures)))
        next(work)
        work.close()
        assert len(list(evaluator.evaluate(architectures[:1], [0]))) == 1

    def test_seeds_as_a_search_draws_them(self, evaluator, architectures):
        ((_, result),) = evaluator.evaluate(architectures[:1], [2**31 - 1])
        assert result.status == "ok"

    def test_its_configuration_is_json_and_stays(self, evaluator, architectures):
        before = json.dumps(evaluator.configuration(), allow_nan=False, sort_keys=True)
        list(evaluator.evaluate(architectures[:1], np.array([0]).tolist()))
        assert json.dumps(evaluator.configuration(), allow_nan=False, sort_keys=True) == before
