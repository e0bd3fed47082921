"""The harness: what it asks, what it writes, and how it goes on."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from nao.compare import read as read_comparison
from nao.compare.run import run
from nao.core import InputError, Request
from nao.events import ComparisonBegan, Ended, Job, Queried, RunFinished
from nao.loop import child_seed
from nao.strategies import Random
from nao.study import Study, read
from tests.compare.small import FACTORIES, deadly, nao, nao_20, random, small
from tests.fakes import PairSpace, SumEvaluator

ROOT = Path(__file__).parents[2]
TABLES = ("curves.csv", "summary.csv", "paired.csv", "top.csv")


def rows(file):
    """A table as dictionaries."""
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def files(folder):
    """The text of each file of a comparison, without how long things took."""
    found = {}
    for file in sorted(folder.rglob("*.csv")):
        kept = [{k: v for k, v in row.items() if k != "cpu_seconds"} for row in rows(file)]
        found[str(file.relative_to(folder))] = kept
    return found | {"settings": (folder / "comparison.json").read_text()}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The folder of a finished comparison, and what it returned."""
    folder = tmp_path_factory.mktemp("original")
    return folder, small(out=folder)


@pytest.fixture
def finished(original, tmp_path):
    """A copy of it, to change."""
    return shutil.copytree(original[0], tmp_path / "finished")


class Counting(SumEvaluator):
    """Says how much it was asked for at a time."""

    def evaluate(self, requests):
        self.asked = [*getattr(self, "asked", []), (len(requests), [r.seed for r in requests])]
        return super().evaluate(requests)


class TestRun:
    def test_it_asks_for_a_batch_or_what_is_left(self):
        evaluator = Counting()
        queries = list(run(nao(evaluator.space, 6), evaluator, budget=25))
        assert [n for n, _ in evaluator.asked] == [10, 5, 5, 5]
        assert [s for _, seeds in evaluator.asked for s in seeds] == [child_seed(6, m) for m in range(25)]
        assert [q.m for q in queries] == list(range(1, 26))
        assert [q.origin for q in queries[:10]] == ["random"] * 10
        assert "ascent" in {q.origin for q in queries[10:]}

    def test_signal_and_report_are_of_the_proposal_whatever_finishes_first(self):
        evaluator = SumEvaluator(failing=())
        for query in run(Random(evaluator.space, seed=1), evaluator, budget=8):
            result = evaluator.result(
                Request(evaluator.space.parse(query.architecture), child_seed(1, query.m - 1))
            )
            assert query.signal == result.score
            assert query.reported == result.score - 0.25

    def test_failures_count(self):
        evaluator = SumEvaluator(failing=tuple(range(10)))
        queries = list(run(random(evaluator.space, 0), evaluator, budget=5))
        assert [(q.signal, q.reported) for q in queries] == [(None, None)] * 5

    def test_a_space_with_less_than_the_budget_ends_early(self):
        evaluator = SumEvaluator(PairSpace(letters=2, length=4))
        queries = list(run(random(evaluator.space, 0), evaluator, budget=50))
        assert len(queries) == evaluator.space.classes == 9

    def test_what_the_strategy_computes_is_measured_and_the_evaluation_is_not(self):
        class Busy(SumEvaluator):
            def evaluate(self, requests):
                _burn(0.2)
                return super().evaluate(requests)

        class Thinking(Random):
            def tell(self, results):
                _burn(0.05)

        evaluator = Busy()
        *_, last = run(Thinking(evaluator.space), evaluator, budget=4)
        assert 0.05 <= last.cpu_seconds < 0.2


def _burn(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


class TestCompare:
    def test_all_begin_with_the_same_architectures_and_labels(self, finished):
        for r in range(4):
            ours, theirs = (rows(finished / "runs" / f"{label}-{r}.csv")[:10] for label in FACTORIES)
            columns = ("m", "architecture", "signal", "reported")
            assert [[x[c] for c in columns] for x in ours] == [[x[c] for c in columns] for x in theirs]
        first = [rows(finished / "runs" / f"nao-{r}.csv")[0]["architecture"] for r in range(4)]
        assert len(set(first)) > 1

    def test_repeat_r_has_the_seed_plus_r(self, original):
        found, later = original[1], small(seed=1, repeats=3)
        for label in FACTORIES:
            np.testing.assert_array_equal(found.runs[label].signal[1:], later.runs[label].signal)

    def test_the_tables_are_those_of_the_runs(self, tmp_path):
        found = small(out=tmp_path, optimum=24.0, evaluator=SumEvaluator(failing=()))
        assert {file.name for file in tmp_path.glob("*.csv")} == set(TABLES)
        summary = {(row["strategy"], row["m"]): row for row in rows(tmp_path / "summary.csv")}
        assert [m for label, m in summary if label == "nao"] == ["1", "2", "5", "10", "20", "25"]
        best = found.runs["nao"].best_reported[:, -1]
        assert float(summary["nao", "25"]["mean"]) == pytest.approx(best.mean())
        curves = rows(tmp_path / "curves.csv")
        assert len(curves) == 2 * 4 * 25
        assert float(curves[24]["reported"]) == best[0]
        top = rows(tmp_path / "top.csv")
        assert {row["gap"] for row in top if row["strategy"] == "random" and row["k"] == "1"} == {"0.0"}
        assert {row["k"] for row in top} == {"1", "5", "15"}
        assert list(rows(tmp_path / "paired.csv")[0])[:3] == ["strategy", "other", "m"]

    def test_what_is_kept_is_what_is_returned(self, original, finished):
        first, again, never_kept = original[1], small(out=finished), small()
        for label in FACTORIES:
            np.testing.assert_array_equal(first.runs[label].cpu_seconds, again.runs[label].cpu_seconds)
            for found in (again, never_kept):
                np.testing.assert_array_equal(first.runs[label].signal, found.runs[label].signal)
                np.testing.assert_array_equal(first.runs[label].reported, found.runs[label].reported)

    def test_one_strategy_alone(self, tmp_path):
        small({"nao": nao}, out=tmp_path)
        assert (tmp_path / "paired.csv").read_text().startswith("strategy,other,m,difference")
        assert rows(tmp_path / "paired.csv") == []
        assert {row["gap"] for row in rows(tmp_path / "top.csv")} == {""}

    def test_random_search_is_found_under_any_label(self):
        assert small({"nao": nao, "chance": random}, repeats=1).random == "chance"
        assert small({"nao": nao}, repeats=1).random is None

    @pytest.mark.parametrize(
        ("settings", "complaint"),
        [
            ({"factories": {"a" * 101: random}}, "a label must be of at most 100 letters"),
            ({"budget": 0}, "budget must be a whole number from 1 to 1,000,000, not 0"),
            ({"budget": 10**9}, "budget must be a whole number from 1 to 1,000,000, not 1000000000"),
            ({"repeats": 0}, "repeats must be a whole number from 1 to"),
            ({"seed": -1}, "seed must be a whole number from 0 to 2,147,483,644, not -1"),
            ({"seed": 10**20}, "seed must be a whole number from 0 to 2,147,483,644, not 1"),
            ({"workers": 0}, "workers must be a whole number from 1 to"),
            ({"factories": {}}, "there is no strategy"),
            ({"factories": {"random": lambda space, seed: None}}, "the strategy random is of type NoneType"),
            ({"optimum": float("nan")}, "optimum must be a finite number"),
            ({"factories": {"../a": random}}, "a label must be of at most 100 letters"),
            ({"durable": True}, "durable runs need a folder"),
        ],
    )
    def test_refused(self, settings, complaint):
        with pytest.raises(InputError, match=complaint):
            small(**settings)


class TestGoingOn:
    def test_what_is_there_is_not_played_again(self, finished):
        before = files(finished)
        evaluator = SumEvaluator()
        small(out=finished, evaluator=evaluator)
        assert evaluator.evaluated == []
        assert files(finished) == before

    def test_strategies_and_repeats_can_be_added(self, original, tmp_path):
        small({"random": random}, repeats=2, out=tmp_path / "grown")
        evaluator = SumEvaluator()
        small(out=tmp_path / "grown", evaluator=evaluator)
        assert len(evaluator.evaluated) == (4 * 2 - 2) * 25
        grown, at_once = files(tmp_path / "grown"), files(original[0])
        assert json.loads(grown.pop("settings")) == json.loads(at_once.pop("settings"))
        assert grown == at_once

    def test_a_strategy_that_takes_no_part_now_is_kept(self, finished):
        small({"random": random}, repeats=2, out=finished)
        assert {row["strategy"] for row in rows(finished / "summary.csv")} == {"random"}
        evaluator = SumEvaluator()
        small(out=finished, evaluator=evaluator)
        assert evaluator.evaluated == []

    @pytest.mark.parametrize(
        ("settings", "difference"),
        [
            ({"budget": 30}, "budget is 25 there and 30 here"),
            ({"seed": 1}, "seed is 0 there and 1 here"),
            ({"evaluator": SumEvaluator(failing=(3,))}, "evaluator.failing is [7] there and [3] here"),
            (
                {"factories": {"x": nao_20, "nao": nao_20}},
                "nao.seeds is 10 there and 20 here",
            ),
        ],
    )
    def test_other_settings_are_refused_and_nothing_changes(self, settings, difference, finished):
        before = files(finished)
        with pytest.raises(InputError) as error:
            small(**settings, out=finished)
        assert str(error.value).startswith(f"{finished} belongs to another comparison: ")
        assert difference in str(error.value)
        assert "--out" in str(error.value)
        assert files(finished) == before

    def test_what_was_never_played_binds_nobody(self, tmp_path):
        class Mistaken(Random):
            def ask(self, n):
                raise OverflowError

        with pytest.raises(OverflowError):
            small({"nao": lambda space, seed: Mistaken(space)}, budget=7, out=tmp_path)
        small(out=tmp_path)
        assert json.loads((tmp_path / "comparison.json").read_text())["settings"]["budget"] == 25

    def test_runs_of_nobody_knows_what_are_refused(self, finished):
        (finished / "comparison.json").unlink()
        with pytest.raises(InputError, match=r"has runs, but no comparison.json that says of what"):
            small(out=finished)

    def test_files_of_others_are_left_alone(self, tmp_path):
        (tmp_path / "film.part").write_text("theirs")
        small(out=tmp_path)
        assert (tmp_path / "film.part").read_text() == "theirs"

    def test_the_folder_of_a_search_is_refused_and_the_other_way_round(self, finished, tmp_path):
        with Study(tmp_path / "search", PairSpace(), {}):
            pass
        with pytest.raises(InputError, match=r"search is the folder of a search; choose another"):
            small(out=tmp_path / "search")
        with pytest.raises(InputError, match=r"finished is the folder of a comparison; choose another"):
            Study(finished, PairSpace(), {})

    @pytest.mark.parametrize(
        "content",
        [
            "no json",
            "[1]",
            '{"settings": {}}',
            '{"settings": {}, "strategies": []}',
            '{"settings": {}, "strategies": {"a": 3}}',
            '{"settings": {}, "strategies": {}, "optimum": "x"}',
            "null",
        ],
    )
    def test_a_file_that_is_no_comparison_is_refused(self, content, tmp_path):
        (tmp_path / "comparison.json").write_text(content)
        with pytest.raises(InputError, match="is of no comparison"):
            small(out=tmp_path)

    HEADER = "m,architecture,origin,signal,reported,cpu_seconds\n"

    @pytest.mark.parametrize(
        "content",
        [
            "m,architecture\n1,a\n",
            HEADER,
            f"{HEADER}2,a,x,1.0,1.0,0.0\n",
            f"{HEADER}1,a,x,nan,1.0,0.0\n",
            HEADER + "".join(f"{m},a,x,1.0,1.0,0.0\n" for m in range(1, 27)),
            f"{HEADER}1,{'a' * 200_000},x,1.0,1.0,0.0\n",
            f"{HEADER}1,a,x,1.0,1.0,0.0",
        ],
        ids=["columns", "nothing", "order", "number", "budget", "length", "cut"],
    )
    def test_a_damaged_run_is_named(self, content, finished):
        (finished / "runs" / "nao-2.csv").write_text(content)
        with pytest.raises(InputError, match=r"nao-2.csv is damaged; delete it"):
            small(out=finished)

    def test_another_process_in_the_folder_is_refused(self, tmp_path):
        seen = []

        def inside(event):
            if isinstance(event, Queried):
                with pytest.raises(InputError, match="another search is running"):
                    small(out=tmp_path)
                seen.append(event.m)

        small({"random": random}, budget=2, repeats=1, out=tmp_path, observer=inside)
        assert seen == [1, 2]

    @pytest.mark.parametrize("place", ["comparison.json", "runs/nao-2.csv"])
    def test_what_cannot_be_read_is_not_called_damaged(self, place, finished):
        (finished / place).unlink()
        (finished / place).mkdir()
        with pytest.raises(InputError, match=rf"cannot read .*{place}: Is a directory"):
            small(out=finished)

    @pytest.mark.parametrize("removed", [".", "runs"])
    def test_a_folder_that_is_removed_while_it_is_used(self, removed, tmp_path):
        class Removing(SumEvaluator):
            def evaluate(self, requests):
                shutil.rmtree(tmp_path / "c" / removed, ignore_errors=True)
                return super().evaluate(requests)

        with pytest.raises(InputError, match="was removed while it was in use"):
            small(out=tmp_path / "c", evaluator=Removing())

    def test_an_unwritable_folder(self, tmp_path):
        with pytest.raises(InputError, match=r"cannot be used: File name too long"):
            small(out=tmp_path / ("a" * 300))
        with pytest.raises(InputError, match="cannot write in /dev/null/x"):
            small(out="/dev/null/x")

    @pytest.mark.parametrize("settings", ["workers=1", "workers=2", "durable=True"])
    def test_killed_anywhere_it_ends_with_the_same_files(self, settings, tmp_path):
        small(out=tmp_path / "whole", repeats=3)
        script = (
            f"import sys; sys.path.append({str(ROOT)!r})\n"
            "from tests.compare.small import small\n"
            "from tests.fakes import SumEvaluator\n"
            f"small(out={str(tmp_path / 'cut')!r}, repeats=3, evaluator=SumEvaluator(pause=0.01), {settings})"
        )
        enough = 1
        for _ in range(2):
            with subprocess.Popen([sys.executable, "-c", script]) as process:
                while process.poll() is None and len(list((tmp_path / "cut").glob("runs/*.csv"))) < enough:
                    time.sleep(0.01)
                process.kill()
            assert process.returncode == -signal.SIGKILL
            enough += 2
        (tmp_path / "cut" / "runs" / "nao-2.csv.part").write_text("m,archi")
        kept = sorted((tmp_path / "cut" / "runs").glob("*.csv"))
        assert 3 <= len(kept) < 6
        evaluator = SumEvaluator()
        small(out=tmp_path / "cut", repeats=3, evaluator=evaluator, durable="durable" in settings)
        assert len(evaluator.evaluated) <= (6 - len(kept)) * 25
        assert files(tmp_path / "cut") == files(tmp_path / "whole")
        assert not list(tmp_path.rglob("*.part"))


class TestDurable:
    def test_the_runs_are_the_same_and_each_is_a_study(self, original, tmp_path):
        small(out=tmp_path / "durable", durable=True)
        assert files(tmp_path / "durable") == files(original[0])
        history = read(tmp_path / "durable" / "runs" / "nao-1", PairSpace())
        assert len(history.trials) == 25
        assert history.complete
        assert not (tmp_path / "durable" / "runs" / "nao-1" / "models").exists()
        assert len(history.iterations) == 4

    def test_no_label_is_asked_for_twice(self, original, tmp_path):
        class Stop(BaseException):
            pass

        class Failing(SumEvaluator):
            def result(self, request):
                if len(self.evaluated) == 13:
                    raise Stop
                return super().result(request)

        evaluator = Failing()
        with pytest.raises(Stop):
            small(out=tmp_path / "cut", evaluator=evaluator, durable=True)
        again = SumEvaluator()
        small(out=tmp_path / "cut", evaluator=again, durable=True)
        assert len(evaluator.evaluated) - 1 + len(again.evaluated) == 2 * 4 * 25
        assert files(tmp_path / "cut") == files(original[0])


class TestWorkers:
    def test_they_find_the_same(self, original, tmp_path):
        environment = dict(os.environ)
        small(out=tmp_path / "two", workers=2)
        assert files(tmp_path / "two") == files(original[0])
        assert dict(os.environ) == environment

    @pytest.mark.parametrize("part", ["factories", "evaluator"])
    def test_what_cannot_be_sent_to_them_is_one_line(self, part):
        evaluator = SumEvaluator()
        evaluator.lock = threading.Lock() if part == "evaluator" else None
        factories = (
            FACTORIES if part == "evaluator" else {"mine": lambda space, seed: Random(space, seed=seed)}
        )
        name = {"factories": "the strategy mine", "evaluator": "the evaluator"}[part]
        with pytest.raises(
            InputError, match=f"{name} cannot be sent to another process .*workers=1"
        ) as error:
            small(factories, evaluator, workers=2)
        assert len(str(error.value).splitlines()) == 1

    def test_ctrl_c_while_they_start_leaves_no_traceback(self, tmp_path):
        script = (
            f"import signal, sys; sys.path.append({str(ROOT)!r})\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from tests.compare.small import small\n"
            "from tests.fakes import SumEvaluator\n"
            "try:\n"
            "    print('ready', flush=True)\n"
            f"    small(out={str(tmp_path / 'cut')!r}, evaluator=SumEvaluator(pause=0.1), workers=2)\n"
            "except KeyboardInterrupt:\n"
            "    sys.exit(130)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            process.stdout.readline()
            time.sleep(1.0)  # the workers are importing
            os.killpg(process.pid, signal.SIGINT)
            _, complaint = process.communicate(timeout=60)
        assert (process.returncode, complaint) == (130, "")

    def test_one_that_is_killed_is_one_line_and_what_is_finished_is_kept(self, tmp_path):
        with pytest.raises(InputError, match="a worker was killed, perhaps for want of memory"):
            small({"random": deadly}, workers=2, out=tmp_path, repeats=8)
        assert not (tmp_path / "runs" / "random-3.csv").exists()
        assert not (tmp_path / "summary.csv").exists()
        small({"random": random}, out=tmp_path, repeats=8)
        assert (tmp_path / "summary.csv").exists()


class TestObserver:
    def test_it_is_told_of_every_run(self, tmp_path):
        first, again = [], []
        found = small(budget=2, repeats=1, out=tmp_path, observer=first.append)
        jobs = [Job(label, 0) for label in FACTORIES]
        best = {job: found.runs[job.label].best_reported[0, -1] for job in jobs}
        told = [[Queried(job, 1), Queried(job, 2), RunFinished(job, best[job])] for job in jobs]
        assert first == [ComparisonBegan(jobs, {}, 2), *told[0], *told[1], Ended()]
        small(budget=2, repeats=1, out=tmp_path, observer=again.append)
        assert again == [ComparisonBegan(jobs, best, 2), Ended()]


class TestReading:
    def test_a_finished_comparison_is_read_as_it_was_returned(self, tmp_path):
        found = small(out=tmp_path, optimum=24.0)
        again = read_comparison(tmp_path)
        assert (again.budget, again.optimum, again.random) == (25, 24.0, "random")
        assert list(again.runs) == list(found.runs)
        for label in found.runs:
            np.testing.assert_array_equal(again.runs[label].signal, found.runs[label].signal)

    def test_of_one_that_is_running_what_is_finished_is_read(self, finished):
        for r in (1, 3):
            (finished / "runs" / f"random-{r}.csv").unlink()
        again = read_comparison(finished)
        assert {label: len(runs.signal) for label, runs in again.runs.items()} == {"nao": 4, "random": 2}

    def test_what_is_no_comparison_is_one_line(self, finished, tmp_path):
        with pytest.raises(InputError, match="there is no comparison in"):
            read_comparison(tmp_path)
        for file in (finished / "runs").iterdir():
            file.unlink()
        with pytest.raises(InputError, match=r"no run of the comparison in .* is finished yet"):
            read_comparison(finished)
        (finished / "comparison.json").write_text('{"settings": {}, "strategies": {}}')
        with pytest.raises(InputError, match=r"comparison.json is damaged: it has no budget"):
            read_comparison(finished)
