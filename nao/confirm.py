"""The last stage of a search: its answer is confirmed by training the best again, with new seeds.

What is trained, and what the answer then is, is said in `nao.study.confirmation`; here it is done. The
strategy says which architectures it believes to be the best (`recommend`), and is told nothing of what comes
of them: so a search that is given more iterations is the same search as one that never stopped.
"""

import dataclasses
import re
import time

from nao.core import Architecture, Evaluator, InputError, Strategy, Trial, is_noisy
from nao.events import Confirmed, Confirming, Observer, Recommending, Repeated
from nao.loop import measure
from nao.study.confirmation import Confirmation
from nao.study.ledger import Ledger

MOST = 1000  # more candidates, or trainings of one, are taken to be a mistake
NONE = (None, "none", "0", 0)
RIGHT = "such as 5x3 (the 5 best, 3 trainings of each), none, or auto"


@dataclasses.dataclass(frozen=True)
class Confirm:
    """How an answer is to be confirmed.

    Attributes:
      candidates: k, how many architectures are trained again.
      repeats: r, how often each of them is, and once more r times the best of them.
    """

    candidates: int = 5
    repeats: int = 3

    @property
    def trainings(self) -> int:
        """How many there are, if no candidate fails altogether: k r to choose the answer, r to score it."""
        choosing = self.candidates * self.repeats if self.candidates > 1 else 0
        return choosing + self.repeats


def confirmation_of(given: "Confirm | str | int | None", evaluator: Evaluator) -> Confirm | None:
    """How to confirm what is measured by an evaluator.

    Args:
      given: `5x3`, `none`, or `auto`, which is 5x3 for an evaluator that says it is `noisy`, and else none.
      evaluator: scores the architectures.

    Returns:
      None where nothing is to be confirmed.

    Raises:
      InputError: it is none of these, or a number is out of range.
    """
    if isinstance(given, Confirm):
        given = f"{given.candidates}x{given.repeats}"
    if given in NONE:
        return None
    if given == "auto":
        return Confirm() if is_noisy(evaluator) else None
    numbers = re.fullmatch(r"(\d{1,9})x(\d{1,9})", given, re.ASCII) if isinstance(given, str) else None
    if not numbers:
        raise InputError(f"confirm must be {RIGHT}, not {given!r:.40}")
    candidates, repeats = map(int, numbers.groups())
    if not (1 <= candidates <= MOST and 1 <= repeats <= MOST):
        raise InputError(f"confirm takes numbers from 1 to {MOST:,}, {RIGHT}; not {given!r:.40}")
    return Confirm(candidates, repeats)


def confirm(
    strategy: Strategy, evaluator: Evaluator, ledger: Ledger, how: Confirm, observer: Observer
) -> None:
    """Confirms the answer of a search, from wherever its ledger is.

    Args:
      strategy: it has been told all that the ledger has.
      evaluator: trains the architectures.
      ledger: where everything is recorded.
      how: how many are trained how often.
      observer: is told how it goes on.

    Raises:
      InputError: the evaluator does not do what it promises, or the strategy recommends what has no score.
    """
    chosen = ledger.history.confirmation
    if chosen is None or (chosen.most, chosen.repeats) != (how.candidates, how.repeats):
        observer(Recommending())
        ledger.confirm(_chosen(strategy, ledger, how))
    history = ledger.history
    while missing := history.confirmations[-1].missing(history.trials):
        trials = {request: trial for trial, request in missing}
        choosing = bool(history.confirmations[-1].to_choose(history.trials))
        beginning = Confirming(history, len(missing), choosing)
        for result, seconds in measure(evaluator, list(trials), beginning, observer):
            ledger.repeat(trials[result.request], result, seconds)
            observer(Repeated(result))
    observer(Confirmed(history))


def _chosen(strategy: Strategy, ledger: Ledger, how: Confirm) -> Confirmation:
    """Which trials are trained again: those that the strategy recommends. What it fits for that is kept."""
    history, space = ledger.history, strategy.space
    began = time.perf_counter()
    scored = {space.canonical(t.architecture): t for t in history.trials if t.score is not None}
    recommend = getattr(strategy, "recommend", None)
    if recommend is None:
        best = sorted(scored.values(), key=lambda trial: -(trial.score or 0.0))[: how.candidates]
    else:
        best = [_of(x, scored) for x in recommend(how.candidates)]
        for name, arrays in strategy.artifacts().items():
            ledger.save(f"{name}/{len(history.iterations)}", arrays)
    candidates = tuple(dict.fromkeys(trial.id for trial in best))[: how.candidates]
    return Confirmation(
        history.evaluated, how.candidates, how.repeats, candidates, time.perf_counter() - began
    )


def _of(architecture: Architecture, scored: dict[str, Trial]) -> Trial:
    """The trial of an architecture, whichever of its strings that is."""
    trial = scored.get(architecture.space.canonical(architecture))
    if trial is None:
        raise InputError(f"the strategy recommends {architecture}, which has no score in this search")
    return trial
