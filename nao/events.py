"""What whoever watches a search or a comparison is told: an observer is a function of one of these events."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from nao.core import Result, Trial
from nao.study.history import History


@dataclasses.dataclass(frozen=True)
class SearchBegan:
    """A search starts or goes on.

    Attributes:
      counts: how many architectures will be evaluated in each iteration, 0 the initial ones.
      history: what is there already.
      repeats: how many trainings of the best of them are to confirm the answer.
    """

    counts: Sequence[int]
    history: History
    repeats: int = 0


@dataclasses.dataclass(frozen=True)
class Proposing:
    """The strategy is about to propose: NAO fits its encoder."""

    iteration: int


@dataclasses.dataclass(frozen=True)
class Preparing:
    """The evaluator makes itself ready, which may take a minute.

    Attributes:
      stage: what it does, such as `compiling`.
    """

    stage: str


@dataclasses.dataclass(frozen=True)
class Evaluating:
    """The architectures of an iteration are about to be evaluated; some may have their results already."""

    iteration: int
    trials: Sequence[Trial]


@dataclasses.dataclass(frozen=True)
class Noticed:
    """Something has happened to the evaluator that ends nothing.

    Attributes:
      notice: what, in a line.
    """

    notice: str


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A result has been recorded."""

    trial: Trial


@dataclasses.dataclass(frozen=True)
class Told:
    """An iteration is finished."""

    iteration: int
    history: History


@dataclasses.dataclass(frozen=True)
class Recommending:
    """The strategy is about to say which architectures are to be trained again: NAO fits its encoder."""


@dataclasses.dataclass(frozen=True)
class Confirming:
    """Some architectures are about to be trained again.

    Attributes:
      history: with the confirmation that says which.
      missing: how many trainings.
      choosing: whether they are to choose the answer. If not, they are to score it.
    """

    history: History
    missing: int
    choosing: bool


@dataclasses.dataclass(frozen=True)
class Repeated:
    """What came of one of these trainings has been recorded."""

    result: Result


@dataclasses.dataclass(frozen=True)
class Confirmed:
    """The answer is confirmed."""

    history: History


class Job(NamedTuple):
    """One run of a comparison.

    Attributes:
      label: what the strategy is called in it.
      repeat: r, from 0.
    """

    label: str
    repeat: int


@dataclasses.dataclass(frozen=True)
class ComparisonBegan:
    """A comparison starts or goes on.

    Attributes:
      jobs: all of its runs.
      finished: those that are there already, with the reporting score of the best of each.
      budget: M of each.
    """

    jobs: Sequence[Job]
    finished: Mapping[Job, float | None]
    budget: int


@dataclasses.dataclass(frozen=True)
class Queried:
    """A run in this process has its m-th label. Of runs in workers nothing is told before their end."""

    job: Job
    m: int


@dataclasses.dataclass(frozen=True)
class RunFinished:
    """A run is finished and stored; `reported` is the reporting score of its best architecture."""

    job: Job
    reported: float | None


@dataclasses.dataclass(frozen=True)
class TimeUp:
    """The search has used up its time; it can go on later."""

    history: History


@dataclasses.dataclass(frozen=True)
class Ended:
    """The search or comparison is over, finished or not."""


Event = (
    SearchBegan
    | Proposing
    | Preparing
    | Evaluating
    | Noticed
    | Recorded
    | Told
    | Recommending
    | Confirming
    | Repeated
    | Confirmed
    | ComparisonBegan
    | Queried
    | RunFinished
    | TimeUp
    | Ended
)
Observer = Callable[[Event], None]


def silent(event: Event) -> None:
    """An observer that does nothing."""


def together(*observers: Observer) -> Observer:
    """An observer that tells each of these, in this order."""

    def tell(event: Event) -> None:
        for observer in observers:
            observer(event)

    return tell
