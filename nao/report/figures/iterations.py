"""The sets of a search one after the other: what each scored, what it was made from, what was expected.

Axis letters: none.
"""

from nao.report.page import Figure, Table
from nao.report.page.columns import rounded
from nao.report.page.marks import Spec, count, number, series, shown
from nao.report.tables import HEADINGS
from nao.report.tables import iterations as rows
from nao.report.tables import number as cell
from nao.study import History

SERIES = {  # of the summary of a set: what it is called, and the shape of its marks
    "best": ("best", "circle"),
    "mean": ("mean", "circle"),
    "predicted": ("mean, as f predicted", "cross"),
    "seeds_mean": ("their seeds, as scored", "triangle-up"),
    "seeds_believed": ("their seeds, as f believed", "triangle-down"),
}
LINES = ("best", "mean")
SINGLE = 60  # sets; more have no marks on the lines


def figure(history: History) -> Figure:
    """The figure of a history with at least one set that is evaluated."""
    summary = history.summary()
    sets = [summary["initial"], *summary["iterations"]]
    columns: dict[str, list[object]] = {"set": [], "series": [], "value": []}
    for key, (name, _) in SERIES.items():
        for i, row in enumerate(sets):
            if row.get(key) is not None:
                columns["set"].append(i)
                columns["series"].append(name)
                columns["value"].append(rounded([row[key]])[0])
    found = [name for name, _ in SERIES.values() if name in columns["series"]]
    last = sets[-1] if len(sets) == 1 or sets[-1]["mean"] is not None else sets[-2]
    seeds = SERIES["seeds_mean"][0] in found
    return Figure(
        name="iterations",
        title="Iterations",
        says="The mean and the best score of each set of architectures; 0 are the ones that the search"
        " began with."
        + (
            " Beside them, the architectures that a set was decoded from, its seeds: as they had scored,"
            " which luck has helped to choose them, and as f believed."
            if seeds
            else ""
        ),
        spec=chart(found, len(sets)),
        data={"sets": columns},
        alternative=f"Lines over {len(sets):,} sets. The mean goes from"
        f" {cell(sets[0]['mean'], 4) or 'nothing'} to {cell(last['mean'], 4) or 'nothing'}, the best from"
        f" {cell(sets[0]['best'], 4) or 'nothing'} to {cell(last['best'], 4) or 'nothing'}.",
        table=Table(HEADINGS, rows(history)),
    )


def chart(found: list[str], sets: int) -> Spec:
    """Lines for the mean and the best, marks for the others too."""
    colours = series(found)
    shapes = {name: shape for name, shape in SERIES.values() if name in found}
    scale = {"domain": list(shapes), "range": list(shapes.values())}
    x = count("set", "set", scale={"domain": [-0.2, sets - 0.8], "nice": False} if sets <= SINGLE else {})
    axes = {"x": x, "y": number("value", "score"), "color": colours}
    of_lines = " || ".join(f"datum.series === '{SERIES[key][0]}'" for key in LINES)
    marks = [name for name in found if sets <= SINGLE or name not in (SERIES[key][0] for key in LINES)]
    line = {"type": "line", "strokeWidth": 2}
    layers: list[Spec] = [{"transform": [{"filter": of_lines}], "mark": line, "encoding": axes}]
    if marks:
        shape = {"field": "series", "type": "nominal", "title": None, "sort": None, "scale": scale}
        tooltip = shown(set="set", series="what", value=("score", ".4f"))
        layers.append(
            {
                "transform": [{"filter": {"field": "series", "oneOf": marks}}],
                "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
                "encoding": {**axes, "shape": shape, "tooltip": tooltip},
            }
        )
    return {"data": {"name": "sets"}, "layer": layers}
