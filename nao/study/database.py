"""The file of a study: its tables and transactions, how damage is found, what is said of a failing disk.

A row holds its keys, a record in JSON and a checksum of both, and is never changed once it is there. The
journal is SQLite's default (rollback, not write-ahead): it needs no shared memory, so a study works on
network folders and can be read from a read-only one. With `synchronous = EXTRA` what is committed survives a
power failure.
"""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nao.configuration import dumps
from nao.core import InputError, Json
from nao.folder import STUDY, removed

APPLICATION = 0x6E616F  # "nao": tells a study from other SQLite files
FIRST_FORMAT, FORMAT = 1, 3  # the second had no confirmations
BUSY_SECONDS = 30.0  # how long a commit waits for a reader
DBMOVED = 1032  # what SQLite says when the file is no longer where it was opened

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, record TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE iterations (iteration INTEGER PRIMARY KEY, record TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY,
    iteration INTEGER NOT NULL REFERENCES iterations,
    canonical TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE results (
    number INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES proposals,
    fidelity TEXT NOT NULL,
    record TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (trial, fidelity)
);
"""
CONFIRMATION_TABLES = """
CREATE TABLE confirmations (number INTEGER PRIMARY KEY, record TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE repeats (
    number INTEGER PRIMARY KEY,
    confirmation INTEGER NOT NULL REFERENCES confirmations,
    trial INTEGER NOT NULL REFERENCES proposals,
    seed INTEGER NOT NULL,
    record TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (trial, seed)
);
"""

Statement = tuple[str, Sequence[Any]]
Row = tuple[Any, ...]


class Damaged(Exception):
    """The file is not what was written. The message says where."""


@contextlib.contextmanager
def connect(folder: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Opens the file of a study.

    Args:
      folder: the run's folder.
      mode: `rw`, or `rwc` to make a file that is not there. A file that may only be read can be opened
        with either, and then only be read; the first commit says so.
    """
    if (folder / STUDY).is_dir():
        raise InputError(f"{folder / STUDY} is a folder, where the file of a study belongs; move it away")
    uri = f"{(folder / STUDY).resolve().as_uri()}?mode={mode}"
    # Transactions are begun and ended by `commit` alone.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.text_factory = lambda data: data.decode(errors="surrogateescape")  # damage is found below
    with contextlib.closing(connection):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = EXTRA")
        yield connection


def commit(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    """Executes statements in one transaction: all of them are on the disk afterwards, or none."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def format_of(connection: sqlite3.Connection, folder: Path) -> int:
    """The format of the file, 0 while it is empty; InputError when what it has is no study we can read."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application != APPLICATION and not empty:
        raise InputError(f"{STUDY} in {folder} is not a study; choose another folder with --out")
    if version > FORMAT:
        raise InputError(f"the study in {folder} was written by a newer version of nao; update nao to go on")
    return 0 if empty else version


def insert(table: str, keys: Sequence[Any], record: Json, name: str = "the study") -> Statement:
    """The statement that adds a row; the record is called by its name in messages."""
    text = dumps(record, name)
    values = (*keys, text, _checksum(keys, text))
    places = ", ".join("?" * len(values))
    verb = "INSERT OR REPLACE" if table == "meta" else "INSERT"
    return f"{verb} INTO {table} VALUES ({places})", values


def rows(connection: sqlite3.Connection, table: str) -> Iterator[Row]:
    """The rows of a table in the order in which they were written: their keys, then the record.

    Raises:
      Damaged: a row is not what was written.
    """
    for *keys, text, checksum in connection.execute(f"SELECT * FROM {table} ORDER BY rowid"):
        if not isinstance(text, str) or _checksum(keys, text) != checksum:
            raise Damaged(f"row {keys[0]} of its {table}")
        yield (*keys, json.loads(text))


def check(connection: sqlite3.Connection) -> None:
    """Raises Damaged unless the pages of the file fit together."""
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
    if found != ["ok"]:
        raise Damaged(str(found[0]).splitlines()[-1][:80])


def _checksum(keys: Sequence[Any], text: str) -> int:
    return zlib.crc32("\x1f".join([*map(str, keys), text]).encode(errors="surrogateescape"))


def readable(connection: sqlite3.Connection) -> str:
    """How much of a damaged study can still be read, in words."""
    counts = []
    for table, word in (("proposals", "architectures"), ("results", "results")):
        n = 0
        with contextlib.suppress(sqlite3.DatabaseError):
            for _ in connection.execute(f"SELECT * FROM {table}"):
                n += 1
        counts.append(f"{n} {word}")
    return " and ".join(counts)


@contextlib.contextmanager
def translate_errors(folder: Path) -> Iterator[None]:
    """Turns what SQLite says about the file or the disk into an InputError."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise InputError(
            f"the study in {folder} has this already ({error}): the strategy proposed it twice, or another"
            " search has written here; nothing is lost"
        ) from error
    except sqlite3.ProgrammingError:
        raise  # a mistake in the program, not in the input
    except sqlite3.DatabaseError as error:
        raise InputError(_said(folder, error)) from error
    except UnicodeDecodeError as error:  # damage that SQLite repeats in what it says of it
        raise InputError(_damaged(folder, "its text is none")) from error


def _said(folder: Path, error: sqlite3.DatabaseError) -> str:
    """What to say of an error."""
    extended = getattr(error, "sqlite_errorcode", 0)
    primary = extended & 0xFF
    if extended == DBMOVED or not (primary == sqlite3.SQLITE_CANTOPEN or (folder / STUDY).exists()):
        return str(removed(folder / STUDY))
    stored = "what is stored is safe; make room and give the same command to go on"
    messages = {
        sqlite3.SQLITE_NOTADB: f"{STUDY} in {folder} is not a study; choose another folder with --out",
        sqlite3.SQLITE_FULL: f"the disk of {folder} is full; {stored}",
        sqlite3.SQLITE_IOERR: f"the disk of {folder} cannot be written ({error}); {stored}",
        sqlite3.SQLITE_READONLY: f"cannot write in {folder}: it is read-only; choose another with --out",
        sqlite3.SQLITE_CANTOPEN: f"cannot open the study in {folder}: no permission",
        sqlite3.SQLITE_BUSY: f"another program keeps the study in {folder} locked; close it, try again",
    }
    return messages.get(primary) or _damaged(folder, str(error))


def _damaged(folder: Path, why: str) -> str:
    return f"{folder / STUDY} is damaged ({why}): put a copy back, or choose another folder with --out"
