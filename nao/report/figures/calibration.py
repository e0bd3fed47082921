"""Whether f knows how sure it may be: coverage of its intervals, and where true scores lie in them.

Axis letters: B architectures of one set.
"""

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from nao.core import InputError, Model
from nao.report.page import Figure, Table
from nao.report.page.columns import rounded
from nao.report.page.marks import Spec, number, series, shown
from nao.study import History

LEVELS = tuple(i / 20 for i in range(1, 20))  # of central intervals
SHOWN_LEVELS = (0.5, 0.8, 0.95)
BINS = 10
MOST_SETS = 8  # with a colour each
IDEAL = "ideal"


def quantiles(
    history: History, models: Mapping[int, Callable[[], Model]]
) -> dict[int, Float[np.ndarray, " _"]]:
    """For each set that a model proposed, the quantile of each true score in what that model expected of it.

    These are uniform where f knows how sure it is (the probability integral transform).

    Args:
      history: of the search.
      models: of each iteration, made when it is called.
    """
    from nao import analysis  # here, because it imports JAX

    found = {}
    for iteration, model_of in models.items():
        known = [t for t in history.of(iteration) if t.score is not None and t.proposal.predicted is not None]
        if not known:
            continue
        model = model_of()
        tokens = np.array([trial.architecture.tokens for trial in known], np.int32)
        scores = np.array([trial.score for trial in known], float)
        with contextlib.suppress(InputError):  # f does not know how sure it is
            found[iteration] = np.asarray(analysis.probability_integral_transform(model, tokens, scores))
    return found


def figures(found: Mapping[int, Float[np.ndarray, " _"]]) -> list[Figure]:
    """The two figures of some quantiles; none where there are none."""
    return [coverage_figure(found), histogram_figure(found)] if found else []


def shown_sets(found: Mapping[int, Float[np.ndarray, " _"]]) -> dict[str, Float[np.ndarray, " _"]]:
    """The quantiles of each set by its name; all of them together where there are many sets."""
    if len(found) > MOST_SETS:
        return {"all": np.concatenate(list(found.values()))}
    return {str(iteration): values for iteration, values in found.items()}


def shares(values: Float[np.ndarray, " B"], levels: Sequence[float] = LEVELS) -> list[float]:
    """The share of scores within the central interval of each level, some of `LEVELS`."""
    from nao.analysis import coverage  # here, because it imports JAX

    found = dict(zip(LEVELS, coverage(values, LEVELS).tolist(), strict=True))
    return [found[level] for level in levels]


def coverage_figure(found: Mapping[int, Float[np.ndarray, " _"]]) -> Figure:
    """How many scores lie within the intervals that should have so many."""
    columns: dict[str, list[object]] = {"level": [], "share": [], "set": []}
    groups = shown_sets(found)
    for name, values in groups.items():
        columns["level"] += LEVELS
        columns["share"] += rounded(shares(values))
        columns["set"] += [name] * len(LEVELS)
    everything = np.concatenate(list(found.values()))
    rows = [
        [name, f"{len(values):,}", *(f"{share:.0%}" for share in shares(values, SHOWN_LEVELS))]
        for name, values in [*((str(i), values) for i, values in found.items()), ("all", everything)]
    ]
    half, wide = shares(everything, (0.5, 0.95))
    return Figure(
        name="coverage",
        title="Calibration: coverage",
        says="Of the scores in a set, the share within the central interval that f gave before, against"
        " the share that should be in it. Below the dashed line, f is surer than it may be.",
        spec=coverage_chart(list(groups)),
        data={"coverage": columns, "ideal": {"level": [0, 1], "share": [0, 1]}},
        alternative=f"Lines about the diagonal. The intervals of 50 % hold {half:.0%} of the scores, those"
        f" of 95 % hold {wide:.0%}.",
        table=Table(("set", "architectures", *(f"in {level:.0%}" for level in SHOWN_LEVELS)), rows),
    )


def coverage_chart(groups: list[str]) -> Spec:
    """A line for each set, and the diagonal."""
    percent: dict[str, Any] = {"axis": {"format": "%"}, "scale": {"domain": [0, 1]}}
    axes = {
        "x": number("level", "central interval", **percent),
        "y": number("share", "scores within it", **percent),
    }
    return {
        "layer": [
            {"data": {"name": "ideal"}, "mark": {"type": "line", "style": "guide"}, "encoding": axes},
            {
                "data": {"name": "coverage"},
                "mark": {"type": "line", "point": True, "strokeWidth": 2},
                "encoding": {
                    **axes,
                    "color": series(groups, "set", "set"),
                    "tooltip": shown(set="set", level=("interval", ".0%"), share=("within it", ".0%")),
                },
            },
        ]
    }


def histogram_figure(found: Mapping[int, Float[np.ndarray, " _"]]) -> Figure:
    """Where the true scores lie in what was expected."""
    edges = np.linspace(0, 1, BINS + 1)
    counts = {name: np.histogram(values, edges)[0] for name, values in shown_sets(found).items()}
    columns: dict[str, list[object]] = {"low": [], "high": [], "count": [], "set": []}
    for name, each in counts.items():
        for low, high, n in zip(edges[:-1].tolist(), edges[1:].tolist(), each.tolist(), strict=True):
            columns["low"].append(round(low, 2))
            columns["high"].append(round(high, 2))
            columns["count"].append(n)
            columns["set"].append(name)
    total = np.sum(list(counts.values()), axis=0)
    uniform = float(total.sum()) / BINS
    rows = [
        [f"{low:.0%} to {high:.0%}", *(str(each[i]) for each in counts.values()), str(total[i])]
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    ]
    lowest, highest = (float(total[at]) / total.sum() for at in (0, -1))
    return Figure(
        name="quantiles",
        title="Calibration: quantiles",
        says="Where the scores lie in the distributions that f gave before: as many in each tenth, along"
        " the dashed line, would be right. More at the left scored less than expected; more at both ends,"
        " f is too sure.",
        spec=histogram_chart(list(counts)),
        data={"quantiles": columns, "uniform": {"count": [uniform]}},
        alternative=f"Bars over tenths. The lowest tenth has {lowest:.0%} of the scores, the highest"
        f" {highest:.0%}.",
        table=Table(("tenth", *(f"set {name}" for name in counts), "all"), rows),
    )


def histogram_chart(groups: list[str]) -> Spec:
    """Bars, the sets one on the other, and what would be right."""
    x = number("low", "quantile", axis={"format": "%"}, bin={"binned": True, "step": 1 / BINS})
    y = number("count", "architectures", zero=True)
    return {
        "layer": [
            {
                "data": {"name": "quantiles"},
                "mark": {"type": "bar"},
                "encoding": {
                    "x": x,
                    "x2": {"field": "high"},
                    "y": {**y, "stack": "zero"},
                    "color": series(groups, "set", "set"),
                    "tooltip": shown(
                        set="set", low=("from", ".0%"), high=("to", ".0%"), count=("count", "d")
                    ),
                },
            },
            {
                "data": {"name": "uniform"},
                "mark": {"type": "rule", "style": "guide"},
                "encoding": {"y": y},
            },
        ]
    }
