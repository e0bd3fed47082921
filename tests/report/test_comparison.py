"""A comparison on the console: few plain lines where nobody looks, one live line in a terminal."""

import io

import pytest
from rich.console import Console

from nao.events import ComparisonBegan, Ended, Job, Queried, RunFinished
from nao.report.comparison import Live, comparison_observer, records, show_comparison
from tests.compare.small import small
from tests.fakes import SumEvaluator

JOBS = [Job(label, r) for r in range(3) for label in ("nao", "random")]


@pytest.fixture
def clock(monkeypatch):
    """Time that only passes when it is told to."""

    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr("nao.report.comparison.time", clock)
    return clock


def console(**settings):
    return Console(file=io.StringIO(), width=100, **settings)


def test_plain_lines_say_how_far_it_is(clock):
    watching = comparison_observer(console())
    watching(ComparisonBegan(JOBS, {}, 50))
    for i, job in enumerate(JOBS[:4]):
        clock.now += 6.0
        watching(RunFinished(job, float(i)))
    watching(Ended())
    assert watching.console.file.getvalue().splitlines() == [
        "comparing nao, random: 6 runs of 50 labels each",
        "2/6 runs, nao 0.0000, random 1.0000, 0:24 left",
        "4/6 runs, nao 1.0000, random 2.0000, 0:12 left",
    ]


def test_a_long_run_says_where_it_is(clock):
    watching = comparison_observer(console())
    watching(ComparisonBegan(JOBS, {}, 50))
    for m in range(1, 5):
        clock.now += 6.0
        watching(Queried(JOBS[0], m))
    lines = watching.console.file.getvalue().splitlines()
    assert lines[1:] == ["0/6 runs, nao-0: 2/50", "0/6 runs, nao-0: 4/50"]


def test_what_is_there_already_is_no_measure_of_the_pace(clock):
    watching = comparison_observer(console())
    watching(ComparisonBegan(JOBS, dict.fromkeys(JOBS[:4], 1.0), 50))
    clock.now += 12.0
    watching(RunFinished(JOBS[4], None))
    first, second = watching.console.file.getvalue().splitlines()
    assert first == "going on: 4 of 6 runs are there"
    assert second == "5/6 runs, nao 1.0000, random 1.0000, 0:12 left"


def test_nothing_left():
    watching = comparison_observer(console())
    watching(ComparisonBegan(JOBS, dict.fromkeys(JOBS, 1.0), 50))
    assert watching.console.file.getvalue() == "all 6 runs are there; nothing is left to do\n"


def test_in_a_terminal_there_is_a_bar():
    terminal = console(force_terminal=True)
    watching = comparison_observer(terminal)
    assert isinstance(watching, Live)
    small(budget=5, observer=watching)
    text = terminal.file.getvalue()
    assert "8/8 runs" in text
    assert "nao 1" in text


def test_the_table_at_the_end():
    found = small(evaluator=SumEvaluator(failing=()), optimum=24.0)
    shown = console()
    show_comparison(found, shown)
    heading, *lines = shown.file.getvalue().strip().splitlines()
    assert heading.split()[:2] == ["strategy", "mean"]
    assert "queries to optimum" in heading
    assert [line.split()[0] for line in lines] == ["nao", "random"]
    assert f"{found.runs['nao'].best_reported[:, -1].mean():.4f}" in lines[0]


def test_a_run_that_has_not_found_the_optimum_makes_the_mean_a_bound():
    found = small(evaluator=SumEvaluator(failing=()), optimum=1000.0)
    shown = console()
    show_comparison(found, shown)
    for line in shown.file.getvalue().strip().splitlines()[1:]:
        assert "> 25.0" in line
        assert " 0%" in line


def test_one_run_has_no_interval():
    shown = console()
    found = small(repeats=1)
    show_comparison(found, shown)
    assert "interval" not in shown.file.getvalue()
    row = records(found)["strategies"][0]
    assert (row["runs"], row["strategy"], row["m"], row["ci_low"], row["ci_high"]) == (
        1,
        "nao",
        25,
        None,
        None,
    )
    assert row["mean"] == found.runs["nao"].best_reported[0, -1]


def test_without_an_optimum_its_columns_are_left_out():
    shown = console()
    show_comparison(small(), shown)
    assert "optimum" not in shown.file.getvalue()
