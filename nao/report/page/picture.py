"""Charts as pictures, drawn without a browser.

Axis letters: none.
"""

from collections.abc import Mapping
from typing import Any

from nao.report.page.columns import Columns, as_rows
from nao.report.page.marks import Spec
from nao.report.page.theme import LIGHT, Theme


def whole(spec: Spec, data: Mapping[str, Columns], columns: int = 0, theme: Theme = LIGHT) -> dict[str, Any]:
    """A chart with its data and its colours in it, which any tool that reads Vega-Lite can draw.

    Args:
      spec: the chart, with its size.
      data: the data sets it names.
      columns: entries of the legend side by side; 0 for all.
      theme: its colours.
    """
    datasets = {name: as_rows(columns) for name, columns in data.items()}
    config = {**theme.config(), "background": theme.paper}
    config["legend"] |= {"columns": columns}
    return {"padding": 14, **spec, "datasets": datasets, "config": config}


def png(spec: Spec, data: Mapping[str, Columns], columns: int = 0) -> bytes:
    """A chart as a PNG, with two pixels for each of the chart.

    Args:
      spec: the chart, with its size.
      data: the data sets it names.
      columns: entries of the legend side by side; 0 for all.
    """
    import vl_convert  # here, because it takes a second

    return vl_convert.vegalite_to_png(whole(spec, data, columns), scale=2.0)
