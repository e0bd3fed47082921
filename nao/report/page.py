"""A comparison as one HTML page that loads nothing: the plot, and its numbers as tables."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from nao.compare.curves import Comparison
from nao.compare.tables import Summary, Top, pairs, summaries, tops
from nao.report.comparison import HEADINGS, final_rows, interval, queries
from nao.report.tables import number

DIFFERENCE = ("strategies", "difference of the means", "95 % interval", "of the queries to optimum", "")
GAP = ("strategy", "k", "their mean", "above random", "95 % interval")

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
    if found.against_random:
        gaps = [_gap_cells(row) for row in tops(found) if row.m == found.budget]
        parts += [f"<h2>{html.escape(signal)} of the best k, above random search</h2>", _table(GAP, gaps)]
    rows = [_summary_cells(row) for row in summaries(found)]
    every = _table(("strategy", "queries", *HEADINGS[1:5]), rows)
    parts += [f"<details><summary>At every number of queries</summary>{every}</details>"]
    return PAGE.format(title=html.escape(title), body="\n".join(parts))


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
    return [row.strategy, str(row.m), number(row.mean, 4), spread, queries(row), share]


def _gap_cells(row: Top) -> list[str]:
    spread = interval(row.ci_low, row.ci_high, 4)
    return [row.strategy, str(row.k), number(row.mean, 4), number(row.gap, 4), spread]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    return "\n".join(["<table>", line(headings, "th"), *(line(row, "td") for row in rows), "</table>"])
