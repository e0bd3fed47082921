"""Algorithm 1, and that no way of being stopped changes what comes of it."""

import collections
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import nao
from nao import database
from nao.core import InputError, Request
from nao.search import child_seed, identity, search
from nao.strategies import NAO, Random
from nao.study import Study, read
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

ROOT = Path(__file__).parents[1]
SPACE = PairSpace()
SETTINGS = {"iterations": 2, "seeds": 5, "initial": 6, "new": 4, "seed": 3}


def optimize(out=None, evaluator=None, encoder=None, **settings):
    """A small search; returns its history, evaluator and encoder."""
    evaluator, encoder = evaluator or SumEvaluator(), encoder or LinearEncoder()
    history = nao.optimize(SPACE, evaluator, encoder, **{**SETTINGS, "out": out, **settings})
    return history, evaluator, encoder


class Trace:
    """An observer that writes down what it is told."""

    def __init__(self):
        self.events = []

    def begin(self, counts, history):
        self.events.append(("begin", tuple(counts), len(history.trials)))

    def proposing(self, iteration):
        self.events.append(("proposing", iteration))

    def evaluating(self, iteration, trials):
        self.events.append(("evaluating", iteration, len(trials)))

    def recorded(self, trial):
        self.events.append(("recorded", trial.iteration))

    def told(self, iteration, history):
        self.events.append(("told", iteration, len(history.trials)))

    def end(self):
        self.events.append(("end",))


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
        trace = Trace()
        optimize(observer=trace)
        assert trace.events == [
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
            assert [tuple(row) for row in tokens.tolist()] == [t.tokens for t in before]
            assert scores.tolist() == [t.score for t in before]

    def test_the_result_does_not_depend_on_the_order_in_which_devices_finish(self):
        histories = [optimize(evaluator=SumEvaluator(devices=n))[0] for n in (1, 2, 5)]
        assert histories[0].trials == histories[1].trials == histories[2].trials

    def test_failures_are_counted_and_do_not_stop_it(self):
        history, _, encoder = optimize(evaluator=SumEvaluator(failing=(2, 3, 4, 5)))
        summary = history.summary()
        failed = [trial for trial in history.trials if trial.status == "failed"]
        assert summary["failed"] == len(failed) > 0
        assert {trial.reason for trial in failed} <= {"diverged", "its score is nan"}
        assert summary["evaluations"] == 14
        assert len(encoder.fits[-1][0]) == 10 - sum(trial.iteration < 2 for trial in failed)

    def test_the_best_is_the_highest_score(self):
        history, _, _ = optimize()
        best = max((t for t in history.trials if t.score is not None), key=lambda t: t.score)
        assert history.best == best
        summary = history.summary()["best"]
        assert SPACE.parse(summary["architecture"]).tokens == best.tokens
        assert summary["score"] == best.score
        assert summary["test_score"] == best.score - 0.25
        assert (summary["parameters"], summary["flops"]) == (10 * sum(best.tokens), 1000 * sum(best.tokens))

    def test_it_beats_random_search_in_the_median(self):
        def best_of(strategy, seed):
            with Study(None, {}) as study:
                counts = [30, 20, 20]
                return search(strategy, SumEvaluator(failing=()), study, counts=counts, seed=seed).best.score

        differences = [
            best_of(NAO(SPACE, LinearEncoder(), seeds=20, seed=s), s) - best_of(Random(SPACE, seed=s), s)
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
        strategy = NAO(SPACE, LinearEncoder(), initial=6, proposals=4, seeds=5, seed=3)
        trials = iter(history.trials)
        for n in (6, 4, 4):
            told = []
            for proposal in strategy.ask(n):
                trial = next(trials)
                assert trial.tokens == proposal.architecture.tokens
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
            assert row["random"] == sum(t.origin == "random" for t in history.of(number))
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


class Stopped(BaseException):
    """Stands for a kill: nothing in the program expects it."""


class TestStopping:
    COMMITS = 2 + 3 + 14  # configuration and goal, iterations, results

    @pytest.mark.parametrize("when", ["before", "during", "after"])
    @pytest.mark.parametrize("k", range(1, COMMITS + 1))
    def test_stopped_at_any_commit_it_ends_the_same(self, k, when, tmp_path, monkeypatch):
        expected, _, _ = optimize()
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

    def test_the_last_set_can_be_evaluated_later(self, tmp_path):
        expected, _, _ = optimize()
        optimize(tmp_path, evaluate_last=False)
        extended, evaluator, encoder = optimize(tmp_path)
        assert extended.trials == expected.trials
        assert len(evaluator.evaluated) == 4
        assert encoder.fits == []

    def test_an_interrupt_keeps_what_is_done(self, tmp_path):
        class Interrupting(Trace):
            def recorded(self, trial):
                super().recorded(trial)
                if self.events.count(("recorded", 1)) == 2:
                    raise KeyboardInterrupt

        observer = Interrupting()
        with pytest.raises(KeyboardInterrupt):
            optimize(tmp_path, observer=observer)
        assert observer.events[-1] == ("end",)
        assert read(tmp_path).summary()["evaluations"] == 8
        assert not read(tmp_path).complete
        assert optimize(tmp_path)[0].trials == optimize()[0].trials

    def test_killed_again_and_again(self, tmp_path):
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
        expected, _, _ = optimize()
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
        with pytest.raises(InputError, match=f"{next(iter(change))} is .* there and .* here"):
            optimize(tmp_path, **change)

    def test_identity_does_not_change_with_what_only_says_how_far(self):
        parts = SPACE, SumEvaluator(devices=1), LinearEncoder()
        assert identity(*parts) == identity(SPACE, SumEvaluator(devices=8), LinearEncoder())
        assert "iterations" not in identity(*parts)


def test_seeds_of_children_differ_and_fit_in_31_bits():
    seeds = [child_seed(seed, trial) for seed in (0, 1) for trial in range(500)]
    assert max(collections.Counter(seeds).values()) == 1
    assert 0 <= min(seeds) <= max(seeds) < 2**31
