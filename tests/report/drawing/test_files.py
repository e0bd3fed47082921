"""Drawings in files."""

import pytest

from nao.core import InputError
from nao.report.drawing import svg, write_drawing
from tests.report.drawing.published import CELLS

GRAPH = CELLS["PNASNet-5"]


def test_a_drawing_is_written_in_each_format(tmp_path):
    begins = {".svg": b"<svg ", ".png": b"\x89PNG", ".pdf": b"%PDF", ".PNG": b"\x89PNG"}
    for ending, begin in begins.items():
        write_drawing(GRAPH, tmp_path / f"cell{ending}", title="a <title>", direction="up")
        assert (tmp_path / f"cell{ending}").read_bytes().startswith(begin)
    assert len(list(tmp_path.iterdir())) == len(begins)
    assert (tmp_path / "cell.svg").read_text() == svg(GRAPH, title="a <title>", direction="up")


def test_a_file_that_is_there_is_replaced(tmp_path):
    file = tmp_path / "cell.svg"
    file.write_text("old")
    write_drawing(GRAPH.cells[0], file)
    assert file.read_text() == svg(GRAPH.cells[0])


@pytest.mark.parametrize("name", ["cell.gif", "cell", ".svg", "cell.svg.gz"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"ends in \.svg, \.png or \.pdf, not"):
        write_drawing(GRAPH, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        write_drawing(GRAPH, tmp_path / "none" / "cell.svg")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "cell.svg").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_drawing(GRAPH, tmp_path / "cell.svg")
