"""NAS-Bench-Graph (Qin et al. 2022): 26,206 graph networks, each trained on nine data sets.

The package `nas-bench-graph` carries the results. For each data set it has a dictionary from the number of
a network to what was measured. The five digits of that number are the macro structure, an index into the
package's `link_list`, and the operations of the four nodes, indices into its `gnn_list`. There is one
number for each class of equal networks. On `proteins` only five of the operations were used.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from nao.core import Architecture, InputError
from nao.evaluators.tables.row import Row, number
from nao.inputs import imported
from nao.spaces.nasbench_graph import NASBENCH_GRAPH, NASBenchGraphSpace

KNOWN = "1.4"  # the version of the package that is known to work
DIFFERENT = {9: 26_206, 5: 2_021}  # networks that so many operations make
DATA_SETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")
COLUMNS = {"valid": "valid_perf", "test": "perf"}
"""Accuracies, in the names of this command line and of the package."""


def rows(dataset: str, signal: str, report: str) -> tuple[NASBenchGraphSpace, dict[str, Row]]:
    """The results on one data set.

    Args:
      dataset: its name, such as `cora`.
      signal: the column to search by, one of `COLUMNS`.
      report: the column to report.

    Returns:
      The space, with the operations that were used on that data set, and the rows of the table, by the
      canonical key of their architecture.

    Raises:
      InputError: there is no such data set or column; or the package is not installed, is another version,
        or lacks a number or a network.
    """
    if dataset not in DATA_SETS:
        raise InputError(f"NAS-Bench-Graph has no data set {dataset[:40]!r}, but {', '.join(DATA_SETS)}")
    for column in (signal, report):
        if column not in COLUMNS:
            raise InputError(f"NAS-Bench-Graph has no column {column[:40]!r}, but {', '.join(COLUMNS)}")
    package = imported("nas_bench_graph", "graph", "NAS-Bench-Graph")

    networks = {}  # (links, operations) -> what was measured
    for network, measured in _read(package, dataset).items():
        macro, *operations = map(int, f"{network:05d}")
        names = tuple(package.gnn_list[o] for o in operations)
        networks[tuple(package.link_list[macro]), names] = measured
    used = set(itertools.chain.from_iterable(names for _, names in networks))
    space = dataclasses.replace(
        NASBENCH_GRAPH, operations=tuple(o for o in NASBENCH_GRAPH.operations if o in used)
    )
    table = {
        _key(space, links, names): _row(measured, dataset, " ".join(names), signal, report)
        for (links, names), measured in networks.items()
    }
    if len(table) != len(networks):
        raise InputError(
            f"nas-bench-graph: {len(networks):,} networks on {dataset} are {len(table):,} different ones:"
            f" it is another version; {KNOWN} is known to work"
        )
    if len(table) != (complete := DIFFERENT.get(len(used), max(DIFFERENT.values()))):
        raise InputError(
            f"nas-bench-graph: {dataset} has {len(table):,} networks, and not all {complete:,}: it is damaged"
            f" or another version; {KNOWN} is known to work"
        )
    return space, table


def _read(package: ModuleType, dataset: str) -> Mapping[int, Mapping[str, Any]]:
    """What the package has on a data set."""
    try:
        measured: Mapping[int, Mapping[str, Any]] = package.light_read(dataset)
    except Exception as error:  # whatever it meets in a file that is damaged
        raise InputError(
            f"nas-bench-graph cannot read its {dataset}, it is damaged or another version; {KNOWN} is known"
            f" to work: {error or type(error).__name__}"
        ) from error
    return measured


def _key(space: NASBenchGraphSpace, links: Sequence[int], operations: Sequence[str]) -> str:
    return space.canonical(Architecture(space.tokens_of(links, operations), space))


def _row(measured: Mapping[str, Any], dataset: str, where: str, signal: str, report: str) -> Row:
    def value(column: str) -> float:
        return number(measured.get(column), f"nas-bench-graph {dataset}", where, column)

    return Row(
        value(COLUMNS[signal]),
        value(COLUMNS[report]),
        parameters=round(value("para") * 1e6),  # they are given in millions
    )
