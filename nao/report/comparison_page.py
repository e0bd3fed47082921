"""A comparison as one page, and its curves as a picture.

Axis letters: none.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from nao.compare.curves import Comparison
from nao.compare.tables import Summary, Top, at_the_end, pairs, summaries, tops
from nao.core import Json
from nao.folder import write
from nao.report import curves
from nao.report.comparison import HEADINGS, final_rows, interval, queries
from nao.report.figures.summary import as_mapping
from nao.report.page import Figure, Section, Table, Text, page
from nao.report.page.columns import Columns
from nao.report.page.marks import Spec
from nao.report.page.parts import Folded
from nao.report.page.picture import png
from nao.report.tables import number

DIFFERENCE = (
    "strategies",
    "difference of the means",
    "95 % interval",
    "of the queries to optimum",
    "95 % interval ",
)
GAP = ("strategy", "k", "their mean", "above random", "95 % interval")
WIDTH, HEIGHT = 420, 270  # of a panel of the picture

NOTE = (
    "Every label counts, those of the random architectures at the start too. The best architecture is chosen"
    " by {signal} alone; its {report} is only looked up. A run that has not found the optimum counts as"
    " {budget} queries. Intervals are bootstrapped over the runs (95 %)."
)


@dataclasses.dataclass(frozen=True)
class Names:
    """What to call the parts of a comparison.

    Attributes:
      title: what was compared on, in a few words.
      signal: what the search maximised.
      report: what is reported.
    """

    title: str
    signal: str
    report: str

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> "Names":
        """The names that follow from the settings of a comparison, as its folder keeps them."""
        evaluator = as_mapping(settings.get("evaluator"))
        space = str(as_mapping(evaluator.get("space")).get("space", "a space"))
        if "table" in evaluator:
            signal, report = (str(evaluator.get(key, key)) for key in ("signal", "report"))
            return cls(f"{evaluator['table']}, {evaluator.get('file', 'a table')}", signal, report)
        data = as_mapping(evaluator.get("data")).get("name", "its data")
        return cls(f"{space} on {data}", "validation score", "test score")


def draw(found: Comparison, file: Path, names: Names) -> None:
    """Writes the page, and the curves as a picture beside it.

    Args:
      found: what to draw.
      file: the page, such as `curves.html`; the picture is `curves.png` then.
      names: what to call its parts.

    Raises:
      InputError: a file cannot be written.
    """
    figures = curves.figures(found, names.signal, names.report)
    write(file.with_suffix(".png"), picture(figures, names.title, found.runs))
    write(file, comparison_page(found, figures, names))


def picture(figures: Sequence[Figure], title: str, labels: Iterable[str]) -> bytes:
    """The curves of some strategies as one PNG: scores and regret above, the gaps below."""
    data: dict[str, Columns] = {}
    for figure in figures:
        data |= figure.data
    rows = [[f for f in figures if f.name.startswith("gap") == below] for below in (False, True)]
    panels = [{"hconcat": [_panel(figure) for figure in row]} for row in rows if row]
    columns = max(1, 2 * WIDTH // (36 + 7 * max(len(label) for label in labels)))  # of the legend
    heading = {"text": title, "fontSize": 17, "anchor": "start", "offset": 12}
    resolve = {"scale": {"color": "shared", "strokeDash": "shared"}}
    return png({"title": heading, "vconcat": panels, "resolve": resolve}, data, columns)


def _panel(figure: Figure) -> Spec:
    """One chart of the picture."""
    return {"width": WIDTH, "height": HEIGHT, "title": figure.title, **figure.spec}


def comparison_page(found: Comparison, figures: Sequence[Figure], names: Names) -> str:
    """The page: words, curves and tables.

    Args:
      found: what is shown.
      figures: its curves.
      names: what to call its parts.
    """
    note = NOTE.format(signal=names.signal, report=names.report, budget=found.budget)
    final = Table(HEADINGS, final_rows(found))
    sections = [
        Section("", [Text(f"{headline(found, names)} {note}")]),
        Section(f"After {found.budget} queries", [final]),
        Section("Curves", figures, side_by_side=True),
    ]
    if len(found.runs) > 1:
        sections.append(Section("Difference, run by run", [Table(DIFFERENCE, list(_differences(found)))]))
    if found.against_random:
        gaps = [_gap_cells(row) for row in tops(found, at_the_end(found))]
        sections.append(Section(f"{names.signal} of the best k, above random search", [Table(GAP, gaps)]))
    rows = [_summary_cells(row) for row in summaries(found)]
    every = Table(("strategy", "queries", *HEADINGS[1:5]), rows)
    sections.append(Section("", [Folded("At every number of queries", every)]))
    return page(names.title, f"A comparison of {', '.join(found.runs)}", sections)


def headline(found: Comparison, names: Names) -> str:
    """What was compared and what came out, in a sentence."""
    rows = list(summaries(found, at_the_end(found)))
    means = ", ".join(f"{row.strategy} {number(row.mean, 4) or 'nothing'}" for row in rows)
    repeats = sorted({len(runs.signal) for runs in found.runs.values()})
    runs = " to ".join(str(n) for n in dict.fromkeys((repeats[0], repeats[-1])))
    played = f"{runs} runs of each strategy, of {found.budget} labels each."
    return f"{played} The mean {names.report} at the end: {means}."


def _differences(found: Comparison) -> Iterator[list[str]]:
    for row in pairs(found, at_the_end(found)):
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
