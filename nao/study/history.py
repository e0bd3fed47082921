"""What a search has found so far: every architecture, its results, and where it came from.

A `History` is what `nao.study.read` gives, and what a running search keeps in memory. It needs no JAX and no
connection to anything, so a search can be looked at while it runs, and taken into a notebook when it is over.
"""

import bisect
import collections
import dataclasses
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nao.inputs import Json, finite
from nao.records import Trial

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
      goal: how far it was asked to go: `iterations` and `evaluate_last`, or `labels`.
      created: when it was begun (ISO 8601, UTC).
      versions: of this package, JAX and Python, when it was begun.
      iterations: one for each `ask`.
      trials: all architectures, in the order of the proposals.
    """

    space: "SearchSpace"
    configuration: Mapping[str, Json]
    goal: Mapping[str, Json]
    created: str
    versions: Mapping[str, str]
    iterations: Sequence[Iteration]
    trials: Sequence[Trial]

    def of(self, iteration: int) -> Sequence[Trial]:
        """The trials of one iteration."""
        first = bisect.bisect_left(self.trials, iteration, key=lambda trial: trial.iteration)
        last = bisect.bisect_right(self.trials, iteration, first, key=lambda trial: trial.iteration)
        return self.trials[first:last]

    @property
    def best(self) -> Trial | None:
        """The trial with the highest score, of equal ones the first; None where none has a score."""
        scored = [trial for trial in self.trials if trial.score is not None]
        return max(scored, key=lambda trial: (trial.score, -trial.id), default=None)

    @property
    def complete(self) -> bool:
        """Whether it has gone as far as it was asked to, or until the strategy found no more."""
        if not self.iterations or not self.goal:
            return False
        last = self.iterations[-1].number
        exhausted = not self.of(last)
        if "labels" in self.goal:
            evaluated = sum(trial.status != "pending" for trial in self.trials)
            return evaluated == len(self.trials) and (exhausted or evaluated >= self.goal["labels"])
        iterations = self.goal["iterations"]
        to_evaluate = iterations if self.goal["evaluate_last"] else iterations - 1
        pending = any(t.status == "pending" and t.iteration <= to_evaluate for t in self.trials)
        return (exhausted or last >= iterations) and not pending

    def summary(self) -> dict[str, Json]:
        """The result in numbers, ready for `json.dumps`; what is not known is None.

        `evaluations` is M, the number of architectures whose score was read, failed ones included, and
        `reasons` says of the failed ones how many failed for which reason, the commonest first.
        Scores are averaged over the architectures that did not fail. `iterations` has one entry for each
        decoded set, in which `seeds_mean` is the mean score of the best architectures it came from,
        `random` is how many of `new` were drawn at random because too few new ones were decoded, the
        quality of the predictor is that of the fit behind it on held-out architectures, and `seconds`
        is the time to fit, decode and evaluate.
        """
        evaluated = [trial for trial in self.trials if trial.status != "pending"]
        return {
            "complete": self.complete,
            "evaluations": len(evaluated),
            "failed": sum(trial.status == "failed" for trial in evaluated),
            "reasons": failures(self.trials),
            "pending": len(self.trials) - len(evaluated),
            "best": _best(self.best),
            "initial": {"count": _count(self.of(0)), **_statistics(self.of(0))},
            "iterations": [self.decoded_set(iteration) for iteration in self.iterations[1:]],
            "seconds": sum(iteration.seconds for iteration in self.iterations),
        }

    def decoded_set(self, iteration: Iteration) -> dict[str, Json]:
        """The summary of one iteration."""
        trials, known = self.of(iteration.number), iteration.diagnostics
        return {
            "new": _count(trials),
            "random": _count(trial for trial in trials if trial.proposal.origin == "random"),
            **_statistics(trials),
            "seeds_mean": known.get("seeds_mean"),
            "pairwise_accuracy": known.get("pairwise_accuracy"),
            "kendall_tau": known.get("kendall_tau"),
            "hamming": known.get("hamming"),
            "held_out": known.get("held_out"),
            "seconds": iteration.seconds,
        }


def failures(trials: Iterable[Trial]) -> list[dict[str, Json]]:
    """The reasons for which trials failed, and how many failed for each, the commonest first.

    Reasons that differ in numbers alone, such as the step at which a loss diverged, count as one: the first.
    """
    examples: dict[str, str] = {}
    counts: collections.Counter[str] = collections.Counter()
    for trial in trials:
        if trial.result and trial.status == "failed":
            kind = NUMBERS.sub("#", trial.result.reason)
            counts[examples.setdefault(kind, trial.result.reason)] += 1
    return [{"reason": reason, "count": n} for reason, n in counts.most_common()]


def _best(best: Trial | None) -> dict[str, Json]:
    """The best trial in numbers."""
    result = best and best.result
    return {
        "architecture": best and str(best.architecture),
        "score": result and result.score,
        "test_score": result and result.test_score,
        "parameters": result and result.parameters,
        "flops": result and result.flops,
        "iteration": best and best.iteration,
    }


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
