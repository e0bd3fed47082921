"""Tables of known scores: benchmarks that trained every architecture of a space once and for all.

- `table("nasbench201", file, signal, report)` reads one; `READERS` has all kinds there are.
- `make(table.configuration()) == table`.
- `nao.evaluators.tables.table`: `Table`, an evaluator that looks scores up. `row`: what it has of each
  architecture.
- `nao.evaluators.tables.nasbench101`, `nasbench201`, `nasbench_graph`, `nasbench_macro`: what is published,
  and which columns that has. `words`: any other space, from a CSV file with a column for each position.
- `nao.evaluators.tables.files`, `pickles`, `tfrecord`, `protobuf`: reading files that others wrote.
  `unpickle`, `machine`, `constructors`: pickles, without running what is in them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nao.core import Cost, InputError, Json, SearchSpace
from nao.evaluators.tables import nasbench101, nasbench201, nasbench_graph, nasbench_macro
from nao.evaluators.tables.files import check_no_costs, digest
from nao.evaluators.tables.row import Row
from nao.evaluators.tables.table import Table
from nao.spaces.nasbench101 import NASBENCH101
from nao.spaces.nasbench201 import NASBENCH201
from nao.spaces.nasbench_macro import NASBENCH_MACRO

__all__ = ["READERS", "Row", "Table", "make", "table"]

Reader = Callable[[Path, str, str, Sequence[str]], Table]


def _of_space(
    space: SearchSpace, rows: Callable[[Path, str, str], Mapping[Any, Row]], by_string: bool
) -> Reader:
    """The reader of a table of a space that is known beforehand, whose columns are fixed."""

    def read(file: Path, signal: str, report: str, costs: Sequence[str]) -> Table:
        check_no_costs(costs, file)
        return Table(space, rows(file, signal, report), by_string, _source(file, signal, report))

    return read


def _nasbench201(file: Path, signal: str, report: str, costs: Sequence[str]) -> Table:
    rows = nasbench201.rows(file, signal, report, costs)
    return Table(NASBENCH201, rows, by_string=True, source=_source(file, signal, report, costs))


def _words(file: Path, signal: str, report: str, costs: Sequence[str]) -> Table:
    from nao.evaluators.tables import words

    space, rows = words.rows(file, signal, report, costs)
    return Table(space, rows, by_string=True, source=_source(file, signal, report, costs))


def _nasbench_graph(dataset: Path, signal: str, report: str, costs: Sequence[str]) -> Table:
    check_no_costs(costs, dataset)
    space, rows = nasbench_graph.rows(str(dataset), signal, report)
    source = {"dataset": str(dataset), "path": str(dataset), "signal": signal, "report": report}
    return Table(space, rows, by_string=False, source=source)


READERS: Mapping[str, Reader] = {
    "nasbench101": _of_space(NASBENCH101, nasbench101.rows, by_string=False),
    "nasbench201": _nasbench201,
    "nasbench-graph": _nasbench_graph,
    "nasbench-macro": _of_space(NASBENCH_MACRO, nasbench_macro.rows, by_string=True),
    "words": _words,
}
"""The reader of each kind of table, by the name of its space."""


def table(name: str, file: Path | str, signal: str, report: str, costs: Sequence[str] = ()) -> Table:
    """The table of known scores of a space.

    Args:
      name: of the space, a key of `READERS`.
      file: as published; for `nasbench-graph`, whose scores are in a package, the name of a data set.
      signal: the column to search by.
      report: the column to report.
      costs: columns of a CSV file that say what an architecture costs, for `nao.Cost.others`. `parameters`
        and `flops` of a benchmark need no column of that name.

    Raises:
      InputError: there is no such table or column, or the file is missing, damaged, of another format or
        version, or not complete.
    """
    if name not in READERS:
        raise InputError(f"there are no tables of {name[:40]!r}; there are of {', '.join(READERS)}")
    counted = () if name == "words" else Cost().named()
    return READERS[name](Path(file), signal, report, [cost for cost in costs if cost not in counted])


def make(configuration: Mapping[str, Json]) -> Table:
    """The table with this configuration, read again from its `path`.

    Raises:
      InputError: the file cannot be read, or has changed since.
    """
    path, signal, report = (configuration[key] for key in ("path", "signal", "report"))
    made = table(configuration["table"], path, signal, report, configuration.get("costs", ()))
    if {**made.configuration(), "path": path} != dict(configuration):
        raise InputError(
            f"{path} has changed: give the table with the configuration {dict(configuration)}"[:400]
        )
    return made


def _source(file: Path, signal: str, report: str, costs: Sequence[str] = ()) -> dict[str, Json]:
    path = file.resolve()
    names = {"file": path.name, "sha256": digest(path), "path": str(path)}
    return {**names, "signal": signal, "report": report, **({"costs": list(costs)} if costs else {})}
