"""The folder of a comparison: what it compares, and a file for each finished run.

A file is written beside its place and then renamed, so it is there as a whole or not at all. A comparison
that was killed at any moment therefore plays the runs that have no file. Strategies and repeats can be
added later; everything else is what the runs have in common, and must stay.
"""

import csv
import dataclasses
import io
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from nao.compare.observer import Job
from nao.compare.run import Query
from nao.core import InputError, Json
from nao.database import COMPARISON
from nao.history import differences

RUNS = "runs"
UNFINISHED = ".part"  # what a file is called until it is whole


class Folder:
    """A folder that is being written.

    Args:
      path: where; is there.
      settings: what all runs have in common; the `budget` among it.
      strategies: the configuration of each strategy, by its label.

    Raises:
      InputError: the folder holds runs of other settings, or of another strategy under the same label.
    """

    def __init__(self, path: Path, settings: Mapping[str, Json], strategies: Mapping[str, Json]):
        self.path = path
        self._budget = settings["budget"]
        ours = json.loads(json.dumps({"settings": settings, "strategies": strategies}))
        theirs = self._settings() or {**ours, "strategies": {}}
        # What was never played binds nobody: a mistake in it was perhaps why not.
        played = {label for label in theirs["strategies"] if self._has_runs(label)}
        if not played:
            theirs = {**ours, "strategies": {}}
        shared = ours["strategies"].keys() & played
        found = differences(ours["settings"], theirs["settings"])
        for label in sorted(shared):
            found += differences(ours["strategies"][label], theirs["strategies"][label], label)
        if found:
            raise InputError(
                f"{path} belongs to another comparison: {'; '.join(found[:3])}; choose another with --out"
            )
        try:
            (path / RUNS).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write in {path / RUNS}: {error.strerror}") from error
        together = {**ours, "strategies": theirs["strategies"] | ours["strategies"]}
        write(path / COMPARISON, json.dumps(together, indent=2) + "\n")

    def _settings(self) -> dict[str, Json] | None:
        """What the folder was made for; None in a new one."""
        content = _content(self.path / COMPARISON)
        if content is None:
            if any(self.path.glob(f"{RUNS}/*")):
                raise InputError(
                    f"{self.path} has runs, but no {COMPARISON} that says of what; choose another with --out"
                )
            return None
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        kinds = {name: type(value) for name, value in found.items()} if isinstance(found, dict) else {}
        if kinds != {"settings": dict, "strategies": dict}:
            raise InputError(f"{self.path / COMPARISON} is of no comparison; choose another with --out")
        return dict(found)

    def _has_runs(self, label: str) -> bool:
        """Whether there is a run of a strategy: a finished one, or one that has begun its study."""
        name = re.compile(re.escape(label) + r"-\d+(\.csv)?")
        return any(name.fullmatch(file.name) for file in self.path.glob(f"{RUNS}/*"))

    def study(self, job: Job) -> Path:
        """Where a run keeps its study, if it has one."""
        return self.path / RUNS / f"{job.label}-{job.repeat}"

    def save(self, job: Job, queries: Iterable[Query]) -> None:
        """Writes the file of a finished run."""
        write(self._file(job), rows_text(Query, queries))

    def load(self, job: Job) -> list[Query] | None:
        """Reads the file of a run; None when it is not finished."""
        content = _content(self._file(job))
        if content is None:
            return None
        try:
            columns, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
            queries = [_query(*row) for row in rows]
            if columns != names(Query) or not 0 < len(queries) <= self._budget:
                raise ValueError
            if [query.m for query in queries] != [*range(1, len(queries) + 1)]:
                raise ValueError
            return queries
        except (TypeError, ValueError, csv.Error) as error:
            raise InputError(f"{self._file(job)} is damaged; delete it and give the same command") from error

    def _file(self, job: Job) -> Path:
        return self.path / RUNS / f"{job.label}-{job.repeat}.csv"


def _query(m: str, architecture: str, origin: str, signal: str, reported: str, cpu_seconds: str) -> Query:
    """Reads what `rows_text` writes."""
    score, report = (float(cell) if cell else None for cell in (signal, reported))
    seconds = float(cpu_seconds)
    if not all(map(math.isfinite, (score or 0.0, report or 0.0, seconds))):
        raise ValueError
    return Query(int(m), architecture, origin, score, report, seconds)


def names(kind: type) -> list[str]:
    """The columns of records: the attributes of their dataclass."""
    return [field.name for field in dataclasses.fields(kind)]


def rows_text(kind: type, rows: Iterable[Json]) -> str:
    """CSV of records; None is an empty cell."""
    columns = names(kind)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([getattr(row, name) for name in columns] for row in rows)
    return text.getvalue()


def _content(file: Path) -> bytes | None:
    """What is in a file; None when there is none.

    Raises:
      InputError: the disk does not give it.
    """
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error


def write(file: Path, text: str | bytes) -> None:
    """Writes a file as a whole: whoever looks finds the old one or the new one.

    Raises:
      InputError: the disk does not take it.
    """
    part = file.with_name(file.name + UNFINISHED)
    try:
        with part.open("wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}; what is stored is safe") from error
