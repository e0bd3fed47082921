"""Limits: what is read, what is refused and with which words, and what they let through."""

import dataclasses
import functools
import json

import numpy as np
import pytest

import nao
from nao.core import Cost, InputError
from nao.limits import Limits, known_costs, parse_limits
from nao.probe import limit_penalties
from tests.fakes import ASCENT, LinearEncoder, LinearModel, PairSpace, SumEvaluator

SPACE = PairSpace()


class Unknown(SumEvaluator):
    """Knows no costs."""

    def cost(self, architectures):
        return [Cost() for _ in architectures]


class Latency(SumEvaluator):
    """Knows one cost of its own, and not of all."""

    def cost(self, architectures):
        return [Cost(others={"latency": -1.5 * x.tokens[0]} if x.tokens[1] else {}) for x in architectures]


def test_only_what_is_within_all_limits_is_let_through(rng):
    limits = Limits.of({"parameters": np.float32(120), "flops": 9000}, SumEvaluator())
    drawn = SPACE.sample(rng, 200)
    assert limits.within(drawn) == [sum(x.tokens) <= 9 for x in drawn] == [x in limits for x in drawn]
    sampled = limits.sample(rng, 300)
    assert sampled.shape == (300, 8)
    assert sampled.sum(axis=1).max() == 9
    # Uniformly.
    every = SPACE.grammar.every_string().sum(axis=1)
    expected = [(every == s).sum() / (every <= 9).sum() for s in (7, 8, 9)]
    found = [(sampled.sum(axis=1) == s).mean() for s in (7, 8, 9)]
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_a_cost_is_asked_for_once():
    asked = []

    @dataclasses.dataclass
    class Counting(SumEvaluator):
        def cost(self, architectures):
            asked.extend(x.tokens for x in architectures)
            return super().cost(architectures)

    limits = Limits.of({"flops": 9000}, Counting())
    asked.clear()
    some = SPACE.sample(np.random.default_rng(5), 10)
    for _ in range(3):
        limits.within(some)
    assert len(asked) == len(set(asked)) <= 10


def test_what_is_not_known_of_an_architecture_is_not_within():
    limits = Limits.of({"latency": -1.5}, Latency())
    drawn = SPACE.sample(np.random.default_rng(0), 100)
    assert limits.within(drawn) == [bool(x.tokens[1]) and x.tokens[0] >= 1 for x in drawn]
    assert limit_penalties(LinearModel(np.zeros((8, 4))), limits, ASCENT) == ()  # such a cost has no log


def test_costs_that_are_always_zero_are_not_known():
    assert known_costs([Cost(0, 3), Cost(0, 0, {"ms": 0.0})]) == ["flops", "ms"]


@pytest.mark.parametrize(
    ("bounds", "evaluator", "message"),
    [
        ({"size": 3}, SumEvaluator, "no cost 'size' that could be limited; it knows parameters, flops"),
        ({"flops": 3}, Unknown, "no cost 'flops' that could be limited; it knows none"),
        ({"flops": 3}, Latency, "no cost 'flops' that could be limited; it knows latency"),
        ({"flops": "3"}, SumEvaluator, "the limit of flops must be a finite number, not '3'; it knows param"),
        (["flops"], SumEvaluator, "limits are a mapping of names of costs to numbers, not ['flops']"),
        ({"flops": np.inf}, SumEvaluator, "the limit of flops must be a finite number, not inf"),
        (
            {"parameters": -1, "flops": 3},
            lambda: SumEvaluator(PairSpace(letters=3, length=4)),
            "no architecture is within the limits parameters=-1, flops=3: of all 81 the least has"
            " parameters 0, flops 0; it knows parameters, flops",
        ),
    ],
)
def test_what_is_refused(bounds, evaluator, message):
    with pytest.raises(InputError) as error:
        Limits.of(bounds, evaluator())
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_in_a_space_too_large_to_list(monkeypatch):
    monkeypatch.setattr("nao.limits.MOST_DRAWS", 640)
    with pytest.raises(InputError, match="of 640 random ones the least has flops"):
        Limits.of({"flops": 100}, SumEvaluator(PairSpace(length=40)))


def test_an_evaluator_that_does_not_answer_for_each():
    class Short(SumEvaluator):
        def cost(self, architectures):
            return super().cost(architectures[:1])

    with pytest.raises(InputError, match=r"asked for \d+ and gave 1"):
        Limits.of({"flops": 9000}, Short())


@pytest.mark.parametrize("text", ["parameters", "=3", "flops=", "flops=many", "flops=inf", "flops=nan"])
def test_what_is_not_written_as_a_limit(text):
    with pytest.raises(InputError, match="takes NAME=VALUE, for instance parameters=500000, not '"):
        parse_limits([text])


def test_limits_as_they_are_written():
    assert parse_limits(["parameters=500_000", "flops=2e7"]) == {"parameters": 500_000, "flops": 2e7}
    assert parse_limits([]) == {}
    with pytest.raises(InputError, match="flops is there twice"):
        parse_limits(["flops=1", "flops=2"])


def test_a_search_within_limits(tmp_path):
    run = functools.partial(
        nao.optimize, SPACE, encoder=LinearEncoder(), iterations=2, seeds=8, initial=30, new=10
    )
    history = run(SumEvaluator(), limits={"flops": 12_000}, out=tmp_path)
    assert len(history.trials) == 50
    assert max(trial.result.flops for trial in history.trials) == 12_000
    assert any(trial.proposal.origin == "ascent" for trial in history.trials)
    assert history.configuration["strategy"]["limits"] == {"flops": 12_000}
    # It goes on with the same limits only.
    assert run(SumEvaluator(), limits={"flops": 12e3}, out=tmp_path).trials == history.trials
    for others in ({"flops": 13_000}, None):
        with pytest.raises(InputError, match=r"strategy\.limits"):
            run(SumEvaluator(), limits=others, out=tmp_path)
    assert "limits" not in json.dumps(run(SumEvaluator(), limits={}).configuration)
