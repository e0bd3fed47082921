"""The curves of a comparison as figures: scores, regret, and how far the best are above random search's.

Axis letters: M queries, R repeats, G places on the axis of M, P of them that
are drawn.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.compare.curves import Comparison
from nao.compare.tables import TOP, Top, estimates, grid, tops
from nao.report.curve_figure import Curve, curve_figure
from nao.report.page import Figure
from nao.report.page.columns import rounded
from nao.report.page.marks import number
from nao.report.tables import number as cell

WARM_UP = 0.05  # of the budget; what is below all curves from there on is cut off
PLACES = 400  # of a curve, at most


def figures(found: Comparison, signal: str, report: str) -> list[Figure]:
    """The curves of a comparison.

    Args:
      found: what is shown.
      signal: what the search maximised.
      report: what is reported.
    """
    shown_here = [scores(found, report)]
    if found.optimum is not None:
        shown_here.append(regret(found, found.optimum, signal))
    if found.against_random:
        best = list(tops(found, thinned(grid(found.budget))))
        shown_here += [
            gap(found, [row for row in best if row.k == k], k, signal) for k in TOP if k <= found.budget
        ]
    return shown_here


def scores(found: Comparison, report: str) -> Figure:
    """The mean reporting score of the best architecture so far, with its interval."""
    curves = {label: band(runs.best_reported) for label, runs in found.runs.items()}
    warm = max(int(WARM_UP * found.budget), 1)
    known = [curve["low"][curve["m"] >= warm] for curve in curves.values()]
    bottom, top = (
        float(each(np.concatenate([*values, [empty]])))
        for each, values, empty in (
            (np.nanmin, known, np.inf),
            (np.nanmax, [curve["high"] for curve in curves.values()], -np.inf),
        )
    )
    margin = 0.04 * (top - bottom)
    domain = {"domain": rounded([bottom - margin, top + margin], 6), "nice": False}
    scale = domain if np.isfinite(margin) and margin > 0 else {}
    return curve_figure(
        "scores",
        f"{report} of the best so far",
        f"{_means(found)} of the {report} of the architecture with the best signal so far.",
        curves,
        found.budget,
        number("mean", report, scale=scale),
    )


def regret(found: Comparison, optimum: float, signal: str) -> Figure:
    """How far the mean best signal is from the optimum, on a logarithmic scale.

    A line ends in a dot where all runs have reached the optimum.
    """
    curves = {
        label: positive(band(np.maximum(optimum - runs.best_signal, 0))) for label, runs in found.runs.items()
    }
    some = any(np.isfinite(curve["mean"]).any() for curve in curves.values())
    scale = {"type": "log", "nice": False} if some else {}
    return curve_figure(
        "regret",
        f"{signal}: optimum minus the best so far",
        f"{_means(found)} of what is missing to the optimum, {cell(optimum, 4)}, on a logarithmic scale. A"
        " line ends in a dot where all runs have found it.",
        curves,
        found.budget,
        number("mean", "regret", scale=scale, axis={"format": "~g", "tickCount": 5}),
        ends=True,
    )


def gap(found: Comparison, rows: Sequence[Top], k: int, signal: str) -> Figure:
    """The mean signal of the k best architectures, minus the same of random search."""
    curves = {}
    for label in found.runs:
        ours = [row for row in rows if row.strategy == label]
        columns = ([row.gap for row in ours], [row.ci_low for row in ours], [row.ci_high for row in ours])
        mean, low, high = (np.array(column, dtype=float) for column in columns)
        curves[label] = {
            "m": np.array([row.m for row in ours], np.int64),
            "mean": mean,
            "low": low,
            "high": high,
        }
    best = "best" if k == 1 else f"best {k}"
    return curve_figure(
        f"gap-{k}",
        f"{signal}: {best}, minus random's",
        f"The mean {signal} of the {best} so far, minus the same of random search. Above 0 is better than"
        " random.",
        curves,
        found.budget,
        number("mean", "difference"),
    )


def band(values: Float[np.ndarray, "R M"]) -> Curve:
    """The mean over the runs, and where its interval begins and ends, at so many places as can be seen."""
    m = thinned(np.arange(1, values.shape[1] + 1))
    mean, low, high = (np.array(column, dtype=float) for column in estimates(values[:, m - 1]))
    return {"m": m, "mean": mean, "low": low, "high": high}


def thinned(places: Int[np.ndarray, " G"]) -> Int[np.ndarray, " P"]:
    """As many of the places as can be seen, the first and the last among them."""
    chosen = np.linspace(0, len(places) - 1, min(len(places), PLACES)).round().astype(np.int64)
    return places[np.unique(chosen)]


def positive(curve: Curve) -> Curve:
    """The curve where it is above 0, as a logarithmic scale shows it; its interval is cut off there."""
    mean, low, high = (np.where(curve[name] > 0, curve[name], np.nan) for name in ("mean", "low", "high"))
    return {"m": curve["m"], "mean": mean, "low": np.fmin(low, mean), "high": high}


def _means(found: Comparison) -> str:
    repeats = len(next(iter(found.runs.values())).signal)
    return (
        f"The mean of {repeats} runs, with its 95 % bootstrap interval,"
        if repeats > 1
        else "One run of each:"
    )
