"""MLflow: a run for each search, on a tracking server or in a file of this machine.

Axis letters: none.
"""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from nao.inputs import InputError, Json, imported, user_path

EXPERIMENT = "nao"  # unless MLFLOW_EXPERIMENT_NAME says another
KEY = "nao.search"  # the tag that finds the run of a search that goes on
STEP = "search/evaluations"  # the curve that says how far a run has come
MOST = 1000  # values in one call
MOST_PARAMETERS = 100  # in one call
MOST_TEXT = 500  # characters of a parameter


class MLflow:
    """The runs of one experiment.

    A search that goes on adds to its run what that does not have.

    Args:
      where: the URI of a server or a database; or a folder, in which `mlflow.db` is the database.

    Raises:
      InputError: the package is not installed, or the folder is a file.
    """

    def __init__(self, where: str):
        entities = imported("mlflow.entities", "mlflow", "mlflow")
        self._metric, self._param = entities.Metric, entities.Param
        self._client: Any = imported("mlflow", "mlflow", "mlflow").MlflowClient(tracking_uri=uri_of(where))
        self._run = ""
        self._waiting: list[Any] = []

    def begin(self, name: str, key: str, configuration: Mapping[str, Json]) -> int:
        """Begins a run with the configuration as its parameters, or finds the one that there is."""
        experiment = self._experiment()
        found = self._client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
        if found:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return int(found[0].data.metrics.get(STEP, 0))
        self._run = self._client.create_run(experiment, run_name=name, tags={KEY: key}).info.run_id
        parameters = [self._param(key, value) for key, value in flat(configuration)]
        for i in range(0, len(parameters), MOST_PARAMETERS):
            self._client.log_batch(self._run, params=parameters[i : i + MOST_PARAMETERS])
        return 0

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Notes the values at a step; many go into one call."""
        now = int(1000 * time.time())
        self._waiting += [self._metric(name, value, now, step) for name, value in values.items()]
        if len(self._waiting) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Sends everything."""
        while self._waiting:
            self._client.log_batch(self._run, metrics=self._waiting[:MOST])
            del self._waiting[:MOST]

    def close(self) -> None:
        """Ends the run."""
        if self._run:
            self.flush()
            self._client.set_terminated(self._run)

    def _experiment(self) -> str:
        """The number of the experiment, which is made if it is not there."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))


def uri_of(where: str) -> str:
    """The URI of a server or a database, as it is, or that of the database in a folder, which is made.

    Raises:
      InputError: the folder is a file, or cannot be made; or it is meant to be a server.
    """
    if re.fullmatch(r"[^/]+:\d+", where):
        raise InputError(f"a server is named by its URI: mlflow:http://{where}")
    if "://" in where or where.startswith(("databricks", "uc:")):
        return where
    folder = user_path(where).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"mlflow cannot keep anything in {folder}: {error.strerror}") from error
    return f"sqlite:///{folder / 'mlflow.db'}"


def flat(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """A configuration as parameters: text by dotted names."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from flat(each, f"{name}.{key}" if name else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value)
        yield re.sub(r"[^\w\-./: ]", "_", name), text[:MOST_TEXT]
