"""One figure of curves, one curve for each strategy: the chart and its numbers.

Axis letters: G places on the axis of M.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from nao.report.comparison import interval
from nao.report.page import Figure, Table
from nao.report.page.columns import rounded
from nao.report.page.marks import Spec, count, series, shown
from nao.report.page.theme import LIGHT
from nao.report.tables import number as cell

DASHES = ([1, 0], [7, 4], [2, 2], [8, 3, 2, 3])  # the next one each time that the colours are used up
HEADINGS = ("strategy", "queries", "mean", "95 % interval")

Curve = Mapping[str, Float[np.ndarray, " G"] | Int[np.ndarray, " G"]]
"""`m`, `mean`, `low` and `high` at G places; NaN where they are not known."""


def curve_figure(
    name: str, title: str, says: str, curves: Mapping[str, Curve], budget: int, y: Spec, ends: bool = False
) -> Figure:
    """A figure of one curve for each strategy.

    Args:
      name: of the figure.
      title: of the figure.
      says: what it shows.
      curves: by the label of the strategy; the first is drawn stronger, and above the others.
      budget: M.
      y: the channel of the mean.
      ends: mark with a dot where a curve ends before the budget does.
    """
    last = {label: _last(curve) for label, curve in curves.items()}
    at_end = ", ".join(f"{label} {cell(value, 4) or 'nothing'}" for label, (_, value) in last.items())
    data: dict[str, dict[str, list[Any]]] = {name: _columns(curves)}
    if ends:
        data[f"{name}-ends"] = _ends(last, budget)
    return Figure(
        name=name,
        title=title,
        says=says,
        spec=_chart(name, list(curves), y, f"{name}-ends" if ends else None),
        data=data,
        alternative=f"One line for each strategy, over 1 to {budget:,} queries. At the end: {at_end}.",
        table=Table(HEADINGS, list(_rows(curves))),
    )


def _columns(curves: Mapping[str, Curve]) -> dict[str, list[Any]]:
    """The curves as one data set; the first strategy comes last, and so is drawn above the others."""
    columns: dict[str, list[Any]] = {name: [] for name in ("m", "mean", "low", "high", "strategy")}
    for label, curve in reversed([*curves.items()]):
        columns["m"] += curve["m"].tolist()
        columns["strategy"] += [label] * len(curve["m"])
        for name in ("mean", "low", "high"):
            columns[name] += rounded(curve[name].tolist(), 6)
    return columns


def _last(curve: Curve) -> tuple[int, float | None]:
    """Where a curve ends: its m, and its value there."""
    known = np.flatnonzero(np.isfinite(curve["mean"]))
    return (int(curve["m"][known[-1]]), float(curve["mean"][known[-1]])) if len(known) else (0, None)


def _ends(last: Mapping[str, tuple[int, float | None]], budget: int) -> dict[str, list[Any]]:
    """The dots at the ends of the curves that end before the budget does."""
    found = [(m, value, label) for label, (m, value) in last.items() if value is not None and m < budget]
    return {name: [row[i] for row in found] for i, name in enumerate(("m", "mean", "strategy"))}


def _rows(curves: Mapping[str, Curve]) -> Iterator[list[str]]:
    """The curves at some places."""
    for label, curve in curves.items():
        step = max(1, len(curve["m"]) // 20)
        for i in sorted({*range(0, len(curve["m"]), step), len(curve["m"]) - 1}):
            mean, low, high = (_known(curve[name][i]) for name in ("mean", "low", "high"))
            yield [label, f"{int(curve['m'][i]):,}", cell(mean, 4), interval(low, high, 4)]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _chart(name: str, labels: Sequence[str], y: Spec, ends: str | None) -> Spec:
    """Lines with their intervals; the first strategy's is stronger."""
    legend = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 3}
    colours = {**series(labels, "strategy"), "legend": legend}
    x = count("m", "queries")
    looks = {"color": colours}
    if len(labels) > len(LIGHT.series):
        dashes = [DASHES[i // len(LIGHT.series) % len(DASHES)] for i in range(len(labels))]
        looks["strokeDash"] = {**colours, "scale": {"domain": list(labels), "range": dashes}}
    first = {"condition": {"test": f"datum.strategy === {json.dumps(labels[0])}", "value": 2.8}, "value": 1.7}
    tooltip = shown(
        strategy="strategy",
        m=("queries", ",d"),
        mean=("mean", ".4f"),
        low=("from", ".4f"),
        high=("to", ".4f"),
    )
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "area", "opacity": 0.16, "clip": True},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colours},
        },
        {
            "mark": {"type": "line", "clip": True},
            "encoding": {"x": x, "y": y, **looks, "strokeWidth": first},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 0, "clip": True},
            "encoding": {"x": x, "y": y, "color": colours, "tooltip": tooltip},
        },
    ]
    if ends:
        dots = {"type": "point", "filled": True, "size": 55, "opacity": 1}
        layers.append({"data": {"name": ends}, "mark": dots, "encoding": {"x": x, "y": y, "color": colours}})
    return {"data": {"name": name}, "layer": layers}
