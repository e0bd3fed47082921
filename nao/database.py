"""The file of a study, its tables and transactions; the lock on its folder; what is said of a failing disk.

The journal is SQLite's default (rollback, not write-ahead): it needs no shared memory, so a study works
on network folders and can be read from a read-only one. With `synchronous = EXTRA` what is committed
survives a power failure.
"""

import contextlib
import fcntl
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nao.core import InputError
from nao.history import History, Iteration, Trial

FILE = "study.sqlite"
COMPARISON = "comparison.json"
KINDS = {FILE: "search", COMPARISON: "comparison"}  # what a folder that has this file holds
APPLICATION = 0x6E616F  # "nao": tells a study from other SQLite files
SCHEMA = 1
BUSY_SECONDS = 30.0  # how long a commit waits for a reader

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE iterations (
    iteration INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    diagnostics TEXT NOT NULL,
    seconds REAL NOT NULL
);
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY,
    iteration INTEGER NOT NULL REFERENCES iterations,
    tokens TEXT NOT NULL,
    architecture TEXT NOT NULL,
    canonical TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    parent TEXT,
    step REAL,
    predicted REAL,
    seed INTEGER NOT NULL
);
CREATE TABLE results (
    id INTEGER PRIMARY KEY REFERENCES proposals,
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    score REAL CHECK ((status = 'ok') = (score IS NOT NULL)),
    metrics TEXT NOT NULL,
    parameters INTEGER NOT NULL,
    flops INTEGER NOT NULL,
    seconds REAL NOT NULL,
    device TEXT NOT NULL,
    reason TEXT NOT NULL,
    finished TEXT NOT NULL
);
"""


@contextlib.contextmanager
def connected(folder: Path | None, mode: str) -> Iterator[sqlite3.Connection]:
    """Opens the file of a study, or one in memory.

    Args:
      folder: the run's folder; None for a study in memory.
      mode: `rw`, or `rwc` to make a file that is not there. A file that may only be read can be opened
        with either, and then only be read; the first commit says so.
    """
    uri = "file::memory:" if folder is None else f"{(folder / FILE).resolve().as_uri()}?mode={mode}"
    # Transactions are begun and ended by `commit` alone.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = EXTRA")
        yield connection


def commit(connection: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """Executes statements in one transaction: all of them are on the disk afterwards, or none."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def written(connection: sqlite3.Connection, folder: Path | None) -> bool:
    """Whether the file has been written; raises InputError when what it has is no study we can read."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application != APPLICATION and not empty:
        raise InputError(f"{FILE} in {folder} is not a study; choose another folder with --out")
    if schema > SCHEMA:
        raise InputError(f"the study in {folder} was written by a newer version of nao; update nao to go on")
    return not empty


def history(connection: sqlite3.Connection) -> History:
    """Reads everything, in one transaction so that the tables belong together."""
    connection.execute("BEGIN")
    try:
        meta = {name: json.loads(value) for name, value in connection.execute("SELECT * FROM meta")}
        iterations = [
            Iteration(number, json.loads(state), json.loads(diagnostics), seconds)
            for number, state, diagnostics, seconds in connection.execute(
                "SELECT * FROM iterations ORDER BY 1"
            )
        ]
        trials = [
            Trial(id_, iteration, tuple(json.loads(tokens)), *proposed, *_outcome(*result))
            for id_, iteration, tokens, *values in connection.execute(
                "SELECT p.id, iteration, tokens, architecture, origin, parent, step, predicted, seed,"
                " status, score, metrics, parameters, flops, seconds, device, reason"
                " FROM proposals p LEFT JOIN results r ON p.id = r.id ORDER BY p.id"
            )
            for proposed, result in [(values[:6], values[6:])]
        ]
        return History(**meta, iterations=iterations, trials=trials)
    finally:
        connection.execute("ROLLBACK")


def _outcome(status: str | None, score: float | None, metrics: str | None, *rest: Any) -> tuple[Any, ...]:
    """The attributes of a trial from `status` on; none of them for a pending one, which has the defaults."""
    return () if metrics is None else (status, score, json.loads(metrics), *rest)


@contextlib.contextmanager
def locked(folder: Path, mine: str) -> Iterator[None]:
    """Makes the folder, and keeps every other process from writing in it.

    Args:
      folder: where.
      mine: which file says what the folder holds, one of `KINDS`.

    Raises:
      InputError: it cannot be written, is in use, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [kind for name, kind in KINDS.items() if name != mine and (folder / name).exists()]
        if others:
            raise InputError(f"{folder} is the folder of a {others[0]}; choose another with --out")
        file = (folder / "lock").open("a")
    except OSError as error:
        raise InputError(f"cannot write in {folder}: {error.strerror}; choose another with --out") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"another search is running in {folder}; wait for it, or choose another folder with --out"
            ) from error
        yield


@contextlib.contextmanager
def explained(folder: Path | None) -> Iterator[None]:
    """Turns what SQLite says about the file or the disk into an InputError."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a mistake in the program, not in the input
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code
        stored = "what is stored is safe; make room and give the same command to go on"
        message = {
            sqlite3.SQLITE_NOTADB: f"{FILE} in {folder} is not a study; choose another folder with --out",
            sqlite3.SQLITE_CORRUPT: f"the study in {folder} is damaged; choose another folder with --out",
            sqlite3.SQLITE_FULL: f"the disk of {folder} is full; {stored}",
            sqlite3.SQLITE_IOERR: f"the disk of {folder} cannot be written ({error}); {stored}",
            sqlite3.SQLITE_READONLY: f"cannot write in {folder}: it is read-only; choose another with --out",
            sqlite3.SQLITE_CANTOPEN: f"cannot open the study in {folder}: no permission",
            sqlite3.SQLITE_BUSY: f"another program keeps the study in {folder} locked; close it, try again",
        }.get(code)
        if message is None:
            raise
        raise InputError(message) from error
