"""One run of a comparison: a strategy spends its budget on an evaluator, and every label counts."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from nao.core import Evaluator, Strategy, Trial
from nao.events import silent
from nao.loop import play
from nao.search import identity
from nao.study import Ledger, Study


@dataclasses.dataclass(frozen=True)
class Query:
    """One label that was asked for.

    Attributes:
      m: how many labels were asked for until then, this one included.
      architecture: its readable string.
      origin: the strategy's word for the move that made it.
      signal: the score that the strategy was told; None when the evaluation failed.
      reported: the score to report of it, which the strategy never sees.
      cpu_seconds: what the strategy itself has computed until then, evaluations not counted.
    """

    m: int
    architecture: str
    origin: str
    signal: float | None
    reported: float | None
    cpu_seconds: float


def run(
    strategy: Strategy, evaluator: Evaluator, *, budget: int, study: Path | None = None
) -> Iterator[Query]:
    """Plays a strategy until the budget is spent or it can propose no more.

    Args:
      strategy: a new one.
      evaluator: scores the architectures; the m-th of every strategy of one seed has the same seed.
      budget: M, how many labels.
      study: the folder of a study that has each result as soon as it arrives, for labels that are
        expensive; a run that was killed goes on from there. None keeps nothing.

    Yields:
      The queries in the order of the proposals, those that were in the study too.
    """
    configuration = {**identity(strategy, evaluator), "budget": budget}
    if study is None:
        yield from _queries(strategy, evaluator, Ledger(strategy.space, configuration), budget)
        return
    with Study(study, strategy.space, configuration, keep_arrays=False) as ledger:
        ledger.aim({"labels": budget})
        yield from _queries(strategy, evaluator, ledger, budget)


def _queries(strategy: Strategy, evaluator: Evaluator, ledger: Ledger, budget: int) -> Iterator[Query]:
    def count(_: int, evaluated: int) -> int:
        return min(strategy.batch, budget - evaluated)

    for played in play(strategy, evaluator, ledger, count, observer=silent):
        for trial in played.trials:
            yield query(trial, played.cpu_seconds)


def query(trial: Trial, cpu_seconds: float) -> Query:
    """A trial as a query. What has no test score is reported by its signal."""
    result = trial.result
    reported = None
    if result and result.score is not None:
        reported = result.score if result.test_score is None else result.test_score
    return Query(
        trial.id + 1, str(trial.architecture), trial.proposal.origin, trial.score, reported, cpu_seconds
    )
