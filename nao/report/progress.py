"""How a search goes on: a live bar in a terminal, plain lines elsewhere, each a `nao.observer.Observer`."""

import statistics
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from nao.history import History, Trial
from nao.observer import Observer
from nao.report.tables import duration, number

QUIET_SECONDS = 10.0  # a plain line about the progress at most this often,
SHARE = 0.1  # and at most once for this share of an iteration
WINDOW = 50  # evaluations from which the pace is taken


def observer(console: Console) -> Observer:
    """The observer that fits the console: live in a terminal, lines elsewhere."""
    return Live(console) if console.is_terminal else Lines(console)


class Lines:
    """Prints a line when something begins or ends, and now and then in between.

    Args:
      console: where to print.
    """

    def __init__(self, console: Console):
        self.console = console
        self.counts: list[int] = []
        self.done = 0  # architectures evaluated, in the whole search
        self._iteration = 0
        self._pending = 0  # those to evaluate in this iteration, when it began
        self._best: float | None = None
        self._shown = (0.0, 0)  # when the last line was printed, and how many were done then
        self._pace = Pace()

    def begin(self, counts: Sequence[int], history: History) -> None:
        """Says what will be done, or is done already."""
        self.counts = list(counts)
        self.done = sum(trial.status != "pending" for trial in history.trials)
        self._best = history.best.score if history.best else None
        if history.complete:
            self.say("this search is complete; nothing is left to evaluate")
        elif history.trials:
            self.say(f"going on: {self.done} of {sum(counts)} architectures are evaluated")
        else:
            self.say(f"searching: {sum(counts)} architectures to evaluate, {counts[0]} of them initial")

    def proposing(self, iteration: int) -> None:
        """Says that the encoder is being fitted."""
        self._iteration = iteration
        self._pace.start()
        if iteration:
            self.stage(f"fitting the encoder to {self.done} architectures")

    def evaluating(self, iteration: int, trials: Sequence[Trial]) -> None:
        """Says how many architectures are trained; nothing when all of them were before."""
        if iteration and self._iteration == iteration:
            self._pace.fitted()
        self._iteration = iteration
        self.counts[iteration : iteration + 1] = [len(trials)]
        self._pending = sum(trial.status == "pending" for trial in trials)
        self._shown = (time.monotonic(), self.done)
        self._pace.start()
        if self._pending:
            self.stage(f"training {self._pending} architectures")

    def recorded(self, trial: Trial) -> None:
        """Counts, and now and then says how far it is."""
        self.done += 1
        self._pace.evaluated()
        if trial.score is not None:
            self._best = trial.score if self._best is None else max(self._best, trial.score)
        self.advanced()

    def told(self, iteration: int, history: History) -> None:
        """Says what came of an iteration, unless that was known before."""
        if not self._pending:
            return
        summary = history.summary()
        result = summary["iterations"][iteration - 1] if iteration else summary["initial"]
        labels = {
            "mean": "mean",
            "best": "best",
            "seeds_mean": "seeds' mean",
            "pairwise_accuracy": "pairwise",
        }
        known = [(label, result.get(key)) for key, label in labels.items()]
        words = [f"{label} {number(value, 4)}" for label, value in known if value is not None]
        seconds = duration(history.iterations[iteration].seconds)
        self.say(f"{self.name}: {', '.join([*words, seconds])}")

    def end(self) -> None:
        """There is nothing to clear away."""

    def say(self, line: str) -> None:
        """Prints one line, to stay."""
        self.console.print(line, highlight=False, soft_wrap=True, markup=False)

    def stage(self, what: str) -> None:
        """Shows what begins."""
        self.say(f"{self.name}: {what}")

    def advanced(self) -> None:
        """Shows how far it is, if that was not done just now."""
        shown, done = self._shown
        now = time.monotonic()
        if now - shown >= QUIET_SECONDS and self.done - done >= SHARE * self.counts[self._iteration]:
            self.say(f"{self.name}: {self.done}/{sum(self.counts)}, {self.standing}")
            self._shown = (now, self.done)

    @property
    def name(self) -> str:
        """What the iteration is called."""
        return f"iteration {self._iteration} of {len(self.counts) - 1}" if self._iteration else "initial"

    @property
    def standing(self) -> str:
        """The best score so far, and the time left."""
        fits = len(self.counts) - 1 - self._iteration
        left = self._pace.left(sum(self.counts) - self.done, fits)
        words = [] if self._best is None else [f"best {self._best:.4f}"]
        return ", ".join(words if left is None else [*words, f"{duration(left)} left"])


class Live(Lines):
    """Keeps one line at the bottom of a terminal up to date; what is finished scrolls away above it.

    Args:
      console: a terminal.
    """

    def __init__(self, console: Console):
        super().__init__(console)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[standing]}"),
            console=console,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("", standing="")

    def begin(self, counts: Sequence[int], history: History) -> None:
        """Starts the bar."""
        super().begin(counts, history)
        if not history.complete:
            self.advanced()
            self._bar.start()

    def stage(self, what: str) -> None:
        """Shows what begins, beside the bar."""
        self._bar.update(self._task, description=f"{self.name}: {what.split()[0]}")
        self.advanced()

    def advanced(self) -> None:
        """Moves the bar."""
        total = sum(self.counts)
        self._bar.update(self._task, completed=self.done, total=total, standing=self.standing)

    def end(self) -> None:
        """Takes the bar away."""
        self._bar.stop()


class Pace:
    """How long things take, from what this process has seen, and so the time left."""

    def __init__(self) -> None:
        self._mark = time.monotonic()
        self._fits: list[float] = []  # seconds of each
        self._evaluations: list[float] = []  # seconds from one result to the next

    def start(self) -> None:
        """Something begins."""
        self._mark = time.monotonic()

    def fitted(self) -> None:
        """A fit, and the decoding after it, has ended."""
        self._fits.append(self._lap())

    def evaluated(self) -> None:
        """A result has arrived."""
        self._evaluations.append(self._lap())

    def left(self, evaluations: int, fits: int) -> float | None:
        """Seconds for so many more evaluations and fits; None while nothing is known.

        Fits are left out of the sum until the first one has been seen.
        """
        if not self._evaluations:
            return None
        fit = statistics.fmean(self._fits) if self._fits else 0.0
        return evaluations * statistics.fmean(self._evaluations[-WINDOW:]) + fits * fit

    def _lap(self) -> float:
        now = time.monotonic()
        seconds, self._mark = now - self._mark, now
        return seconds
