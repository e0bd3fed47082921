"""Messages arrive as they were sent; whatever else arrives is refused."""

import json

import numpy as np
import pytest

from nao.core import Fidelity, Request, Result
from nao.evaluators.hosts.messages import (
    Attempt,
    Ended,
    HostInfo,
    NoMessage,
    Report,
    attempt_facts,
    attempt_of,
    host_info_of,
    line,
    parsed,
    report_facts,
    report_of,
    result_of,
)
from tests.evaluators.fake import SPACE

(X,) = SPACE.sample(np.random.default_rng(0), 1)
REQUEST = Request(X, 7, Fidelity("short", 3))
RESULT = Result(REQUEST, 0.5, test_score=0.25, metrics={"steps": 3}, seconds=1.5, device="cpu:0")


def test_an_attempt_arrives_as_it_was_sent():
    attempt = Attempt("a-1", REQUEST)
    assert attempt_of(SPACE, parsed(line(attempt_facts(attempt)))) == attempt


def test_a_result_arrives_as_it_was_sent():
    assert result_of(REQUEST, parsed(line(RESULT.facts()))) == RESULT


REPORT = Report(
    3, frozenset(["a-1", "a-2"]), {"a-3": 1.5}, {"a-4": Ended("answered", RESULT.facts())}, leaving=True
)


def test_a_report_arrives_as_it_was_sent():
    assert report_of(parsed(line(report_facts(REPORT)))) == REPORT


def test_what_a_host_has_arrives_as_it_was_sent():
    facts = {"devices": 2, "kind": "cpu", "memory": None}
    assert host_info_of("a", facts) == HostInfo("a", 2, "cpu", None)
    for wrong in ({}, {**facts, "devices": 0}, {**facts, "more": 1}, {**facts, "memory": "1"}, None, []):
        with pytest.raises(NoMessage, match="these are no devices"):
            host_info_of("a", wrong)


def test_damage_is_refused_or_harmless_and_never_anything_else():
    rng = np.random.default_rng(0)
    sent = [line(attempt_facts(Attempt("a-1", REQUEST))), line(RESULT.facts()), line(report_facts(REPORT))]
    refused = 0
    for i in range(3000):
        text = np.frombuffer(sent[i % 3], np.uint8).copy()
        text[rng.integers(len(text), size=rng.integers(1, 4))] = rng.integers(256)
        try:
            message = parsed(text.tobytes())
            if i % 3 == 2:
                assert isinstance(report_of(message), Report)
            elif i % 3:
                assert isinstance(result_of(REQUEST, message), Result)
            else:
                assert isinstance(attempt_of(SPACE, message).request, Request)
        except NoMessage:
            refused += 1
    assert refused > 500


@pytest.mark.parametrize("value", [None, 3, [], {}, "x", {"cost": None}, {"score": "high", "color": 1}])
def test_what_describes_no_result_is_a_failure(value):
    result = result_of(REQUEST, value)
    assert result.reason.startswith("its host answered with no result: ")


@pytest.mark.parametrize(
    "changed", [{"seed": -1}, {"architecture": "x y"}, {"architecture": 3}, {"fidelity": 1}, {"fidelity": []}]
)
def test_what_describes_no_attempt(changed):
    facts = json.loads(json.dumps({**attempt_facts(Attempt("a-1", REQUEST)), **changed}))
    with pytest.raises(NoMessage, match="this describes no attempt"):
        attempt_of(SPACE, facts)


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"\xff", b"{" * 100_000, b"[" * 100_000, b"null"])
def test_what_is_no_message(text):
    with pytest.raises(NoMessage):
        parsed(text)
