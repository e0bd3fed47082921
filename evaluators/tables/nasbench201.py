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

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nao.core import InputError
from nao.evaluators.tables.files import check_columns, complete, number, text
from nao.evaluators.tables.pickles import read_bz2, read_torch
from nao.evaluators.tables.row import Row
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
MILLION = 10**6

Entry = tuple[str, str, Row]  # where a row stands, its string, and what is known of it


def rows(file: Path, signal: str, report: str) -> dict[Tokens, Row]:
    """The rows of the table, by the tokens of their architecture.

    Args:
      file: one of those above.
      signal: the column to search by.
      report: the column to report.

    Raises:
      InputError: there is no such column, or the file is missing, damaged, of another format or version,
        or not complete.
    """
    if re.match(r"(NATS-.ss|NAS-Bench-201)-v", file.name) and not file.name.startswith(VERSIONS):
        raise InputError(f"{file} is another version; those that can be read are {' and '.join(VERSIONS)}")
    found: Iterable[Entry]
    if file.is_dir():
        found = _published(_folder(file), file, signal, report)
    elif file.suffix == ".pbz2":
        found = _published(_whole(read_bz2(file), file), file, signal, report)
    elif file.suffix == ".pth":
        found = _published(_whole(read_torch(file), file), file, signal, report)
    else:
        found = _csv(file, signal, report)
    return complete(NASBENCH201, found, file)


def _csv(file: Path, signal: str, report: str) -> Iterator[Entry]:
    """The rows of a CSV file."""
    lines = csv.DictReader(io.StringIO(text(file), newline=""))
    try:
        header = lines.fieldnames or ()
        edges = EDGES if set(EDGES) <= set(header) else ("arch",)
        if not set(edges) <= set(header):
            raise InputError(
                f"{file} has neither the columns {' '.join(EDGES)} nor the column arch, separated by commas"
            )
        check_columns((signal, report), [name for name in header if name not in {*EDGES, "arch"}], file)
        for column in (*edges, signal, report):
            if list(header).count(column) > 1:
                raise InputError(f"{file} has more than one column {column[:40]!r}")
        for line in lines:
            where = f"line {lines.line_num}"
            if None in line:
                raise InputError(f"{file}, {where}: more cells than the {len(header)} columns")
            words = [_operation(line[edge] or "") for edge in edges]
            score, test_score = (number(line[column], file, where, column) for column in (signal, report))
            params, flops = (
                number(line[cost], file, where, cost, unit) if cost in header else 0.0
                for cost, unit in (("params_m", MILLION), ("flops_m", 2 * MILLION))
            )
            row = Row(score, test_score, round(params), 0.0, round(flops))
            yield where, " ".join(words), row
    except csv.Error as error:
        raise InputError(f"{file} is no CSV: {error}") from error


def _operation(word: str) -> str:
    """The name of an operation that may be written as its number."""
    numbers = dict(zip(map(str, range(len(OPERATIONS))), OPERATIONS, strict=True))
    return numbers.get(word.strip(), word)


def _whole(data: Any, file: Path) -> Iterator[tuple[str, Any]]:
    """The string and the results of each cell, from one file."""
    try:
        strings, results = list(data["meta_archs"]), dict(data["arch2infos"])
    except (TypeError, ValueError, LookupError) as error:
        raise InputError(f"{file} has no meta_archs and arch2infos, as the published files have") from error
    return ((string, results[i]) for i, string in enumerate(strings) if i in results)


def _folder(folder: Path) -> Iterator[tuple[str, Any]]:
    """The string and the results of each cell, from a folder."""
    meta = folder / "meta.pickle.pbz2"
    try:
        strings = list(read_bz2(meta)["meta_archs"])
    except (TypeError, ValueError, LookupError) as error:
        raise InputError(f"{meta} has no meta_archs, as the published file has") from error
    for i, string in enumerate(strings):
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
            params, multiply_adds = float(training["params"]), float(training["flop"])
        except (TypeError, ValueError, LookupError, ZeroDivisionError) as error:
            raise InputError(
                f"{file}, {where}: no {signal} or {report} where {' and '.join(VERSIONS)} have them"
            ) from error
        row = Row(
            number(score, file, where, signal),
            number(test_score, file, where, report),
            parameters=round(MILLION * params),
            seconds=0.0,
            flops=round(2 * MILLION * multiply_adds),
        )
        yield where, str(string), row


def _trainings(results: Mapping[str, Any], column: str) -> list[Mapping[str, Any]]:
    """The trainings of a cell behind a column, one for each seed."""
    split, _, epochs = column.rpartition("_")
    schedule = results[epochs] if epochs in results else results[SCHEDULES[epochs]]
    dataset, _ = SPLITS[split]
    return [schedule["all_results"][dataset, seed] for seed in schedule["dataset_seed"][dataset]]


def _accuracy(results: Mapping[str, Any], column: str) -> float:
    """The mean over the seeds of the accuracy after the last epoch."""
    _, split = SPLITS[column.rpartition("_")[0]]
    found = [t["eval_acc1es"][f"{split}@{t['epochs'] - 1}"] for t in _trainings(results, column)]
    return float(sum(found) / len(found))
