"""Weights & Biases: a run for each search.

Whether anything leaves this machine is for the user's own environment to say, such as `WANDB_MODE=offline`.
Axis letters: none.
"""

from collections.abc import Mapping
from typing import Any

from nao.inputs import InputError, Json, imported

AT_HOME = ("offline", "dryrun", "disabled")  # modes in which no key is needed


class WeightsAndBiases:
    """The runs of one project.

    A search that goes on adds to its run what that does not have. Offline, where nothing is known of it,
    every start writes a whole run with the same id; the newest has everything.

    Args:
      project: its name, or ENTITY/PROJECT.

    Raises:
      InputError: the package is not installed or refuses its settings, or the user is not logged in.
    """

    def __init__(self, project: str):
        self._package = imported("wandb", "wandb", "wandb")
        self._entity, _, self._project = project.rpartition("/")
        self._run: Any = None
        try:
            known = self._package.setup().settings.mode in AT_HOME
            known = known or self._package.login(prompt=False, verify=False)
        except Exception as error:  # its environment says something that it does not take
            raise InputError(f"wandb cannot be used: {error}"[:200]) from error
        if not known:
            raise InputError("wandb does not know you: run `wandb login`, or set WANDB_MODE=offline")

    def begin(self, name: str, key: str, configuration: Mapping[str, Json]) -> int:
        """Begins a run, or goes on with it."""
        self._run = self._package.init(
            entity=self._entity or None,
            project=self._project,
            id=key,
            name=name,
            config=dict(configuration),
            resume="allow",
            settings=self._package.Settings(console="off"),  # what is printed stays here
        )
        return int(self._run.step)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Hands over the values at a step."""
        self._run.log(dict(values), step=step)

    def flush(self) -> None:
        """There is nothing to do: its own process sends what it has."""

    def close(self) -> None:
        """Ends the run, which waits until everything is sent."""
        if self._run:
            self._run.finish()
