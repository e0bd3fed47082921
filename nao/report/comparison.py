"""A comparison for people: how it goes on, and what came out, on a console."""

import dataclasses
import statistics
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from nao.compare.curves import Comparison
from nao.compare.tables import Summary, at_the_end, summaries
from nao.core import Json
from nao.events import ComparisonBegan, Ended, Event, Job, Observer, Queried, RunFinished
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

    def __call__(self, event: Event) -> None:
        """Shows what happens."""
        match event:
            case ComparisonBegan():
                self.begin(event)
            case Queried():
                self.running = f"{event.job.label}-{event.job.repeat}: {event.m}/{self.budget}"
                self.advanced()
            case RunFinished():
                self.running = ""
                self.done[event.job] = event.reported
                self.advanced()
            case Ended():
                self.end()

    def begin(self, event: ComparisonBegan) -> None:
        """Says what will be done, or is done already."""
        jobs, finished, budget = event.jobs, event.finished, event.budget
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
            words += [f"{label} {number(statistics.fmean(known), 4)}"] if known else []
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

    def begin(self, event: ComparisonBegan) -> None:
        """Starts the bar."""
        super().begin(event)
        if len(event.finished) < len(event.jobs):
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
            queries(row),
            "" if row.share_at_optimum is None else f"{row.share_at_optimum:.0%}",
            duration(row.cpu_seconds),
        ]
        for row in summaries(found, at_the_end(found))
    ]


def queries(row: Summary) -> str:
    """The queries to the optimum: at least so many where some run has not found it."""
    bound = "> " if row.share_at_optimum is not None and row.share_at_optimum < 1 else ""
    return bound + number(row.queries_to_optimum, 1) if row.queries_to_optimum is not None else ""


def records(found: Comparison) -> dict[str, Json]:
    """Where every strategy is when the budget is spent, ready for `json.dumps`; what is not known is None."""
    return {
        "budget": found.budget,
        "optimum": found.optimum,
        "strategies": [
            {"runs": len(found.runs[row.strategy].signal), **dataclasses.asdict(row)}
            for row in summaries(found, at_the_end(found))
        ],
    }


def interval(low: float | None, high: float | None, digits: int) -> str:
    """An interval, or nothing when it is not known."""
    return "" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"
