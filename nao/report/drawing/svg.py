"""An architecture as a picture: one self-contained SVG, which also follows a dark scheme.

Several drawings can stand in one page: nothing in them has an id, and their rules name their class.

Axis letters: none.
"""

import html
import itertools
import re
from collections.abc import Mapping, Sequence

from nao.graph import Cell, Edge, Graph
from nao.report.drawing.layout import Box, Direction, Point, Route, Size, lay_out
from nao.report.drawing.style import HEADING, LABEL, NAME, SMALL, STYLE
from nao.report.drawing.words import kind_of, widest, wrap

NODE_WIDTH, LABEL_WIDTH = 130.0, 90.0  # of a line of text, at most
LINE_HEIGHT = 1.25  # in sizes of the font
MARGIN, BETWEEN_CELLS, HEADING_HEIGHT = 16.0, 44.0, 28.0
WIDEST = 1250.0  # cells that are wider than this side by side stand one above another
BOLD = 1.1  # how much wider bold letters are
ARROW = (7.5, 3.2)  # length of an arrow head, and half its width
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML
Words = list[tuple[str, str, float]]  # lines of text, each with its class and the size of its font


def svg(graph: Graph | Cell, *, title: str = "", direction: Direction = "right") -> str:
    """Draws an architecture.

    Args:
      graph: an architecture's graph, or one of its cells.
      title: is written above it.
      direction: in which the edges lead; cells are side by side, unless that is too wide.

    Returns:
      An SVG element, whose description is the listing `graph.lines()`. Programs find the nodes and edges by
      `data-node`, `data-source`, `data-target` (numbers within their cell) and `data-operation`.
    """
    cells = graph.cells if isinstance(graph, Graph) else (graph,)
    drawings = [_draw(cell, direction) for cell in cells]
    places, (width, height) = _arrange([size for size, _ in drawings])
    top = MARGIN
    body = []
    left = MARGIN
    if title:
        needed = max(width, widest([title], HEADING) * BOLD)
        left, width = left + (needed - width) / 2, needed
        body.append(_text(MARGIN + width / 2, top + HEADING, title, "heading"))
        top += HEADING_HEIGHT
    for c, ((x, y), (_, parts)) in enumerate(zip(places, drawings, strict=True)):
        place = f"translate({_n(left + x)} {_n(top + y)})"
        body += [f'<g class="cell" data-cell="{c}" transform="{place}">', *parts, "</g>"]
    w, h = _n(width + 2 * MARGIN), _n(top + height + MARGIN)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="nao-drawing" role="img" width="{w}" height="{h}"'
        f' viewBox="0 0 {w} {h}" style="max-width:100%;height:auto">'
    )
    about = [
        f"<title>{_escape(title or 'Architecture')}</title>",
        f"<desc>{_escape(chr(10).join(graph.lines()).strip())}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{w}" height="{h}" rx="6"/>',
    ]
    return "\n".join([head, *about, *body, "</svg>"])


def _arrange(sizes: Sequence[Size]) -> tuple[list[Point], Size]:
    """Where each cell goes, side by side or one above another, and the size of them all."""
    wide = sum(width for width, _ in sizes) + BETWEEN_CELLS * (len(sizes) - 1)
    beside = wide <= WIDEST
    places, at = [], 0.0
    for width, height in sizes:
        places.append((at, 0.0) if beside else (0.0, at))
        at += (width if beside else height) + BETWEEN_CELLS
    length = max(0.0, at - BETWEEN_CELLS)
    across = max((size[beside] for size in sizes), default=0.0)
    return places, (length, across) if beside else (across, length)


def _draw(cell: Cell, direction: Direction) -> tuple[Size, list[str]]:
    """The size of a cell with its name above it, and its elements."""
    nodes = [_node_words(cell, v) for v in range(len(cell.nodes))]
    labels = [[(line, "label", LABEL) for line in wrap(e.operation, LABEL, LABEL_WIDTH)] for e in cell.edges]
    sizes = [_size(words, 10.0) for words in nodes], [_size(words, 6.0) for words in labels]
    layout = lay_out(cell, *sizes, direction)
    width, top, heading = layout.width, 0.0, []
    if cell.name:
        name = f"{cell.name} cell"
        width, top = max(width, widest([name], HEADING) * BOLD), HEADING_HEIGHT
        heading = [_text(width / 2, HEADING, name, "heading")]
    idle = _idle(cell)
    parts = []
    for edge, route, words in zip(cell.edges, layout.edges, labels, strict=True):
        parts += _edge(cell, edge, idle, [*_line(route, direction), *_box(route.label, words)])
    for v, (box, words) in enumerate(zip(layout.nodes, nodes, strict=True)):
        parts += _node(cell, v, idle, _box(box, words))
    place = f"translate({_n((width - layout.width) / 2)} {_n(top)})"
    return (width, top + layout.height), [*heading, f'<g transform="{place}">', *parts, "</g>"]


def _idle(cell: Cell) -> list[int]:
    """The nodes that are on no path from an input to the output."""
    kept = {node.name for node in cell.prune().nodes} if cell.nodes else set()
    return [v for v, node in enumerate(cell.nodes) if node.name not in kept]


def _node_words(cell: Cell, v: int) -> Words:
    """What is written in a node: its operation, or else its name; and its name or combiner, smaller."""
    node = cell.nodes[v]
    joins = sum(edge.target == v for edge in cell.edges) > 1 and node.combiner != "add"
    small = [node.name] if node.operation else []
    small += [node.combiner] if joins else []
    words = [(line, "name", NAME) for line in wrap(node.operation or node.name, NAME, NODE_WIDTH)]
    return words + [(line, "small", SMALL) for each in small for line in wrap(each, SMALL, NODE_WIDTH)]


def _node(cell: Cell, v: int, idle: Sequence[int], inside: Sequence[str]) -> list[str]:
    """The element of a node."""
    node = cell.nodes[v]
    is_end = v < cell.inputs or v == len(cell.nodes) - 1
    kind = kind_of(node.operation) if node.operation else "end" if is_end else "plain"
    about = f"{node.name}: {node.operation}" if node.operation else node.name
    data = {"node": v, "operation": node.operation}
    return _group(["node", kind, *["idle"] * (v in idle)], data, about, inside)


def _edge(cell: Cell, edge: Edge, idle: Sequence[int], inside: Sequence[str]) -> list[str]:
    """The element of an edge."""
    kinds = [kind_of(edge.operation)] if edge.operation else []
    ends = f"{cell.nodes[edge.source].name} to {cell.nodes[edge.target].name}"
    data = {"source": edge.source, "target": edge.target, "operation": edge.operation}
    is_idle = edge.source in idle or edge.target in idle
    about = f"{ends}: {edge.operation}" if edge.operation else ends
    return _group(["edge", *kinds, *["idle"] * is_idle], data, about, inside)


def _group(
    classes: Sequence[str], data: Mapping[str, object], about: str, inside: Sequence[str]
) -> list[str]:
    """An element with what programs and people can ask about it."""
    values = "".join(f' data-{name}="{_escape(str(value))}"' for name, value in data.items())
    head = f'<g class="{" ".join(classes)}"{values}><title>{_escape(about)}</title>'
    return [head, *inside, "</g>"]


def _line(route: Route, direction: Direction) -> list[str]:
    """The line of an edge, and its arrow head."""
    length, half = ARROW
    (x, y), up = route.points[-1], direction == "up"
    back = (x, y + length) if up else (x - length, y)
    points = [*route.points[:-1], back]
    path = [f"M{_point(points[0])}"]
    for i, (begin, end) in enumerate(itertools.pairwise(points)):
        if i % 2 == 0 or begin[0 if up else 1] == end[0 if up else 1]:
            path.append(f"L{_point(end)}")
        elif up:
            middle = (begin[1] + end[1]) / 2
            path.append(f"C{_point((begin[0], middle))} {_point((end[0], middle))} {_point(end)}")
        else:
            middle = (begin[0] + end[0]) / 2
            path.append(f"C{_point((middle, begin[1]))} {_point((middle, end[1]))} {_point(end)}")
    wings = [(back[0] - half, back[1]), (back[0] + half, back[1])]
    if not up:
        wings = [(back[0], back[1] - half), (back[0], back[1] + half)]
    head = " ".join(_point(point) for point in ((x, y), *wings))
    return [f'<path class="line" d="{"".join(path)}"/>', f'<polygon class="arrow" points="{head}"/>']


def _box(box: Box | None, words: Words) -> list[str]:
    """A rounded rectangle with lines of text in its middle."""
    if box is None:
        return []
    x, y = _n(box.x - box.width / 2), _n(box.y - box.height / 2)
    parts = [f'<rect x="{x}" y="{y}" width="{_n(box.width)}" height="{_n(box.height)}" rx="7"/>']
    at = box.y - _height(words) / 2
    for line, name, size in words:
        parts.append(_text(box.x, at + (LINE_HEIGHT - 0.28) * size, line, name))
        at += LINE_HEIGHT * size
    return parts


def _text(x: float, y: float, text: str, name: str) -> str:
    return f'<text class="{name}" x="{_n(x)}" y="{_n(y)}">{_escape(text)}</text>'


def _height(words: Words) -> float:
    return sum(LINE_HEIGHT * size for _, _, size in words)


def _size(words: Words, margin: float) -> Size:
    """The size of a box around lines of text."""
    wide = max((widest([line], size) for line, _, size in words), default=0.0)
    return wide + 2 * margin, _height(words) + margin


def _point(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(value: float) -> str:
    """A number in the file: tenths are fine enough."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def _escape(text: str) -> str:
    return html.escape(ILLEGAL.sub("\ufffd", text))
