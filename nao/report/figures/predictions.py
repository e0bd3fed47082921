"""Predicted against true scores of what was decoded: predicted before it was trained, so held out.

Axis letters: B architectures.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from nao.core import Trial
from nao.metrics import kendall_tau
from nao.report.figures import trials as shared
from nao.report.page import Figure, Table
from nao.report.page.columns import Columns, rounded
from nao.report.page.marks import Spec, number, series, shown
from nao.report.tables import number as cell

MOST_COLOURS = 8  # sets with a colour of their own; more are a ramp
HEADINGS = ("set", "architectures", "mean predicted", "mean true", "RMSE", "tau")


def figure(trials: Sequence[Trial], data: Columns) -> Figure | None:
    """The figure; None where nothing was predicted that has a score.

    Args:
      trials: those that are evaluated.
      data: the data set of them, from `trials.columns`.
    """
    pairs = [(t.iteration, t.proposal.predicted, t.score) for t in trials if t.score is not None]
    found = [(number, p, s) for number, p, s in pairs if p is not None]
    if not found:
        return None
    sets = np.array([number for number, _, _ in found])
    predicted, true = (np.array([row[i] for row in found], float) for i in (1, 2))
    groups = [(str(i), sets == i) for i in np.unique(sets).tolist()]
    everything = [("all", np.ones(len(sets), bool))] if len(groups) > 1 else []
    rows = [_row(name, predicted[of], true[of]) for name, of in groups + everything]
    ends = rounded([float(predicted.min()), float(predicted.max())])
    tau = rows[-1][-1]
    return Figure(
        name="predictions",
        title="Predicted and true scores",
        says="Every architecture that f proposed, with the score that f expected of it before it was"
        " trained and the one it got. They were chosen because f expected much of them, so f is tested"
        " where it was most hopeful: points below the line scored less than was expected.",
        spec=chart(np.unique(sets).tolist(), shared.size(len(found), 34), "graph" in data),
        data={shared.NAME: data, "diagonal": {"predicted": ends, "score": ends}},
        alternative=f"{len(found):,} points about the line of equal scores. On average"
        f" {predicted.mean():.4f} was predicted, and {true.mean():.4f} came true; the rank correlation is"
        f" {tau or 'not known'}.",
        table=Table(HEADINGS, rows),
        height=380,
    )


def _row(name: str, predicted: Float[np.ndarray, " B"], true: Float[np.ndarray, " B"]) -> list[str]:
    """The numbers of one set."""
    tau = kendall_tau(predicted, true)
    error = float(np.sqrt(np.mean((predicted - true) ** 2)))
    means = [cell(float(each.mean()), 4) for each in (predicted, true)]
    return [name, f"{len(true):,}", *means, cell(error, 4), "" if np.isnan(tau) else cell(tau, 3)]


def chart(sets: Sequence[int], size: int, with_drawings: bool) -> Spec:
    """Points with a colour for each set, and the line on which a prediction is right."""
    colour = {"field": "set", "type": "quantitative", "title": "set"}
    axes = {"x": number("predicted", "predicted score"), "y": number("score", "true score")}
    return {
        "layer": [
            {
                "data": {"name": "diagonal"},
                "mark": {"type": "line", "style": "guide", "interpolate": "linear"},
                "encoding": axes,
            },
            {
                "data": {"name": shared.NAME},
                "transform": [{"filter": "isValid(datum.predicted) && isValid(datum.score)"}],
                "mark": {"type": "point", "filled": True, "size": size, "opacity": 0.75, "aria": False},
                "encoding": {
                    **axes,
                    "color": series(sets, "set", "set") if len(sets) <= MOST_COLOURS else colour,
                    "tooltip": shown(
                        m="m",
                        set="set",
                        predicted=("predicted", ".4f"),
                        score=("score", ".4f"),
                        string="string",
                        **({"graph": "drawing"} if with_drawings else {}),
                    ),
                },
            },
        ]
    }
