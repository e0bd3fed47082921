"""The ledger of a search: what was proposed, and what came of it, in memory.

`Ledger` keeps nothing beyond the process; a `nao.study.Study` is a ledger that also writes everything into
its file before it counts.
"""

import dataclasses
import datetime
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nao.core import InputError, Json, Proposal, Result, SearchSpace, Trial
from nao.deadline import to_the_end
from nao.inputs import finite
from nao.study.confirmation import Confirmation
from nao.study.history import History, Iteration


class Ledger:
    """What a search has proposed and measured so far.

    Args:
      space: what is searched.
      configuration: what identifies the search.

    Attributes:
      history: all of it; grows with the search.
    """

    def __init__(self, space: SearchSpace, configuration: Mapping[str, Json]):
        self.history = History(space, configuration, {}, now(), versions(), [], [], [])

    def aim(self, goal: Mapping[str, Json]) -> None:
        """Notes how far the search should go, for those who look at it."""
        self._replace_history(goal=goal)

    @to_the_end()
    def propose(
        self,
        proposals: Sequence[Proposal],
        seeds: Sequence[int],
        *,
        state: Json,
        diagnostics: Mapping[str, float],
        seconds: float,
        cpu_seconds: float,
    ) -> None:
        """Notes one whole iteration of proposals.

        Args:
          proposals: architectures that were not proposed before; there may be none of them.
          seeds: the seed of each one's measurements.
          state: the strategy's state after proposing them.
          diagnostics: the strategy's numbers about them; those that are not finite are dropped.
          seconds: time it took.
          cpu_seconds: what the strategy has computed since the search began.

        Raises:
          InputError: one of them was proposed before.
        """
        iterations, trials, _ = _lists(self.history)
        numbers = {name: value for name, value in diagnostics.items() if finite(value) is not None}
        iteration = Iteration(len(iterations), state, numbers, seconds, cpu_seconds)
        new = [
            Trial(len(trials) + i, iteration.number, proposal, seed)
            for i, (proposal, seed) in enumerate(zip(proposals, seeds, strict=True))
        ]
        self._keep_iteration(iteration, new)
        iterations.append(iteration)
        trials.extend(new)

    @to_the_end()
    def record(self, trial: Trial, result: Result, seconds: float) -> Trial:
        """Notes a result of a trial.

        Args:
          trial: what was evaluated.
          result: what came of it.
          seconds: time that passed for it, added to its iteration's.

        Returns:
          The trial with its result.

        Raises:
          InputError: it has a result of this fidelity.
        """
        iterations, trials, _ = _lists(self.history)
        known = trials[trial.id].results
        if any(each.request.fidelity == result.request.fidelity for each in known):
            raise InputError(f"trial {trial.id} has a result: the evaluator answered a request twice")
        self._keep_result(trial, result, seconds)
        trials[trial.id] = dataclasses.replace(trials[trial.id], results=(*known, result))
        old = iterations[trial.iteration]
        spent = old.seconds + seconds
        iterations[trial.iteration] = Iteration(
            old.number, old.state, old.diagnostics, spent, old.cpu_seconds
        )
        return trials[trial.id]

    @to_the_end()
    def confirm(self, confirmation: Confirmation) -> None:
        """Notes which trials are to be trained again."""
        self._keep_confirmation(confirmation)
        _lists(self.history)[2].append(confirmation)

    @to_the_end()
    def repeat(self, trial: Trial, result: Result, seconds: float) -> None:
        """Notes what came of training a trial again, for the newest confirmation.

        Args:
          trial: one of its candidates.
          result: what came of it, with a seed that the trial has no result of.
          seconds: time that passed for it, added to the confirmation's.
        """
        _, trials, confirmations = _lists(self.history)
        self._keep_repeat(trial, result, seconds)
        trials[trial.id] = repeated(trials[trial.id], [result])
        spent = confirmations[-1].seconds + seconds
        confirmations[-1] = dataclasses.replace(confirmations[-1], seconds=spent)

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keeps arrays under a name such as `models/3`, where anything is kept."""

    def _keep_iteration(self, iteration: Iteration, trials: Sequence[Trial]) -> None:
        """Called before an iteration counts."""

    def _keep_result(self, trial: Trial, result: Result, seconds: float) -> None:
        """Called before a result counts."""

    def _keep_confirmation(self, confirmation: Confirmation) -> None:
        """Called before a confirmation counts."""

    def _keep_repeat(self, trial: Trial, result: Result, seconds: float) -> None:
        """Called before what came of a repeat counts."""

    def _replace_history(self, **changed: Any) -> None:
        self.history = History(**{**vars(self.history), **changed})


def repeated(trial: Trial, results: Iterable[Result]) -> Trial:
    """A trial with further repeats, in the order of their seeds whatever order they came in."""
    repeats = sorted((*trial.repeats, *results), key=lambda result: result.seed)
    return dataclasses.replace(trial, repeats=tuple(repeats))


def _lists(history: History) -> tuple[list[Iteration], list[Trial], list[Confirmation]]:
    """The lists that grow."""
    assert isinstance(history.iterations, list)
    assert isinstance(history.trials, list)
    assert isinstance(history.confirmations, list)
    return history.iterations, history.trials, history.confirmations


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Of this package, JAX and Python."""
    found = {name: importlib.metadata.version(name) for name in ("nao-search", "jax")}
    return found | {"python": platform.python_version()}
