"""The folder of a comparison: what it compares, and a file for each finished run.

A file is written beside its place and then renamed, so it is there as a whole or not at all. A comparison
that was killed at any moment therefore plays the runs that have no file. Strategies and repeats can be
added later; everything else is what the runs have in common, and must stay.
"""

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from nao.compare.observer import Job
from nao.compare.run import Query
from nao.core import InputError, Json
from nao.history import differences

SETTINGS = "comparison.json"
RUNS = "runs"
UNFINISHED = ".part"  # what a file is called until it is whole


class Folder:
    """A folder that is being written.

    Args:
      path: where; is there.
      settings: what all runs have in common.
      strategies: the configuration of each strategy, by its label.

    Raises:
      InputError: the folder holds runs of other settings, or of another strategy under the same label.
    """

    def __init__(self, path: Path, settings: Mapping[str, Json], strategies: Mapping[str, Json]):
        self.path = path
        ours = json.loads(json.dumps({"settings": settings, "strategies": strategies}))
        theirs = self._settings() or {**ours, "strategies": {}}
        shared = ours["strategies"].keys() & theirs["strategies"].keys()
        found = differences(ours["settings"], theirs["settings"])
        for label in sorted(shared):
            found += differences(ours["strategies"][label], theirs["strategies"][label], label)
        if found:
            raise InputError(
                f"{path} belongs to another comparison: {'; '.join(found[:3])}; choose another with --out"
            )
        (path / RUNS).mkdir(exist_ok=True)
        for part in [*path.glob(f"*{UNFINISHED}"), *path.glob(f"{RUNS}/*{UNFINISHED}")]:
            part.unlink()
        together = {**ours, "strategies": theirs["strategies"] | ours["strategies"]}
        write(path / SETTINGS, json.dumps(together, indent=2) + "\n")

    def _settings(self) -> dict[str, Json] | None:
        """What the folder was made for; None in a new one."""
        try:
            found = json.loads((self.path / SETTINGS).read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not (isinstance(found, dict) and found.keys() == {"settings", "strategies"}):
            raise InputError(f"{self.path / SETTINGS} is of no comparison; choose another folder with --out")
        return found

    def study(self, job: Job) -> Path:
        """Where a run keeps its study, if it has one."""
        return self.path / RUNS / f"{job.label}-{job.repeat}"

    def save(self, job: Job, queries: Iterable[Query]) -> None:
        """Writes the file of a finished run."""
        write(self._file(job), rows_text(Query, queries))

    def load(self, job: Job) -> list[Query] | None:
        """Reads the file of a run; None when it is not finished."""
        try:
            with self._file(job).open(newline="") as file:
                columns, *rows = csv.reader(file)
                if columns != names(Query):
                    raise ValueError
                return [_query(*row) for row in rows]
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise InputError(f"{self._file(job)} is damaged; delete it and give the same command") from error

    def _file(self, job: Job) -> Path:
        return self.path / RUNS / f"{job.label}-{job.repeat}.csv"


def _query(m: str, architecture: str, origin: str, signal: str, reported: str, cpu_seconds: str) -> Query:
    """Reads what `rows_text` writes."""
    score, report = (float(cell) if cell else None for cell in (signal, reported))
    return Query(int(m), architecture, origin, score, report, float(cpu_seconds))


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
