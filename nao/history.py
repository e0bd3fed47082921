"""What a search has found so far, as plain data: every architecture, its score, and where it came from.

A `History` is what `nao.study` reads out of a study. It needs no search space, no JAX and no connection to
anything, so a running search can be looked at, and a finished one taken into a notebook:
`pandas.DataFrame(history.trials)`.
"""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from nao.core import Architecture, Cost, Json, Request, Result, SearchSpace


@dataclasses.dataclass(frozen=True)
class Trial:
    """One architecture of a study: how it was proposed and, once evaluated, what came of it.

    Attributes:
      id: its number in the study, from 0, in the order of the proposals.
      iteration: 0 for the initial architectures, l for the set decoded in iteration l.
      tokens: the T tokens.
      architecture: the readable string.
      origin: `random`, `ascent`, ... (see `nao.core.Proposal`).
      parent: readable string of the seed architecture, if any.
      step: the step length eta, if any.
      predicted: the predicted score, if any.
      seed: the seed of its training.
      status: `pending` until there is a result.
      score: None unless the status is `ok`. The attributes from here on are those of `nao.core.Result`.
    """

    id: int
    iteration: int
    tokens: tuple[int, ...]
    architecture: str
    origin: str
    parent: str | None
    step: float | None
    predicted: float | None
    seed: int
    status: Literal["pending", "ok", "failed"] = "pending"
    score: float | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    parameters: int = 0
    flops: int = 0
    seconds: float = 0.0
    device: str = ""
    reason: str = ""

    def result(self, space: SearchSpace) -> Result:
        """The result of an evaluated trial, as a strategy is told it."""
        assert self.status != "pending"
        metrics = dict(self.metrics)
        return Result(
            Request(Architecture(self.tokens, space), self.seed),
            self.score,
            test_score=metrics.pop("test_score", None),
            metrics=metrics,
            cost=Cost(self.parameters, self.flops),
            seconds=self.seconds,
            device=self.device,
            status=self.status,
            reason=self.reason,
        )


@dataclasses.dataclass(frozen=True)
class Iteration:
    """One `ask` of the strategy.

    Attributes:
      number: 0 for the initial architectures, then 1, 2, ...
      state: the strategy's state after it had proposed.
      diagnostics: the strategy's numbers about this proposal, such as the predictor's quality.
      seconds: time spent on it so far, proposing and evaluating; interruptions do not count.
    """

    number: int
    state: Json
    diagnostics: Mapping[str, float]
    seconds: float


@dataclasses.dataclass(frozen=True)
class History:
    """Everything in a study.

    Attributes:
      configuration: what identifies the search.
      goal: how far it was asked to go: `iterations`, and `evaluate_last`.
      created: when it was begun (ISO 8601, UTC).
      versions: of this package, JAX and Python, when it was begun.
      iterations: one for each `ask`.
      trials: all architectures, in the order of the proposals.
    """

    configuration: Mapping[str, Json]
    goal: Mapping[str, Json]
    created: str
    versions: Mapping[str, str]
    iterations: Sequence[Iteration]
    trials: Sequence[Trial]

    def of(self, iteration: int) -> list[Trial]:
        """The trials of one iteration."""
        return [trial for trial in self.trials if trial.iteration == iteration]

    @property
    def best(self) -> Trial | None:
        """The trial with the highest score; of equal ones the first."""
        scores = [-math.inf if trial.score is None else trial.score for trial in self.trials]
        best = max(scores, default=-math.inf)
        return None if best == -math.inf else self.trials[scores.index(best)]

    @property
    def complete(self) -> bool:
        """Whether it has gone as far as it was asked to."""
        if not self.iterations or not self.goal:
            return False
        last, iterations = self.iterations[-1].number, self.goal["iterations"]
        exhausted = not self.of(last)  # the strategy could find no more
        to_evaluate = iterations if self.goal["evaluate_last"] else iterations - 1
        pending = any(t.status == "pending" and t.iteration <= to_evaluate for t in self.trials)
        return (exhausted or last >= iterations) and not pending

    def summary(self) -> dict[str, Json]:
        """The result in numbers, ready for `json.dumps`; what is not known is None.

        `evaluations` is M, the number of architectures whose score was read, failed ones included.
        Scores are averaged over the architectures that did not fail. `iterations` has one entry for each
        decoded set, in which `seeds_mean` is the mean score of the best architectures it came from,
        `random` is how many of `new` were drawn at random because too few new ones were decoded, the
        quality of the predictor is that of the fit behind it on held-out architectures, and `seconds`
        is the time to fit, decode and evaluate.
        """
        best = self.best
        evaluated = [trial for trial in self.trials if trial.status != "pending"]
        return {
            "complete": self.complete,
            "evaluations": len(evaluated),
            "failed": sum(trial.status == "failed" for trial in evaluated),
            "pending": len(self.trials) - len(evaluated),
            "best": {
                "architecture": best and best.architecture,
                "score": best and best.score,
                "test_score": best and best.metrics.get("test_score"),
                "parameters": best and best.parameters,
                "flops": best and best.flops,
                "iteration": best and best.iteration,
            },
            "initial": {"count": _count(self.of(0)), **_statistics(self.of(0))},
            "iterations": [self._decoded_set(iteration) for iteration in self.iterations[1:]],
            "seconds": sum(iteration.seconds for iteration in self.iterations),
        }

    def _decoded_set(self, iteration: Iteration) -> dict[str, Json]:
        """The summary of one iteration."""
        trials, known = self.of(iteration.number), iteration.diagnostics
        return {
            "new": _count(trials),
            "random": _count(trial for trial in trials if trial.origin == "random"),
            **_statistics(trials),
            "seeds_mean": known.get("seeds_mean"),
            "pairwise_accuracy": known.get("pairwise_accuracy"),
            "kendall_tau": known.get("kendall_tau"),
            "hamming": known.get("hamming"),
            "held_out": known.get("held_out"),
            "seconds": iteration.seconds,
        }


def _count(trials: Iterable[Trial]) -> int:
    """How many were evaluated."""
    return sum(trial.status != "pending" for trial in trials)


def _statistics(trials: Iterable[Trial]) -> dict[str, Json]:
    """Mean, sample standard deviation and maximum of the scores there are."""
    scores = [trial.score for trial in trials if trial.score is not None]
    return {
        "mean": statistics.fmean(scores) if scores else None,
        "std": statistics.stdev(scores) if len(scores) > 1 else None,
        "best": max(scores, default=None),
    }


def differences(ours: Json, theirs: Json, path: str = "") -> list[str]:
    """What differs between two configurations, as `a.b is 1 there and 2 here`, ours being here."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return [] if ours == theirs else [f"{path} is {theirs!r} there and {ours!r} here"]
    keys = dict.fromkeys(itertools.chain(ours, theirs))
    return [
        line
        for key in keys
        for line in differences(ours.get(key), theirs.get(key), f"{path}.{key}" if path else key)
    ]
