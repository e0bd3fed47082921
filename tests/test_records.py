"""Whatever an evaluator hands over becomes numbers of Python's own, or a failed result that says why."""

import dataclasses
import decimal
import fractions
import json

import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import STANDARD, Architecture, Cost, Fidelity, InputError, Proposal, Request, Result, Trial
from tests.fakes import PairSpace

SPACE = PairSpace()
ARCHITECTURE = Architecture((0, 1, 2, 3, 0, 1, 2, 3), SPACE)
REQUEST = Request(ARCHITECTURE, 7)
SCALARS = [
    np.float32(0.5),
    np.float64(0.5),
    np.array(0.5),
    jnp.float32(0.5),
    jnp.asarray(0.5),
    jnp.asarray(0.5, jnp.bfloat16),
]


@pytest.mark.parametrize("number", SCALARS, ids=lambda x: f"{type(x).__module__}.{type(x).__name__}")
def test_scalars_and_arrays_without_axes_are_numbers(number):
    result = Result(REQUEST, number, test_score=number, metrics={"loss": number}, seconds=number)
    assert (result.status, result.score, result.test_score, result.seconds) == ("ok", 0.5, 0.5, 0.5)
    assert result.metrics == {"loss": 0.5}
    for value in (result.score, result.test_score, result.seconds, *result.metrics.values()):
        assert type(value) is float


@pytest.mark.parametrize(
    "count", [3, np.int64(3), np.int32(3), np.uint8(3), np.array(3), jnp.asarray(3), 3.0]
)
def test_counts_are_whole_numbers(count):
    result = Result(REQUEST, 1, cost=Cost(count, count))
    assert (result.status, result.cost) == ("ok", Cost(3, 3))
    assert type(result.parameters) is type(result.flops) is int


@pytest.mark.parametrize(
    ("facts", "field", "kind"),
    [
        ({"score": "0.5"}, "score", "str"),
        ({"score": decimal.Decimal("0.5")}, "score", "Decimal"),
        ({"score": fractions.Fraction(1, 2)}, "score", "Fraction"),
        ({"score": 1j}, "score", "complex"),
        ({"score": np.zeros(2)}, "score", "ndarray"),
        ({"score": [0.5]}, "score", "list"),
        ({"score": 10**400}, "score", "int"),
        ({"test_score": "high"}, "test_score", "str"),
        ({"metrics": {"loss": None}}, "metric loss", "NoneType"),
        ({"metrics": {"loss": "low"}}, "metric loss", "str"),
        ({"metrics": {3: 0.5}}, "metrics", "int"),
        ({"metrics": [0.5]}, "metrics", "list"),
        ({"cost": Cost(None, 1)}, "parameters", "NoneType"),
        ({"cost": Cost(1, 2**63)}, "flops", "int"),
        ({"cost": Cost(1, 1.5)}, "flops", "float"),
        ({"cost": Cost(1, 1, {"ms": "slow"})}, "cost ms", "str"),
        ({"seconds": "fast"}, "seconds", "str"),
        ({"device": 0}, "device", "int"),
        ({"device": None}, "device", "NoneType"),
        ({"status": "fine"}, "status", "str"),
    ],
)
def test_what_is_none_of_these_fails_and_names_field_type_and_architecture(facts, field, kind):
    result = Result(REQUEST, **{"score": 0.5, **facts})
    assert (result.status, result.score) == ("failed", None)
    assert f"its {field} must be" in result.reason
    assert f"({kind})" in result.reason
    assert str(ARCHITECTURE) in result.reason
    assert len(result.reason.splitlines()) == 1
    assert json.dumps(result.record(), allow_nan=False)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), None, np.float32("nan")])
def test_a_score_that_is_not_finite_is_a_failure(score):
    result = Result(REQUEST, score)
    assert (result.status, result.score, result.reason) == ("failed", None, f"its score is {score}")


def test_numbers_that_are_not_finite_are_dropped_elsewhere():
    result = Result(
        REQUEST, 1.0, test_score=float("nan"), metrics={"loss": np.inf, "epochs": 3}, seconds=np.nan
    )
    assert (result.status, result.test_score, result.metrics, result.seconds) == (
        "ok",
        None,
        {"epochs": 3.0},
        0.0,
    )


def test_a_failure_says_why_in_one_line():
    assert Result(REQUEST, 0.5, status="failed", reason="out\nof  memory").reason == "out of memory"
    assert Result(REQUEST, 0.5, status="failed").reason == "no reason was given"
    assert Result(REQUEST, 0.5, reason="why not").reason == ""
    assert Result(REQUEST, 0.5, status="failed").score is None


@pytest.mark.parametrize("seed", [-1, 2**31, "3", 1.5, None])
def test_a_seed_is_a_whole_number_of_31_bits(seed):
    with pytest.raises(InputError, match="a seed must be a whole number from 0 to 2,147,483,647, not"):
        Request(ARCHITECTURE, seed)
    assert type(Request(ARCHITECTURE, np.int64(3)).seed) is int


def test_architectures_of_different_spaces_are_different():
    other = PairSpace(letters=5)
    assert Architecture((0,) * 8, SPACE) == Architecture((0,) * 8, PairSpace())
    assert Architecture((0,) * 8, SPACE) != Architecture((0,) * 8, other)
    assert len({Architecture((0,) * 8, space) for space in (SPACE, PairSpace(), other)}) == 2


def test_a_result_is_made_again_from_its_facts():
    result = Result(
        REQUEST, 0.5, test_score=0.25, metrics={"loss": 1.0}, cost=Cost(1, 2), seconds=3.0, device="x"
    )
    assert result.facts()["cost"] == {"parameters": 1, "flops": 2}
    latency = dataclasses.replace(result, cost=Cost(1, 2, {"ms": np.float32(0.5)}))
    assert latency.cost.named() == {"parameters": 1, "flops": 2, "ms": 0.5}
    for each in (result, latency):
        assert Result.of(REQUEST, json.loads(json.dumps(each.facts()))) == each
    assert dataclasses.replace(result, score=None).reason == "its score is None"


def test_a_trial_has_the_newest_of_its_results():
    trial = Trial(0, 0, Proposal(ARCHITECTURE, "random"), 7)
    assert (trial.status, trial.score, trial.result) == ("pending", None, None)
    assert trial.request() == REQUEST
    short = Fidelity("short", 10)
    results = Result(trial.request(short), 0.1), Result(trial.request(), 0.2)
    both = dataclasses.replace(trial, results=results)
    assert [result.request.fidelity for result in both.results] == [short, STANDARD]
    assert (both.status, both.score) == ("ok", 0.2)
