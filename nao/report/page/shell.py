"""The file of a page: everything that a browser needs, so that it loads nothing.

Axis letters: none.
"""

import functools
import html
import importlib.resources
from collections.abc import Sequence

from nao.report.page.bundle import vega_bundle
from nao.report.page.columns import Columns, script_json
from nao.report.page.graphs import PackedGraphs
from nao.report.page.parts import Section
from nao.report.page.theme import DARK, LIGHT

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
<body>
<header><h1>{title}</h1><p>{subtitle}</p></header>
<noscript><p>The charts of this page are drawn by JavaScript, which is off. The numbers behind each are in the
table below it.</p></noscript>
<main>
{body}
</main>
<div id="tooltip" role="status" hidden></div>
{scripts}
</body>
</html>
"""


def page(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    *,
    graphs: PackedGraphs | None = None,
    style: str = "",
) -> str:
    """A page as HTML.

    Args:
      title: what it is about.
      subtitle: a line below.
      sections: in their order.
      graphs: what made the column `graph` of a chart's data, from which the one that is hovered is drawn.
      style: rules of CSS for the drawings.
    """
    figures = [figure for section in sections for figure in section.figures]
    data: dict[str, Columns] = {}
    for figure in figures:
        data |= figure.data
    content = {
        "configs": {"light": LIGHT.config(), "dark": DARK.config()},
        "charts": {figure.name: figure.chart() for figure in figures},
        "data": data,
        "graphs": graphs.tables() if graphs else {},
    }
    scripts = [
        f'<script type="application/json" id="content">{script_json(content)}</script>',
        f"<script>{vega_bundle()}</script>",
        *(f"<script>\n{_resource(name)}</script>" for name in ("thumbnails.js", "charts.js")),
    ]
    return PAGE.format(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        style=f"{_style()}\n{style}",
        body="\n".join(section.html() for section in sections),
        scripts="\n".join(scripts) if figures else "",
    )


def _style() -> str:
    """The style sheet, in which the colours of the theme are variables."""
    light, dark = f":root {{ {LIGHT.variables()} }}", f":root {{ {DARK.variables()} }}"
    schemes = f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}"
    return f"{schemes}\n{_resource('style.css')}"


@functools.cache
def _resource(name: str) -> str:
    """A file beside this one."""
    return importlib.resources.files("nao.report.page").joinpath(name).read_text(encoding="utf-8")
