"""An architecture as text for a terminal: its listing, with a rail beside it on which every edge can be seen.

A rail is a column for each node that is still to be read, as `git log --graph` draws commits. A line that
crosses one unbroken passes by; where the two meet, the node is read:

    ○      input
    ├─●    node1 = conv 3x3(input)
    ├─│─●  node2 = identity(input)
    │ ●─┤  node3 = conv 3x3(node1) + identity(node2)
    ●─┴─╯  output = concat(input, node2, node3)

Axis letters: none.
"""

import dataclasses
import textwrap

from nao.graph import Cell, Graph

WIDTH = 100  # columns
NARROWEST = 40  # columns of a formula, where the rail is wide
INPUT, NODE = "○", "●"
ASCII = str.maketrans("○●│─├┼┤╰┴╯", "oO|-+++'''")


def text(graph: Graph | Cell) -> str:
    """Draws an architecture with characters, one line for each node in the order of the graph.

    Args:
      graph: an architecture's graph, or one of its cells.

    Returns:
      The lines, about 100 columns wide, each cell under its name. A formula that is too long goes on below.
    """
    cells = graph.cells if isinstance(graph, Graph) else (graph,)
    return "\n\n".join("\n".join(_lines(cell)) for cell in cells)


def in_ascii(drawing: str) -> str:
    """A drawing for a terminal that knows no other characters; others become question marks."""
    return drawing.translate(ASCII).encode("ascii", "replace").decode("ascii")


def _lines(cell: Cell) -> list[str]:
    """The lines of a cell."""
    rows = _rows(cell)
    wide = max((len(row.rail) for row in rows), default=0)
    room = max(NARROWEST, WIDTH - wide - 4)
    lines = [f"{cell.name} cell"] if cell.name else []
    for row, words in zip(rows, _words(cell), strict=True):
        first, *others = textwrap.wrap(words, room, subsequent_indent="  ", break_on_hyphens=False) or [""]
        lines.append(f"  {row.rail:{wide}}  {first}")
        lines += [f"  {row.below:{wide}}  {other}" for other in others]
    return [line.rstrip() for line in lines]


def _words(cell: Cell) -> list[str]:
    """What stands beside each node: the name of an input, the formula of another one."""
    names = [node.name for node in cell.nodes]
    known = [*names[: cell.inputs], *cell.lines()]
    return known + names[len(known) :]


@dataclasses.dataclass(frozen=True)
class _Row:
    """What is drawn for one node, and what is drawn below it until the next one."""

    rail: str
    below: str


def _rows(cell: Cell) -> list[_Row]:
    """The rail beside each node."""
    sources = [{edge.source for edge in cell.edges if edge.target == v} for v in range(len(cell.nodes))]
    last_reader = {edge.source: edge.target for edge in sorted(cell.edges, key=lambda edge: edge.target)}
    lanes: list[int | None] = []  # the node in each, while it is still to be read
    rows, barred = [], -1
    for v, read in enumerate(sources):
        joined = {lane: node for lane, node in enumerate(lanes) if node is not None and node in read}
        ended = {lane for lane, node in joined.items() if last_reader[node] == v}
        empty = [lane for lane, node in enumerate(lanes) if node is None and lane != barred]
        own = min(ended, default=min(empty, default=len(lanes)))
        lanes += [None] * (own + 1 - len(lanes))
        mark = INPUT if v < cell.inputs else NODE
        rail = _rail(lanes, own, {*joined}, ended, mark)
        for lane in ended:
            lanes[lane] = None
        lanes[own] = v if v in last_reader else None
        # What nobody reads must not seem to lead to a node right below it.
        barred = -1 if v in last_reader else own
        rows.append(_Row(rail, " ".join(" " if node is None else "│" for node in lanes)))
    return rows


def _rail(lanes: list[int | None], own: int, joined: set[int], ended: set[int], mark: str) -> str:
    """The characters of a row, from the lanes before it.

    Args:
      lanes: which node is in each.
      own: the lane of the node of this row.
      joined: the lanes of what it reads.
      ended: those of them that nothing else will read.
      mark: for the node.
    """
    first, last = min({own, *joined}), max({own, *joined})
    drawn = []
    for lane, node in enumerate(lanes):
        if lane == own:
            drawn.append(mark)
        elif lane in joined:
            drawn.append(("╰┴╯" if lane in ended else "├┼┤")[1 + (lane == last) - (lane == first)])
        else:
            drawn.append("│" if node is not None else "─" if first < lane < last else " ")
        drawn.append("─" if first <= lane < last else " ")
    return "".join(drawn[:-1])
