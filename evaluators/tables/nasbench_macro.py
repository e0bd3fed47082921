"""NAS-Bench-Macro (Su et al. 2021): 6,561 chains of layers, each trained three times on CIFAR-10.

Read from the published file, `nas-bench-macro_cifar10.json`:

    {"02012100": {"test_acc": [89.47, 88.95, 89.17], "mean_acc": 89.2, "params": 890666, "flops": ...}, ...}

There is no validation accuracy. To search by another column than the one that is reported, there is one
for each run.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from nao.core import InputError
from nao.evaluators.tables.files import check_columns, text
from nao.evaluators.tables.row import Entry, Row, complete, number
from nao.spaces.listed import Tokens
from nao.spaces.nasbench_macro import NASBENCH_MACRO

RUNS = {"run_1": 0, "run_2": 1, "run_3": 2}
COLUMNS = ("mean_acc", *RUNS)
"""Test accuracies in percent: the mean of the three runs, and each of them."""


def rows(file: Path, signal: str, report: str) -> dict[Tokens, Row]:
    """The rows of the table, by the tokens of their architecture.

    Args:
      file: the published file; it may be compressed (`.gz`, `.bz2`).
      signal: the column to search by, one of `COLUMNS`.
      report: the column to report.

    Raises:
      InputError: there is no such column, or the file is missing, damaged, of another format, or not
        complete.
    """
    check_columns((signal, report), COLUMNS, file)
    return complete(NASBENCH_MACRO, _entries(file, signal, report), file)


def _entries(file: Path, signal: str, report: str) -> Iterator[Entry]:
    """Where each row stands, its string, and what is known of it."""
    written = text(file)
    try:
        found = json.loads(written, object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is no JSON, or cut off: {error}") from error
    if not isinstance(found, list):
        raise InputError(f"{file} has no architectures: it is another file, or another version")
    for n, pair in enumerate(found, 1):
        where = f"architecture {n}"
        try:
            string, measured = pair[0], dict(pair[1])
            values = {name: measured["test_acc"][run] for name, run in RUNS.items()}
            values["mean_acc"] = measured["mean_acc"]
            params, multiply_adds = measured["params"], measured["flops"]
            if not isinstance(string, str):
                raise TypeError
        except (TypeError, ValueError, LookupError) as error:
            raise InputError(
                f"{file}, {where}: it has not the test_acc of {len(RUNS)} runs, mean_acc, params and flops"
                " that each architecture of NAS-Bench-Macro has: it is another file, or another version"
            ) from error
        score, test_score = (number(values[column], file, where, column) for column in (signal, report))
        parameters = round(number(params, file, where, "params"))
        flops = round(number(multiply_adds, file, where, "flops", 2))
        yield where, string, Row(score, test_score, parameters, flops=flops)
