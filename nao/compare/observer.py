"""Whoever watches a comparison: what it is told, and when."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Job(NamedTuple):
    """One run of a comparison.

    Attributes:
      label: what the strategy is called in it.
      repeat: r, from 0.
    """

    label: str
    repeat: int


@runtime_checkable
class Observer(Protocol):
    """Is told how a comparison goes on, for instance to show it."""

    def begin(self, jobs: Sequence[Job], finished: Mapping[Job, float | None], budget: int) -> None:
        """A comparison starts or goes on.

        Args:
          jobs: all of its runs.
          finished: those that are there already, with the reporting score of the best of each.
          budget: M of each.
        """

    def queried(self, job: Job, m: int) -> None:
        """A run has its m-th label. Only told of runs in this process, not of those in workers."""

    def finished(self, job: Job, reported: float | None) -> None:
        """A run is finished and stored; `reported` is the reporting score of its best architecture."""

    def end(self) -> None:
        """The comparison is over, finished or not."""


class Silent:
    """An `Observer` that does nothing."""

    def begin(self, jobs: Sequence[Job], finished: Mapping[Job, float | None], budget: int) -> None:
        """Does nothing."""

    def queried(self, job: Job, m: int) -> None:
        """Does nothing."""

    def finished(self, job: Job, reported: float | None) -> None:
        """Does nothing."""

    def end(self) -> None:
        """Does nothing."""
