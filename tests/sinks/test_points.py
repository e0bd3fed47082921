"""The curves of a search: every value and its step, in closed form."""

import itertools

import pytest

from nao.events import Ended, Proposing
from nao.sinks.points import OF_ITERATION, Points
from tests.fakes import SumEvaluator
from tests.sinks.searches import ListSink, Noisy, small

ALL = 20 + 2 * 8 + 2 * 2 + 2


@pytest.fixture(scope="module")
def watched():
    """A finished search, and what a sink got of it."""
    sink = ListSink()
    return small(sink), sink


def test_the_step_is_the_number_of_trainings_that_are_over(watched):
    history, sink = watched
    evaluations = sink.curve("search/evaluations")
    assert evaluations == [(m, m) for m in range(1, ALL + 1)]
    assert history.summary()["evaluations"] == ALL
    steps = [step for step, _ in sink.logged]
    assert steps == sorted(steps)


def test_every_result_has_its_score_and_the_best_and_the_failures_so_far(watched):
    history, sink = watched
    scores = [trial.score for trial in history.trials]
    assert None in scores
    assert sink.curve("search/score") == [(m, s) for m, s in enumerate(scores, 1) if s is not None]
    so_far = [[s for s in scores[:m] if s is not None] for m in range(1, len(scores) + 1)]
    assert sink.curve("search/best") == [(m, max(known)) for m, known in enumerate(so_far, 1) if known]
    failed = itertools.accumulate(s is None for s in scores)
    assert sink.curve("search/failed")[: len(scores)] == list(enumerate(failed, 1))


def test_every_iteration_has_what_the_summary_says_of_it(watched):
    history, sink = watched
    summary = history.summary()
    each = [summary["initial"], *summary["iterations"]]
    assert each[2]["kendall_tau"] < each[1]["kendall_tau"] < 0
    for name in OF_ITERATION:
        if name == "seconds":
            expected = [iteration.seconds for iteration in history.iterations]
        else:
            expected = [iteration.get(name) for iteration in each]
        points = [(m, x) for m, x in zip((20, 28, 36), expected, strict=True) if x is not None]
        assert sink.curve(f"iteration/{name}") == points
    assert sink.curve("iteration/number") == [(20, 0), (28, 1), (36, 2)]
    failed = [sum(t.status == "failed" for t in history.of(i)) for i in range(3)]
    assert [x for _, x in sink.curve("iteration/failed")] == failed


def test_a_confirmation_goes_on_behind_the_search(watched):
    history, sink = watched
    scores = dict(sink.curve("confirmation/score"))
    assert set(scores) == set(range(37, ALL + 1))
    repeats = [r.score for trial in history.trials for r in trial.repeats]
    assert sorted(scores.values()) == sorted(repeats)
    confirmed = history.confirmed
    assert sink.curve("confirmation/mean") == [(ALL, confirmed.score)]
    assert sink.curve("confirmation/std") == [(ALL, confirmed.std)]
    assert sink.curve("confirmation/test_score") == [(ALL, confirmed.test_score)]


def test_values_are_real_numbers(watched):
    assert all(type(value) is float for _, values in watched[1].logged for value in values.values())


def test_without_any_score_there_is_no_best():
    sink = ListSink()
    small(sink, evaluator=SumEvaluator(failing=tuple(range(10))), iterations=0)
    assert sink.curve("search/failed") == [(m, m) for m in range(1, 21)]
    assert sink.curve("iteration/failed") == [(20, 20)]
    assert not sink.names & {"search/score", "search/best", "iteration/mean", "iteration/best"}


def test_a_set_that_is_not_evaluated_has_no_point():
    sink = ListSink()
    small(sink, evaluate_last=False, confirm=None)
    assert [x for _, x in sink.curve("iteration/number")] == [0, 1]
    assert sink.logged[-1][0] == 28


def test_other_events_have_no_points():
    assert [*Points().of(Proposing(1)), *Points().of(Ended())] == []


def timeless(logged):
    """What was logged, without the seconds, which are never the same twice."""
    return [(m, {k: x for k, x in values.items() if not k.endswith("seconds")}) for m, values in logged]


class TestAfterAnInterruption:
    def test_everything_there_is_is_logged_first(self, tmp_path):
        whole, before, after = ListSink(), ListSink(), ListSink()
        small(whole, confirm=None)
        small(before, tmp_path, confirm=None, iterations=1)
        small(after, tmp_path, confirm=None)
        assert timeless(after.logged) == timeless(whole.logged)
        assert timeless(before.logged) == timeless(whole.logged)[: len(before.logged)]

    def test_also_in_the_middle_of_an_iteration(self, tmp_path):
        class Killed(Noisy):
            def evaluate(self, requests):
                for result in super().evaluate(requests):
                    if len(self.evaluated) == 25:
                        raise KeyboardInterrupt
                    yield result

        whole, before, after = ListSink(), ListSink(), ListSink()
        small(whole)
        with pytest.raises(KeyboardInterrupt):
            small(before, tmp_path, evaluator=Killed())
        assert before.logged[-1][0] == 24
        assert before.closed == 1
        small(after, tmp_path)
        assert timeless(after.logged) == timeless(whole.logged)

    def test_a_sink_that_has_the_beginning_gets_the_rest(self, tmp_path):
        whole, rest = ListSink(), ListSink(first=24)
        small(whole, tmp_path, confirm=None)
        small(rest, tmp_path, confirm=None)
        assert timeless(rest.logged) == [(m, x) for m, x in timeless(whole.logged) if m >= 24]

    def test_a_search_that_is_given_more_goes_on_behind_its_confirmation(self, tmp_path):
        small(ListSink(), tmp_path, iterations=1)
        sink = ListSink()
        history = small(sink, tmp_path)
        assert sink.curve("search/evaluations")[-1][1] == history.summary()["evaluations"]
        steps = [m for m, _ in sink.logged]
        assert steps == sorted(steps)
        assert [x for _, x in sink.curve("iteration/number")] == [0, 1, 2]
