"""TensorBoard: event files in a folder, which `tensorboard --logdir FOLDER` shows.

The package tensorboardX writes them: it needs neither TensorFlow nor TensorBoard. Axis letters: none.
"""

import json
from collections.abc import Mapping
from typing import Any

from nao.inputs import InputError, Json, imported, user_path


class TensorBoard:
    """A folder with one folder for each search.

    A search that goes on writes all of its curves again, and tells TensorBoard to forget those before: what
    is shown is whole, even if a process was killed before it had written everything.

    Args:
      folder: where; made when a search begins.

    Raises:
      InputError: the package is not installed, or the folder is a file.
    """

    def __init__(self, folder: str):
        self._package = imported("tensorboardX", "tensorboard", "tensorboard")
        self._folder = user_path(folder)
        if self._folder.exists() and not self._folder.is_dir():
            raise InputError(f"{self._folder} is a file; name a folder: tensorboard:FOLDER")
        self._writer: Any = None

    def begin(self, name: str, key: str, configuration: Mapping[str, Json]) -> int:
        """Begins a new file in the folder of the search."""
        self._writer = self._package.SummaryWriter(str(self._folder / name), purge_step=0)
        text = json.dumps({"search": key, **configuration}, indent=2)
        self._writer.add_text("configuration", f"```\n{text}\n```", 0)
        return 0

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the values at a step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Puts everything into the file."""
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._writer:
            self._writer.close()
