"""The loop that fills a study: ask a strategy, evaluate, record, tell, and again.

`optimize` is Algorithm 1 of Luo et al. 2018, the public function behind `nao optimize`; `search` is the
loop it runs, for any strategy. Both are handed what they use. Those who evaluate elsewhere need neither:

    strategy = NAO(space, encoder)
    proposals = strategy.ask(200)
    ...
    strategy.tell(results)
"""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nao.core import (
    MOST_SEED,
    Architecture,
    Encoder,
    Evaluator,
    InputError,
    Json,
    Request,
    SearchSpace,
    Strategy,
)
from nao.history import History, Trial
from nao.observer import Observer, Silent
from nao.strategies.nao import NAO
from nao.study import Study


def optimize(
    space: SearchSpace,
    evaluator: Evaluator,
    encoder: Encoder,
    *,
    iterations: int = 3,
    seeds: int = 100,
    initial: int = 400,
    new: int = 100,
    evaluate_last: bool = True,
    choose: str = "predicted",
    seed: int = 0,
    out: Path | str | None = None,
    observer: Observer | None = None,
) -> History:
    """Neural Architecture Optimization: Algorithm 1 of Luo et al. 2018.

    Evaluates `initial` random architectures. Then, `iterations` times: fits the encoder to all scores so
    far, moves the best architectures (and by default as many random ones) up its gradient, decodes `new`
    new architectures, and evaluates them. M is `initial + iterations * new`, or one `new` less without
    `evaluate_last`.

    Args:
      space: what to search.
      evaluator: trains and scores architectures.
      encoder: E, f and D.
      iterations: L. A finished search can be given more of them, and goes on.
      seeds: K, the number of architectures that are moved.
      initial: the size of the initial set X.
      new: how many architectures each iteration adds.
      evaluate_last: whether to evaluate the set that iteration L decodes; Algorithm 1 ends before that.
      choose: which decoded architectures are taken (see `nao.strategies.NAO`).
      seed: decides everything random: the same seed finds the same architectures.
      out: the run's folder. A search that was killed goes on when it is called again with the same
        folder, and ends as if nothing had happened. None keeps nothing.
      observer: is told how it goes on.

    Returns:
      All architectures and their scores; `best` and `summary()` say what came out.

    Raises:
      InputError: an argument is out of range, or the folder is not usable (see `nao.study.Study`).
    """
    settings = identity(
        space, evaluator, encoder, seeds=seeds, initial=initial, new=new, choose=choose, seed=seed
    )
    if iterations < 0:
        raise InputError(f"iterations must be at least 0, not {iterations}")
    strategy = NAO(space, encoder, initial=initial, proposals=new, seeds=seeds, choose=choose, seed=seed)
    with Study(None if out is None else Path(out), settings) as study:
        return search(
            strategy,
            evaluator,
            study,
            counts=[initial] + [new] * iterations,
            evaluate_last=evaluate_last,
            seed=seed,
            observer=observer,
        )


def identity(
    space: SearchSpace,
    evaluator: Evaluator,
    encoder: Encoder,
    *,
    seeds: int = 100,
    initial: int = 400,
    new: int = 100,
    choose: str = "predicted",
    seed: int = 0,
) -> dict[str, Json]:
    """The configuration of a search by `optimize`: two searches with the same one are the same search.

    Raises:
      InputError: an argument is out of range.
    """
    for name, count in (("initial", initial), ("new", new)):
        if count < 1:
            raise InputError(f"{name} must be at least 1, not {count}")
    if not 0 <= seed <= MOST_SEED:
        raise InputError(f"seed must be at least 0 and at most {MOST_SEED:,}, not {seed}")
    strategy = NAO(space, encoder, initial=initial, proposals=new, seeds=seeds, choose=choose, seed=seed)
    return {
        "space": dict(space.configuration()),
        "strategy": dict(strategy.configuration()),
        "evaluator": dict(evaluator.configuration()),
        "initial": initial,
        "new": new,
        "seed": seed,
    }


def search(
    strategy: Strategy,
    evaluator: Evaluator,
    study: Study,
    *,
    counts: Sequence[int],
    evaluate_last: bool = True,
    seed: int = 0,
    observer: Observer | None = None,
) -> History:
    """Runs a strategy, from wherever its study is.

    Args:
      strategy: a new one; it is told what the study has.
      evaluator: scores the architectures.
      study: where everything is recorded.
      counts: how many architectures to ask for, iteration by iteration.
      evaluate_last: whether to evaluate those of the last iteration. The initial ones always are.
      seed: decides the seed of every evaluation.
      observer: is told how it goes on.

    Returns:
      What is in the study at the end.
    """
    observer = observer or Silent()
    last = len(counts) - 1
    evaluate_last = evaluate_last or last == 0
    study.aim({"iterations": last, "evaluate_last": evaluate_last})
    history = study.history()
    observer.begin(counts if evaluate_last else [*counts[:last], 0], history)
    try:
        for iteration, count in enumerate(counts):
            proposed = len(history.iterations)
            if iteration == proposed:
                observer.proposing(iteration)
                _propose(strategy, study, count, first=len(history.trials), seed=seed)
            elif iteration == proposed - 1:
                strategy.restore(history.iterations[iteration].state)
            trials = study.history().of(iteration)
            exhausted = not trials
            if exhausted or (iteration == last and not evaluate_last):
                break
            observer.evaluating(iteration, trials)
            _evaluate([trial for trial in trials if trial.status == "pending"], evaluator, study, observer)
            # Told from the study, in the order of the proposals: the same after an interruption.
            history = study.history()
            strategy.tell([trial.result(strategy.space) for trial in history.of(iteration)])
            observer.told(iteration, history)
    finally:
        observer.end()
    return study.history()


def _propose(strategy: Strategy, study: Study, count: int, *, first: int, seed: int) -> None:
    """Asks for one iteration's architectures, and commits them."""
    began = time.perf_counter()
    proposals = strategy.ask(count)
    study.propose(
        proposals,
        [child_seed(seed, first + i) for i in range(len(proposals))],
        state=strategy.state(),
        diagnostics=strategy.diagnostics(),
        seconds=time.perf_counter() - began,
    )


def _evaluate(pending: Sequence[Trial], evaluator: Evaluator, study: Study, observer: Observer) -> None:
    """Evaluates trials, committing each result as it arrives."""
    if not pending:
        return
    requests = {Request(Architecture(x.tokens, evaluator.space), x.seed): x for x in pending}
    began = time.perf_counter()
    for result in evaluator.evaluate(list(requests)):
        now = time.perf_counter()
        observer.recorded(study.record(requests[result.request], result, now - began))
        began = now


def child_seed(seed: int, trial: int) -> int:
    """The seed of one evaluation: follows from the search's seed and the trial's id, below 2^31."""
    return int(np.random.SeedSequence([seed, trial]).generate_state(1)[0] >> 1)
