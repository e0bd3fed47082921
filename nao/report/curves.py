"""The plots of a comparison: a picture, and a page that needs nothing but itself.

Axis letters: M queries, R repeats, G places on the axis of M.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nao.compare.curves import Comparison
from nao.compare.tables import TOP, Top, estimates, tops
from nao.folder import write
from nao.report.page import page

# Colours that remain different without red or green (Okabe and Ito 2008), the darkest for the first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5B5B", "#B8A500")
DASHES = ("-", "--", ":", "-.")  # once the colours are used up
INK, FAINT = "#222222", "#DDDDDD"
WARM_UP = 0.05  # of the budget; what is below all curves from there on is cut off
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text remains text
    "svg.hashsalt": "nao",  # the same plot is the same file
}


def draw(found: Comparison, folder: Path, *, title: str, signal: str, report: str) -> None:
    """Writes `curves.png` and `curves.html`.

    Args:
      found: what to draw.
      folder: where.
      title: what was compared on, in a few words.
      signal: what the search maximised.
      report: what is reported.
    """
    with matplotlib.rc_context(STYLE):
        plot = figure(found, title, signal, report)
        picture, drawing = io.BytesIO(), io.StringIO()
        plot.savefig(picture, format="png", dpi=160, metadata={"Software": None})
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        plot.savefig(drawing, format="svg", metadata=nothing)
    write(folder / "curves.png", picture.getvalue())
    write(folder / "curves.html", page(found, drawing.getvalue(), title, signal, report))


def figure(found: Comparison, title: str, signal: str, report: str) -> Figure:
    """The reporting score over the queries; beside it the regret, where the optimum is known.

    Below them how far the best k are above those of random search, where that takes part.
    """
    above = ["score"] if found.optimum is None else ["score", "regret"]
    gaps = [str(k) for k in TOP if found.against_random and k <= found.budget]
    panels = max(len(above), 2 if gaps else 1)
    rows = [np.repeat(above, 6 // len(above)).tolist()]
    rows += [np.repeat(gaps, 6 // len(gaps)).tolist()] if gaps else []
    plot = Figure(figsize=(1.0 + 5.2 * panels, 4.6 + 3.0 * bool(gaps)), layout="constrained")
    axes = plot.subplot_mosaic(rows, height_ratios=[3, 2][: len(rows)])
    _scores(axes["score"], found, literal(report))
    if found.optimum is not None:
        _regret(axes["regret"], found, found.optimum, literal(signal))
    best = list(tops(found)) if gaps else []
    for k in gaps:
        _gap(axes[k], found, [row for row in best if row.k == int(k)], int(k), literal(signal))
    repeats = len(next(iter(found.runs.values())).signal)
    plot.suptitle(literal(title), x=0.01, ha="left", fontsize=13, fontweight="bold")
    note = f"mean of {repeats} runs, 95 % bootstrap interval" if repeats > 1 else "one run of each"
    plot.supxlabel(note, x=0.99, ha="right", fontsize=8, color="#666666")
    handles, labels = axes["score"].get_legend_handles_labels()
    columns = min(len(labels), 4 * panels)
    plot.legend(handles, labels, loc="outside lower left", ncols=columns, frameon=False)
    return plot


def literal(text: str) -> str:
    """Text that is drawn as it stands: between dollar signs there would be a formula."""
    return text.replace("$", r"\$")


def _scores(axes: Axes, found: Comparison, report: str) -> None:
    """The mean reporting score of the best architecture so far, with its interval."""
    lowest = []
    for i, (label, runs) in enumerate(found.runs.items()):
        mean, low, high = _band(runs.best_reported)
        _line(axes, i, mean, low, high, label)
        lowest.append(low[max(int(WARM_UP * found.budget) - 1, 0) :])
    bottom, top = np.nanmin(np.concatenate([*lowest, [np.inf]])), axes.dataLim.y1
    if np.isfinite(bottom) and bottom < top:
        axes.set_ylim(bottom - 0.02 * (top - bottom), top + 0.04 * (top - bottom))
    _dress(axes, found.budget, f"{report} of the best so far")


def _regret(axes: Axes, found: Comparison, optimum: float, signal: str) -> None:
    """How far the mean best signal is from the optimum, on a logarithmic scale.

    A line ends in a dot where all runs have reached the optimum.
    """
    for i, (label, runs) in enumerate(found.runs.items()):
        regret = np.maximum(optimum - runs.best_signal, 0)
        mean, low, high = (np.where(x > 0, x, np.nan) for x in _band(regret))
        _line(axes, i, mean, np.fmin(low, mean), high, label)
        above = np.flatnonzero(~np.isnan(mean))
        if len(above) and above[-1] < found.budget - 1:
            axes.plot(above[-1] + 1, mean[above[-1]], "o", color=COLOURS[i % len(COLOURS)], markersize=5)
    if any(np.isfinite(line.get_ydata()).any() for line in axes.lines):
        axes.set_yscale("log")
    _dress(axes, found.budget, f"{signal}: optimum minus the best so far")


def _gap(axes: Axes, found: Comparison, rows: Sequence[Top], k: int, signal: str) -> None:
    """The mean signal of the k best architectures, minus the same of random search."""
    for i, label in enumerate(found.runs):
        ours = [row for row in rows if row.strategy == label]
        columns = ([row.gap for row in ours], [row.ci_low for row in ours], [row.ci_high for row in ours])
        mean, low, high = (np.array(column, dtype=float) for column in columns)
        _line(axes, i, mean, low, high, label, np.array([row.m for row in ours], np.int64))
    _dress(axes, found.budget, f"{signal}: {'best' if k == 1 else f'best {k}'}, minus random's")


def _band(values: Float[np.ndarray, "R M"]) -> Iterator[Float[np.ndarray, " M"]]:
    """The mean over the runs, and where its interval begins and ends."""
    return (np.array(column, dtype=float) for column in estimates(values))


def _line(
    axes: Axes,
    i: int,
    mean: Float[np.ndarray, " M"],
    low: Float[np.ndarray, " M"],
    high: Float[np.ndarray, " M"],
    label: str,
    m: Int[np.ndarray, " M"] | None = None,
) -> None:
    """A curve with its interval, at all m or at some; the first strategy is drawn above the others."""
    m = np.arange(1, len(mean) + 1) if m is None else m
    colour, dash = COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]
    axes.fill_between(m, low, high, color=colour, alpha=0.15, linewidth=0, zorder=2)
    axes.plot(m, mean, color=colour, linestyle=dash, linewidth=1.6 if i else 2.4, zorder=3 - (i > 0) / 2)
    axes.lines[-1].set_label(label)


def _dress(axes: Axes, budget: int, name: str) -> None:
    """Axes with as little ink as reads well."""
    axes.set_title(name, loc="left", fontsize=10)
    axes.set_xlabel("queries")
    axes.set_xlim(min(1, budget - 1), budget)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
