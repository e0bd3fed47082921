"""The report of a search as one page: what was searched, what was found, what f knew, and what it cost.

It can be made while the search runs: it needs what is in the history, and the fitted models for some figures.

Axis letters: N architectures.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from nao.core import InputError, Model, Trial
from nao.folder import write
from nao.report.drawing import svg
from nao.report.drawing.style import STYLE
from nao.report.figures import (
    attribution,
    best_so_far,
    calibration,
    cells,
    cost,
    embedding_map,
    iterations,
    predictions,
    summary,
    trials,
)
from nao.report.page import Section, Text, page
from nao.report.page.columns import Columns
from nao.report.page.graphs import PackedGraphs
from nao.report.page.parts import Part
from nao.study import History
from nao.study.recorded import RecordedSpace

Models = Mapping[int, Callable[[], Model]]
"""What makes the fitted model of each iteration that has one, the first iteration first."""

OWN_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def write_report(history: History, file: Path, models: Models, *, name: str) -> None:
    """Writes the report of a search.

    Args:
      history: of the search, finished or not.
      file: the page.
      models: its fitted models; none where there are none.
      name: what to call the search, such as its folder.

    Raises:
      InputError: the file cannot be written.
    """
    write(file, report(history, models, name))


def report(history: History, models: Models, name: str) -> str:
    """The page; for the arguments see `write_report`."""
    found = trials.evaluated(history)
    graphs = PackedGraphs()
    packed = packed_graphs(history, found, graphs)
    fitted = newest(history, models)
    where = None
    if isinstance(fitted, Fitted) and len(trials.ranked(found)) >= embedding_map.FEWEST:
        where = embedding_map.positions(fitted.model, found)
    data = trials.columns(found, packed, where)
    sections = [Section("", [summary.paragraph(history), summary.facts(history)])]
    if trials.ranked(found):
        scores = [best_so_far.figure(found, data), iterations.figure(history), *summary.confirmation(history)]
        sections.append(Section("What was found", scores))
        sections.append(Section("The best architectures", [cells.gallery(history, drawer(history))]))
        sections.append(Section("What f expected", list(expectations(history, models, found, data))))
        learned = list(embedding(history, fitted, where, data))
        sections.append(Section("What the embedding has learned", learned))
    sections.append(Section("What it cost", [cost.figure(history), *cost.energy_parts(history)]))
    sections.append(Section("Failures", cost.failure_parts(history)))
    style = STYLE.replace("@media (prefers", "@media screen and (prefers") if packed else ""  # paper is light
    versions = ", ".join(f"{package} {version}" for package, version in history.versions.items())
    return page(
        f"Search {name}", f"Begun {history.created}; {versions}", sections, graphs=graphs, style=style
    )


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A fitted model, and the iteration in which it was fitted."""

    iteration: int
    model: Model


def newest(history: History, models: Models) -> Fitted | str:
    """The last model that was fitted; a sentence that says why there is none."""
    strategy = summary.as_mapping(history.configuration.get("strategy"))
    if isinstance(history.space, RecordedSpace):
        return "Left out: the space is a class of the user's own, and cannot be made again here."
    if not models:
        if "encoder" not in strategy:
            return f"Left out: the search was by {strategy.get('name', 'a strategy')}, which has no encoder."
        if len(history.iterations) > 1:
            return "Left out: the fitted models of this run are no longer in its folder."
        return "Left out: no model has been fitted yet. The first is fitted in iteration 1."
    iteration = max(models)
    try:
        return Fitted(iteration, models[iteration]())
    except InputError as error:
        return f"Left out: {error}."


def drawer(history: History) -> cells.Draw:
    """What draws the architectures of a search, without the rules that the page has once for all drawings."""
    space = history.space
    if isinstance(space, RecordedSpace):
        return lambda trial: ""
    return lambda trial: OWN_STYLE.sub("", svg(space.graph(trial.architecture)))


def packed_graphs(history: History, found: Sequence[Trial], graphs: PackedGraphs) -> list[str]:
    """The graph of each trial, those of the best first where not all have room."""
    space = history.space
    if isinstance(space, RecordedSpace):
        return []
    scores = [math.inf if trial.score is None else -trial.score for trial in found]
    order = sorted(range(len(found)), key=scores.__getitem__)
    packed = graphs.pack(space.graph(found[i].architecture) for i in order)
    return [text for _, text in sorted(zip(order, packed, strict=True))]


def expectations(history: History, models: Models, found: Sequence[Trial], data: Columns) -> Iterator[Part]:
    """What f expected of architectures before they were trained, and whether it knew how sure it was."""
    figure = predictions.figure(found, data)
    if figure is None:
        yield Text("Left out: no architecture with a score was predicted before.")
        return
    yield figure
    if isinstance(history.space, RecordedSpace) or not models:
        yield Text("Calibration is left out: no model is kept, and how sure f was is not known.")
        return
    try:
        calibrated = calibration.figures(calibration.quantiles(history, models))
    except InputError as error:
        yield Text(f"Calibration is left out: {error}.")
        return
    yield from calibrated
    if not calibrated:
        yield Text("Calibration is left out: this f does not know how sure it is.")


def embedding(
    history: History,
    fitted: Fitted | str,
    where: Float[np.ndarray, "N 2"] | None,
    data: Columns,
) -> Iterator[Part]:
    """The map, and what the tokens contribute."""
    if isinstance(fitted, str):
        yield Text(fitted)
        return
    found, best = trials.evaluated(history), cells.best(history, attribution.MOST)
    if where is None:
        yield Text("The map is left out: too few architectures have a score.")
    else:
        yield embedding_map.figure(found, where, data)
    if best:
        contributions = attribution.contributions(fitted.model, best)
        yield from attribution.figures(best, contributions, history.space.vocabulary)
