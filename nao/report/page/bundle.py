"""The library that draws the charts of a page, Vega-Embed with Vega-Lite and Vega, as one script.

Axis letters: none.
"""

import contextlib
import hashlib
import importlib.metadata
from pathlib import Path

import platformdirs

from nao.core import InputError
from nao.folder import write

SNIPPET = "window.vegaEmbed = vegaEmbed;"


def vega_bundle(folder: Path | None = None) -> str:
    """The script, which defines `vegaEmbed`.

    To bundle it takes seconds, so it is kept by the version that made it. A copy that is damaged, or a folder
    that cannot be written, costs that time and nothing else.

    Args:
      folder: where to keep it; None for the user's cache.
    """
    version = importlib.metadata.version("vl-convert-python")
    folder = folder or Path(platformdirs.user_cache_dir("nao"))
    file = folder / f"vega-{version}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        digest, _, script = file.read_text(encoding="utf-8").partition("\n")
        if digest == _digest(script):
            return script
    import vl_convert  # here, because it takes a second too

    script = vl_convert.javascript_bundle(snippet=SNIPPET).replace("</script", "<\\/script")
    with contextlib.suppress(OSError, InputError):
        folder.mkdir(parents=True, exist_ok=True)
        write(file, f"{_digest(script)}\n{script}")
    return script


def _digest(script: str) -> str:
    return f"// {hashlib.sha256(script.encode()).hexdigest()}"
