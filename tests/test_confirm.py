"""The answer is confirmed: it is no lucky one, and no way of being stopped changes what comes of it."""

import dataclasses
import io
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from rich.console import Console

import nao
from nao.confirm import Confirm, confirmation_of
from nao.core import InputError, Result
from nao.evaluators.pool import DevicePool
from nao.evaluators.tables import Table
from nao.report import observer, show_run
from nao.search import search
from nao.strategies import NAO, Random
from nao.study import database, read
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

SPACE = PairSpace()
COUNTS = [6, 4, 4]
LABELS = sum(COUNTS)


class Noisy(SumEvaluator):
    """Scores with the noise of a training, `noise` times the standard deviation of the letters' sum."""

    noisy = True

    def __init__(self, noise=1.0, fails=lambda request: False):
        super().__init__(failing=())
        self.noise, self.fails = noise * np.sqrt(8 * 1.25), fails
        self.requests = []

    def result(self, request):
        self.requests.append(request)
        if self.fails(request):
            return Result(request, status="failed", reason="diverged")
        score = truth(request.architecture) + np.random.default_rng(request.seed).normal(scale=self.noise)
        return Result(request, score, test_score=score - 100, metrics={"loss": -score, "joules_rapl": 9.0})


def truth(architecture):
    return float(sum(architecture.tokens))


def run(out=None, evaluator=None, counts=COUNTS, seed=1, **how):
    """A random search with 5x3, unless it is told otherwise; and its evaluator."""
    evaluator = evaluator or Noisy()
    return search(Random(SPACE, seed=seed), evaluator, counts, out=out, **how), evaluator


def again(evaluator):
    """The seeds of the trainings that confirmed, by architecture."""
    seeds = {}
    for request in evaluator.requests[LABELS:]:
        seeds.setdefault(request.architecture, []).append(request.seed)
    return seeds


class TestAnswer:
    def test_what_is_reported_is_unbiased_unlike_the_highest_score(self):
        errors, lucky, gains = [], [], []
        for seed in range(24):
            found, _ = run(counts=[40], seed=seed, confirm="4x2")
            highest = max(found.trials, key=lambda trial: trial.score)
            lucky.append(highest.score - truth(highest.architecture))
            errors.append(found.confirmed.score - truth(found.best.architecture))
            gains.append(truth(found.best.architecture) - truth(highest.architecture))
        standard_error = np.std(errors, ddof=1) / np.sqrt(len(errors))
        assert abs(np.mean(errors)) < 2 * standard_error < 1.5
        assert np.mean(lucky) > 3.0
        assert np.mean(gains) > 0  # and it is the better one

    def test_five_are_trained_three_times_and_the_best_three_times_more_all_with_new_seeds(self):
        found, evaluator = run()
        seeds = again(evaluator)
        assert sorted(map(len, seeds.values())) == [3, 3, 3, 3, 6]
        everything = [request.seed for request in evaluator.requests]
        assert len(set(everything)) == len(everything) == LABELS + 18
        highest = sorted((t for t in found.trials), key=lambda trial: -trial.score)[:5]
        assert set(seeds) == {trial.architecture for trial in highest}
        assert len(seeds[found.best.architecture]) == 6

    def test_the_mean_that_chose_it_is_not_the_one_that_is_reported(self):
        found, evaluator = run()
        requests = [x for x in evaluator.requests[LABELS:] if x.architecture == found.best.architecture]
        scores = [evaluator.result(request).score for request in sorted(requests[:3], key=hash)]
        chosen = [
            row
            for row in found.summary()["confirmed"]
            if row["score"] == max(row["score"] for row in found.summary()["confirmed"])
        ]
        assert chosen[0]["score"] == pytest.approx(np.mean(scores))
        assert chosen[0]["architecture"] == str(found.best.architecture)
        new = [evaluator.result(request).score for request in requests[3:6]]
        best = found.summary()["best"]
        assert best["score"] == found.confirmed.score == pytest.approx(np.mean(new))
        assert best["std"] == pytest.approx(np.std(new, ddof=1))
        assert best["test_score"] == pytest.approx(np.mean(new) - 100)
        assert best["metrics"] == {"loss": pytest.approx(-np.mean(new))}
        assert (best["trainings"], best["first_score"]) == (3, found.best.score)

    def test_of_a_single_one_there_is_nothing_to_choose(self):
        found, evaluator = run(confirm="1x4")
        (seeds,) = again(evaluator).values()
        assert len(seeds) == 4
        assert found.best.score == max(trial.score for trial in found.trials)
        assert found.confirmed.trainings == 4

    def test_m_counts_every_training(self):
        summary = run(confirm="4x2")[0].summary()
        assert (summary["evaluations"], summary["repeats"]) == (LABELS + 4 * 2 + 2, 4 * 2 + 2)
        assert (summary["pending"], summary["complete"]) == (0, True)
        assert len(summary["confirmed"]) == 4

    def test_the_strategy_is_told_nothing_of_it_and_trials_keep_their_scores(self):
        plain, confirmed = run(confirm="none")[0], run()[0]
        assert [(t.proposal, t.results) for t in plain.trials] == [
            (t.proposal, t.results) for t in confirmed.trials
        ]
        assert [i.state for i in plain.iterations] == [i.state for i in confirmed.iterations]
        assert plain.summary()["iterations"][0]["mean"] == confirmed.summary()["iterations"][0]["mean"]


class TestFailures:
    def test_a_mean_is_over_those_that_succeeded(self):
        first = {trial.seed for trial in run(confirm="none")[0].trials}
        evaluator = Noisy(fails=lambda request: request.seed not in first and request.seed % 3 == 0)
        found, _ = run(evaluator=evaluator)
        summary = found.summary()
        failed = [x for x in evaluator.requests if evaluator.fails(x)]
        assert summary["failed"] == summary["reasons"][0]["count"] == len(failed) > 0
        assert summary["evaluations"] == LABELS + 18
        assert sum(row["trainings"] or 0 for row in summary["confirmed"]) + found.confirmed.trainings == (
            18 - len(failed)
        )

    def test_one_whose_trainings_all_failed_is_no_answer(self):
        found, _ = run()
        best, first = found.best, {trial.seed for trial in found.trials}
        evaluator = Noisy(fails=lambda x: x.architecture == best.architecture and x.seed not in first)
        other, _ = run(evaluator=evaluator)
        assert other.best.id != best.id
        failed = [row for row in other.summary()["confirmed"] if row["score"] is None]
        assert [row["architecture"] for row in failed] == [str(best.architecture)]
        assert failed[0]["trainings"] is None

    def test_one_that_can_be_chosen_and_not_scored_makes_way_for_the_next(self):
        found, evaluator = run()
        best = found.best
        last = {x.seed for x in evaluator.requests[-3:]}
        other, second = run(evaluator=Noisy(fails=lambda x: x.seed in last))
        assert [row["trainings"] for row in other.summary()["confirmed"]] == [3] * 5
        ranked = sorted(other.summary()["confirmed"], key=lambda row: -row["score"])
        assert str(other.best.architecture) == ranked[1]["architecture"] != str(best.architecture)
        assert len(second.requests) == LABELS + 15 + 3 + 3
        assert other.complete

    def test_without_any_there_is_no_answer(self):
        first = {trial.seed for trial in run(confirm="none")[0].trials}
        found, _ = run(evaluator=Noisy(fails=lambda request: request.seed not in first))
        assert found.best is found.confirmed is None
        assert found.complete
        assert set(found.summary()["best"].values()) == {None}
        nothing, evaluator = run(evaluator=Noisy(fails=lambda request: True))
        assert nothing.best is None
        assert nothing.complete
        assert len(evaluator.requests) == LABELS


class Stopped(BaseException):
    """Stands for a kill: nothing in the program expects it."""


class TestStopping:
    FIRST = 2 + 3 + LABELS + 1  # configuration and goal, iterations and results; then the choice
    LAST = FIRST + 3 * 2 + 2

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("k", [FIRST, FIRST + 1, FIRST + 5, FIRST + 6, LAST - 1, LAST])
    def test_stopped_at_any_commit_it_ends_the_same(self, k, after, tmp_path, monkeypatch):
        expected, _ = run(confirm="3x2")
        commit, calls = database.commit, 0

        def stopping(connection, statements):
            nonlocal calls
            calls += 1
            if calls == k and not after:
                raise Stopped
            commit(connection, statements)
            if calls == k:
                raise Stopped

        evaluator = Noisy()
        with monkeypatch.context() as patched:
            patched.setattr(database, "commit", stopping)
            with pytest.raises(Stopped):
                run(tmp_path, evaluator, confirm="3x2")
        stopped = read(tmp_path)
        assert stopped.complete == (after and k == self.LAST)
        if not stopped.complete:
            assert stopped.confirmed is None
        resumed, _ = run(tmp_path, evaluator, confirm="3x2")
        assert resumed.trials == expected.trials
        assert (resumed.best, resumed.confirmed) == (expected.best, expected.confirmed)
        assert read(tmp_path, SPACE) == resumed
        lost = not after and k > self.FIRST  # the training that was under way
        assert len(evaluator.requests) == LABELS + 3 * 2 + 2 + lost

    def test_a_finished_one_trains_nothing_and_fits_nothing(self, tmp_path):
        def optimize(evaluator, encoder):
            settings = {"iterations": 1, "seeds": 5, "initial": 8, "new": 4, "out": tmp_path}
            return nao.optimize(SPACE, evaluator, encoder, **settings)

        first = optimize(Noisy(), LinearEncoder())
        evaluator, encoder = Noisy(), LinearEncoder()
        assert optimize(evaluator, encoder) == first
        assert evaluator.requests == encoder.fits == []

    def test_more_iterations_confirm_again_and_train_only_what_is_missing(self, tmp_path):
        evaluator = Noisy()
        first, _ = run(tmp_path, evaluator)
        longer, _ = run(tmp_path, evaluator, counts=[*COUNTS, 4, 4])
        expected, _ = run(counts=[*COUNTS, 4, 4])
        assert (longer.best.id, longer.confirmed) == (expected.best.id, expected.confirmed)
        assert [t.results for t in longer.trials] == [t.results for t in expected.trials]
        assert len(set(evaluator.requests)) == len(evaluator.requests)
        shared = set(first.confirmations[0].candidates) & set(longer.confirmations[1].candidates)
        assert shared
        assert longer.summary()["evaluations"] == len(evaluator.requests) < LABELS + 8 + 2 * 18

    def test_it_is_an_aim_and_no_identity(self, tmp_path):
        evaluator = Noisy()
        plain, _ = run(tmp_path, evaluator, confirm="none")
        assert plain.complete
        run(tmp_path, evaluator, confirm="5x3")
        more, _ = run(tmp_path, evaluator, confirm="5x4")
        assert len(evaluator.requests) == len(set(evaluator.requests))
        assert [c.repeats for c in more.confirmations] == [3, 4]
        assert more.confirmed == run(confirm="5x4")[0].confirmed
        assert run(tmp_path, evaluator, confirm="none")[0].best == more.best

    def test_a_study_from_before_goes_on(self, tmp_path):
        run(tmp_path, confirm="none")
        with closing(sqlite3.connect(tmp_path / "study.sqlite")) as connection:
            connection.executescript("DROP TABLE repeats; DROP TABLE confirmations; PRAGMA user_version = 2")
        before = read(tmp_path, SPACE)
        assert (before.confirmations, before.best.id) == ([], run(confirm="none")[0].best.id)
        found, evaluator = run(tmp_path)
        assert len(evaluator.requests) == 18
        assert read(tmp_path, SPACE).confirmed == found.confirmed == run()[0].confirmed


class TestRecommending:
    def test_nao_recommends_by_f_and_keeps_what_it_fitted(self, tmp_path):
        settings = {"iterations": 1, "seeds": 5, "initial": 20, "new": 4}
        encoder = LinearEncoder()
        found = nao.optimize(SPACE, Noisy(), encoder, out=tmp_path, **settings)
        tokens, scores, _ = encoder.fits[-1]
        assert len(scores) == 24
        f = encoder.fit(SPACE, tokens, scores, seed=0).predict(tokens)
        chosen = [found.trials[i].architecture.tokens for i in found.confirmations[0].candidates]
        assert chosen == [tuple(tokens[i].tolist()) for i in np.argsort(-f)[:5]]
        assert nao.load(tmp_path).fitted == [1, 2]

    def test_a_strategy_of_ones_own_need_not_recommend(self):
        class Silent(Random):
            recommend = property(lambda self: (_ for _ in ()).throw(AttributeError))

        found = search(Silent(SPACE, seed=1), Noisy(), COUNTS)
        assert found.confirmed == run()[0].confirmed

    def test_what_has_no_score_is_refused(self):
        class Wrong(Random):
            def recommend(self, k):
                return SPACE.sample(np.random.default_rng(5), k)

        with pytest.raises(InputError, match=r"the strategy recommends .* which has no score"):
            search(Wrong(SPACE, seed=1), Noisy(), COUNTS)

    def test_nothing_that_is_proposed_later_depends_on_it(self):
        def proposed(recommending):
            strategy = NAO(SPACE, LinearEncoder(), initial=8, proposals=4, seeds=5)
            for _ in range(3):
                strategy.tell([SumEvaluator().result(nao.Request(p.architecture)) for p in strategy.ask(4)])
                assert not recommending or len(strategy.recommend(3)) == 3
            return strategy.ask(4), strategy.state()

        assert proposed(True) == proposed(False)


class TestHow:
    @pytest.mark.parametrize("wrong", ["5", "5x", "x3", "5x3x1", "0x3", "5x0", "2000x1", "-1x3", "yes"])
    def test_what_is_malformed_is_one_line_before_anything_is_evaluated(self, wrong, tmp_path):
        evaluator = Noisy()
        with pytest.raises(InputError, match=f"confirm .*5x3 .*none, or auto.* not {wrong!r}"):
            run(tmp_path / "run", evaluator, confirm=wrong)
        assert evaluator.requests == []
        assert not (tmp_path / "run").exists()

    def test_auto_is_for_what_is_noisy(self):
        assert (DevicePool.noisy, Table.noisy) == (True, False)
        assert confirmation_of("auto", Noisy()) == Confirm(5, 3)
        assert confirmation_of("auto", SumEvaluator()) is None
        for none in ("none", "0", None, 0):
            assert confirmation_of(none, Noisy()) is None
        assert confirmation_of("2x7", SumEvaluator()) == confirmation_of(Confirm(2, 7), Noisy())

    def test_a_table_has_nothing_to_confirm(self):
        found, evaluator = run(evaluator=SumEvaluator(failing=()))
        assert len(evaluator.evaluated) == LABELS
        assert found.confirmed is None
        assert found.best.score == max(trial.score for trial in found.trials)
        best = found.summary()["best"]
        assert (best["score"], best["trainings"], best["std"]) == (found.best.score, 1, None)


class TestShown:
    def test_what_is_printed_while_it_runs_and_after(self, tmp_path):
        console = Console(file=io.StringIO(), width=80)
        found, _ = run(tmp_path, observer=observer(console))
        lines = console.file.getvalue().splitlines()
        assert lines[0] == (
            "searching: 14 architectures to evaluate, 6 of them initial,"
            " and 18 trainings to confirm the answer"
        )
        assert "confirmation: training the best few, to choose among them: 15 trainings" in lines
        assert "confirmation: training the best of them once more: 3 trainings" in lines
        assert lines[-1].startswith(f"confirmation: best {found.confirmed.score:.4f} in 3 new trainings, ")
        console = Console(file=io.StringIO(), width=80)
        show_run(found, "run", console)
        text = console.file.getvalue()
        assert "M = 32 = 14 architectures evaluated + 18 trainings to confirm the answer" in text
        assert (
            f"best: {found.confirmed.score:.4f} in validation, test {found.confirmed.test_score:.4f}" in text
        )
        assert f"its first score was {found.best.score:.4f}" in text
        assert f"{found.confirmed.std:.4f}" in text
        console = Console(file=io.StringIO(), width=80)
        run(tmp_path, observer=observer(console))
        assert console.file.getvalue() == "this search is complete; nothing is left to evaluate\n"

    def test_the_time_left_counts_it(self):
        console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
        run(observer=observer(console))
        assert "32/32" in console.file.getvalue()

    def test_one_that_is_not_over_says_so(self, tmp_path):
        class Interrupted(Noisy):
            def evaluate(self, requests):
                yield from list(super().evaluate(requests))[: 2 if len(requests) == 15 else None]
                if len(requests) == 15:
                    raise Stopped

        with pytest.raises(Stopped):
            run(tmp_path, Interrupted())
        found = read(tmp_path, SPACE)
        assert (found.complete, found.confirmed) == (False, None)
        assert found.summary()["pending"] == 13
        console = Console(file=io.StringIO(), width=80)
        show_run(found, "run", console)
        assert "not finished: the answer is to be confirmed, 13 trainings to make" in console.file.getvalue()


def test_a_trial_repeats_its_measurement_with_other_seeds():
    trial = run(confirm="none")[0].trials[0]
    requests = [trial.request(repeat=i) for i in range(20)]
    assert requests[0] == trial.request()
    assert len({request.seed for request in requests}) == 20
    assert dataclasses.replace(trial, results=()).request(repeat=3) == requests[3]
