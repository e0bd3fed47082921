"""The loop holds an evaluator to what every evaluator promises, whatever a user's own one does."""

import dataclasses

import pytest

from nao.core import Architecture, Evaluator, InputError, Request, Result, check_part
from nao.events import silent
from nao.loop import answers, play
from nao.search import search
from nao.strategies import Random
from nao.study import Study, read
from tests.fakes import PairSpace, SumEvaluator

SPACE = PairSpace()
REQUESTS = [Request(Architecture((i, *[0] * 7), SPACE), seed=i) for i in range(4)]


class Own(SumEvaluator):
    """An evaluator of the user's own: what `evaluate` does is handed over."""

    def __init__(self, evaluate):
        super().__init__(failing=())
        self._evaluate = evaluate

    def evaluate(self, requests):
        return self._evaluate(self, requests)


def asked(evaluate):
    return list(answers(Own(evaluate), REQUESTS))


def test_answers_come_as_they_do():
    found = asked(lambda self, requests: (self.result(request) for request in reversed(requests)))
    assert [result.request for result in found] == REQUESTS[::-1]
    assert list(answers(Own(None), [])) == []


@pytest.mark.parametrize("error", [RuntimeError("broken"), MemoryError(), ZeroDivisionError("by zero")])
def test_the_child_that_raises_fails_and_the_others_lose_nothing(error):
    def raising(self, requests):
        for request in requests:
            if request.seed == 1:
                raise error
            yield self.result(request)

    found = {result.seed: result for result in asked(raising)}
    assert {seed: result.status for seed, result in found.items()} == {0: "ok", 1: "failed", 2: "ok", 3: "ok"}
    assert found[1].reason.startswith(type(error).__name__)
    assert str(error) in found[1].reason


def test_an_evaluator_that_raises_at_once_fails_every_child():
    def raising(self, requests):
        raise RuntimeError("no device")

    assert {(result.status, result.reason) for result in asked(raising)} == {
        ("failed", "RuntimeError: no device")
    }


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_failure(interrupt):
    def interrupted(self, requests):
        raise interrupt

    with pytest.raises(interrupt):
        asked(interrupted)


class Mute(Exception):
    """An error that cannot say what is wrong."""

    def __str__(self):
        raise ValueError


def test_an_error_that_cannot_be_shown_is_a_failure_too():
    def raising(self, requests):
        raise Mute

    assert all("Mute" in result.reason for result in asked(raising))


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        (SumEvaluator, "the evaluator is the class SumEvaluator; give an object of it"),
        (lambda requests: requests, "of type function, which has no space, evaluate, prepare, cost, conf"),
        (None, "the evaluator is of type NoneType"),
    ],
)
def test_what_is_no_evaluator_is_refused_in_one_line(part, complaint):
    with pytest.raises(InputError, match=complaint):
        check_part(part, Evaluator, "the evaluator")
    check_part(SumEvaluator(), Evaluator, "the evaluator")


@pytest.mark.parametrize(
    ("evaluate", "complaint"),
    [
        (
            lambda self, r: [self.result(x) for x in r[:3]],
            "answered 3 of 4 requests; it must answer each, and forgot",
        ),
        (lambda self, r: [], "answered 0 of 4 requests"),
        (
            lambda self, r: [self.result(x) for x in [*r[:2], r[1]]],
            "answered twice b a a a a a a a with seed 1",
        ),
        (
            lambda self, r: [Result(Request(r[0].architecture, 99), 1.0)],
            "answered, without being asked, a a a a a a a a with seed 99",
        ),
        (lambda self, r: [0.5 for _ in r], r"must yield results, nao.Result\(request, score\), not float"),
        (lambda self, r: [(0, self.result(r[0]))], r"must yield results, .* not tuple"),
        (lambda self, r: [None], "not NoneType"),
        (lambda self, r: None, "must yield results, or return a list of them, not NoneType"),
        (
            lambda self, r: [Result(Request(Architecture((99,) * 8, SPACE)), 1.0)],
            "no architecture; answer the requests",
        ),
    ],
)
def test_a_broken_promise_is_one_line_that_says_which(evaluate, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        asked(evaluate)
    assert len(str(error.value).splitlines()) == 1


def test_nothing_wrong_is_written(tmp_path):
    def forgetful(self, requests):
        yield self.result(requests[2])
        yield Result(Request(requests[0].architecture, 5), 1.0)

    with pytest.raises(InputError, match="without being asked"):
        search(Random(SPACE, seed=1), Own(forgetful), [4], out=tmp_path)
    assert [trial.status for trial in read(tmp_path, SPACE).trials] == ["pending", "pending", "ok", "pending"]
    whole = search(Random(SPACE, seed=1), SumEvaluator(failing=()), [4])
    evaluator = SumEvaluator(failing=())
    evaluator.configuration = Own(None).configuration
    assert search(Random(SPACE, seed=1), evaluator, [4], out=tmp_path).trials == whole.trials
    assert len(evaluator.evaluated) == 3


def test_a_search_in_another_space_is_refused_before_anything_is_evaluated(tmp_path):
    evaluator = SumEvaluator(PairSpace(letters=3))
    with pytest.raises(
        InputError, match="the search is in the space pairs, but its evaluator measures another"
    ):
        search(Random(SPACE), evaluator, [4], out=tmp_path / "run")
    assert evaluator.evaluated == []
    assert not (tmp_path / "run").exists()
    renamed = dataclasses.replace(SPACE, name="others")
    with pytest.raises(InputError, match="measures those of others"):
        search(Random(SPACE), SumEvaluator(renamed), [4])


def test_each_iteration_reads_nothing_again(tmp_path, monkeypatch):
    loads = 0
    from nao.study import reading

    load = reading.load

    def counting(*arguments):
        nonlocal loads
        loads += 1
        return load(*arguments)

    monkeypatch.setattr(reading, "load", counting)
    search(Random(SPACE), SumEvaluator(), [4] * 5, out=tmp_path)
    assert loads == 1


def test_what_is_proposed_is_not_proposed_twice(tmp_path):
    class Repeating(Random):
        def ask(self, n):
            return super().ask(n)[:1] * 2

    with Study(tmp_path, SPACE, {}) as study:
        played = play(Repeating(SPACE), SumEvaluator(), study, lambda *_: 2, observer=silent)
        with pytest.raises(InputError, match=r"has this already .*: the strategy proposed it twice"):
            next(played)
