"""The map of the embedding: where E puts each architecture, its score, and what its seeds became.

Axis letters: N architectures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from nao.core import Model, Trial
from nao.report.figures import trials as shared
from nao.report.figures.best_so_far import score_scale
from nao.report.page import Figure, Table
from nao.report.page.columns import Columns, rounded
from nao.report.page.marks import Spec, number, shown
from nao.report.tables import number as cell

MOST_ARROWS = 40  # of a set: to its best
SHOWN = 100  # rows of the table
FEWEST = 3  # architectures
HEAD = "M0,0.75L0.65,2.2L-0.65,2.2Z"  # of an arrow that points up, its tip beside the point where it ends


def positions(model: Model, trials: Sequence[Trial]) -> Float[np.ndarray, "N 2"]:
    """The first two principal components of the embeddings of trials."""
    from nao import analysis  # here, because it imports JAX

    tokens = np.array([trial.architecture.tokens for trial in trials], np.int32)
    points = np.asarray(analysis.vectors(analysis.embed(model, tokens)))
    return np.asarray(analysis.project(points, how="pca", dimensions=2), np.float64)


def figure(trials: Sequence[Trial], where: Float[np.ndarray, "N 2"], data: Columns) -> Figure:
    """The figure.

    Args:
      trials: those that are evaluated.
      where: their positions.
      data: the data set of them, from `trials.columns`, with the positions.
    """
    arrows = arrow_columns(trials, where)
    sets = sorted(set(arrows["set"]))
    said = ""
    if sets:
        said = (
            f" Arrows go from seeds to the best {MOST_ARROWS} architectures that were made of them in a set."
        )
    hover = f" Hovering shows the string{drawn(data)}."
    best = shared.ranked(trials)
    rows = []
    place = {trial.id: i for i, trial in enumerate(trials)}
    for trial in best[:SHOWN]:
        i = place[trial.id]
        at = [cell(value, 3) for value in where[i].tolist()]
        rows.append([str(i + 1), cell(trial.score, 4), str(trial.iteration), *at, str(trial.architecture)])
    return Figure(
        name="map",
        title="Map of the embedding",
        says="Each architecture where E puts it: the first two principal components of its embedding by"
        " the model that was fitted last, so that near ones are alike to E. The more a point stands"
        f" out from the page, the higher its score.{said}{hover} The table has the best {len(rows)} of"
        f" {len(best):,}.",
        spec=chart(where, sets, score_scale(trials)[0], "graph" in data),
        data={shared.NAME: data, "arrows": arrows},
        alternative=f"{len(best):,} points coloured by score, and arrows from seeds to what they became.",
        table=Table(("m", "score", "set", "x", "y", "string"), rows, words=(5,)),
        height=520,
    )


def drawn(data: Columns) -> str:
    """What hovering shows beside the string."""
    count = sum(map(bool, data.get("graph", ())))
    if not count:
        return ""
    return " and the cells" if count == len(data["graph"]) else f", and the cells of {count:,} architectures"


def arrow_columns(trials: Sequence[Trial], where: Float[np.ndarray, "N 2"]) -> dict[str, list[Any]]:
    """From where to where the arrows of each set go."""
    place = {trial.architecture: i for i, trial in enumerate(trials)}
    arrows: dict[str, list[Any]] = {name: [] for name in ("set", "x", "y", "x2", "y2")}
    used: dict[int, int] = {}
    for trial in shared.ranked(trials):
        parent = trial.proposal.parent
        if parent not in place or used.get(trial.iteration, 0) >= MOST_ARROWS:
            continue
        used[trial.iteration] = used.get(trial.iteration, 0) + 1
        ends = (*where[place[parent]].tolist(), *where[place[trial.architecture]].tolist())
        for name, value in zip(arrows, (trial.iteration, *rounded(ends)), strict=True):
            arrows[name].append(value)
    return arrows


def chart(where: Float[np.ndarray, "N 2"], sets: Sequence[int], scale: Spec, with_drawings: bool) -> Spec:
    """Points and arrows. A head points along its arrow as it is drawn, whatever the shape of the chart."""
    low, high = where.min(axis=0), where.max(axis=0)
    margin = np.where(high > low, (high - low) * 0.04, 1.0)
    domains = np.stack([low - margin, high + margin], axis=1)
    bare: dict[str, Any] = {"axis": {"ticks": False, "labels": False, "grid": False}}
    x, y = (
        number(name, title, scale={"domain": rounded(domain), "nice": False}, **bare)
        for name, title, domain in zip(
            ("x", "y"), ("first component", "second component"), domains.tolist(), strict=True
        )
    )
    width, height = (float(high - low) for low, high in domains)
    angle = (
        f"atan2(-(datum.y2 - datum.y) * height / {height:.6g}, (datum.x2 - datum.x) * width / {width:.6g})"
        " * 180 / PI + 90"
    )
    drawing = {"graph": "drawing"} if with_drawings else {}
    points = {
        "data": {"name": shared.NAME},
        "transform": [{"filter": "isValid(datum.score)"}],
        "mark": {
            "type": "point",
            "filled": True,
            "style": "outlined",
            "size": shared.size(len(where), 42),
            "opacity": 1,
            "aria": False,
        },
        "encoding": {
            "x": x,
            "y": y,
            "color": number("score", "score", scale={**scale, "clamp": True}, legend={"gradientLength": 180}),
            "tooltip": shown(m="m", set="set", score=("score", ".4f"), string="string", **drawing),
        },
    }
    arrows = arrow_layers(x, y, angle) if sets else []
    # Points are above the arrows, so that each can be hovered; but many would hide them.
    layers = [points, *arrows] if len(where) > shared.MANY else [*arrows, points]
    choice = {"input": "select", "options": [*sets, "all", "none"], "name": "Arrows of set"}
    parameters = {"params": [{"name": "chosen", "value": sets[-1], "bind": choice}]} if sets else {}
    return {**parameters, "layer": layers}


def arrow_layers(x: Spec, y: Spec, angle: str) -> list[Spec]:
    """The arrows of the chosen set: lines, and heads that end beside the point.

    Args:
      x: the horizontal channel.
      y: the vertical channel.
      angle: an expression for the direction, in degrees clockwise from upwards.
    """
    of_set = {"filter": "chosen == 'all' || datum.set == chosen"}
    lines = {
        "data": {"name": "arrows"},
        "transform": [of_set],
        "mark": {"type": "rule", "style": "arrow", "opacity": 0.8, "strokeWidth": 1.2, "aria": False},
        "encoding": {"x": x, "y": y, "x2": {"field": "x2"}, "y2": {"field": "y2"}},
    }
    turned = {"field": "angle", "type": "quantitative", "scale": None}
    heads = {
        "data": {"name": "arrows"},
        "transform": [of_set, {"calculate": angle, "as": "angle"}],
        "mark": {
            "type": "point",
            "style": "arrow",
            "filled": True,
            "shape": HEAD,
            "size": 110,
            "opacity": 1,
            "aria": False,
        },
        "encoding": {"x": {**x, "field": "x2"}, "y": {**y, "field": "y2"}, "angle": turned},
    }
    return [lines, heads]
