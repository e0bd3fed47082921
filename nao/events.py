"""What whoever watches a search or a comparison is told: an observer is a function of one of these events."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from nao.core import Trial
from nao.study.history import History


@dataclasses.dataclass(frozen=True)
class SearchBegan:
    """A search starts or goes on.

    Attributes:
      counts: how many architectures will be evaluated in each iteration, 0 the initial ones.
      history: what is there already.
    """

    counts: Sequence[int]
    history: History


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
class Recorded:
    """A result has been recorded."""

    trial: Trial


@dataclasses.dataclass(frozen=True)
class Told:
    """An iteration is finished."""

    iteration: int
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
class Ended:
    """The search or comparison is over, finished or not."""


Event = (
    SearchBegan
    | Proposing
    | Preparing
    | Evaluating
    | Recorded
    | Told
    | ComparisonBegan
    | Queried
    | RunFinished
    | Ended
)
Observer = Callable[[Event], None]


def silent(event: Event) -> None:
    """An observer that does nothing."""
