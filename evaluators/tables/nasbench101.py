"""NAS-Bench-101 (Ying et al. 2019): 423,624 cells, each trained three times on CIFAR-10.

Read from the published file, `nasbench_only108.tfrecord` (499 MB, networks trained for 108 epochs) or
`nasbench_full.tfrecord` (1.95 GB, also for 4, 12 and 36). Each record is one training, as JSON:

    [hash of the graph, epochs, adjacency matrix, operations, metrics]

The matrix is a string of digits, row by row; the operations are separated by commas; the metrics are a
serialised protobuf message in base64, of which the fields that are read here are these:

    ModelMetrics:    1 EvaluationData, repeated: at the start, half-way and at the end;
                     2 trainable parameters
    EvaluationData:  2 seconds of training, 4 validation accuracy, 5 test accuracy

Axis letters: N graphs, R runs of each, T tokens.
"""

import base64
import dataclasses
import itertools
import json
import math
import struct
from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Float

from nao.core import InputError
from nao.evaluators.tables.protobuf import fields
from nao.evaluators.tables.row import Row
from nao.evaluators.tables.tfrecord import batches
from nao.spaces.nasbench101 import NASBENCH101

GRAPHS = 423_624
RUNS = 3
TYPES = [str, int, str, str, str]  # of the parts of a record
EPOCHS = (4, 12, 36, 108)
EVALUATIONS, PARAMETERS = 1, 2  # fields of ModelMetrics
FIELDS = (2, 4, 5)  # of EvaluationData: seconds, validation accuracy, test accuracy
ACCURACIES = {"val": 1, "test": 2}  # their places in FIELDS
CHUNK = 8192  # graphs whose keys are found at a time


@dataclasses.dataclass(frozen=True)
class Column:
    """What is read off the trainings of a graph: the mean of one field, at the end, over some runs."""

    field: int
    epochs: int
    runs: tuple[int, ...]


COLUMNS = {
    f"{name}_{epochs}{suffix}": Column(field, epochs, runs)
    for name, field in ACCURACIES.items()
    for epochs in EPOCHS
    for suffix, runs in [("", tuple(range(RUNS))), *((f"_run{r + 1}", (r,)) for r in range(RUNS))]
}
"""`val_108` is the mean over the three runs, `val_108_run1` the first of them, in the order of the file."""


def column(name: str) -> Column:
    """The column of that name.

    Raises:
      InputError: there is none.
    """
    if name not in COLUMNS:
        epochs = ", ".join(map(str, EPOCHS))
        raise InputError(
            f"NAS-Bench-101 has no column {name[:40]!r}, but val_E and test_E, each also as _run1 to"
            f" _run{RUNS}, where E is {epochs}"
        )
    return COLUMNS[name]


class Trainings:
    """The records of a file, arranged by graph.

    Args:
      epochs: of the trainings whose metrics are wanted.
    """

    def __init__(self, epochs: Collection[int]):
        self.tokens = np.zeros((GRAPHS, NASBENCH101.length), np.int32)
        self.parameters = np.zeros(GRAPHS, np.int64)
        self.metrics = {e: np.full((GRAPHS, RUNS, len(FIELDS)), np.nan) for e in epochs}  # [N, R, 3]
        self.epochs: set[int] = set()  # that occur
        self.number: dict[str, int] = {}  # of each graph, by its hash
        self._runs = {e: np.zeros(GRAPHS, np.int64) for e in epochs}  # so far

    def add(self, graph: str, epochs: int, matrix: str, operations: str, metrics: str) -> None:
        """Takes a record in.

        Raises:
          InputError: its graph is no cell of the space.
          TypeError, ValueError, LookupError: it is malformed, or of a graph or a run too many.
        """
        if [type(part) for part in (graph, epochs, matrix, operations, metrics)] != TYPES:
            raise TypeError
        if graph not in self.number:
            n = math.isqrt(len(matrix))
            rows = [[int(digit) for digit in matrix[i * n : (i + 1) * n]] for i in range(n)]
            self.tokens[len(self.number)] = NASBENCH101.tokens_of(rows, operations.split(",")[1:-1])
            self.number[graph] = len(self.number)
        self.epochs.add(epochs)
        if epochs not in self.metrics:
            return
        message = list(fields(base64.b64decode(metrics, validate=True)))
        *_, last = (value for number, value in message if number == EVALUATIONS)
        (parameters,) = (value for number, value in message if number == PARAMETERS)
        evaluation, i = dict(fields(last)), self.number[graph]
        values = [evaluation[field] for field in FIELDS]
        if not isinstance(parameters, int) or not all(isinstance(value, float) for value in values):
            raise TypeError
        self.metrics[epochs][i, self._runs[epochs][i]] = values
        self.parameters[i] = parameters
        self._runs[epochs][i] += 1

    def column(self, column: Column) -> Float[np.ndarray, " N"]:
        """The values `[N]` of a column, NaN where a run is missing."""
        values: Float[np.ndarray, " N"] = self.metrics[column.epochs][:, column.runs, column.field].mean(
            axis=1
        )
        return values

    def keys(self) -> list[str]:
        """`NASBENCH101.canonical` of each graph."""
        chunks = range(0, len(self.number), CHUNK)
        return [key for at in chunks for key in NASBENCH101.keys(self.tokens[at : at + CHUNK])]


def trainings(file: Path, epochs: Collection[int]) -> Trainings:
    """Reads all records of a file. That takes a minute for 108 epochs, two for the full file.

    Raises:
      InputError: the file is missing, damaged, of another format, or not complete.
    """
    found = Trainings(epochs)
    for n, record in enumerate(itertools.chain.from_iterable(batches(file)), 1):
        try:
            found.add(*json.loads(record))
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, struct.error) as error:
            raise InputError(
                f"{file}: record {n} is not one of the {RUNS} trainings of one of {GRAPHS:,} graphs that"
                " NAS-Bench-101 has: it is another file, or another version"
            ) from error
    for e in sorted(epochs):
        if found.number and e not in found.epochs:
            there = ", ".join(map(str, sorted(found.epochs)))
            raise InputError(f"{file} has trainings of {there} epochs, none of {e}")
        if np.isinf(found.metrics[e]).any():
            raise InputError(f"{file}: a score of {e} epochs is infinite: it is damaged; get it again")
        missing = int(np.isnan(found.metrics[e]).any(axis=(1, 2)).sum())
        if missing:
            raise InputError(
                f"{file}: {missing:,} of the {GRAPHS:,} graphs of NAS-Bench-101 lack one of their {RUNS}"
                f" trainings of {e} epochs: it is not complete; get it again"
            )
    return found


def rows(file: Path, signal: str, report: str) -> dict[str, Row]:
    """The rows of the table, by the canonical key of their architecture.

    Args:
      file: `nasbench_only108.tfrecord` or `nasbench_full.tfrecord`.
      signal: the column to search by, one of `COLUMNS`.
      report: the column to report.

    Raises:
      InputError: there is no such column, or the file is missing, damaged, of another format, or not
        complete.
    """
    score, test = column(signal), column(report)
    found = trainings(file, {score.epochs, test.epochs})
    seconds = found.metrics[score.epochs][:, score.runs, 0].mean(axis=1)
    values = (found.column(score), found.column(test), found.parameters, seconds)
    columns = [value.tolist() for value in values]
    table = {key: Row(*row) for key, *row in zip(found.keys(), *columns, strict=True)}
    if len(table) != GRAPHS:
        raise InputError(
            f"{file}: its {GRAPHS:,} graphs are {len(table):,} different ones: it is another file, or another"
            " version"
        )
    return table
