"""The durable ledger of one search: one SQLite file in the run's folder.

A search is a replay of its study. What a strategy proposes in one iteration is committed in one
transaction, together with the strategy's state; every result is committed in its own, as it arrives. So
whatever moment a search is killed at, what is left is a number of whole iterations, of which the last may
have proposals without a result: those are pending, and are all there is to do again. Nothing is ever
marked as running.

A search holds a lock of the operating system, which ends with its process. Readers need none.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from nao import database
from nao.core import InputError, Json, Proposal, Result
from nao.history import History, Trial, differences
from nao.records import finite


class Study:
    """A study that is being written. Use it in a `with` statement, which lets go of the lock.

    Args:
      folder: the run's folder, made if it is not there; None keeps the study in memory.
      configuration: what identifies the search. How far the search should go is no part of it.

    Raises:
      InputError: the folder cannot be written, is in use by another process, or holds something else: the
        study of another configuration or of a newer version, or a file that is no study.
    """

    def __init__(self, folder: Path | None, configuration: Mapping[str, Json]):
        self.folder = folder
        with contextlib.ExitStack() as stack:
            if folder:
                stack.enter_context(database.locked(folder, database.FILE))
            with database.explained(folder):
                self._connection = stack.enter_context(database.connected(folder, "rwc"))
                if not database.written(self._connection, folder):
                    self._create(configuration)
            # Compared as JSON: a tuple that was stored comes back as a list.
            differing = differences(json.loads(_json(configuration)), self.history().configuration)
            if differing:
                raise InputError(
                    f"{folder} belongs to another configuration: {'; '.join(differing[:3])};"
                    " choose another folder with --out"
                )
            self._resources = stack.pop_all()

    def __enter__(self) -> "Study":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and lets go of the lock."""
        self._resources.close()

    def history(self) -> History:
        """Everything in the study."""
        with database.explained(self.folder):
            return database.history(self._connection)

    def aim(self, goal: Mapping[str, Json]) -> None:
        """Notes how far the search should go, for those who look at it."""
        self._commit([("INSERT OR REPLACE INTO meta VALUES ('goal', ?)", [_json(goal)])])

    def propose(
        self,
        proposals: Sequence[Proposal],
        seeds: Sequence[int],
        *,
        state: Json,
        diagnostics: Mapping[str, float],
        seconds: float,
    ) -> None:
        """Commits one whole iteration of proposals.

        Args:
          proposals: architectures of which the study has none; there may be none of them.
          seeds: the seed to train each with.
          state: the strategy's state after proposing them.
          diagnostics: the strategy's numbers about them; those that are not finite are dropped.
          seconds: time it took.
        """
        count = "SELECT (SELECT count(*) FROM iterations), (SELECT count(*) FROM proposals)"
        iteration, first = self._connection.execute(count).fetchone()
        numbers = {name: value for name, value in diagnostics.items() if finite(value) is not None}
        rows = [
            (
                first + i,
                iteration,
                _json(proposal.architecture.tokens),
                str(proposal.architecture),
                proposal.architecture.space.canonical(proposal.architecture),
                proposal.origin,
                None if proposal.parent is None else str(proposal.parent),
                proposal.step,
                finite(proposal.predicted),
                seed,
            )
            for i, (proposal, seed) in enumerate(zip(proposals, seeds, strict=True))
        ]
        self._commit(
            [
                (
                    "INSERT INTO iterations VALUES (?, ?, ?, ?)",
                    [iteration, _json(state), _json(numbers), seconds],
                ),
                *(("INSERT INTO proposals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row) for row in rows),
            ]
        )

    def record(self, trial: Trial, result: Result, seconds: float) -> Trial:
        """Commits the result of a pending trial.

        Args:
          trial: what was evaluated.
          result: what came of it. A score that is not a finite number makes it a failure.
          seconds: time that passed for it, added to its iteration's.

        Returns:
          The trial with its result, as it is stored.
        """
        metrics = dict(result.metrics)
        if result.test_score is not None:
            metrics["test_score"] = result.test_score
        trial = dataclasses.replace(
            trial,
            status=result.status,
            score=result.score,
            metrics=metrics,
            parameters=result.parameters,
            flops=result.flops,
            seconds=result.seconds,
            device=result.device,
            reason=result.reason,
        )
        spent = "UPDATE iterations SET seconds = seconds + ? WHERE iteration = ?"
        values = (
            *(trial.id, trial.status, trial.score, _json(metrics), trial.parameters, trial.flops),
            *(trial.seconds, trial.device, trial.reason, _now()),
        )
        self._commit(
            [
                ("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values),
                (spent, [seconds, trial.iteration]),
            ]
        )
        return trial

    def _create(self, configuration: Mapping[str, Json]) -> None:
        """Writes the tables, and what identifies the search."""
        versions = {name: importlib.metadata.version(name) for name in ("nao-search", "jax")}
        meta = {
            "configuration": configuration,
            "created": _now(),
            "versions": versions | {"python": platform.python_version()},
            "goal": {},
        }
        self._commit(
            [
                *((statement, []) for statement in database.TABLES.split(";")),
                *(("INSERT INTO meta VALUES (?, ?)", [name, _json(value)]) for name, value in meta.items()),
                (f"PRAGMA application_id = {database.APPLICATION}", []),
                (f"PRAGMA user_version = {database.SCHEMA}", []),
            ]
        )

    def _commit(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Executes statements in one transaction."""
        with database.explained(self.folder):
            database.commit(self._connection, statements)


def read(folder: Path) -> History:
    """Reads the study of a run, also while the search is running and from a read-only folder.

    Raises:
      InputError: there is no study in that folder, or it cannot be read.
    """
    if not (folder / database.FILE).exists():
        raise InputError(f"there is no study in {folder}; name the folder of a run")
    with database.explained(folder), database.connected(folder, "rw") as connection:
        if not database.written(connection, folder):
            raise InputError(f"the study in {folder} is still empty: its search has only just begun")
        return database.history(connection)


def default_folder(configuration: Mapping[str, Json]) -> Path:
    """The folder under `runs` that belongs to a configuration: the same one for the same configuration.

    It is named after the space and the data, where the configuration says what they are called.
    """
    code = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:8]
    names = [configuration["space"].get("space"), configuration["evaluator"].get("data", {}).get("name")]
    plain = [re.sub(r"[^A-Za-z0-9.]+", "-", name) for name in names if name]
    return Path("runs") / "-".join([*plain, code])


def _json(value: Json) -> str:
    """Strict JSON: NaN is refused."""
    return json.dumps(value, allow_nan=False)


def _now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
