"""The plots of a comparison: a picture, and a page that needs nothing but itself.

Axis letters: M queries, R repeats.
"""

import html
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nao.compare.curves import Comparison
from nao.compare.folder import write
from nao.compare.tables import Summary, estimates, pairs, summaries
from nao.report.comparison import HEADINGS, final_rows, interval
from nao.report.tables import number

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
    """The reporting score over the queries; beside it the regret, where the optimum is known."""
    panels = 1 if found.optimum is None else 2
    plot = Figure(figsize=(1.0 + 5.2 * panels, 4.6), layout="constrained")
    axes = plot.subplots(1, panels, squeeze=False)[0]
    _scores(axes[0], found, literal(report))
    if found.optimum is not None:
        _regret(axes[1], found, found.optimum, literal(signal))
    repeats = len(next(iter(found.runs.values())).signal)
    plot.suptitle(literal(title), x=0.01, ha="left", fontsize=13, fontweight="bold")
    note = f"mean of {repeats} runs, 95 % bootstrap interval" if repeats > 1 else "one run of each"
    plot.supxlabel(note, x=0.99, ha="right", fontsize=8, color="#666666")
    handles, labels = axes[0].get_legend_handles_labels()
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
) -> None:
    """A curve with its interval; the first strategy is drawn above the others."""
    m = np.arange(1, len(mean) + 1)
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


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222 }}
body {{ max-width: 72rem; margin: 2rem auto; padding: 0 1rem }}
svg {{ width: 100%; height: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1.5rem }}
th, td {{ padding: .2rem .9rem .2rem 0; text-align: right; border-bottom: 1px solid #e5e5e5 }}
th:first-child, td:first-child {{ text-align: left }}
h2 {{ font-size: 1.05rem; margin: 1.5rem 0 0 }}
p {{ max-width: 46rem }}
summary {{ cursor: pointer }}
</style>
</head>
<body>
{body}
</body>
</html>
"""

NOTE = (
    "Every label counts, those of the random architectures at the start too. The best architecture is chosen"
    " by {signal} alone; its {report} is only looked up. A run that has not found the optimum counts as"
    " {budget} queries. Intervals are bootstrapped over the runs (95 %)."
)


def page(found: Comparison, drawing: str, title: str, signal: str, report: str) -> str:
    """The plot and the tables as one HTML page that loads nothing.

    Args:
      found: what is shown.
      drawing: the plot as SVG.
      title: what was compared on.
      signal: what the search maximised.
      report: what is reported.
    """
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", drawing[drawing.index("<svg") :])  # HTML knows them
    note = NOTE.format(signal=signal, report=report, budget=found.budget)
    parts = [svg, f"<p>{html.escape(note)}</p>"]
    parts += [f"<h2>After {found.budget} queries</h2>", _table(HEADINGS, final_rows(found))]
    if len(found.runs) > 1:
        parts += ["<h2>Difference, run by run</h2>", _table(DIFFERENCE, _differences(found))]
    rows = [_summary_cells(row) for row in summaries(found)]
    every = _table(("strategy", "queries", *HEADINGS[1:5]), rows)
    parts += [f"<details><summary>At every number of queries</summary>{every}</details>"]
    return PAGE.format(title=html.escape(title), body="\n".join(parts))


DIFFERENCE = ("strategies", "difference of the means", "95 % interval", "of the queries to optimum", "")


def _differences(found: Comparison) -> Iterator[list[str]]:
    for row in pairs(found):
        if row.m == found.budget:
            yield [
                f"{row.strategy} minus {row.other}",
                number(row.difference, 4),
                interval(row.ci_low, row.ci_high, 4),
                number(row.queries_difference, 1),
                interval(row.queries_ci_low, row.queries_ci_high, 1),
            ]


def _summary_cells(row: Summary) -> list[str]:
    share = "" if row.share_at_optimum is None else f"{row.share_at_optimum:.0%}"
    spread = interval(row.ci_low, row.ci_high, 4)
    return [row.strategy, str(row.m), number(row.mean, 4), spread, number(row.queries_to_optimum, 1), share]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    return "\n".join(["<table>", line(headings, "th"), *(line(row, "td") for row in rows), "</table>"])
