"""Drawings of architectures, from their graphs (`nao.graph`) alone.

- `svg` is a picture for pages and notebooks, `text` one for a terminal (`in_ascii` for an old one), and
  `write_drawing` a file: SVG, PNG or PDF.
- `nao.report.drawing.given`: which architecture a user means.
- `nao.report.drawing.layers`, `crossings`, `coordinates`: the steps of a layered layout (Sugiyama, Tagawa and
  Toda 1981). `nao.report.drawing.layout`: all of them.
- `nao.report.drawing.style`, `words`: colours and fonts; the widths of words, and kinds of operations.
"""

from nao.report.drawing.files import write_drawing
from nao.report.drawing.svg import svg
from nao.report.drawing.text import in_ascii, text

__all__ = ["in_ascii", "svg", "text", "write_drawing"]
