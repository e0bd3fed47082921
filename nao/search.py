"""Searches: Algorithm 1 of Luo et al. 2018, and the same with any other strategy.

`optimize` is the function behind `nao optimize`; `search` runs any strategy, and `identity` says what makes
two searches the same one. Those who evaluate elsewhere need none of them:

    strategy = NAO(space, encoder)
    proposals = strategy.ask(200)
    ...
    strategy.tell(results)
"""

import collections
import contextlib
from collections.abc import Sequence
from pathlib import Path

from nao import folder as folders
from nao.configuration import plain
from nao.confirm import Confirm, confirmation_of
from nao.confirm import confirm as confirm_answer
from nao.core import (
    Architecture,
    Encoder,
    Evaluator,
    InputError,
    Json,
    SearchSpace,
    Strategy,
    check_part,
    is_noisy,
)
from nao.deadline import TimeIsUp, time_limit
from nao.events import Ended, Observer, SearchBegan, TimeUp, silent
from nao.inputs import whole_number
from nao.limits import Limits
from nao.loop import check_space, play
from nao.records import Metrics, Real, Whole
from nao.settings import build
from nao.strategies.nao import NAO
from nao.study import History, Ledger, Study

MOST = 1_000_000  # more iterations, or architectures of one, are taken to be a mistake


def optimize(
    space: SearchSpace,
    evaluator: Evaluator,
    encoder: Encoder,
    *,
    iterations: Whole = 3,
    seeds: Whole = 100,
    initial: Whole = 400,
    new: Whole = 100,
    evaluate_last: bool = True,
    confirm: Confirm | str | int | None = "auto",
    choose: str | None = None,
    limits: Metrics | None = None,
    starts: Sequence[Architecture] = (),
    minutes: Real | None = None,
    seed: Whole = 0,
    out: Path | str | None = None,
    observer: Observer = silent,
) -> History:
    """Neural Architecture Optimization: Algorithm 1 of Luo et al. 2018.

    Evaluates `initial` architectures, random ones but for `starts`. Then, `iterations` times: fits the
    encoder to all scores so far, moves the best architectures (and by default as many random ones) up its
    gradient, decodes `new` new architectures, and evaluates them. Last, the answer is confirmed: of scores
    with noise in them the highest is a lucky one. M is `initial + iterations * new`, or one `new` less
    without `evaluate_last`, and what is trained again to confirm the answer.

    Args:
      space: what to search.
      evaluator: trains and scores architectures of that space.
      encoder: E, f and D.
      iterations: L. A finished search can be given more of them, and goes on.
      seeds: K, the number of architectures that are moved.
      initial: the size of the initial set X, `starts` included.
      new: how many architectures each iteration adds.
      evaluate_last: whether to evaluate the set that iteration L decodes; Algorithm 1 ends before that.
      confirm: `5x3` trains the five best, by f fitted to all scores, three times each with new seeds. The one
        with the highest mean is the answer, and the mean of three trainings more is its score. `auto` does so
        for an evaluator that says it is `noisy`, such as a pool of devices; `none` does not.
      choose: which decoded architectures are taken (see `nao.strategies.NAO`).
      limits: the highest value of each cost that is limited, for instance `{"parameters": 500_000}`: nothing
        above it is proposed (see `nao.limits.Limits.of`).
      starts: architectures that are to be among the initial ones, such as published cells (see
        `nao.given.architectures`). They come first, in place of as many random ones.
      minutes: the search ends after so long, wherever it is, with what it has; None for no such limit.
      seed: decides everything random: the same seed finds the same architectures.
      out: the run's folder. A search that was killed goes on when it is called again with the same
        folder, and ends as if nothing had happened. None keeps nothing.
      observer: is told how it goes on.

    Returns:
      All architectures and their scores. `best` is the best of them, None where every one failed, and
      `confirmed` its score over new trainings; `summary()` says what came out.

    Raises:
      InputError: an argument is out of range, or the folder is not usable (see `nao.study.Study`).
    """
    check_part(space, SearchSpace, "the space")
    check_part(encoder, Encoder, "the encoder")
    check_part(evaluator, Evaluator, "the evaluator")
    counts = count_each(iterations, initial, new)
    given = {"initial": counts[0], "proposals": whole_number(new), "seeds": seeds, "choose": choose}
    bounded = Limits.of(limits, evaluator) if limits else None
    settings = build(NAO.Settings, "nao", given)
    noisy = is_noisy(evaluator)
    strategy = NAO(space, encoder, settings, seed=seed, limits=bounded, starts=starts, noisy=noisy)
    return search(
        strategy,
        evaluator,
        counts,
        evaluate_last=evaluate_last,
        confirm=confirm,
        minutes=minutes,
        out=out,
        observer=observer,
    )


def count_each(iterations: Whole, initial: Whole, new: Whole) -> list[int]:
    """How many architectures Algorithm 1 asks for: the initial ones, then those of each iteration.

    Raises:
      InputError: one of the numbers is out of range.
    """
    found = []
    for name, value, least in (("iterations", iterations, 0), ("initial", initial, 1), ("new", new, 1)):
        count = whole_number(value)
        if count is None or not least <= count <= MOST:
            raise InputError(f"{name} must be a whole number from {least} to {MOST:,}, not {value!r:.40}")
        found.append(count)
    return [found[1], *[found[2]] * found[0]]


def identity(strategy: Strategy, evaluator: Evaluator) -> dict[str, Json]:
    """The configuration of a search: two searches with the same one are the same search.

    The limits of a search are a part of its strategy's.
    """
    found: dict[str, Json] = plain(
        {"strategy": strategy.configuration(), "evaluator": evaluator.configuration()}, "the search"
    )
    return found


def search(
    strategy: Strategy,
    evaluator: Evaluator,
    counts: Sequence[int],
    *,
    evaluate_last: bool = True,
    confirm: Confirm | str | int | None = "auto",
    minutes: Real | None = None,
    out: Path | str | None = None,
    observer: Observer = silent,
) -> History:
    """Runs a strategy, from wherever the study in its folder is.

    Args:
      strategy: a new one; it is told what the study has.
      evaluator: scores the architectures.
      counts: how many architectures to ask for in each iteration, the initial ones first.
      evaluate_last: whether to evaluate those of the last iteration. The initial ones always are.
      confirm: how the answer is confirmed (see `optimize`): which are trained again, the strategy says.
      minutes: it ends after so long, wherever it is (see `optimize`).
      out: the run's folder; None keeps nothing.
      observer: is told how it goes on.

    Returns:
      Everything that was found.

    Raises:
      InputError: the evaluator is of another space or breaks its promise (see `nao.loop.answers`), or the
        folder is not usable (see `nao.study.Study`).
    """
    check_space(strategy, evaluator)
    how, within = confirmation_of(confirm, evaluator), time_limit(minutes)
    configuration = identity(strategy, evaluator)
    with contextlib.ExitStack() as stack:
        ledger = Ledger(strategy.space, configuration)
        if out is not None:
            ledger = stack.enter_context(Study(folders.named(out), strategy.space, configuration))
        last = len(counts) - 1
        evaluate_last = evaluate_last or last == 0
        again = [how.candidates, how.repeats] if how else None
        ledger.aim({"iterations": last, "evaluate_last": evaluate_last, "confirm": again})
        planned = counts if evaluate_last else [*counts[:last], 0]
        observer(SearchBegan(planned, ledger.history, how.trainings if how else 0))
        stack.callback(observer, Ended())
        played = play(
            strategy,
            evaluator,
            ledger,
            lambda number, _: counts[number] if number <= last else 0,
            unevaluated=None if evaluate_last else last,
            observer=observer,
        )
        try:
            with within:
                collections.deque(played, maxlen=0)  # to the end
                if how:
                    confirm_answer(strategy, evaluator, ledger, how, observer)
        except TimeIsUp:
            observer(TimeUp(ledger.history))
        return ledger.history
