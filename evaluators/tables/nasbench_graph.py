"""NAS-Bench-Graph (Qin et al. 2022): 26,206 graph networks, each trained on nine data sets.

The package `nas-bench-graph` carries the results. For each data set it has a dictionary from the number of
a network to what was measured. The five digits of that number are the macro structure, an index into the
package's `link_list`, and the operations of the four nodes, indices into its `gnn_list`. There is one
number for each class of equal networks. On `proteins` only five of the operations were used.
"""

import dataclasses
import importlib
import itertools

from nao.core import Architecture, InputError
from nao.evaluators.tables.row import Row
from nao.spaces.nasbench_graph import NASBENCH_GRAPH, NASBenchGraphSpace

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
      InputError: there is no such data set or column, or the package is not installed or another version.
    """
    if dataset not in DATA_SETS:
        raise InputError(f"NAS-Bench-Graph has no data set {dataset[:40]!r}, but {', '.join(DATA_SETS)}")
    for column in (signal, report):
        if column not in COLUMNS:
            raise InputError(f"NAS-Bench-Graph has no column {column[:40]!r}, but {', '.join(COLUMNS)}")
    try:
        package = importlib.import_module("nas_bench_graph")
    except ModuleNotFoundError as error:
        raise InputError("NAS-Bench-Graph needs a package: pip install 'nao-search[graph]'") from error

    networks = {}  # (links, operations) -> what was measured
    for number, measured in package.light_read(dataset).items():
        macro, *operations = map(int, f"{number:05d}")
        names = tuple(package.gnn_list[o] for o in operations)
        networks[tuple(package.link_list[macro]), names] = measured
    used = set(itertools.chain.from_iterable(names for _, names in networks))
    space = dataclasses.replace(
        NASBENCH_GRAPH, operations=tuple(o for o in NASBENCH_GRAPH.operations if o in used)
    )
    table = {
        space.canonical(Architecture(space.tokens_of(links, names), space)): Row(
            float(measured[COLUMNS[signal]]),
            float(measured[COLUMNS[report]]),
            parameters=round(float(measured["para"]) * 1e6),  # they are given in millions
            seconds=0.0,
        )
        for (links, names), measured in networks.items()
    }
    if len(table) != len(networks):
        raise InputError(
            f"nas-bench-graph: {len(networks):,} networks on {dataset} are {len(table):,} different ones:"
            " it is another version; 1.4 is known to work"
        )
    return space, table
