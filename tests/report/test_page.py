"""Pages: what is text is escaped, data come back from few bytes, and the library is kept."""

import json
import re

import numpy as np
import pytest
import vl_convert

from nao.graph import Cell, Edge, Graph, Node
from nao.report.page import Figure, Section, Table, Text, bundle, page
from nao.report.page.columns import ALPHABET, as_rows, packed, rounded, script_json
from nao.report.page.graphs import PackedGraphs
from nao.report.page.parts import MOST_ROWS
from nao.report.page.picture import png, whole
from nao.report.page.theme import DARK, LIGHT

NASTY = '</script><script>alert("x")</script><!-- & \u2028'
SPEC = {
    "data": {"name": "points"},
    "mark": "point",
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
}


def figure(**changes):
    return Figure(
        **{
            "name": "some",
            "title": NASTY,
            "says": NASTY,
            "spec": SPEC,
            "data": {"points": {"x": [1, 2], "y": [3, None], "text": [NASTY, ""]}},
            "alternative": f'two points "{NASTY}',
            "table": Table((NASTY,), [[NASTY]]),
            **changes,
        }
    )


def content(text):
    """The JSON of a page."""
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', text)[1])


def test_whatever_is_text_stays_text():
    text = page(NASTY, NASTY, [Section(NASTY, [Text(NASTY), figure()])])
    body = text[: text.index('<script type="application/json"')]
    assert "<script" not in body
    assert "<!--" not in body
    assert content(text)["data"]["points"]["text"] == [NASTY, ""]
    assert text.count("<script") == text.count("</script>") == 4


def test_a_page_loads_nothing():
    text = page("t", "s", [Section("", [figure(title="t", says="s", alternative="a")])])
    scripts = re.compile(r"<script.*?</script>", re.DOTALL)
    assert not re.search(
        r"<(link (?!rel=.icon. href=.data:)|img|iframe|image)|url\(|@import|src=", scripts.sub("", text)
    )


def test_figures_have_words_a_table_and_one_copy_of_the_data():
    text = page("t", "s", [Section("", [figure(alternative="a rising line"), figure(name="other")])])
    assert text.count('aria-label="a rising line"') == 1
    assert text.count("<figure") == text.count("<details>") == text.count("<figcaption>") == 2
    charts = content(text)["charts"]
    assert charts["some"]["description"] == "a rising line"
    assert list(content(text)["data"]) == ["points"]
    assert "<noscript>" in text


def test_a_page_without_charts_has_no_scripts():
    assert "<script" not in page("t", "s", [Section("", [Text("only words")])])


def test_long_tables_say_what_they_leave_out():
    table = Table(("a", "b"), [[str(i), "x"] for i in range(MOST_ROWS + 1234)]).html()
    assert table.count("<tr>") == MOST_ROWS + 1
    assert "1,234 more are left out" in table
    assert "left out" not in Table(("a",), [["1"]]).html()
    assert "nothing to show" in Table(("a",), []).html()


@pytest.mark.parametrize("texts", [["a b a", "b", ""], ["one  two", "two one"], [], [NASTY]])
def test_packed_texts_come_back(texts):
    found = packed(texts)
    words = dict(zip(found["alphabet"], found["words"], strict=True))
    assert [" ".join(words[letter] for letter in text) for text in found["packed"]] == texts


def test_texts_of_many_words_are_left_as_they_are():
    texts = [f"w{i}" for i in range(len(ALPHABET) + 1)]
    assert packed(texts) == texts


def test_numbers_are_short_and_finite():
    values = rounded([1 / 3, None, float("nan"), float("inf"), 123456.0, -0.00001234567])
    assert values == [0.3333, None, None, None, 123500.0, -1.235e-05]
    assert json.loads(script_json({"a": "<\u2028>"})) == {"a": "<\u2028>"}
    assert "<" not in script_json({"a": "<"})


def test_packed_graphs_hold_every_node_and_edge():
    nodes = (Node("input"), Node("n1", "conv"), Node("output"))
    first = Graph((Cell("normal", nodes, (Edge(0, 1, "pool"), Edge(1, 2), Edge(0, 2, "pool"))),))
    second = Graph((Cell("normal", nodes, (Edge(0, 2),)), Cell("", nodes[::2], (Edge(0, 1, "skip"),))))
    graphs = PackedGraphs()
    texts = graphs.pack([first, second])
    tables = graphs.tables()

    def edges(cell):
        number, _, code = cell.partition(":")
        at = [tables["alphabet"].index(letter) for letter in code]
        triples = np.reshape(at, (-1, 3)).tolist()
        return tables["headers"][int(number)], [(s, t, tables["operations"][o]) for s, t, o in triples]

    header, found = edges(texts[0])
    assert header == {"name": "normal", "inputs": 1, "nodes": ["input", "conv", "output"]}
    assert found == [(0, 1, "pool"), (1, 2, ""), (0, 2, "pool")]
    assert [edges(cell)[1] for cell in texts[1].split(" ")] == [[(0, 2, "")], [(0, 1, "skip")]]


def test_graphs_that_are_too_large_or_too_many_are_left_out(monkeypatch):
    nodes = tuple(Node(f"n{i}") for i in range(len(ALPHABET) + 1))
    small = Graph((Cell("", nodes[:2], (Edge(0, 1),)),))
    assert PackedGraphs().pack([Graph((Cell("", nodes, (Edge(0, 1),)),)), small]) == ["", "0:#$#"]
    monkeypatch.setattr("nao.report.page.graphs.MOST_BYTES", 7)
    assert PackedGraphs().pack([small] * 4) == ["0:#$#", "0:#$#", "", ""]


class TestBundle:
    @pytest.fixture(autouse=True)
    def counted(self, monkeypatch):
        """Bundles in no time, and counts how often."""
        self.made = 0

        def make(snippet):
            self.made += 1
            return f"{snippet} // </script>"

        monkeypatch.setattr(vl_convert, "javascript_bundle", make)

    def test_it_is_made_once_and_may_stand_in_a_page(self, tmp_path):
        first = bundle.vega_bundle(tmp_path / "new" / "folder")
        assert bundle.vega_bundle(tmp_path / "new" / "folder") == first
        assert self.made == 1
        assert "</script" not in first

    @pytest.mark.parametrize("damage", [b"", b"// 123\nalert(1)", b"\xff\xfe"])
    def test_a_damaged_copy_is_made_again(self, damage, tmp_path):
        whole = bundle.vega_bundle(tmp_path)
        (file,) = tmp_path.iterdir()
        file.write_bytes(damage)
        assert bundle.vega_bundle(tmp_path) == whole
        assert self.made == 2
        assert bundle.vega_bundle(tmp_path) == whole
        assert self.made == 2

    def test_where_nothing_can_be_written_it_is_made_every_time(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        assert bundle.vega_bundle(tmp_path / "file") == bundle.vega_bundle(tmp_path / "file")
        assert self.made == 2


def test_both_schemes_have_every_colour():
    light, dark = LIGHT.config(), DARK.config()
    assert light.keys() == dark.keys()
    assert len(set(LIGHT.series)) == len(set(DARK.series)) == len(LIGHT.series)
    text = page("t", "s", [])
    assert f"--ink: {LIGHT.ink};" in text
    assert f"--ink: {DARK.ink};" in text


def test_charts_can_be_drawn_without_a_browser():
    data = {"points": {"x": [1, 2], "y": [3, None]}}
    assert as_rows(data["points"]) == [{"x": 1, "y": 3}, {"x": 2, "y": None}]
    assert whole(SPEC, data)["datasets"] == {"points": as_rows(data["points"])}
    assert png({**SPEC, "width": 50, "height": 50}, data)[:8] == b"\x89PNG\r\n\x1a\n"
