"""Drawings for a terminal: one of them as it is, and the edges read back from the rails of others."""

import numpy as np
import pytest

from nao.graph import Cell, Edge, Graph, Node, chain
from nao.report.drawing import in_ascii, text
from nao.spaces import SPACES
from tests.report.drawing.published import ALL, CELLS, RECURRENT_CELLS

NAONET = """\
normal cell
  ○        p
  │ ○      c
  ├─┼─●    3 = conv 3x3(p) + avg-pooling 5x5(c)
  │ ├─●    4 = conv 1x3+3x1(3) + conv 3x3(c)
  ├─┼─│─●  5 = conv 1x1(p) + conv 3x3(c)
  ├─│─│─●  6 = conv 1x3+3x1(p) + conv 3x3(5)
  ●─╯ │ │  7 = identity(c) + conv 3x3(p)
  ●───┴─╯  output = concat(4, 6, 7)

reduction cell
  ○          p
  │ ○        c
  ├─┼─●      3 = conv 3x3(p) + avg-pooling 2x2(c)
  ├─│─│─●    4 = conv 1x1(p) + avg-pooling 3x3(p)
  ├─┼─│─│─●  5 = conv 1x7+7x1(p) + max-pooling 2x2(c)
  ├─│─● │ │  6 = avg-pooling 3x3(p) + conv 1x1(3)
  ●─╯ │ │ │  7 = max-pooling 3x3(c) + conv 3x3(p)
  ●───┴─┴─╯  output = concat(4, 5, 6, 7)"""


def test_a_cell_is_drawn_like_this():
    assert text(CELLS["NAONet"]) == NAONET


def rails(cell):
    """The rail of each node, without the lines on which a long formula goes on."""
    lines = text(cell).splitlines()[1 if cell.name else 0 :]
    column = len(lines[0]) - len(cell.nodes[0].name)
    rows = [line[2:column] for line in lines]
    return [row for row in rows if set(row) & {"○", "●"}]


def edges_of(cell):
    """Who reads whom, from the rails alone."""
    found, lanes = set(), {}  # the node whose line is in each
    for v, row in enumerate(rails(cell)):
        (own,) = (i // 2 for i, mark in enumerate(row) if mark in "○●")
        for lane, source in list(lanes.items()):
            mark = row[2 * lane]
            if mark in "├┼┤╰┴╯○●":
                found.add((source, v))
            if mark not in "├┼┤│":
                del lanes[lane]
        lanes[own] = v
    return found


def random_cells():
    for space in SPACES.values():
        for architecture in space.sample(np.random.default_rng(0), 8):
            yield from space.graph(architecture).cells


def random_graphs():
    """Cells with nodes that nobody reads, nodes that read nothing, and inputs that nobody reads."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        nodes = tuple(Node(f"n{v}") for v in range(8))
        pairs = [(i, j) for i in range(8) for j in range(max(i + 1, 2), 8) if rng.random() < 0.25]
        yield Cell("", nodes, tuple(Edge(i, j) for i, j in pairs), inputs=2)


@pytest.mark.parametrize(
    "cells",
    [[cell for graph in ALL.values() for cell in graph.cells], [*random_cells()], [*random_graphs()]],
    ids=["published", "spaces", "random"],
)
def test_every_edge_can_be_read_from_the_rails(cells):
    for cell in cells:
        assert edges_of(cell) == {(edge.source, edge.target) for edge in cell.edges}, text(cell)


@pytest.mark.parametrize("name", ALL)
def test_the_listing_stands_beside_the_rails(name):
    for cell in ALL[name].cells:
        drawn = " ".join(text(cell).replace("│", " ").split())
        assert all(" ".join(line.split()) in drawn for line in cell.lines())
        assert len(rails(cell)) == len(cell.nodes)


def test_it_fits_in_a_terminal():
    widths = [len(line) for graph in ALL.values() for line in text(graph).splitlines()]
    assert 80 < max(widths) <= 100  # some formulas have to be broken


def test_a_long_formula_goes_on_below_its_node_without_breaking_the_rails():
    cell = RECURRENT_CELLS["NAO recurrent"].cells[0]
    wide = Cell("", (*cell.nodes, Node("end")), (*cell.edges, Edge(0, 13), Edge(12, 13)))
    *_, output, more, end = text(wide).splitlines()
    assert "output = mean(" in output
    assert more.startswith("  │ ")
    assert "node11)" in more
    assert "end = " in end


def test_a_chain_is_one_rail():
    assert text(chain(["relu", "tanh"])) == "  ○  input\n  ●  node1 = relu\n  ●  node2 = tanh\n  ●  output"


@pytest.mark.parametrize(
    ("graph", "drawn"),
    [
        (Graph(()), ""),
        (Cell("", (), ()), ""),
        (Cell("one", (Node("in"),), ()), "one cell\n  ○  in"),
        (Cell("", (Node("in"), Node("out")), ()), "  ○    in\n    ●  out = 0"),
    ],
)
def test_the_smallest_are_drawn_too(graph, drawn):
    assert text(graph) == drawn


def test_an_old_terminal_gets_characters_that_it_has():
    drawn = in_ascii(text(CELLS["NAONet"]))
    assert drawn.isascii()
    assert "  O-' | |  7 = identity(c) + conv 3x3(p)" in drawn
    assert in_ascii("é") == "?"
