"""The best architectures, drawn.

Axis letters: none.
"""

from collections.abc import Callable

from nao.core import Trial
from nao.report.figures import trials as shared
from nao.report.page import Gallery
from nao.report.page.parts import Card
from nao.report.tables import list_nodes
from nao.report.tables import number as cell
from nao.study import History

MOST = 5

Draw = Callable[[Trial], str]
"""The drawing of a trial's architecture as SVG; empty where it cannot be drawn."""


def best(history: History, most: int = MOST) -> list[Trial]:
    """The answer, and then those with the highest scores."""
    answer = history.best
    others = [trial for trial in shared.ranked(history.trials) if trial is not answer]
    return [*([answer] if answer else []), *others][:most]


def gallery(history: History, draw: Draw) -> Gallery:
    """A card for each of the best.

    Args:
      history: of the search.
      draw: makes a drawing.
    """
    return Gallery([card(history, trial, i, draw) for i, trial in enumerate(best(history))])


def card(history: History, trial: Trial, place: int, draw: Draw) -> Card:
    """One of the best, with its scores and its size."""
    first = "The answer" if history.complete else "The best so far"
    title = f"Number {trial.id + 1}" if place else f"{first}: number {trial.id + 1}"
    return Card(
        title, draw(trial), list_nodes(trial.architecture), facts(history, trial), str(trial.architecture)
    )


def facts(history: History, trial: Trial) -> str:
    """Its scores and its size, in words."""
    result = trial.result
    confirmed = history.confirmed if trial is history.best else None
    words: list[str] = []
    if confirmed:
        words.append(
            f"confirmed score {cell(confirmed.score, 4)}, the mean of {confirmed.trainings} new trainings"
        )
    words.append(f"score {cell(trial.score, 4)}" + (" when it was found" if confirmed else ""))
    test = confirmed.test_score if confirmed else result.test_score if result else None
    if test is not None:
        words.append(f"test {cell(test, 4)}")
    words.append(f"set {trial.iteration}")
    if result and result.parameters:
        words.append(f"{result.parameters:,} parameters")
    if result and result.flops:
        words.append(f"{result.flops / 1e6:,.2f} MFLOPs")
    return ", ".join(words)
