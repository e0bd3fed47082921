"""The one loop: ask a strategy, evaluate, record, tell, and again.

A search (`nao.search`), a comparison on a table and a comparison on trained children (`nao.compare`) are
this loop with another ledger and another end. It is a replay of its ledger: what is there already is told
to the strategy and neither proposed nor evaluated again.
"""

import dataclasses
import itertools
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nao.core import Evaluator, InputError, Request, Result, Strategy, Trial, check_part
from nao.events import Evaluating, Event, Noticed, Observer, Preparing, Proposing, Recorded, Told
from nao.records import child_seed
from nao.study.ledger import Ledger

Count = Callable[[int, int], int]
"""How many architectures to ask for, from the number of the iteration and of those evaluated so far."""


@dataclasses.dataclass(frozen=True)
class Played:
    """An iteration that is over.

    Attributes:
      trials: its trials, each with its result.
      cpu_seconds: what the strategy itself has computed since the search began.
    """

    trials: Sequence[Trial]
    cpu_seconds: float


def play(
    strategy: Strategy,
    evaluator: Evaluator,
    ledger: Ledger,
    count: Count,
    *,
    unevaluated: int | None = None,
    observer: Observer,
) -> Iterator[Played]:
    """Plays a strategy from wherever its ledger is, until it is asked for none or finds no more.

    Args:
      strategy: a new one; it is told what the ledger has.
      evaluator: scores the architectures.
      ledger: where everything is recorded.
      count: how many architectures to ask for, 0 to end.
      unevaluated: the iteration that is proposed and then left, if any.
      observer: is told how it goes on.

    Yields:
      The iterations in order, those that were in the ledger too.

    Raises:
      InputError: the evaluator is of another space, or does not do what it promises.
    """
    check_space(strategy, evaluator)
    evaluated, spent = 0, 0.0
    for number in itertools.count():
        wanted = count(number, evaluated)
        if not wanted:
            return
        iterations = ledger.history.iterations
        if number == len(iterations):
            observer(Proposing(number))
            spent = _propose(strategy, ledger, wanted, spent)
        else:
            spent = iterations[number].cpu_seconds
            if number == len(iterations) - 1:
                strategy.restore(iterations[number].state)
        if not ledger.history.of(number) or number == unevaluated:
            return
        _evaluate(number, evaluator, ledger, observer)
        # Told from the ledger, in the order of the proposals: the same after an interruption.
        trials = ledger.history.of(number)
        began = time.process_time()
        strategy.tell([trial.result for trial in trials if trial.result])
        spent += time.process_time() - began
        evaluated += len(trials)
        observer(Told(number, ledger.history))
        yield Played(trials, spent)


def _propose(strategy: Strategy, ledger: Ledger, n: int, spent: float) -> float:
    """Asks for one iteration's architectures and records them. Returns the CPU seconds spent until then."""
    began, cpu_began = time.perf_counter(), time.process_time()
    proposals = strategy.ask(n)
    spent += time.process_time() - cpu_began
    history = ledger.history
    for name, arrays in strategy.artifacts().items():
        ledger.save(f"{name}/{len(history.iterations)}", arrays)
    ledger.propose(
        proposals,
        [child_seed(strategy.seed, len(history.trials) + i) for i in range(len(proposals))],
        state=strategy.state(),
        diagnostics=strategy.diagnostics(),
        seconds=time.perf_counter() - began,
        cpu_seconds=spent,
    )
    return spent


def _evaluate(number: int, evaluator: Evaluator, ledger: Ledger, observer: Observer) -> None:
    """Evaluates the trials of an iteration that have no result, recording each as it arrives."""
    trials = ledger.history.of(number)
    pending = {trial.request(): trial for trial in trials if trial.status == "pending"}
    for result, seconds in measure(evaluator, list(pending), Evaluating(number, trials), observer):
        observer(Recorded(ledger.record(pending[result.request], result, seconds)))


def measure(
    evaluator: Evaluator, requests: Sequence[Request], beginning: Event, observer: Observer
) -> Iterator[tuple[Result, float]]:
    """Makes an evaluator ready and has it answer.

    Args:
      evaluator: any.
      requests: different from each other.
      beginning: what the observer is told once the evaluator is ready.
      observer: is told that, and what is made ready.

    Yields:
      Each result as it comes, and the seconds that passed for it.

    Raises:
      InputError: the evaluator does not do what it promises.
    """
    if requests:
        for stage in evaluator.prepare() or ():
            observer(Preparing(stage))
    observer(beginning)
    began = time.perf_counter()
    notices: Callable[[], Iterable[str]] = getattr(evaluator, "notices", tuple)
    for result in answers(evaluator, requests):
        now = time.perf_counter()
        for notice in notices():
            observer(Noticed(notice))
        yield result, now - began
        began = now


def answers(evaluator: Evaluator, requests: Sequence[Request]) -> Iterator[Result]:
    """What an evaluator answers, held to what every evaluator promises.

    When it raises, what it has not answered is asked for one by one: a child that raises by itself is a
    failed result, and the others lose nothing.

    Args:
      evaluator: any.
      requests: different from each other.

    Raises:
      InputError: it answers what was not asked, or not all of it, or with something that is no result.
    """
    left = dict.fromkeys(requests)
    for answer in _evaluated(evaluator, requests) if requests else ():
        if isinstance(answer, Exception):
            if len(requests) == 1 and left:
                reason = "".join(traceback.format_exception_only(answer))
                yield Result(requests[0], status="failed", reason=reason)
                return
            for request in left:
                yield from answers(evaluator, [request])
            return
        yield _checked(answer, left, requests)
        del left[answer.request]
    if left:
        raise InputError(
            f"the evaluator answered {len(requests) - len(left)} of {len(requests)} requests; it must answer"
            f" each, and forgot {next(iter(left)).architecture}"
        )


def _evaluated(evaluator: Evaluator, requests: Sequence[Request]) -> Iterator[Any]:
    """What an evaluator yields; what it raises, if anything, comes last."""
    try:
        answered = evaluator.evaluate(requests)
        if not isinstance(answered, Iterable):
            raise InputError(
                f"the evaluator must yield results, or return a list of them, not {type(answered).__name__}"
            )
        yield from answered
    except InputError:
        raise
    except Exception as error:  # whatever a user's evaluator raises
        yield error


def _checked(result: object, left: dict[Request, None], requests: Sequence[Request]) -> Result:
    """The result. Raises InputError unless it answers one of the requests that are left."""
    if not isinstance(result, Result):
        raise InputError(
            f"the evaluator must yield results, nao.Result(request, score), not {type(result).__name__}"
        )
    try:
        if result.request in left:
            return result
        wrong = "answered twice" if result.request in requests else "answered, without being asked,"
        said = f"{wrong} {result.architecture} with seed {result.seed}"
    except (TypeError, LookupError):  # tokens that are no tuple, or not of the space
        said = (
            f"answered {result.architecture!r:.100}, which is no architecture; answer the requests themselves"
        )
    raise InputError(f"the evaluator {said}")


def check_space(strategy: Strategy, evaluator: Evaluator) -> None:
    """Raises InputError unless the two are what they should be, and for the same space."""
    check_part(strategy, Strategy, "the strategy")
    check_part(evaluator, Evaluator, "the evaluator")
    if strategy.space != evaluator.space:
        ours, theirs = strategy.space.name, evaluator.space.name
        other = f"those of {theirs}" if ours != theirs else f"another {theirs}"
        raise InputError(
            f"the search is in the space {ours}, but its evaluator measures {other}: give both the same space"
        )
