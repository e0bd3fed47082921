"""Tables of known scores: benchmarks that trained every architecture of a space once and for all.

- `table("nasbench201", file, signal, report)` reads one; `READERS` has all kinds there are.
- `nao.evaluators.tables.table`: `Table`, an evaluator that looks labels up and counts them.
- `nao.evaluators.tables.nasbench101`, `nasbench201`, `nasbench_graph`, `nasbench_macro`: what is published,
  and which columns that has.
- `nao.evaluators.tables.files`, `pickles`, `tfrecord`, `protobuf`: reading files that others wrote.
"""

from pathlib import Path

from nao.core import InputError
from nao.evaluators.tables import nasbench101, nasbench201, nasbench_graph, nasbench_macro
from nao.evaluators.tables.files import digest
from nao.evaluators.tables.table import Table
from nao.spaces.nasbench101 import NASBENCH101
from nao.spaces.nasbench201 import NASBENCH201
from nao.spaces.nasbench_macro import NASBENCH_MACRO

__all__ = ["READERS", "Table", "table"]


def _nasbench101(file: Path, signal: str, report: str) -> Table:
    rows = nasbench101.rows(file, signal, report)
    return Table(NASBENCH101, rows, by_string=False, source=_source(file, signal, report))


def _nasbench201(file: Path, signal: str, report: str) -> Table:
    rows = nasbench201.rows(file, signal, report)
    return Table(NASBENCH201, rows, by_string=True, source=_source(file, signal, report))


def _nasbench_macro(file: Path, signal: str, report: str) -> Table:
    rows = nasbench_macro.rows(file, signal, report)
    return Table(NASBENCH_MACRO, rows, by_string=True, source=_source(file, signal, report))


def _nasbench_graph(dataset: Path, signal: str, report: str) -> Table:
    space, rows = nasbench_graph.rows(str(dataset), signal, report)
    source = {"dataset": str(dataset), "signal": signal, "report": report}
    return Table(space, rows, by_string=False, source=source)


READERS = {
    "nasbench101": _nasbench101,
    "nasbench201": _nasbench201,
    "nasbench-graph": _nasbench_graph,
    "nasbench-macro": _nasbench_macro,
}
"""The tables of each space that has some, by its name."""


def table(name: str, file: Path | str, signal: str, report: str) -> Table:
    """The table of known scores of a space.

    Args:
      name: of the space, a key of `READERS`.
      file: as published; for `nasbench-graph`, whose scores are in a package, the name of a data set.
      signal: the column to search by.
      report: the column to report.

    Raises:
      InputError: there is no such table or column, or the file is missing, damaged, of another format or
        version, or not complete.
    """
    if name not in READERS:
        raise InputError(f"there are no tables of {name[:40]!r}; there are of {', '.join(READERS)}")
    return READERS[name](Path(file), signal, report)


def _source(file: Path, signal: str, report: str) -> dict[str, str]:
    return {"file": file.name, "sha256": digest(file), "signal": signal, "report": report}
