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
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from nao.compare.run import Query
from nao.configuration import differences
from nao.core import InputError, Json
from nao.events import Job
from nao.folder import COMPARISON, write
from nao.inputs import real_number

RUNS = "runs"


class RunFolder:
    """The folder of a comparison.

    Args:
      path: where; is there.
      budget: M, the most labels of a run.
    """

    def __init__(self, path: Path, budget: int):
        self.path = path
        self._budget = budget

    @classmethod
    def begin(
        cls,
        path: Path,
        settings: Mapping[str, Json],
        strategies: Mapping[str, Json],
        optimum: float | None = None,
    ) -> "RunFolder":
        """The folder, made or found for a comparison that is about to be played.

        Args:
          path: where; is there.
          settings: what all runs have in common; the `budget` among it.
          strategies: the configuration of each strategy, by its label.
          optimum: the best signal that every run can come to, for those who look at it.

        Raises:
          InputError: the folder holds runs of other settings, or of another strategy under the same label.
        """
        theirs = contents(path)
        if theirs is None and any(path.glob(f"{RUNS}/*")):
            raise InputError(
                f"{path} has runs, but no {COMPARISON} that says of what; choose another with --out"
            )
        # A strategy that was never played does not bind: a mistake in it was perhaps the reason.
        known = theirs["strategies"] if theirs else {}
        bound = {label: made for label, made in known.items() if _has_runs(path, label)}
        if theirs and bound:
            found = differences(settings, theirs["settings"])
            for label in sorted(strategies.keys() & bound):
                found += differences(strategies[label], bound[label], label)
            if found:
                raise InputError(
                    f"{path} belongs to another comparison: {'; '.join(found[:3])}; choose another with --out"
                )
        try:
            (path / RUNS).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write in {path / RUNS}: {error.strerror}") from error
        kept = {label: made for label, made in known.items() if label in bound or label in strategies}
        together = {"settings": settings, "strategies": {**kept, **strategies}, "optimum": optimum}
        write(path / COMPARISON, json.dumps(together, indent=2) + "\n")
        return cls(path, settings["budget"])

    def jobs(self, label: str) -> list[Job]:
        """The finished runs of a strategy."""
        name = re.compile(re.escape(label) + r"-(\d+)\.csv")
        found = (name.fullmatch(file.name) for file in self.path.glob(f"{RUNS}/*"))
        return sorted(Job(label, int(match[1])) for match in found if match)

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
            if not content.endswith(b"\n"):
                raise ValueError  # the file was cut
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


def contents(path: Path) -> dict[str, Json] | None:
    """What a folder says of its comparison: `settings`, `strategies` and `optimum`; None in a new one.

    Raises:
      InputError: its file is of no comparison.
    """
    content = _content(path / COMPARISON)
    if content is None:
        return None
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not (isinstance(found, dict) and _is_comparison(**{"optimum": None, **found})):
        raise InputError(f"{path / COMPARISON} is of no comparison; choose another with --out")
    return {"optimum": None, **found}


def _is_comparison(
    settings: Json = None, strategies: Json = None, optimum: Json = None, **others: Json
) -> bool:
    """Whether these are the parts of the file of a comparison."""
    configurations = [settings, *strategies.values()] if isinstance(strategies, dict) else [None]
    number = None if optimum is None else real_number(optimum)
    known = optimum is None or (number is not None and math.isfinite(number))
    return known and all(isinstance(each, dict) for each in configurations)


def _has_runs(path: Path, label: str) -> bool:
    """Whether there is a run of a strategy: a finished one, or one that has begun its study."""
    name = re.compile(re.escape(label) + r"-\d+(\.csv)?")
    return any(name.fullmatch(file.name) for file in path.glob(f"{RUNS}/*"))


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
