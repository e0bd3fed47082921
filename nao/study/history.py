"""What a search has found so far: every architecture, its results, and where it came from.

A `History` is what `nao.study.read` gives, and what a running search keeps in memory. It needs no JAX and no
connection to anything, so a search can be looked at while it runs, and taken into a notebook when it is over.

Axis letters: N architectures with a score, T tokens.
"""

import bisect
import collections
import dataclasses
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from nao.inputs import Json, finite
from nao.records import Result, Trial
from nao.study.confirmation import Confirmation, Repeated
from nao.study.front import fronts, records

if TYPE_CHECKING:
    from nao.core import SearchSpace

NUMBERS = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


@dataclasses.dataclass(frozen=True)
class Iteration:
    """One `ask` of the strategy.

    Attributes:
      number: 0 for the initial architectures, then 1, 2, ...
      state: the strategy's state after it had proposed.
      diagnostics: the strategy's numbers about this proposal, such as the predictor's quality.
      seconds: time spent on it so far, proposing and evaluating; interruptions do not count.
      cpu_seconds: what the strategy itself has computed since the search began, until it had proposed.
    """

    number: int
    state: Json
    diagnostics: Mapping[str, float]
    seconds: float
    cpu_seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class History:
    """Everything in a study. That of a running search grows with it.

    Attributes:
      space: what is searched; of a class of the user's own, only its name and strings (`RecordedSpace`).
      configuration: what identifies the search.
      goal: how far it was asked to go: `iterations`, `evaluate_last` and `confirm`, which is k and r or None;
        or `labels`.
      created: when it was begun (ISO 8601, UTC).
      versions: of this package, JAX and Python, when it was begun.
      iterations: one for each `ask`.
      trials: all architectures, in the order of the proposals.
      confirmations: what was trained again at the end; a search that went on after that has several.
    """

    space: "SearchSpace"
    configuration: Mapping[str, Json]
    goal: Mapping[str, Json]
    created: str
    versions: Mapping[str, str]
    iterations: Sequence[Iteration]
    trials: Sequence[Trial]
    confirmations: Sequence[Confirmation] = ()

    def of(self, iteration: int) -> Sequence[Trial]:
        """The trials of one iteration."""
        first = bisect.bisect_left(self.trials, iteration, key=lambda trial: trial.iteration)
        last = bisect.bisect_right(self.trials, iteration, first, key=lambda trial: trial.iteration)
        return self.trials[first:last]

    @property
    def evaluated(self) -> int:
        """How many trials have a result, failed ones included."""
        return sum(trial.status != "pending" for trial in self.trials)

    @property
    def scored(self) -> tuple[Int[np.ndarray, "N T"], Float[np.ndarray, " N"]]:
        """The architectures that have a score: their tokens, and the scores that they were found with."""
        known = [(trial.architecture.tokens, trial.score) for trial in self.trials if trial.score is not None]
        length = len(self.trials[0].architecture.tokens) if self.trials else 0
        tokens = np.array([tokens for tokens, _ in known], np.int32).reshape(-1, length)
        return tokens, np.array([score for _, score in known], np.float64)

    @property
    def confirmation(self) -> Confirmation | None:
        """The newest confirmation, if it is one of everything that is evaluated; it may not be over."""
        newest = self.confirmations[-1] if self.confirmations else None
        return newest if newest and newest.evaluated == self.evaluated else None

    @property
    def confirmed(self) -> Repeated | None:
        """The mean over new trainings that is the score of `best`; None where that is not confirmed."""
        over = self._over
        best = over and over.answer(self.trials)
        return over.score(best) if over and best else None

    @property
    def best(self) -> Trial | None:
        """The answer.

        Once it is confirmed, that is the trial whose architecture had the highest mean over new trainings
        (see `nao.study.confirmation`), and `confirmed` is its score; None where all of them failed. Until
        then, or without a confirmation, it is the trial with the highest score, of equal ones the first; None
        where none has a score.
        """
        if self._over:
            return self._over.answer(self.trials)
        scored = [trial for trial in self.trials if trial.score is not None]
        return max(scored, key=lambda trial: (trial.score, -trial.id), default=None)

    @property
    def _over(self) -> Confirmation | None:
        """The newest confirmation, if nothing is missing in it."""
        newest = self.confirmation
        return None if newest is None or newest.missing(self.trials) else newest

    @property
    def complete(self) -> bool:
        """Whether it has gone as far as it was asked to, or until the strategy found no more."""
        return self.all_evaluated and self._is_confirmed

    @property
    def _is_confirmed(self) -> bool:
        """Whether its answer is confirmed as it was asked to be."""
        asked, over = self.goal.get("confirm"), self._over
        return asked is None or (over is not None and [over.most, over.repeats] == [*asked])

    @property
    def all_evaluated(self) -> bool:
        """Whether everything is evaluated that it was asked for; its answer may have to be confirmed."""
        if not self.iterations or not self.goal:
            return False
        last = self.iterations[-1].number
        exhausted = not self.of(last)
        if "labels" in self.goal:
            evaluated = self.evaluated
            return evaluated == len(self.trials) and (exhausted or evaluated >= self.goal["labels"])
        iterations = self.goal["iterations"]
        to_evaluate = iterations if self.goal["evaluate_last"] else iterations - 1
        pending = any(t.status == "pending" and t.iteration <= to_evaluate for t in self.trials)
        return (exhausted or last >= iterations) and not pending

    def summary(self) -> dict[str, Json]:
        """The result in numbers, ready for `json.dumps`; what is not known is None.

        `evaluations` is M, the number of trainings whose score was read, failed ones included: one for each
        architecture, and `repeats` of them to confirm the answer. `reasons` says of the failed ones how many
        failed for which reason, the commonest first. The `score` of `best` is the mean of `trainings` of it,
        their standard deviation `std`, and `metrics` are the means of what else they measured: where it is
        confirmed, they are new ones, and `first_score` is what it was found with. `confirmed` has the means
        by which the candidates were compared. `fronts` has the Pareto front of score against each cost that
        is known, the cheapest architecture first.
        Scores are averaged over the architectures that did not fail. `iterations` has one entry for each
        decoded set, in which `predicted` is the mean of what f expected of the decoded ones, `seeds_mean` the
        mean score of the architectures they came from, `seeds_believed` the mean of what f made of these,
        `random` is how many of `new` were drawn at random because too few new ones were decoded, the
        quality of the predictor is that of the fit behind it on held-out architectures, and `seconds`
        is the time to fit, decode and evaluate.
        """
        repeats = [result for trial in self.trials for result in trial.repeats]
        results = [*(trial.result for trial in self.trials if trial.result), *repeats]
        missing = self.confirmation.missing(self.trials) if self.confirmation else []
        best = self.best
        return {
            "complete": self.complete,
            "evaluations": len(results),
            "repeats": len(repeats),
            "failed": sum(result.status == "failed" for result in results),
            "reasons": failures(results),
            "pending": len(self.trials) - self.evaluated + len(missing),
            "best": _described(best, self.confirmed or _first(best)),
            "confirmed": self._candidates(),
            "initial": {"count": _count(self.of(0)), **_statistics(self.of(0))},
            "iterations": [self.decoded_set(iteration) for iteration in self.iterations[1:]],
            "fronts": records(fronts(self.trials)),
            "seconds": sum(i.seconds for i in self.iterations) + sum(c.seconds for c in self.confirmations),
        }

    def _candidates(self) -> list[dict[str, Json]]:
        """The summary of the candidates that were trained again, what was believed to be the best first."""
        if not self._over:
            return []
        trials = [self.trials[i] for i in self._over.candidates]
        return [_described(trial, self._over.choice(trial) or self._over.score(trial)) for trial in trials]

    def decoded_set(self, iteration: Iteration) -> dict[str, Json]:
        """The summary of one iteration."""
        trials, known = self.of(iteration.number), iteration.diagnostics
        return {
            "new": _count(trials),
            "random": _count(trial for trial in trials if trial.proposal.origin == "random"),
            **_statistics(trials),
            "predicted": _mean([t.proposal.predicted for t in trials if t.proposal.predicted is not None]),
            "seeds_mean": known.get("seeds_mean"),
            "seeds_believed": known.get("seeds_believed"),
            "pairwise_accuracy": known.get("pairwise_accuracy"),
            "kendall_tau": known.get("kendall_tau"),
            "hamming": known.get("hamming"),
            "held_out": known.get("held_out"),
            "seconds": iteration.seconds,
        }


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def failures(results: Iterable[Result]) -> list[dict[str, Json]]:
    """The reasons for which results failed, and how many failed for each, the commonest first.

    Reasons that differ in numbers alone, such as the step at which a loss diverged, count as one: the first.
    """
    examples: dict[str, str] = {}
    counts: collections.Counter[str] = collections.Counter()
    for result in results:
        if result.status == "failed":
            kind = NUMBERS.sub("#", result.reason)
            counts[examples.setdefault(kind, result.reason)] += 1
    return [{"reason": reason, "count": n} for reason, n in counts.most_common()]


def _described(trial: Trial | None, found: Repeated | None) -> dict[str, Json]:
    """A trial in numbers, its score that of the trainings which are given."""
    result = trial and trial.result
    return {
        "architecture": trial and str(trial.architecture),
        "score": found and found.score,
        "std": found and found.std,
        "trainings": found and found.trainings,
        "test_score": found and found.test_score,
        "metrics": found and dict(found.metrics),
        "first_score": result and result.score,
        "parameters": result and result.parameters,
        "flops": result and result.flops,
        "iteration": trial and trial.iteration,
    }


def _first(trial: Trial | None) -> Repeated | None:
    """The one training that a trial was found with."""
    return Repeated.of([trial.result]) if trial and trial.result else None


def _count(trials: Iterable[Trial]) -> int:
    """How many were evaluated."""
    return sum(trial.status != "pending" for trial in trials)


def _statistics(trials: Iterable[Trial]) -> dict[str, Json]:
    """Mean, sample standard deviation and maximum of the scores there are."""
    scores = [trial.score for trial in trials if trial.score is not None]
    return {
        "mean": finite(statistics.fmean(scores)) if scores else None,
        "std": finite(statistics.stdev(scores)) if len(scores) > 1 else None,
        "best": max(scores, default=None),
    }
