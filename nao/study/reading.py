"""A history out of the file of a study."""

import dataclasses
import itertools
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nao.core import Architecture, Fidelity, InputError, Json, Proposal, Request, Result, Trial
from nao.folder import STUDY
from nao.study import database, first_format
from nao.study.confirmation import Confirmation
from nao.study.database import Damaged, Statement, rows
from nao.study.history import History, Iteration
from nao.study.ledger import repeated
from nao.study.recorded import space_of

if TYPE_CHECKING:
    from nao.core import SearchSpace

DAMAGE = (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT)  # what SQLite says of a damaged file


def load(connection: sqlite3.Connection, folder: Path, space: "SearchSpace | None") -> History | None:
    """Everything in a study, in one transaction so that the tables belong together; None while it is empty.

    Args:
      connection: of the file.
      folder: for messages.
      space: what was searched; None makes it from the configuration.

    Raises:
      InputError: it is no study, or a damaged one; the message says how much can still be read.
    """
    connection.execute("BEGIN")
    try:
        version = database.format_of(connection, folder)
        if not version:
            return None
        database.check(connection)
        if version == database.FIRST_FORMAT:
            return _whole(first_format.read(connection, space))
        history = _read(connection, space)
        return _whole(_with_confirmations(connection, history) if version == database.FORMAT else history)
    except InputError:
        raise
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGE:
            raise
        raise InputError(_damage(connection, folder, error)) from error
    except (Damaged, ValueError, TypeError, LookupError, AttributeError, struct.error) as error:
        raise InputError(_damage(connection, folder, error)) from error
    finally:
        connection.execute("ROLLBACK")


def dropped() -> list[Statement]:
    """The statements that empty a file."""
    return [(f"DROP TABLE {table}", []) for table in ("results", "proposals", "iterations", "meta")]


def _damage(connection: sqlite3.Connection, folder: Path, error: Exception) -> str:
    """What to say of a damaged file."""
    why = " ".join(str(error).split())
    return (
        f"{folder / STUDY} is damaged ({why}): {database.readable(connection)} can still be read in it, by"
        " `sqlite3 study.sqlite .recover`; put a copy back, or choose another folder with --out"
    )


def _read(connection: sqlite3.Connection, space: "SearchSpace | None") -> History:
    """The history in a file of today's format, or of the one before, without confirmations."""
    meta: dict[str, Any] = dict(rows(connection, "meta"))
    if set(meta) != {"configuration", "created", "versions", "goal"}:
        raise Damaged("its meta is not whole")
    proposals = list(rows(connection, "proposals"))
    space = space or space_of(meta["configuration"], _texts(record for *_, record in proposals))
    iterations = [Iteration(number, **record) for number, record in rows(connection, "iterations")]
    trials = [_trial(id_, iteration, record, space) for id_, iteration, _, record in proposals]
    results: dict[int, list[Result]] = {}
    for expected, (number, id_, _, record) in enumerate(rows(connection, "results")):
        if number != expected:
            raise Damaged(f"result {expected} is missing")
        trial = trials[id_]
        passed, fidelity = record.pop("passed"), Fidelity(**record.pop("fidelity"))
        record.pop("finished")
        results.setdefault(id_, []).append(Result.of(trial.request(fidelity), record))
        old = iterations[trial.iteration]
        iterations[trial.iteration] = Iteration(
            old.number, old.state, old.diagnostics, old.seconds + passed, old.cpu_seconds
        )
    trials = [Trial(t.id, t.iteration, t.proposal, t.seed, tuple(results.get(t.id, ()))) for t in trials]
    return History(space, **meta, iterations=iterations, trials=trials, confirmations=[])


def _with_confirmations(connection: sqlite3.Connection, history: History) -> History:
    """The history with its confirmations, and what came of them."""
    confirmations: list[Confirmation] = []
    trials = list(history.trials)
    for number, record in rows(connection, "confirmations"):
        if number != len(confirmations) or not set(record["candidates"]) <= {*range(len(trials))}:
            raise Damaged("some confirmation is missing")
        confirmations.append(Confirmation(**{**record, "candidates": tuple(record["candidates"])}))
    for expected, (number, of, id_, seed, record) in enumerate(rows(connection, "repeats")):
        if number != expected:
            raise Damaged(f"repeat {expected} is missing")
        passed, fidelity = record.pop("passed"), Fidelity(**record.pop("fidelity"))
        record.pop("finished")
        request = Request(trials[id_].architecture, seed, fidelity)
        trials[id_] = repeated(trials[id_], [Result.of(request, record)])
        seconds = confirmations[of].seconds + passed
        confirmations[of] = dataclasses.replace(confirmations[of], seconds=seconds)
    return dataclasses.replace(history, trials=trials, confirmations=confirmations)


def _trial(id_: int, iteration: int, record: Mapping[str, Json], space: "SearchSpace") -> Trial:
    """A trial without its results."""
    parent = record["parent"] and Architecture(tuple(record["parent"]["tokens"]), space)
    architecture = Architecture(tuple(record["tokens"]), space)
    proposal = Proposal(architecture, record["origin"], parent, record["step"], record["predicted"])
    return Trial(id_, iteration, proposal, record["seed"])


def _texts(records: Iterable[Mapping[str, Json]]) -> dict[tuple[int, ...], str]:
    """The readable string of every architecture that a study names, by its tokens."""
    named = itertools.chain.from_iterable((record, record["parent"]) for record in records)
    return {tuple(each["tokens"]): each["text"] for each in named if each}


def _whole(history: History) -> History:
    """The history, unless a row is missing in it."""
    counted = [
        ("iteration", [each.number for each in history.iterations]),
        ("architecture", [each.id for each in history.trials]),
    ]
    for word, numbers in counted:
        if numbers != [*range(len(numbers))]:
            raise Damaged(f"some {word} is missing")
    order = [trial.iteration for trial in history.trials]
    if order != sorted(order) or (order and order[-1] >= len(history.iterations)):
        raise Damaged("its architectures and iterations do not fit")
    return history
