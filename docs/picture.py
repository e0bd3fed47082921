"""Draws what `nao show RUN` prints, as it looks in a terminal: the picture in README.md.

python docs/picture.py RUN docs/run.svg
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from nao import report, study

WIDTH = 84


def recorder() -> Console:
    """A terminal of a fixed size that remembers what was printed on it."""
    return Console(
        file=io.StringIO(),
        width=WIDTH,
        record=True,
        force_terminal=True,
        color_system="truecolor",
        _environ={},
    )


def picture(run: Path) -> str:
    """The picture of a run, as SVG that refers to nothing outside itself."""
    console = recorder()
    report.show_run(study.read(run), str(run), console)
    # Once more, since only now are long lines folded as a terminal does it.
    terminal = recorder()
    terminal.print(Text.from_ansi(f"$ nao show {run}\n{console.export_text(styles=True)}"), highlight=False)
    svg = terminal.export_svg(title="nao", theme=MONOKAI, unique_id="run")
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # spaces at the start of a line count
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    run, out = sys.argv[1:]
    Path(out).write_text(picture(Path(run)))
