"""One run where a label is expensive: the same as `nao.compare.run`, in a study of its own.

Every result is committed as it arrives. A run that was killed proposes again what it had proposed, and
asks only for the labels that it does not have.
"""

import itertools
import time
from collections.abc import Iterator

from nao.compare.run import Query, query
from nao.core import Architecture, Evaluator, Request, Strategy
from nao.history import Trial
from nao.search import child_seed
from nao.study import Study

CPU_SECONDS = "cpu_seconds"  # among the diagnostics of an iteration: spent until it was proposed


def run_in(
    study: Study, strategy: Strategy, evaluator: Evaluator, *, budget: int, seed: int
) -> Iterator[Query]:
    """Runs a strategy from wherever its study is; `nao.compare.run.run` has the arguments.

    Yields:
      All queries in the order of the proposals, those that were in the study too.
    """
    m, spent = 0, 0.0
    for number in itertools.count():
        if m == budget:
            return
        iterations = study.history().iterations
        if number == len(iterations):
            spent = _propose(study, strategy, min(strategy.batch, budget - m), m, spent, seed)
        else:
            spent = iterations[number].diagnostics[CPU_SECONDS]
            if number == len(iterations) - 1:
                strategy.restore(iterations[number].state)
        _evaluate([x for x in study.history().of(number) if x.status == "pending"], evaluator, study)
        trials = study.history().of(number)
        if not trials:
            return
        results = [trial.result(strategy.space) for trial in trials]
        began = time.process_time()
        strategy.tell(results)
        spent += time.process_time() - began
        for trial, result in zip(trials, results, strict=True):
            m += 1
            yield query(m, trial.origin, result, spent)


def _propose(study: Study, strategy: Strategy, n: int, m: int, spent: float, seed: int) -> float:
    """Asks for n architectures after m, and commits them. Returns the CPU seconds spent until then."""
    began, cpu_began = time.perf_counter(), time.process_time()
    proposals = strategy.ask(n)
    spent += time.process_time() - cpu_began
    study.propose(
        proposals,
        [child_seed(seed, m + i) for i in range(len(proposals))],
        state=strategy.state(),
        diagnostics={**strategy.diagnostics(), CPU_SECONDS: spent},
        seconds=time.perf_counter() - began,
    )
    return spent


def _evaluate(pending: list[Trial], evaluator: Evaluator, study: Study) -> None:
    """Evaluates trials, committing each result as it arrives."""
    if not pending:
        return
    requests = {Request(Architecture(x.tokens, evaluator.space), x.seed): x for x in pending}
    began = time.perf_counter()
    for result in evaluator.evaluate(list(requests)):
        now = time.perf_counter()
        study.record(requests[result.request], result, now - began)
        began = now
