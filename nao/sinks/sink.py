"""The one interface of all that takes curves, and how the command line names one.

Axis letters: none.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from nao.inputs import InputError, Json

RIGHT = "tensorboard:FOLDER, mlflow:URI (or mlflow:FOLDER) or wandb:PROJECT"


@runtime_checkable
class Sink(Protocol):
    """Takes the curves of a search.

    All but its constructor is called in a thread of its own, so that a slow server slows no search. Whatever
    it raises ends it, and not the search.
    """

    def begin(self, name: str, key: str, configuration: Mapping[str, Json]) -> int:
        """Begins a search, or goes on with it.

        Args:
          name: what to call the search.
          key: the same for a search that goes on, and another for any other search.
          configuration: what identifies the search.

        Returns:
          The first step that is to be logged: 0 for all of them, or where an earlier process came to.
        """

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Takes the values of some curves at a step, which is never lower than the one before."""

    def flush(self) -> None:
        """Hands on what was logged; there is nothing more to log at the moment."""

    def close(self) -> None:
        """Ends what was begun, after a last `flush`."""


def sink(text: str) -> Sink:
    """The sink that is meant by `tensorboard:FOLDER`, `mlflow:URI`, `mlflow:FOLDER` or `wandb:PROJECT`.

    Nothing is sent or written yet.

    Raises:
      InputError: it is none of these, its package is not installed, or it cannot be used.
    """
    kind, _, target = text.partition(":")
    if target and kind == "tensorboard":
        from nao.sinks.tensorboard import TensorBoard

        return TensorBoard(target)
    if target and kind == "mlflow":
        from nao.sinks.mlflow import MLflow

        return MLflow(target)
    if target and kind == "wandb":
        from nao.sinks.wandb import WeightsAndBiases

        return WeightsAndBiases(target)
    raise InputError(f"curves are logged to {RIGHT}, not to {text!r:.60}")
