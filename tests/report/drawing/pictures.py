"""What is in a drawing, read back out of its SVG; and how often the edges of a drawing cross."""

import dataclasses
import functools
import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from nao.report.drawing import svg
from tests.report.drawing.published import ALL

KINDS = ("node", "edge")
SVG = "{http://www.w3.org/2000/svg}"
STEPS = 9  # straight pieces of a curve; odd, as two curves often cross in the middle of both


@dataclasses.dataclass
class Shape:
    """A node or an edge: its classes, its data, its rectangle (left, top, right, bottom) and its line."""

    classes: list
    data: dict
    rectangle: tuple | None
    line: list
    text: str


@functools.cache
def drawing(name, direction):
    """The drawing of a published cell."""
    return svg(ALL[name], title=name, direction=direction)


def cells_of(drawing):
    """For each cell of a drawing, its nodes and its edges as shapes."""
    root = ElementTree.fromstring(drawing)
    return [
        tuple(
            [_shape(g) for g in cell.iter(f"{SVG}g") if kind in g.get("class", "").split()] for kind in KINDS
        )
        for cell in root.iter(f"{SVG}g")
        if cell.get("class") == "cell"
    ]


def _shape(group):
    data = {name.removeprefix("data-"): value for name, value in group.items() if name.startswith("data-")}
    rect, path = group.find(f"{SVG}rect"), group.find(f"{SVG}path")
    rectangle = None
    if rect is not None:
        x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        rectangle = x, y, x + width, y + height
    line = []
    if path is not None:
        tip = tuple(map(float, group.find(f"{SVG}polygon").get("points").split()[:2]))
        line = [*flatten(path.get("d")), tip]
    text = " ".join(each.text for each in group.iter(f"{SVG}text"))
    return Shape(group.get("class").split(), data, rectangle, line, text)


def flatten(path):
    """The points of a path of straight lines and cubic curves."""
    points = []
    for command, numbers in re.findall(r"([MLC])([^MLC]*)", path):
        values = list(map(float, numbers.replace(",", " ").split()))
        pairs = list(zip(values[::2], values[1::2], strict=True))
        points += bezier(points[-1], *pairs) if command == "C" else pairs
    return points


def bezier(a, b, c, d):
    """Points of a cubic curve, without its first."""
    found = []
    for t in (step / STEPS for step in range(1, STEPS + 1)):
        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
        found.append(tuple(sum(w * p[i] for w, p in zip(weights, (a, b, c, d), strict=True)) for i in (0, 1)))
    return found


def crossings(lines):
    """How often lines cross, over all pairs of them: where they only touch does not count."""
    pieces = [np.stack([line[:-1], line[1:]], axis=1) for line in map(np.array, lines)]
    return sum(_count(p[:, None], q[None]) for p, q in itertools.combinations(pieces, 2))


def _count(p, q):
    """How many pieces `[n, 1, 2, 2]` of a line cross pieces `[1, m, 2, 2]` of another; both have two ends."""
    (a, b), (c, d) = (np.moveaxis(pieces, -2, 0) for pieces in (p, q))
    apart = (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)
    return int(apart.sum())


def _side(a, b, c):
    """On which side of the line from a to b a point is: a sign; 0 on the line."""
    value = (b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]
    return np.where(abs(value) < 1e-6, 0, np.sign(value))


def overlap(a, b, margin=0.0):
    """Whether two rectangles overlap."""
    return a[0] < b[2] + margin and b[0] < a[2] + margin and a[1] < b[3] + margin and b[1] < a[3] + margin


def enters(line, rectangle, inside=0.5):
    """Whether a line goes through a rectangle, further in than its frame."""
    left, top, right, bottom = rectangle
    shrunk = left + inside, top + inside, right - inside, bottom - inside
    return any(_passes(a, b, shrunk) for a, b in itertools.pairwise(line))


def _passes(a, b, rectangle):
    """Whether a piece of a line meets a rectangle (Liang and Barsky 1984)."""
    first, last = 0.0, 1.0
    for i in (0, 1):
        step = b[i] - a[i]
        low, high = rectangle[i] - a[i], rectangle[i + 2] - a[i]
        if abs(step) < 1e-9:
            if low > 0 or high < 0:
                return False
            continue
        begin, end = sorted((low / step, high / step))
        first, last = max(first, begin), min(last, end)
    return first < last
