"""The few phrases of Vega-Lite that the figures share.

Axis letters: none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = Mapping[str, Any]
"""A chart, as Vega-Lite has it. Its data are named, and its size is left to whoever draws it."""


def number(field: str, title: str | None = None, *, zero: bool = False, **more: Any) -> dict[str, Any]:
    """A quantitative channel of a column.

    Args:
      field: the column.
      title: of the axis; None for none. All layers of a chart say the same one.
      zero: begin the scale at 0.
      **more: further properties; `scale` is added to.
    """
    scale = dict(more.pop("scale", {}))
    scale |= {} if scale.get("type") == "log" else {"zero": zero}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, **more}


def count(field: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """A quantitative channel of whole numbers, whose ticks are whole numbers too."""
    axis = {"format": ",d", "tickMinStep": 1, **more.pop("axis", {})}
    return number(field, title, axis=axis, **more)


def series(names: Sequence[str | int], field: str = "series", title: str | None = None) -> dict[str, Any]:
    """A colour for each of several series, in their order; the names are what the column has."""
    return {
        "field": field,
        "type": "nominal",
        "title": title,
        "scale": {"domain": list(names)},
        "sort": None,
    }


def shown(**titles: str | tuple[str, str]) -> list[dict[str, Any]]:
    """What hovering shows: columns with their titles, or with their titles and the format of the number."""
    found = []
    for field, title in titles.items():
        name, form = title if isinstance(title, tuple) else (title, None)
        kind = {"type": "quantitative", "format": form} if form else {"type": "nominal"}
        found.append({"field": field, "title": name, **kind})
    return found
