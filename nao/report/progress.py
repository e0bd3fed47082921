"""How a search goes on: a live bar in a terminal, plain lines elsewhere, each a `nao.events.Observer`."""

import statistics
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from nao.core import Result
from nao.events import (
    Confirmed,
    Confirming,
    Ended,
    Evaluating,
    Event,
    Noticed,
    Observer,
    Preparing,
    Proposing,
    Recommending,
    Recorded,
    Repeated,
    SearchBegan,
    TimeUp,
    Told,
)
from nao.report.tables import duration, number
from nao.study.history import History, failures

QUIET_SECONDS = 10.0  # a plain line about the progress at most this often,
SHOWN_REASON = 60  # characters of the reason of a failure
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
        self.counts: list[int] = []  # of each iteration; a confirmation is one more
        self.done = 0  # trainings in the whole search
        self._last = 0  # iteration before the confirmation
        self._iteration = 0
        self._fitting = False  # whether the encoder is being fitted
        self._pending = 0  # those to evaluate in this iteration, when it began
        self._best: float | None = None
        self._failed: list[Result] = []  # of this iteration
        self._shown = (0.0, 0)  # when the last line was printed, and how many were done then
        self._pace = Pace()

    def __call__(self, event: Event) -> None:
        """Shows what happens."""
        match event:
            case SearchBegan():
                self.begin(event)
            case Proposing(iteration):
                self.propose(iteration)
            case Preparing(stage):
                self._propose_is_over()
                self.stage(stage)
            case Evaluating():
                self.evaluate(event)
            case Noticed(notice):
                self.say(f"{self.name}: {notice}")
            case Recorded(trial):
                if trial.result:
                    self.record(trial.result)
            case Told():
                self.tell(event)
            case Recommending():
                self.propose(self._last + 1)
            case Confirming():
                self.confirm(event)
            case Repeated(result):
                self.record(result)
            case Confirmed(history):
                self.confirmed(history)
            case TimeUp(history):
                self.time_up(history)
            case Ended():
                self.end()

    def begin(self, event: SearchBegan) -> None:
        """Says what will be done, or is done already."""
        history, self._last = event.history, len(event.counts) - 1
        again = sum(len(trial.repeats) for trial in history.trials)
        self.counts = [*event.counts, again + event.repeats]
        self.done = history.evaluated + again
        self._best = history.best.score if history.best else None
        if history.complete:
            self.say("this search is complete; nothing is left to evaluate")
        elif history.trials:
            self.say(f"going on: {history.evaluated} of {sum(event.counts)} architectures are evaluated")
        else:
            total, initial = sum(event.counts), event.counts[0]
            again_too = f", and {event.repeats} trainings to confirm the answer" if event.repeats else ""
            self.say(f"searching: {total} architectures to evaluate, {initial} of them initial{again_too}")

    def propose(self, iteration: int) -> None:
        """Says that the encoder is being fitted."""
        self._iteration = iteration
        self._fitting = bool(iteration)
        self._pace.start()
        if iteration:
            self.stage(f"fitting the encoder to {sum(self.counts[:iteration])} architectures")

    def _propose_is_over(self) -> None:
        """Takes the time of the fit."""
        if self._fitting:
            self._pace.fitted()
        self._fitting = False

    def evaluate(self, event: Evaluating) -> None:
        """Says how many architectures are trained; nothing when all of them were before."""
        self._propose_is_over()
        self._iteration = event.iteration
        self.counts[event.iteration : event.iteration + 1] = [len(event.trials)]
        self._pending = sum(trial.status == "pending" for trial in event.trials)
        self._failed = []
        self._shown = (time.monotonic(), self.done)
        self._pace.start()
        if self._pending:
            self.stage(f"training {self._pending} architectures")

    def confirm(self, event: Confirming) -> None:
        """Says what is trained again."""
        self._propose_is_over()
        history, repeats = event.history, event.history.confirmations[-1].repeats
        if self._iteration <= self._last:
            self._iteration, self._failed = self._last + 1, []
        total = self.done + event.missing + (repeats if event.choosing else 0)
        self.counts = [history.evaluated, *[0] * self._last, total - history.evaluated]
        self._pending, self._best = event.missing, None  # which is a lucky one
        self._shown = (time.monotonic(), self.done)
        self._pace.start()
        what = "the best few, to choose among them" if event.choosing else "the best of them once more"
        self.stage(f"training {what}: {event.missing} trainings")

    def record(self, result: Result) -> None:
        """Counts, and now and then says how far it is."""
        self.done += 1
        self._pace.evaluated()
        if result.score is None:
            self._failed.append(result)
        elif self._iteration <= self._last:
            self._best = result.score if self._best is None else max(self._best, result.score)
        self.advanced()

    def tell(self, event: Told) -> None:
        """Says what came of an iteration, unless that was known before."""
        if not self._pending:
            return
        history, iteration = event.history, event.iteration
        result = history.decoded_set(history.iterations[iteration])
        labels = {
            "mean": "mean",
            "best": "best",
            "seeds_mean": "seeds' mean",
            "pairwise_accuracy": "pairwise",
        }
        known = [(label, result.get(key)) for key, label in labels.items()]
        words = [f"{label} {number(value, 4)}" for label, value in known if value is not None]
        seconds = duration(history.iterations[iteration].seconds)
        self.say(f"{self.name}: {', '.join([*words, seconds, *self.failed])}")

    def confirmed(self, history: History) -> None:
        """Says what the answer is, unless that was known before."""
        if self._iteration > self._last:
            found, seconds = history.confirmed, duration(history.confirmations[-1].seconds)
            words = [f"best {number(found.score, 4)} in {found.trainings} new trainings"] if found else []
            self.say(f"{self.name}: {', '.join([*words, seconds, *self.failed])}")

    def time_up(self, history: History) -> None:
        """Says what is missing."""
        again = sum(len(trial.repeats) for trial in history.trials)
        missing = sum(self.counts) - history.evaluated - again
        self.say(f"the time is up: {missing} trainings are missing; the same command goes on")

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
        if self._iteration > self._last:
            return "confirmation"
        return f"iteration {self._iteration} of {self._last}" if self._iteration else "initial"

    @property
    def failed(self) -> list[str]:
        """How many of this iteration failed, and the commonest reason; nothing when none did."""
        if not self._failed:
            return []
        return [f"{len(self._failed)} failed: {failures(self._failed)[0]['reason'][:SHOWN_REASON]}"]

    @property
    def standing(self) -> str:
        """The best score so far, the time left, and what failed."""
        fits = self._last + bool(self.counts[-1]) - self._iteration
        left = self._pace.left(sum(self.counts) - self.done, fits)
        words = [] if self._best is None else [f"best {number(self._best, 4)}"]
        words += [] if left is None else [f"{duration(left)} left"]
        return ", ".join([*words, *self.failed])


class Standing(ProgressColumn):
    """How a search stands, at the moment when it is shown."""

    def __init__(self, lines: Lines):
        super().__init__()
        self._lines = lines

    def render(self, task: Task) -> Text:
        """The words."""
        return Text(self._lines.standing)


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
            Standing(self),
            console=console,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("")

    def begin(self, event: SearchBegan) -> None:
        """Starts the bar."""
        super().begin(event)
        if not event.history.complete:
            self.advanced()
            self._bar.start()

    def stage(self, what: str) -> None:
        """Shows what begins, beside the bar."""
        self._bar.update(self._task, description=f"{self.name}: {what.split()[0]}")
        self.advanced()

    def advanced(self) -> None:
        """Moves the bar."""
        total = sum(self.counts)
        self._bar.update(self._task, completed=self.done, total=total)

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

        Those that are under way count with what is left of them. Fits are left out of the sum until the first
        one has been seen.
        """
        if not self._evaluations:
            return None
        fit = statistics.fmean(self._fits) if self._fits else 0.0
        pace = statistics.fmean(self._evaluations[-WINDOW:])
        whole = evaluations * pace + fits * fit
        return max(whole - (time.monotonic() - self._mark), min(whole, pace))

    def _lap(self) -> float:
        now = time.monotonic()
        seconds, self._mark = now - self._mark, now
        return seconds
