"""Pictures of architectures: everything of the graph is in them once, and nothing is in the way."""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter

import numpy as np
import pytest

from nao.core import Architecture
from nao.graph import Cell, Edge, Graph, Node, chain
from nao.report.drawing import svg
from nao.report.drawing.style import STYLE
from nao.report.drawing.words import kind_of, width, wrap
from nao.spaces import CNN_CELL_SMALL, SPACES, WordSpace
from nao.study.recorded import RecordedSpace
from tests.report.drawing.pictures import SVG, cells_of, drawing, enters, overlap
from tests.report.drawing.published import ALL, CELLS

DIRECTIONS = ("right", "up")


def check(graph, picture, direction):
    """Whether a picture has the nodes and edges of a graph, each once, and none in the way of another."""
    for cell, (nodes, edges) in zip(graph.cells, cells_of(picture), strict=True):
        assert [(int(n.data["node"]), n.data["operation"]) for n in nodes] == [
            (v, node.operation) for v, node in enumerate(cell.nodes)
        ]
        drawn = Counter(
            Edge(int(e.data["source"]), int(e.data["target"]), e.data["operation"]) for e in edges
        )
        assert drawn == Counter(cell.edges)
        for edge in edges:
            check_edge(edge, nodes, direction)
        boxes = [*nodes, *(edge for edge in edges if edge.rectangle)]
        assert not any(overlap(a.rectangle, b.rectangle, 2) for a, b in itertools.combinations(boxes, 2))
        for edge, box in itertools.product(edges, boxes):
            assert edge is box or not enters(edge.line, box.rectangle), (edge.data, box.data)


def check_edge(edge, nodes, direction):
    """Whether an edge leads from its source to its target, and whether its operation is written on it."""
    source, target = (nodes[int(edge.data[end])].rectangle for end in ("source", "target"))
    (x, y), (tip_x, tip_y) = edge.line[0], edge.line[-1]
    if direction == "right":  # coordinates are rounded to tenths
        assert (x, tip_x) == pytest.approx((source[2], target[0]), abs=0.2)
        assert source[1] < y < source[3]
        assert target[1] < tip_y < target[3]
        assert all(a[0] <= b[0] + 0.11 for a, b in itertools.pairwise(edge.line))
    else:
        assert (y, tip_y) == pytest.approx((source[1], target[3]), abs=0.2)
        assert source[0] < x < source[2]
        assert target[0] < tip_x < target[2]
        assert all(a[1] >= b[1] - 0.11 for a, b in itertools.pairwise(edge.line))
    assert bool(edge.data["operation"]) == (edge.rectangle is not None)
    if edge.rectangle:
        assert enters(edge.line, edge.rectangle)
        # A line is broken after a sign, or at a space, which is then not there.
        assert edge.text.replace(" ", "") == edge.data["operation"].replace(" ", "")


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", ALL)
def test_a_published_cell_is_drawn_whole(name, direction):
    check(ALL[name], drawing(name, direction), direction)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_space_is_drawn(space, direction):
    (architecture,) = space.sample(np.random.default_rng(1), 1)
    graph = space.graph(architecture)
    check(graph, svg(graph, direction=direction), direction)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_dense_graph_of_labelled_edges_is_drawn(direction):
    pairs = itertools.combinations(range(6), 2)
    cell = Cell("", tuple(Node(f"n{v}") for v in range(6)), tuple(Edge(i, j, "conv 3x3") for i, j in pairs))
    check(Graph((cell,)), svg(cell, direction=direction), direction)


@pytest.mark.parametrize(
    "cell",
    [
        Cell("alone", (Node("input and output"),), ()),
        Cell("apart", (Node("a"), Node("b"), Node("c"), Node("out")), (), inputs=2),
        Cell("often", (Node("in"), Node("out")), (Edge(0, 1, "a"), Edge(0, 1, "a"), Edge(0, 1), Edge(0, 1))),
        chain([]).cells[0],
        chain(["relu"] * 12).cells[0],
    ],
    ids=["alone", "apart", "often", "nothing", "long"],
)
def test_a_tiny_or_long_cell_is_drawn(cell):
    check(Graph((cell,)), svg(cell), "right")


@pytest.mark.parametrize("graph", [Graph(()), Graph((Cell("", (), ()),))])
def test_nothing_is_an_empty_picture(graph):
    assert not [*ElementTree.fromstring(svg(graph)).iter(f"{SVG}text")]


def test_inputs_come_first_and_the_output_is_last_and_alone():
    for name, graph in CELLS.items():
        for cell, (nodes, _) in zip(graph.cells, cells_of(drawing(name, "right")), strict=True):
            left = [node.rectangle[0] for node in nodes]
            assert min(left) in left[: cell.inputs]
            assert all(node.rectangle[2] < left[-1] for node in nodes[:-1])


def test_cells_stand_side_by_side_under_their_names_or_one_above_another_where_that_is_too_wide():
    def places(picture):
        groups = [g for g in ElementTree.fromstring(picture).iter(f"{SVG}g") if g.get("class") == "cell"]
        assert [g.find(f"{SVG}text").text for g in groups] == ["normal cell", "reduction cell"]
        return [tuple(map(float, re.findall(r"[\d.]+", g.get("transform")))) for g in groups]

    (x, y), (other_x, other_y) = places(drawing("NASNet-A", "right"))
    assert (x < other_x, y == other_y) == (True, True)
    (x, y), (other_x, other_y) = places(drawing("AmoebaNet-A", "right"))
    assert (x == other_x, y < other_y) == (True, True)


def test_a_picture_says_what_it_shows():
    graph = CELLS["DARTS V2"]
    root = ElementTree.fromstring(svg(graph, title="DARTS V2"))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "DARTS V2"
    assert root.find(f"{SVG}desc").text == "\n".join(graph.lines()).strip()
    assert ElementTree.fromstring(svg(graph)).find(f"{SVG}title").text


def test_everything_is_inside_the_picture():
    root = ElementTree.fromstring(drawing("NAONet", "up"))
    wide, high = float(root.get("width")), float(root.get("height"))
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    for group in (g for g in root.iter(f"{SVG}g") if g.get("class") == "cell"):
        inner = group.find(f"{SVG}g")
        (x, y), (dx, dy) = (map(float, re.findall(r"[\d.]+", g.get("transform"))) for g in (group, inner))
        for rect in inner.iter(f"{SVG}rect"):
            assert 0 < x + dx + float(rect.get("x")) < wide - float(rect.get("width"))
            assert 0 < y + dy + float(rect.get("y")) < high - float(rect.get("height"))


def test_pictures_do_not_disturb_each_other_or_the_page():
    picture = drawing("NAONet", "right")
    assert " id=" not in picture
    assert not re.findall(r"url\(|href|<script|@import", picture)
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", STYLE)
    selectors = [each.strip() for rule in rules for each in rule.replace(DARK, "").split(",")]
    assert all(each.startswith(".nao-drawing ") for each in selectors)
    assert len(selectors) > 20


DARK = "@media (prefers-color-scheme:dark){"


def test_a_dark_scheme_changes_every_colour_and_light_is_what_others_see():
    light, dark = STYLE.split(DARK)

    def colours(rules):
        found = re.findall(r"(\S+(?: rect)?)\{([^{}]*#[^{}]*)\}", rules)
        return {selector: re.findall(r"#\w{6}", rule) for selector, rule in found}

    assert colours(light).keys() == colours(dark).keys()
    assert all(
        a != b
        for name in colours(light)
        for a, b in zip(*(colours(s)[name] for s in (light, dark)), strict=True)
    )
    assert "var(" not in STYLE  # which converters do not know


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_is_easy_to_read_on_every_fill(scheme):
    rules = STYLE.split(DARK)[scheme]
    texts = re.findall(r"\.nao-drawing (?:text|\.small)\{fill:(#\w{6})\}", rules)
    fills = re.findall(r"rect\{fill:(#\w{6})", rules) + re.findall(r"\.paper\{fill:(#\w{6})", rules)
    assert (len(texts), len(fills)) == (2, 8)
    for text, fill in itertools.product(texts, fills):
        dim, bright = sorted((luminance(text), luminance(fill)))
        assert (bright + 0.05) / (dim + 0.05) >= 4.5  # what the accessibility guidelines ask for (WCAG 2, AA)


def test_what_is_on_no_path_is_drawn_as_idle():
    nodes = (Node("in"), Node("a", "relu"), Node("dead", "relu"), Node("out"))
    cell = Cell("", nodes, (Edge(0, 1), Edge(1, 3), Edge(0, 2)))
    ((drawn, edges),) = cells_of(svg(cell))
    assert ["idle" in node.classes for node in drawn] == [False, False, True, False]
    assert ["idle" in edge.classes for edge in edges] == [False, False, True]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("convolution", "conv 3x3,sep-conv-5x5,nor_conv_1x1,conv1x1-bn-relu,dil-sep-conv 5x5,mb6 5x5"),
        ("pooling", "avg-pooling 3x3,max_pool_3x3,maxpool3x3"),
        ("identity", "identity,identity 1x1,skip_connect,skip,id"),
        ("none", "none,zero,zeroize"),
        ("other", "relu,tanh,gcn,fc,ideal,noneless,64"),
    ],
)
def test_operations_have_the_colour_of_their_kind(kind, names):
    assert {kind_of(name) for name in names.split(",")} == {kind}
    for name in names.split(","):
        ((nodes, edges),) = cells_of(svg(Cell("", (Node("i"), Node("o", name)), (Edge(0, 1, name),))))
        assert kind in nodes[1].classes
        assert kind in edges[0].classes


def test_any_text_is_written_as_it_is():
    odd = "<script>&\"'</script>"
    cell = Cell(
        odd, (Node("<i>"), Node("\x00\x1b[31m", combiner=odd)), (Edge(0, 1, "a<b"), Edge(0, 1, "a&b"))
    )
    picture = svg(Graph((cell,)), title=f"{odd}\x07")
    root = ElementTree.fromstring(picture)
    assert root.find(f"{SVG}title").text == f"{odd}\ufffd"
    ((nodes, edges),) = cells_of(picture)
    assert nodes[0].text == "<i>"
    assert [edge.data["operation"] for edge in edges] == ["a<b", "a&b"]
    assert not [*root.iter(f"{SVG}script")]


def test_long_words_are_broken_or_shortened():
    assert wrap("avg-pooling-3x3", 12.0, 90.0) == ["avg-pooling-", "3x3"]
    assert wrap("conv 3x3", 12.0, 90.0) == ["conv 3x3"]
    assert wrap("", 12.0, 90.0) == [""]
    for text in ("x" * 500, "a-" * 500, "word " * 500, "中文" * 100):
        lines = wrap(text, 12.0, 90.0)
        assert all(width(line, 12.0) <= 90 for line in lines)
        assert lines[-1].endswith("…")
        assert len(lines) <= 3


def test_a_notebook_shows_drawings():
    graph = CELLS["PNASNet-5"]
    assert graph._repr_svg_() == svg(graph)
    assert graph.cells[0]._repr_svg_() == svg(graph.cells[0])
    (architecture,) = CNN_CELL_SMALL.sample(np.random.default_rng(0), 1)
    assert architecture._repr_svg_() == svg(CNN_CELL_SMALL.graph(architecture))
    words = WordSpace("words", [("relu", "tanh"), (64, 128)])
    assert "relu" in words.parse("relu 64")._repr_svg_()
    recorded = RecordedSpace("mine", {}, {(0,): "a"})
    assert Architecture((0,), recorded)._repr_svg_() is None
