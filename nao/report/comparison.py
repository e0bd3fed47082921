"""A comparison for people: how it goes on, and what came out, on a console."""

import statistics
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from nao.compare.curves import Comparison
from nao.compare.observer import Job, Observer
from nao.compare.tables import summaries
from nao.report.tables import duration, number, print_table

QUIET_SECONDS = 10.0  # a plain line at most this often
HEADINGS = ("strategy", "mean", "95 % interval", "queries to optimum", "at optimum", "CPU a run")


def comparison_observer(console: Console) -> Observer:
    """The observer that fits the console: live in a terminal, lines elsewhere."""
    return Live(console) if console.is_terminal else Lines(console)


class Lines:
    """Prints a line when a comparison begins or ends, and now and then in between.

    Args:
      console: where to print.
    """

    def __init__(self, console: Console):
        self.console = console
        self.total = 0  # runs
        self.done: dict[Job, float | None] = {}  # finished runs, and what they report
        self.labels: list[str] = []
        self.budget = 0
        self.running = ""
        self._stored = 0
        self._began = self._shown = 0.0

    def begin(self, jobs: Sequence[Job], finished: Mapping[Job, float | None], budget: int) -> None:
        """Says what will be done, or is done already."""
        self.total, self.budget, self.done = len(jobs), budget, dict(finished)
        self.labels = list(dict.fromkeys(job.label for job in jobs))
        self._stored = len(finished)
        self._began = self._shown = time.monotonic()
        if len(finished) == len(jobs):
            self.say(f"all {len(jobs)} runs are there; nothing is left to do")
        elif finished:
            self.say(f"going on: {len(finished)} of {len(jobs)} runs are there")
        else:
            self.say(f"comparing {', '.join(self.labels)}: {len(jobs)} runs of {budget} labels each")

    def queried(self, job: Job, m: int) -> None:
        """Now and then says how far a run is."""
        self.running = f"{job.label}-{job.repeat}: {m}/{self.budget}"
        self.advanced()

    def finished(self, job: Job, reported: float | None) -> None:
        """Counts, and now and then says how far it is."""
        self.running = ""
        self.done[job] = reported
        self.advanced()

    def end(self) -> None:
        """There is nothing to clear away."""

    def say(self, line: str) -> None:
        """Prints one line, to stay."""
        self.console.print(line, highlight=False, soft_wrap=True, markup=False)

    def advanced(self) -> None:
        """Says how far it is, if that was not done just now."""
        if (now := time.monotonic()) - self._shown >= QUIET_SECONDS:
            self.say(f"{len(self.done)}/{self.total} runs, {self.standing}")
            self._shown = now

    @property
    def standing(self) -> str:
        """The run at work, the mean of each strategy so far, and the time left."""
        words = [self.running] if self.running else []
        for label in self.labels:
            known = [value for job, value in self.done.items() if job.label == label and value is not None]
            words += [f"{label} {statistics.fmean(known):.4f}"] if known else []
        played = len(self.done) - self._stored
        if played:
            pace = (time.monotonic() - self._began) / played
            words.append(f"{duration(pace * (self.total - len(self.done)))} left")
        return ", ".join(words)


class Live(Lines):
    """Keeps one line at the bottom of a terminal up to date.

    Args:
      console: a terminal.
    """

    def __init__(self, console: Console):
        super().__init__(console)
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.completed}/{task.total} runs"),
            TextColumn("{task.fields[standing]}", markup=False),
            console=console,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("", standing="")

    def begin(self, jobs: Sequence[Job], finished: Mapping[Job, float | None], budget: int) -> None:
        """Starts the bar."""
        super().begin(jobs, finished, budget)
        if len(finished) < len(jobs):
            self.advanced()
            self._bar.start()

    def advanced(self) -> None:
        """Moves the bar."""
        self._bar.update(self._task, completed=len(self.done), total=self.total, standing=self.standing)

    def end(self) -> None:
        """Takes the bar away."""
        self._bar.stop()


def show_comparison(found: Comparison, console: Console) -> None:
    """Prints where every strategy is when the budget is spent."""
    rows = final_rows(found)
    known = [i for i in range(len(HEADINGS)) if any(row[i] for row in rows)]
    print_table([HEADINGS[i] for i in known], [[row[i] for i in known] for row in rows], console)


def final_rows(found: Comparison) -> list[list[str]]:
    """The cells under `HEADINGS` for each strategy, when the budget is spent."""
    return [
        [
            row.strategy,
            number(row.mean, 4),
            interval(row.ci_low, row.ci_high, 4),
            number(row.queries_to_optimum, 1),
            "" if row.share_at_optimum is None else f"{row.share_at_optimum:.0%}",
            duration(row.cpu_seconds),
        ]
        for row in summaries(found)
        if row.m == found.budget
    ]


def interval(low: float | None, high: float | None, digits: int) -> str:
    """An interval, or nothing when it is not known."""
    return "" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"
