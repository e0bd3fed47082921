"""One self-contained HTML page of text, tables and charts: it works offline, on a phone and printed.

- `nao.report.page.parts`: what a page is made of, `Figure`, `Table`, `Text`, `Section`.
- `nao.report.page.shell`: `page`, the file itself; `style.css` and `charts.js` are part of it.
- `nao.report.page.marks`: the few phrases of Vega-Lite that the figures share.
- `nao.report.page.theme`: the colours, light and dark. `nao.report.page.columns`: data in few bytes.
- `nao.report.page.bundle`: the library that draws the charts. `nao.report.page.picture`: charts as PNG.

Axis letters: none.
"""

from nao.report.page.parts import Figure, Gallery, Section, Table, Text
from nao.report.page.shell import page

__all__ = ["Figure", "Gallery", "Section", "Table", "Text", "page"]
