"""NAS-Bench-201 (Dong and Yang 2020) and the topology space of NATS-Bench (Dong et al. 2021).

15,625 cells, trained on three data sets. They are read from

- a CSV file, which may be compressed (`.gz`, `.bz2`). The operations stand in the columns `e01 e02 e12
  e03 e13 e23`, as names or as their numbers from 0 to 4, or in one column `arch`, as the published string.
  Every other column of numbers can be searched by; `params_m` and `flops_m` (millions) are costs.
- `NATS-tss-v1_0-3ffb9.pickle.pbz2`, or the folder `NATS-tss-v1_0-3ffb9-simple` of `meta.pickle.pbz2` and a
  file for each cell.
- `NAS-Bench-201-v1_1-096897.pth`.

The published files hold, for each cell and each schedule of 12 and 200 epochs ("less" and "full" in the
last one), the trainings `(data set, seed)`, and for each training the accuracies on several splits after
each epoch. `COLUMNS` names means over the seeds of those after the last one, in percent.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nao.core import InputError
from nao.evaluators.tables.files import Sheet, check_columns, check_no_costs
from nao.evaluators.tables.pickles import read_bz2, read_torch
from nao.evaluators.tables.row import Entry, Row, complete, number
from nao.spaces.listed import Tokens
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS

EDGES = ("e01", "e02", "e12", "e03", "e13", "e23")
SPLITS = {
    "c10_val": ("cifar10-valid", "x-valid"),  # trained on one half of the training images
    "c10valid_test": ("cifar10-valid", "ori-test"),  # the same trainings
    "c10_test": ("cifar10", "ori-test"),  # trained on both halves
    "c100_val": ("cifar100", "x-valid"),
    "c100_test": ("cifar100", "x-test"),
    "in16_val": ("ImageNet16-120", "x-valid"),
    "in16_test": ("ImageNet16-120", "x-test"),
}
SCHEDULES = {"12": "less", "200": "full"}  # epochs, and their older name
COLUMNS = tuple(f"{split}_{epochs}" for epochs in SCHEDULES for split in SPLITS)
"""The columns of the published files."""

VERSIONS = ("NATS-tss-v1_0-3ffb9", "NAS-Bench-201-v1_1-096897")
META = "meta.pickle.pbz2"
MILLION = 10**6
COSTS = {"params_m": MILLION, "flops_m": 2 * MILLION}  # multiply-adds


def rows(file: Path, signal: str, report: str, costs: Sequence[str] = ()) -> dict[Tokens, Row]:
    """The rows of the table, by the tokens of their architecture.

    Args:
      file: one of those above.
      signal: the column to search by.
      report: the column to report.
      costs: columns of a CSV file that are costs, beside parameters and FLOPs.

    Raises:
      InputError: there is no such column, or the file is missing, damaged, of another format or version,
        or not complete.
    """
    if re.match(r"(NATS-.ss|NAS-Bench-201)-v", file.name) and not file.name.startswith(VERSIONS):
        raise InputError(f"{file} is another version; those that can be read are {' and '.join(VERSIONS)}")
    found: Iterable[Entry]
    if file.is_dir() or file.suffix in (".pbz2", ".pth"):
        check_no_costs(costs, file)
    if file.is_dir():
        if not (file / META).is_file():
            raise InputError(
                f"{file} is a folder without {META}: give a file, or the folder {VERSIONS[0]}-simple"
            )
        found = _published(_folder(file), file, signal, report)
    elif file.suffix == ".pbz2":
        found = _published(_whole(read_bz2(file), file), file, signal, report)
    elif file.suffix == ".pth":
        found = _published(_whole(read_torch(file), file), file, signal, report)
    else:
        found = _csv(file, signal, report, costs)
    return complete(NASBENCH201, found, file)


def _csv(file: Path, signal: str, report: str, costs: Sequence[str]) -> Iterator[Entry]:
    """The rows of a CSV file."""
    sheet = Sheet(file)
    edges = EDGES if set(EDGES) <= set(sheet.columns) else ("arch",)
    if not set(edges) <= set(sheet.columns):
        raise InputError(
            f"{file} has neither the columns {' '.join(EDGES)} nor the column arch, separated by commas"
        )
    counted = {name: unit for name, unit in COSTS.items() if name in sheet.columns}
    check_columns((signal, report), [name for name in sheet.columns if name not in {*EDGES, "arch"}], file)
    sheet.check((*edges, signal, report, *counted))
    sheet.check_costs(costs, (*edges, signal, report))
    for where, line in sheet.lines():
        words = [_operation(line[edge]) for edge in edges]
        score, test_score = (number(line[column], file, where, column) for column in (signal, report))
        counts = {name: round(number(line[name], file, where, name, unit)) for name, unit in counted.items()}
        parameters, flops = (counts.get(name, 0) for name in COSTS)
        others = {name: number(line[name], file, where, name) for name in costs}
        yield where, " ".join(words), Row(score, test_score, parameters, flops=flops, costs=others)


def _operation(word: str) -> str:
    """The name of an operation that may be written as its number."""
    return OPERATIONS[int(word)] if word in map(str, range(len(OPERATIONS))) else word


def _strings(data: Any, file: Path) -> list[str]:
    """The string of each cell."""
    strings = data.get("meta_archs") if isinstance(data, dict) else None
    if not isinstance(strings, list) or not all(isinstance(string, str) for string in strings):
        raise InputError(f"{file} has no meta_archs, strings of cells, as the published files have")
    return strings


def _whole(data: Any, file: Path) -> Iterator[tuple[str, Any]]:
    """The string and the results of each cell, from one file."""
    strings = _strings(data, file)
    results = data.get("arch2infos")
    if not isinstance(results, dict):
        raise InputError(f"{file} has no arch2infos, results of cells, as the published files have")
    return ((string, results[i]) for i, string in enumerate(strings) if i in results)


def _folder(folder: Path) -> Iterator[tuple[str, Any]]:
    """The string and the results of each cell, from a folder."""
    for i, string in enumerate(_strings(read_bz2(folder / META), folder / META)):
        file = folder / f"{i:06d}.pickle.pbz2"
        if file.is_file():
            yield string, read_bz2(file)


def _published(cells: Iterable[tuple[str, Any]], file: Path, signal: str, report: str) -> Iterator[Entry]:
    """The rows of the published files."""
    check_columns((signal, report), COLUMNS, file)
    for i, (string, results) in enumerate(cells):
        where = f"architecture {i}"
        try:
            score, test_score = (_accuracy(results, column) for column in (signal, report))
            training = _trainings(results, signal)[0]
            params, multiply_adds = training["params"], training["flop"]
        except (TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise InputError(
                f"{file}, {where}: no {signal} or {report} where {' and '.join(VERSIONS)} have them"
            ) from error
        row = Row(
            number(score, file, where, signal),
            number(test_score, file, where, report),
            parameters=round(number(params, file, where, "params", MILLION)),
            flops=round(number(multiply_adds, file, where, "flop", 2 * MILLION)),
        )
        yield where, string, row


def _trainings(results: Any, column: str) -> list[dict[Any, Any]]:
    """The trainings of a cell behind a column, one for each seed."""
    split, _, epochs = column.rpartition("_")
    dataset, _ = SPLITS[split]
    schedule = results[epochs] if epochs in results else results[SCHEDULES[epochs]]
    # int(): a damaged file may have what cannot be hashed in place of a seed.
    return [schedule["all_results"][dataset, int(seed)] for seed in schedule["dataset_seed"][dataset]]


def _accuracy(results: Any, column: str) -> float:
    """The mean over the seeds of the accuracy after the last epoch."""
    _, split = SPLITS[column.rpartition("_")[0]]
    found = [t["eval_acc1es"][f"{split}@{int(t['epochs']) - 1}"] for t in _trainings(results, column)]
    return float(sum(found) / len(found))
