"""One run: a strategy spends its budget on an evaluator, and every label it asks for counts."""

import dataclasses
import time
from collections.abc import Iterator, Sequence

from nao.core import Evaluator, Request, Result, Strategy
from nao.search import child_seed


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


def run(strategy: Strategy, evaluator: Evaluator, *, budget: int, seed: int) -> Iterator[Query]:
    """Asks, evaluates and tells until the budget is spent or the strategy can propose no more.

    Args:
      strategy: a new one.
      evaluator: scores the architectures.
      budget: M, how many labels.
      seed: decides the seed of every evaluation: the m-th of every strategy has the same.

    Yields:
      The queries in the order of the proposals.
    """
    m, spent = 0, 0.0
    while m < budget:
        began = time.process_time()
        proposals = strategy.ask(min(strategy.batch, budget - m))
        spent += time.process_time() - began
        if not proposals:
            return
        seeds = [child_seed(seed, m + i) for i in range(len(proposals))]
        results = answered(
            [Request(p.architecture, s) for p, s in zip(proposals, seeds, strict=True)], evaluator
        )
        began = time.process_time()
        strategy.tell(results)
        spent += time.process_time() - began
        for proposal, result in zip(proposals, results, strict=True):
            m += 1
            yield query(m, proposal.origin, result, spent)


def answered(requests: Sequence[Request], evaluator: Evaluator) -> list[Result]:
    """The results, in the order of the requests."""
    results = {result.request: result for result in evaluator.evaluate(requests)}
    return [results[request] for request in requests]


def query(m: int, origin: str, result: Result, cpu_seconds: float) -> Query:
    """The m-th query. What reports no test score is reported by its signal."""
    signal = result.score
    reported = signal if result.test_score is None or signal is None else result.test_score
    return Query(m, str(result.architecture), origin, signal, reported, cpu_seconds)
