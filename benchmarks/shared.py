"""What benchmarks of whole searches have in common: where they search, and the table they print."""

import argparse
from pathlib import Path

import numpy as np

from nao.compare import Comparison
from nao.compare.curves import queries_to, share_at
from nao.compare.tables import estimates
from nao.core import Evaluator
from nao.data import load
from nao.evaluators.child import Child
from nao.evaluators.devices import prepare
from nao.evaluators.pool import DevicePool
from nao.evaluators.tables import table
from nao.spaces import space


def add_evaluator(parser: argparse.ArgumentParser) -> None:
    """The options that `evaluator` reads: a table of known scores, or else children to be trained."""
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--signal")
    parser.add_argument("--report", help="the signal, unless it is given")
    parser.add_argument("--data", default="digits", help="what children are trained on, without a table")


def evaluator(given: argparse.Namespace) -> Evaluator:
    if given.table is not None:
        return table(given.space, given.table, given.signal, given.report or given.signal)
    prepare()
    return DevicePool(space(given.space), load(given.data), Child())


def markdown(found: Comparison, at: list[int], digits: int = 2) -> str:
    """A row for each strategy: at some places on the axis of M, and what it needed to find the optimum.

    Differences are those of the first strategy to the row, paired.
    """
    first, ours = next(iter(found.runs.items()))
    m, minus = np.array(at), f"`{first}` minus it"
    head = ["strategy", *(name for n in at for name in (f"best at {n}", minus))]
    if found.optimum is not None:
        head += [f"queries of at most {at[-1]}", minus, "found"]
    lines = [f"| {' | '.join([*head, 'CPU s'])} |", "|---" * (len(head) + 1) + "|"]
    for label, runs in found.runs.items():
        best, difference = (
            estimates(scores[:, m - 1])
            for scores in (runs.best_reported, ours.best_reported - runs.best_reported)
        )
        cells = [label]
        for i in range(len(at)):
            cells += [interval(best, i, digits), "" if runs is ours else interval(difference, i, digits, "+")]
        if found.optimum is not None:
            needed, our = (queries_to(found.optimum, some, m[-1:]) for some in (runs, ours))
            cells += [interval(estimates(needed), 0, 1)]
            cells += ["" if runs is ours else interval(estimates(our - needed), 0, 1, "+")]
            cells += [f"{100 * share_at(found.optimum, runs, m[-1:])[0]:.0f} %"]
        lines.append(f"| {' | '.join(cells)} | {runs.cpu_seconds[:, -1].mean():.1f} |")
    return "\n".join(lines)


def interval(estimated: tuple, i: int, digits: int, sign: str = "") -> str:
    mean, low, high = (f"{values[i]:{sign}.{digits}f}" for values in estimated)
    return f"{mean} [{low}, {high}]"
