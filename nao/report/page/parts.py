"""What a page is made of. Each part knows its HTML; whatever is text is escaped here.

Axis letters: none.
"""

import dataclasses
import html
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from nao.report.page.columns import Columns
from nao.report.page.marks import Spec

MOST_ROWS = 300  # of a table


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str

    def html(self) -> str:
        """The paragraph."""
        return f"<p>{html.escape(self.text)}</p>"


@dataclasses.dataclass(frozen=True)
class Facts:
    """A few numbers that stand out, each with what it is and a remark.

    Attributes:
      facts: what it is, the number, the remark.
    """

    facts: Sequence[tuple[str, str, str]]

    def html(self) -> str:
        """A list of them."""
        each = (
            f"<div><dt>{html.escape(name)}</dt><dd><b>{html.escape(value)}</b><small>{html.escape(remark)}</small></dd></div>"
            for name, value, remark in self.facts
        )
        return f'<dl class="facts">{"".join(each)}</dl>'


@dataclasses.dataclass(frozen=True)
class Table:
    """A table. Only the first `MOST_ROWS` rows are shown, and it says how many are left out.

    Attributes:
      headings: of the columns.
      rows: their cells.
      words: the columns that are words and not numbers.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Collection[int] = (0,)

    def html(self) -> str:
        """The table, in a frame of its own that scrolls where the page is narrow."""
        if not self.rows:
            return "<p>There is nothing to show yet.</p>"
        head = self._line(self.headings, "th")
        body = "\n".join(self._line(row, "td") for row in self.rows[:MOST_ROWS])
        left_out = len(self.rows) - MOST_ROWS
        note = f"<p>The first {MOST_ROWS} rows; {left_out:,} more are left out.</p>" if left_out > 0 else ""
        table = f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        return f'<div class="scroll" tabindex="0">{table}</div>{note}'

    def _line(self, cells: Sequence[str], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        kinds = (' class="words"' if i in self.words else "" for i in range(len(cells)))
        row = (
            f"<{tag}{scope}{kind}>{html.escape(cell)}</{tag}>"
            for cell, kind in zip(cells, kinds, strict=True)
        )
        return f"<tr>{''.join(row)}</tr>"


@dataclasses.dataclass(frozen=True)
class Folded:
    """A table that is shown when it is asked for.

    Attributes:
      summary: what it is.
      table: the table.
    """

    summary: str
    table: Table

    def html(self) -> str:
        """The table behind its summary."""
        return f"<details><summary>{html.escape(self.summary)}</summary>{self.table.html()}</details>"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A chart, in words too.

    Attributes:
      name: its own in the page: small letters and hyphens.
      title: what it is of.
      says: what it shows and how to read it.
      spec: the chart, without data and size.
      data: the data sets that it names. Those of one name are the same for all figures of a page.
      alternative: what can be seen in it, for those who cannot see it.
      table: the numbers behind it.
      height: pixels of the chart.
    """

    name: str
    title: str
    says: str
    spec: Spec
    data: Mapping[str, Columns] = dataclasses.field(repr=False)
    alternative: str
    table: Table
    height: int = 320

    def chart(self) -> dict[str, object]:
        """The chart as wide as its place is, with its description."""
        return {"width": "container", "height": self.height, "description": self.alternative, **self.spec}

    def html(self) -> str:
        """The figure: what it shows, the place of the chart, and the table behind it."""
        alternative = html.escape(self.alternative, quote=True)
        return "\n".join(
            [
                f'<figure id="{self.name}">',
                f"<figcaption><h3>{html.escape(self.title)}</h3><p>{html.escape(self.says)}</p></figcaption>",
                f'<div class="chart" id="chart-{self.name}" role="img" aria-label="{alternative}"'
                f' style="min-height: {self.height}px"></div>',
                f'<div class="controls" id="controls-{self.name}"></div>',
                Folded("The numbers as a table", self.table).html(),
                "</figure>",
            ]
        )


@dataclasses.dataclass(frozen=True)
class Card:
    """A drawing with what belongs to it.

    Attributes:
      title: above it.
      drawing: SVG; empty for none.
      lines: in place of a drawing where there is none.
      facts: below it.
      string: the string of what is drawn.
    """

    title: str
    drawing: str
    lines: Sequence[str]
    facts: str
    string: str

    def html(self) -> str:
        """The card."""
        listing = html.escape("\n".join(self.lines))
        width = re.search(r'width="([\d.]+)"', self.drawing)
        natural = f' style="--natural: {width[1]}px"' if width else ""
        drawn = f'<div class="drawing" tabindex="0"{natural}>{self.drawing}</div>'
        drawn = drawn if self.drawing else f"<pre>{listing}</pre>"
        title, facts, string = (html.escape(text) for text in (self.title, self.facts, self.string))
        code = f'<p class="string"><code>{string}</code></p>'
        return f"<article><h3>{title}</h3><p>{facts}</p>{drawn}{code}</article>"


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Several cards side by side."""

    cards: Sequence[Card]

    def html(self) -> str:
        """The cards."""
        return f'<div class="gallery">{"".join(card.html() for card in self.cards)}</div>'


Part: TypeAlias = Text | Facts | Table | Folded | Figure | Gallery


@dataclasses.dataclass(frozen=True)
class Section:
    """Parts under one heading.

    Attributes:
      title: the heading; empty for what stands at the top.
      parts: in their order.
      side_by_side: show the figures next to each other where there is room.
    """

    title: str
    parts: Sequence[Part]
    side_by_side: bool = False

    def html(self) -> str:
        """The section."""
        heading = f"<h2>{html.escape(self.title)}</h2>\n" if self.title else ""
        kind = ' class="side-by-side"' if self.side_by_side else ""
        return f"<section{kind}>\n{heading}{chr(10).join(part.html() for part in self.parts)}\n</section>"

    @property
    def figures(self) -> list[Figure]:
        """Its charts."""
        return [part for part in self.parts if isinstance(part, Figure)]
