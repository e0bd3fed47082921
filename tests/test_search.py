"""Algorithm 1, and that no way of being stopped changes what comes of it."""

import collections
import contextlib
import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nao
from nao import events
from nao.core import InputError, Request, Result
from nao.deadline import TimeIsUp, time_limit, to_the_end
from nao.loop import child_seed
from nao.search import identity, search
from nao.spaces import space
from nao.strategies import NAO, Random
from nao.study import database, read
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

ROOT = Path(__file__).parents[1]
SPACE = PairSpace()
SETTINGS = {"iterations": 2, "seeds": 5, "initial": 6, "new": 4, "seed": 3}


def optimize(out=None, evaluator=None, encoder=None, **settings):
    """A small search; returns its history, evaluator and encoder."""
    evaluator, encoder = evaluator or SumEvaluator(), encoder or LinearEncoder()
    history = nao.optimize(SPACE, evaluator, encoder, **{**SETTINGS, "out": out, **settings})
    return history, evaluator, encoder


@pytest.fixture(scope="module")
def expected():
    """The history of a search that is never stopped."""
    return optimize()[0]


def short(event):
    """An event in few words."""
    match event:
        case events.SearchBegan(counts, history):
            return "begin", tuple(counts), len(history.trials)
        case events.Proposing(iteration):
            return "proposing", iteration
        case events.Preparing(stage):
            return "preparing", stage
        case events.Evaluating(iteration, trials):
            return "evaluating", iteration, len(trials)
        case events.Recorded(trial):
            return "recorded", trial.iteration
        case events.Told(iteration, history):
            return "told", iteration, len(history.trials)
        case events.Ended():
            return ("end",)


class TestAlgorithm1:
    @pytest.mark.parametrize(
        ("iterations", "evaluate_last", "count"), [(3, True, 18), (3, False, 14), (0, True, 6), (0, False, 6)]
    )
    def test_m_counts_every_evaluation(self, iterations, evaluate_last, count):
        history, evaluator, encoder = optimize(iterations=iterations, evaluate_last=evaluate_last)
        assert len(evaluator.evaluated) == len(set(evaluator.evaluated)) == count
        assert history.summary()["evaluations"] == count
        assert len(encoder.fits) == iterations
        assert history.complete

    def test_evaluate_fit_decode_evaluate(self):
        told = []
        optimize(observer=lambda event: told.append(short(event)))
        assert told == [
            ("begin", (6, 4, 4), 0),
            *(("proposing", 0), ("evaluating", 0, 6), *[("recorded", 0)] * 6, ("told", 0, 6)),
            *(("proposing", 1), ("evaluating", 1, 4), *[("recorded", 1)] * 4, ("told", 1, 10)),
            *(("proposing", 2), ("evaluating", 2, 4), *[("recorded", 2)] * 4, ("told", 2, 14)),
            ("end",),
        ]

    def test_each_fit_has_all_scores_so_far_in_the_order_of_the_proposals(self):
        history, _, encoder = optimize()
        for iteration, (tokens, scores, _) in enumerate(encoder.fits, start=1):
            before = [t for t in history.trials if t.iteration < iteration and t.status == "ok"]
            assert [tuple(row) for row in tokens.tolist()] == [t.architecture.tokens for t in before]
            assert scores.tolist() == [t.score for t in before]

    def test_the_result_does_not_depend_on_the_order_in_which_devices_finish(self):
        histories = [optimize(evaluator=SumEvaluator(devices=n))[0] for n in (1, 2, 5)]
        assert histories[0].trials == histories[1].trials == histories[2].trials

    def test_failures_are_counted_and_do_not_stop_it(self):
        history, _, encoder = optimize(evaluator=SumEvaluator(failing=(2, 3, 4, 5)))
        summary = history.summary()
        failed = [trial for trial in history.trials if trial.status == "failed"]
        assert summary["failed"] == len(failed) > 0
        assert {trial.result.reason for trial in failed} <= {"diverged", "its score is nan"}
        assert summary["evaluations"] == 14
        assert len(encoder.fits[-1][0]) == 10 - sum(trial.iteration < 2 for trial in failed)

    def test_the_best_is_the_highest_score(self):
        history, _, _ = optimize()
        best = max((t for t in history.trials if t.score is not None), key=lambda t: t.score)
        assert history.best == best
        summary = history.summary()["best"]
        assert SPACE.parse(summary["architecture"]) == best.architecture
        assert summary["score"] == best.score
        assert summary["test_score"] == best.score - 0.25
        total = sum(best.architecture.tokens)
        assert (summary["parameters"], summary["flops"]) == (10 * total, 1000 * total)

    def test_it_beats_random_search_in_the_median(self):
        def best_of(strategy):
            return search(strategy, SumEvaluator(failing=()), [30, 20, 20]).best.score

        settings = NAO.Settings(seeds=20)
        differences = [
            best_of(NAO(SPACE, LinearEncoder(), settings, seed=s)) - best_of(Random(SPACE, seed=s))
            for s in range(5)
        ]
        assert np.median(differences) > 1

    def test_an_exhausted_space_ends_it(self):
        space = PairSpace(letters=2, length=4)  # 9 architectures
        history = nao.optimize(space, SumEvaluator(space), LinearEncoder(), initial=6, new=2, iterations=50)
        assert history.summary()["evaluations"] == 9
        assert history.complete
        assert len(history.iterations) < 5

    def test_ask_and_tell_by_hand_are_the_same_search(self):
        history, evaluator, _ = optimize()
        strategy = NAO(SPACE, LinearEncoder(), NAO.Settings(initial=6, proposals=4, seeds=5), seed=3)
        trials = iter(history.trials)
        for n in (6, 4, 4):
            told = []
            for proposal in strategy.ask(n):
                trial = next(trials)
                assert trial.proposal == proposal
                told.append(evaluator.result(Request(proposal.architecture, trial.seed)))
            strategy.tell(told)


class TestSummary:
    def test_an_iteration_describes_its_decoded_set(self):
        history, _, encoder = optimize(seeds=5)
        for number, row in enumerate(history.summary()["iterations"], start=1):
            scores = [t.score for t in history.of(number) if t.score is not None]
            assert row["new"] == 4
            assert row["mean"] == pytest.approx(np.mean(scores))
            assert row["std"] == pytest.approx(np.std(scores, ddof=1))
            assert row["best"] == max(scores)
            assert row["seeds_mean"] == pytest.approx(np.mean(sorted(encoder.fits[number - 1][1])[-3:]))
            moved = [t.proposal.predicted for t in history.of(number) if t.proposal.origin == "ascent"]
            assert row["predicted"] == pytest.approx(np.mean(moved))
            tokens, known, _ = encoder.fits[number - 1]
            believed = encoder.fit(SPACE, tokens, known, seed=0).predict(tokens)
            top = np.argsort(-np.array(known), kind="stable")[:3]
            assert row["seeds_believed"] == pytest.approx(believed[top].mean())
            assert row["random"] == sum(t.proposal.origin == "random" for t in history.of(number))
            quality = (row["pairwise_accuracy"], row["kendall_tau"], row["hamming"], row["held_out"])
            assert quality == (0.75, 0.5, 1.25, 5)
        assert history.summary()["seconds"] == sum(i.seconds for i in history.iterations) > 0

    def test_what_is_not_evaluated_is_null(self):
        summary = optimize(iterations=1, evaluate_last=False)[0].summary()
        row = summary["iterations"][0]
        assert (row["new"], row["mean"], row["best"]) == (0, None, None)
        assert row["seeds_mean"] is not None
        assert (summary["pending"], summary["complete"]) == (4, True)

    def test_when_everything_failed(self):
        summary = optimize(evaluator=SumEvaluator(failing=tuple(range(10))))[0].summary()
        assert summary["evaluations"] == summary["failed"] == 14
        assert set(summary["best"].values()) == {None}
        # The seed decides which of the two ways to fail it is.
        assert [each["reason"] for each in summary["reasons"]] in (REASONS, REASONS[::-1])
        assert sum(each["count"] for each in summary["reasons"]) == 14

    def test_reasons_that_differ_in_numbers_alone_are_one(self):
        class Diverging(SumEvaluator):
            def result(self, request):
                n = len(self.evaluated)
                reason = f"the loss was not finite after {n} steps" if n % 4 else "out of memory"
                return Result(request, status="failed", reason=reason)

        assert optimize(evaluator=Diverging(), iterations=0, initial=8)[0].summary()["reasons"] == [
            {"reason": "the loss was not finite after 3 steps", "count": 6},
            {"reason": "out of memory", "count": 2},
        ]


REASONS = ["diverged", "its score is nan"]


class Stopped(BaseException):
    """Stands for a kill: nothing in the program expects it."""


class TestStopping:
    COMMITS = 2 + 3 + 14  # configuration and goal, iterations, results

    @pytest.mark.parametrize("when", ["before", "during", "after"])
    @pytest.mark.parametrize("k", range(1, COMMITS + 1))
    def test_stopped_at_any_commit_it_ends_the_same(self, k, when, expected, tmp_path, monkeypatch):
        commit, calls = database.commit, 0

        def stopping(connection, statements):
            nonlocal calls
            calls += 1
            if calls == k and when == "during":
                # The transaction is rolled back, as after a kill.
                statements = [*statements, ("SELECT raise_stopped()", [])]
                connection.create_function("raise_stopped", 0, lambda: 1 / 0)
            if calls == k and when == "before":
                raise Stopped
            try:
                commit(connection, statements)
            except Exception as error:
                raise Stopped from error
            if calls == k and when == "after":
                raise Stopped

        evaluator, encoder = SumEvaluator(), LinearEncoder()
        with monkeypatch.context() as patched:
            patched.setattr(database, "commit", stopping)
            with pytest.raises(Stopped):
                optimize(tmp_path, evaluator, encoder)
        resumed, _, _ = optimize(tmp_path, evaluator, encoder)

        assert resumed.trials == expected.trials
        assert resumed.best == expected.best
        assert [i.state for i in resumed.iterations] == [i.state for i in expected.iterations]
        # At most what was under way is done again: one fit, or one evaluation.
        lost = when != "after"
        assert len(encoder.fits) <= 2 + lost
        assert len(evaluator.evaluated) <= 14 + lost
        assert len(encoder.fits) + len(evaluator.evaluated) <= 16 + lost

    def test_a_finished_search_evaluates_nothing(self, tmp_path):
        first, _, _ = optimize(tmp_path)
        again, evaluator, encoder = optimize(tmp_path)
        assert again == first
        assert evaluator.evaluated == []
        assert encoder.fits == []

    def test_more_iterations_go_on_with_the_same_search(self, tmp_path):
        expected, _, _ = optimize(iterations=4)
        optimize(tmp_path, iterations=2)
        extended, evaluator, encoder = optimize(tmp_path, iterations=4)
        assert extended.trials == expected.trials
        assert len(evaluator.evaluated) == 8
        assert len(encoder.fits) == 2

    def test_the_last_set_can_be_evaluated_later(self, expected, tmp_path):
        optimize(tmp_path, evaluate_last=False)
        extended, evaluator, encoder = optimize(tmp_path)
        assert extended.trials == expected.trials
        assert len(evaluator.evaluated) == 4
        assert encoder.fits == []

    def test_an_interrupt_keeps_what_is_done(self, expected, tmp_path):
        told = []

        def interrupting(event):
            told.append(short(event))
            if told.count(("recorded", 1)) == 2 and told[-1] == ("recorded", 1):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            optimize(tmp_path, observer=interrupting)
        assert told[-1] == ("end",)
        assert read(tmp_path).summary()["evaluations"] == 8
        assert not read(tmp_path).complete
        assert optimize(tmp_path)[0].trials == expected.trials

    def test_killed_again_and_again(self, expected, tmp_path):
        script = f"""
            import sys
            sys.path.append({str(ROOT)!r})
            import nao
            from tests.fakes import LinearEncoder, PairSpace, SumEvaluator
            evaluator = SumEvaluator(pause=0.03)
            nao.optimize(PairSpace(), evaluator, LinearEncoder(), out={str(tmp_path)!r}, **{SETTINGS!r})
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        kills = 0
        for evaluations in (1, 5, 7, 11):
            with subprocess.Popen(command) as process:
                while process.poll() is None and done(tmp_path) < evaluations:
                    time.sleep(0.002)
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
        assert kills >= 3
        resumed, evaluator, _ = optimize(tmp_path)
        assert resumed.trials == expected.trials
        assert resumed.best == expected.best
        assert len(evaluator.evaluated) < 14


def done(folder):
    """How many results a running search has stored."""
    try:
        return read(folder).summary()["evaluations"]
    except InputError:
        return 0


class TestInput:
    @pytest.mark.parametrize(
        "wrong", [{"iterations": -1}, {"seeds": 0}, {"initial": 0}, {"new": 0}, {"new": -5}, {"seed": -1}]
    )
    def test_counts_that_make_no_sense(self, wrong, tmp_path):
        with pytest.raises(InputError, match=next(iter(wrong))):
            optimize(tmp_path / "run", **wrong)
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        "change", [{"seeds": 6}, {"initial": 7}, {"new": 5}, {"seed": 4}, {"choose": "first"}]
    )
    def test_a_folder_of_another_search(self, change, tmp_path):
        optimize(tmp_path)
        name = next(iter(change)).replace("new", "proposals")
        with pytest.raises(InputError, match=f"strategy.{name} is .* there and .* here"):
            optimize(tmp_path, **change)

    def test_identity_does_not_change_with_what_only_says_how_far(self):
        one, other = (
            identity(NAO(SPACE, LinearEncoder()), SumEvaluator(devices=devices)) for devices in (1, 8)
        )
        assert one == other
        assert "iterations" not in json.dumps(one)

    def test_spaces_and_encoders_may_be_named_and_numbers_may_be_of_numpy(self, tmp_path):
        cells = space("cnn-cell-small", blocks=1)
        settings = {
            "initial": np.int64(3),
            "new": np.int32(2),
            "iterations": np.int64(0),
            "seed": np.int64(3),
        }
        by_name = nao.optimize("nasbench201", SumEvaluator(space("nasbench201")), "default", **settings)
        assert by_name.summary()["evaluations"] == 3
        found = nao.optimize(cells, SumEvaluator(cells), "published", out=tmp_path, **settings)
        assert read(tmp_path).configuration == found.configuration
        with pytest.raises(InputError, match="no space 'cells'"):
            nao.optimize("cells", SumEvaluator())
        with pytest.raises(InputError, match="no encoder is called 'best'"):
            nao.optimize(SPACE, SumEvaluator(), "best")

    def test_a_wrong_type_is_refused_before_anything_is_evaluated(self):
        for wrong in ({"seeds": 2.5}, {"new": "4"}, {"iterations": 1.5}, {"seed": "x"}, {"initial": None}):
            evaluator = SumEvaluator()
            with pytest.raises(InputError, match=next(iter(wrong))):
                optimize(evaluator=evaluator, **wrong)
            assert evaluator.evaluated == []

    def test_the_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        optimize("~/runs/mine")
        assert read("~/runs/mine").complete
        assert (tmp_path / "runs" / "mine" / "study.sqlite").exists()
        with pytest.raises(InputError, match="the name of the folder is empty"):
            optimize("")
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="file is a file; name a folder"):
            optimize(tmp_path / "file")
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        with pytest.raises(InputError, match="link is a link that leads nowhere; name a folder"):
            optimize(tmp_path / "link")
        with pytest.raises(InputError, match="a folder is named by text or a path"):
            optimize("a\0b")

    def test_a_configuration_that_json_cannot_have_is_named(self, tmp_path):
        class Odd(SumEvaluator):
            def configuration(self):
                return {"data": Path("a/b"), "rate": np.float32(0.5), "tags": {"y", "x"}, "model": self.model}

        odd = Odd()
        odd.model = "plain"
        optimize(tmp_path, odd)
        assert optimize(tmp_path, odd)[0].configuration["evaluator"] == {
            "data": "a/b",
            "rate": 0.5,
            "tags": ["x", "y"],
            "model": "plain",
        }
        odd.model = object()
        with pytest.raises(InputError, match=r"the search\.evaluator\.model is of type object"):
            optimize(None, odd)


def test_seeds_of_children_differ_and_fit_in_31_bits():
    seeds = [child_seed(seed, trial) for seed in (0, 1) for trial in range(500)]
    assert max(collections.Counter(seeds).values()) == 1
    assert 0 <= min(seeds) <= max(seeds) < 2**31


class TestABudgetInTime:
    def test_it_ends_with_what_it_has_and_goes_on_to_the_same(self, tmp_path):
        told = []
        history, evaluator, _ = optimize(
            tmp_path, SumEvaluator(pause=0.05), minutes=0.3 / 60, observer=told.append
        )
        assert 0 < history.evaluated < 14
        assert not history.complete
        assert [type(event) for event in told[-2:]] == [events.TimeUp, events.Ended]
        assert len(evaluator.evaluated) - history.evaluated in (0, 1)  # one may have been under way
        rest, evaluator, _ = optimize(tmp_path)
        assert len(evaluator.evaluated) == 14 - history.evaluated
        assert rest.trials == optimize()[0].trials

    def test_one_that_is_not_used_up_changes_nothing(self):
        told = []
        history, _, _ = optimize(minutes=10, observer=told.append)
        assert history.trials == optimize()[0].trials
        assert events.TimeUp not in map(type, told)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

    def test_what_is_being_recorded_is_recorded_to_the_end(self):
        """Also while there are other threads, which could be given the signal."""
        stop = threading.Event()
        threading.Thread(target=stop.wait).start()
        done = []

        def record():
            with to_the_end():
                time.sleep(0.2)
                done.append("recorded")
            done.append("and more")

        try:
            with pytest.raises(TimeIsUp), time_limit(0.05 / 60):
                record()
        finally:
            stop.set()
        assert done == ["recorded"]

    def test_a_time_that_is_up_at_once_leaves_no_alarm_behind(self):
        for _ in range(300):
            with contextlib.suppress(TimeIsUp), time_limit(1e-9):
                pass
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

    def test_an_evaluator_that_hears_nothing_of_errors_is_ended_too(self):
        class Deaf(SumEvaluator):
            def evaluate(self, requests):
                for request in requests:
                    with contextlib.suppress(Exception):
                        time.sleep(30)
                    yield self.result(request)

        began = time.monotonic()
        assert optimize(evaluator=Deaf(), minutes=0.1 / 60)[0].evaluated == 0
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("minutes", [0, -1, float("nan"), "ten", 1e9])
    def test_what_is_no_time(self, minutes, tmp_path):
        with pytest.raises(InputError, match="minutes must be above 0 and at most 1,000,000, not "):
            optimize(tmp_path / "run", minutes=minutes)
        assert not (tmp_path / "run").exists()
