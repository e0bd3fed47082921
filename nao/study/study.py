"""The durable ledger of one search: one SQLite file in the run's folder, and arrays beside it.

A search is a replay of its study. What a strategy proposes in one iteration is committed in one
transaction, together with the strategy's state; every result is committed in its own, as it arrives; and so
are the choice of what is trained again at the end, and what comes of that. So
whatever moment a search is killed at, what is left is a number of whole iterations, of which the last may
have proposals without a result: those are pending, and are all there is to do again. Nothing is ever
marked as running.

The file is read once, when the study is opened; from then on its only writer keeps the history in memory. A
search holds a lock of the operating system, which ends with its process. Readers need none.
"""

import contextlib
import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from nao import folder as folders
from nao.configuration import differences, fingerprint, plain
from nao.core import InputError, Json, Result, SearchSpace, Trial
from nao.inputs import finite, user_path
from nao.study import database, first_format, reading
from nao.study.arrays import write_arrays
from nao.study.confirmation import Confirmation
from nao.study.database import insert
from nao.study.history import History, Iteration
from nao.study.ledger import Ledger, now


class Study(Ledger):
    """A study that is being written. Use it in a `with` statement, which lets go of the lock.

    Args:
      folder: the run's folder, made if it is not there.
      space: what is searched.
      configuration: what identifies the search. How far the search should go is no part of it.
      keep_arrays: whether `save` keeps anything.

    Raises:
      InputError: the folder cannot be written, is in use by another process, or holds something else: the
        study of another configuration or of a newer version, a damaged one, or a file that is no study.
    """

    def __init__(
        self,
        folder: Path,
        space: SearchSpace,
        configuration: Mapping[str, Json],
        *,
        keep_arrays: bool = True,
    ):
        self.folder = folder
        self._keep_arrays = keep_arrays
        self._results = self._repeats = 0  # that the file has
        super().__init__(space, plain(configuration))
        with contextlib.ExitStack() as stack:
            stack.enter_context(folders.lock(folder, folders.STUDY))
            with database.translate_errors(folder):
                self._connection = stack.enter_context(database.connect(folder, "rwc"))
                self._open()
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

    def aim(self, goal: Mapping[str, Json]) -> None:
        """Notes how far the search should go, for those who look at it."""
        if goal != self.history.goal:
            self._commit([insert("meta", ["goal"], goal)])
        super().aim(goal)

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes arrays into the file of that name in the folder, such as `models/3.npz`."""
        if self._keep_arrays:
            write_arrays(self.folder / f"{name}.npz", arrays)

    def _open(self) -> None:
        """Begins a new file, or reads what is in it."""
        ours = self.history.configuration
        found = reading.load(self._connection, self.folder, self.history.space)
        if found is None:
            self._commit(_beginning(self.history))
            return
        version = database.format_of(self._connection, self.folder)
        theirs = first_format.with_encoder(found.configuration, ours)
        found = dataclasses.replace(found, configuration=theirs)
        if differing := differences(ours, found.configuration):
            raise InputError(
                f"{self.folder} belongs to another configuration: {'; '.join(differing[:3])};"
                " choose another folder with --out"
            )
        if version == database.FIRST_FORMAT:
            self._commit([*reading.dropped(), *_beginning(found), *_all_rows(found)])
        elif version < database.FORMAT:
            self._commit(_tables(database.CONFIRMATION_TABLES))
        self.history = found
        self._results = sum(len(trial.results) for trial in found.trials)
        self._repeats = sum(len(trial.repeats) for trial in found.trials)

    def _keep_iteration(self, iteration: Iteration, trials: Sequence[Trial]) -> None:
        self._commit([_iteration_row(iteration), *map(_trial_row, trials)])

    def _keep_result(self, trial: Trial, result: Result, seconds: float) -> None:
        self._commit([_result_row(self._results, trial, result, seconds)])
        self._results += 1

    def _keep_confirmation(self, confirmation: Confirmation) -> None:
        row = insert("confirmations", [len(self.history.confirmations)], vars(confirmation))
        self._commit([row])

    def _keep_repeat(self, trial: Trial, result: Result, seconds: float) -> None:
        keys = [self._repeats, len(self.history.confirmations) - 1, trial.id, result.seed]
        self._commit([insert("repeats", keys, _facts(result, seconds), "the evaluator's result")])
        self._repeats += 1

    def _commit(self, statements: Sequence[database.Statement]) -> None:
        """Executes statements in one transaction."""
        with database.translate_errors(self.folder):
            database.commit(self._connection, statements)


def read(folder: Path | str, space: SearchSpace | None = None) -> History:
    """Reads the study of a run, also while the search is running and from a read-only folder.

    Args:
      folder: of the run.
      space: what was searched, where that cannot be made from the configuration: a space of the user's own.

    Raises:
      InputError: there is no study in that folder, or it cannot be read.
    """
    folder = user_path(folder)
    if not (folder / folders.STUDY).exists():
        raise InputError(f"there is no study in {folder}; name the folder of a run")
    with database.translate_errors(folder), database.connect(folder, "rw") as connection:
        found = reading.load(connection, folder, space)
    if found is None:
        raise InputError(f"the study in {folder} is still empty: its search has only just begun")
    return found


def default_folder(configuration: Mapping[str, Json]) -> Path:
    """The folder under `runs` that belongs to a configuration: the same one for the same configuration.

    It is named after the space and the data, where the configuration says what they are called.
    """
    configuration = plain(configuration)
    space = configuration.get("strategy", {}).get("space", {})
    names = [space.get("space"), configuration.get("evaluator", {}).get("data", {}).get("name")]
    words = [re.sub(r"[^A-Za-z0-9.]+", "-", name) for name in names if name]
    return Path("runs") / "-".join([*words, fingerprint(configuration)])


def _beginning(history: History) -> list[database.Statement]:
    """The tables, and what identifies the search."""
    names = ("configuration", "created", "versions", "goal")
    return [
        *_tables(database.TABLES + database.CONFIRMATION_TABLES),
        *(insert("meta", [name], getattr(history, name)) for name in names),
        (f"PRAGMA application_id = {database.APPLICATION}", []),
    ]


def _tables(made: str) -> list[database.Statement]:
    """The statements that make tables, after which the file is of today's format."""
    statements = [statement for statement in made.split(";") if statement.strip()]
    return [(each, []) for each in (*statements, f"PRAGMA user_version = {database.FORMAT}")]


def _all_rows(history: History) -> list[database.Statement]:
    """Everything that is in a history."""
    results = [(trial, result) for trial in history.trials for result in trial.results]
    rows = [_result_row(number, trial, result, 0.0) for number, (trial, result) in enumerate(results)]
    return [*map(_iteration_row, history.iterations), *map(_trial_row, history.trials), *rows]


def _iteration_row(iteration: Iteration) -> database.Statement:
    record = {**vars(iteration)}
    return insert("iterations", [record.pop("number")], record, "the strategy's iteration")


def _trial_row(trial: Trial) -> database.Statement:
    proposal, x, parent = trial.proposal, trial.architecture, trial.proposal.parent
    record = {
        "tokens": x.tokens,
        "text": str(x),
        "origin": proposal.origin,
        "parent": parent and {"tokens": parent.tokens, "text": str(parent)},
        "step": proposal.step,
        "predicted": finite(proposal.predicted),
        "seed": trial.seed,
    }
    keys = [trial.id, trial.iteration, x.space.canonical(x)]
    return insert("proposals", keys, record, "the strategy's proposal")


def _result_row(number: int, trial: Trial, result: Result, seconds: float) -> database.Statement:
    keys = [number, trial.id, result.request.fidelity.name]
    return insert("results", keys, _facts(result, seconds), "the evaluator's result")


def _facts(result: Result, seconds: float) -> dict[str, Json]:
    """What a row says of a result, beside its keys."""
    fidelity = vars(result.request.fidelity)
    return {**result.facts(), "fidelity": fidelity, "passed": seconds, "finished": now()}
