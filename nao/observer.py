"""Whoever watches a search: what it is told, and when."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from nao.history import History, Trial


@runtime_checkable
class Observer(Protocol):
    """Is told how a search goes on, for instance to show it."""

    def begin(self, counts: Sequence[int], history: History) -> None:
        """A search starts or goes on.

        Args:
          counts: how many architectures will be evaluated in each iteration, 0 the initial ones.
          history: what is there already.
        """

    def proposing(self, iteration: int) -> None:
        """The strategy is about to propose: NAO fits its encoder."""

    def evaluating(self, iteration: int, trials: Sequence[Trial]) -> None:
        """The architectures of an iteration are about to be evaluated, but those that are already."""

    def recorded(self, trial: Trial) -> None:
        """A result has been committed."""

    def told(self, iteration: int, history: History) -> None:
        """An iteration is finished."""

    def end(self) -> None:
        """The search is over, finished or not."""


class Silent:
    """An `Observer` that does nothing."""

    def begin(self, counts: Sequence[int], history: History) -> None:
        """Does nothing."""

    def proposing(self, iteration: int) -> None:
        """Does nothing."""

    def evaluating(self, iteration: int, trials: Sequence[Trial]) -> None:
        """Does nothing."""

    def recorded(self, trial: Trial) -> None:
        """Does nothing."""

    def told(self, iteration: int, history: History) -> None:
        """Does nothing."""

    def end(self) -> None:
        """Does nothing."""
