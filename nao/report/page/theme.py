"""The colours of pages and charts, light and dark: CSS variables, and configurations of Vega-Lite.

Axis letters: none.
"""

import dataclasses
from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclasses.dataclass(frozen=True)
class Theme:
    """One set of colours.

    Attributes:
      paper: behind everything.
      panel: behind what stands apart, such as tooltips.
      ink: of text.
      muted: of what matters less, such as axes.
      line: of borders and grids.
      accent: of links, and of a chart's only series.
      series: of several series. They remain different without red or green (Okabe and Ito 2008).
      ramp: of numbers, from low to high: the high ones stand out from the paper.
    """

    paper: str
    panel: str
    ink: str
    muted: str
    line: str
    accent: str
    series: tuple[str, ...]
    ramp: tuple[str, ...]

    def variables(self) -> str:
        """The colours of text as variables of CSS."""
        names = ("paper", "panel", "ink", "muted", "line", "accent")
        return " ".join(f"--{name}: {getattr(self, name)};" for name in names)

    def config(self) -> dict[str, Any]:
        """The colours of charts, as a configuration of Vega-Lite."""
        quiet = {"labelColor": self.muted, "titleColor": self.ink}
        size = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
        return {
            "background": None,
            "font": FONT,
            "padding": {"left": 2, "top": 4, "right": 24, "bottom": 4},  # the last label of an axis has room
            "view": {"stroke": None},
            "axis": {
                **quiet,
                **size,
                "domainColor": self.line,
                "tickColor": self.line,
                "gridColor": self.line,
                "titlePadding": 8,
            },
            "axisX": {"grid": False, "labelFlush": False},
            "legend": {
                **quiet,
                **size,
                "labelColor": self.ink,
                "orient": "top",
                "titleOrient": "top",
                "labelLimit": 220,
                "symbolStrokeWidth": 2.5,
            },
            "title": {"color": self.ink, "fontSize": 13, "anchor": "start"},
            "range": {
                "category": list(self.series),
                "ordinal": list(self.ramp),
                "ramp": list(self.ramp),
                "heatmap": list(self.ramp),
            },
            "mark": {"color": self.accent},
            "style": {
                "guide": {"color": self.muted, "strokeDash": [4, 4], "strokeWidth": 1.2},
                "dots": {"color": self.muted, "opacity": 0.45},
                "arrow": {"color": self.series[1]},
                "outlined": {"stroke": self.paper, "strokeWidth": 0.6},
            },
        }


LIGHT = Theme(
    paper="#ffffff",
    panel="#f5f6f8",
    ink="#1c2127",
    muted="#5a646f",
    line="#dfe3e8",
    accent="#0072b2",
    series=("#0072b2", "#d55e00", "#009e73", "#b8578f", "#b07900", "#3f9bd1", "#5b5b5b", "#8a7d00"),
    ramp=("#d3dbe3", "#9dbfdd", "#4b90c6", "#1560a0", "#052f5f"),
)
DARK = Theme(
    paper="#14171b",
    panel="#20252b",
    ink="#e7eaee",
    muted="#a3adb8",
    line="#343b43",
    accent="#5ab4ea",
    series=("#5ab4ea", "#ff8a4c", "#3cc99b", "#e79bc6", "#f2be4a", "#9db2ff", "#b5bbc2", "#d8cb3f"),
    ramp=("#35404c", "#2f6796", "#4f9bd3", "#9fd2f5", "#f4fbff"),
)
