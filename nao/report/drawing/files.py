"""Drawings in files.

Axis letters: none.
"""

from pathlib import Path

from nao import folder
from nao.core import InputError
from nao.graph import Cell, Graph
from nao.report.drawing.layout import Direction
from nao.report.drawing.svg import svg

SCALE = 2.0  # pixels of a PNG for each of the drawing
ENDINGS = (".svg", ".png", ".pdf")


def write_drawing(
    graph: Graph | Cell, path: Path, *, title: str = "", direction: Direction = "right"
) -> None:
    """Draws an architecture into a file, whose ending says of which kind: .svg, .png or .pdf.

    Args:
      graph: an architecture's graph, or one of its cells.
      path: of the file; one that is there is replaced.
      title: is written above it.
      direction: in which the edges lead.

    Raises:
      InputError: the ending is another one, the folder is not there, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"a drawing is a file that ends in .svg, .png or .pdf, not {path.name or path}")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} for {path.name}")
    drawing = svg(graph, title=title, direction=direction)
    if ending == ".svg":
        folder.write(path, drawing)
        return
    import vl_convert  # large: only for those who ask for it

    if ending == ".png":
        folder.write(path, vl_convert.svg_to_png(drawing, scale=SCALE))
    else:
        folder.write(path, vl_convert.svg_to_pdf(drawing))
