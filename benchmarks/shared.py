"""What benchmarks have in common: where whole searches search, and the tables that are printed."""

import argparse
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from nao.compare import Comparison, compare
from nao.compare.curves import queries_to, share_at
from nao.compare.harness import StrategyFactory
from nao.compare.tables import estimates
from nao.core import Evaluator
from nao.evaluators import children
from nao.evaluators.devices import set_up_devices
from nao.evaluators.pool import DevicePool
from nao.evaluators.tables import table
from nao.spaces import space


def add_children(parser: argparse.ArgumentParser) -> None:
    """The options that `child_pool` reads."""
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--data", help="of children (default: what is usual in the space)")


def add_evaluator(parser: argparse.ArgumentParser) -> None:
    """The options that `evaluator` reads: a table of known scores, or else children to be trained."""
    add_children(parser)
    parser.add_argument("--table", type=Path, help="of known scores, in place of children")
    parser.add_argument("--signal")
    parser.add_argument("--report", help="the signal, unless it is given")


def add_comparison(parser: argparse.ArgumentParser, budget: int, digits: int) -> None:
    """The options that `play` reads, and how many digits of scores are printed."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=int, default=budget)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the first repeat")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--digits", type=int, default=digits, help="of the scores that are printed")


def child_pool(given: argparse.Namespace) -> DevicePool:
    set_up_devices()
    where = space(given.space)
    return DevicePool(children.program(where, children.load(where, given.data), children.child(where, {})))


def evaluator(given: argparse.Namespace) -> Evaluator:
    if given.table is None:
        return child_pool(given)
    if given.signal is None:
        raise SystemExit("a --table needs the --signal to search by")
    return table(given.space, given.table, given.signal, given.report or given.signal)


def mean_known(scores: Iterable[float | None]) -> float:
    """The mean of the scores that are known; nan if none is."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    return float(np.mean(known)) if known else math.nan


def play(factories: Mapping[str, StrategyFactory], where: Evaluator, given: argparse.Namespace) -> Comparison:
    """Plays or goes on with the comparison in the folder `out`."""
    trained = given.table is None
    return compare(
        factories,
        where,
        budget=given.budget,
        repeats=given.repeats,
        seed=given.seed,
        optimum=None if trained else where.optimum,
        out=given.out,
        durable=trained,
        workers=1 if trained else given.workers,
    )


def markdown(found: Comparison, at: list[int], digits: int) -> str:
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


def markdown_of_taus(taus: np.ndarray, predictors: Sequence[str], labels: Sequence[int]) -> str:
    """A row for each predictor: its mean tau after each number of labels, and what the first has more.

    Args:
      taus: `[repeats, predictors, labels]`, paired by repeat.
      predictors: their names.
      labels: how many.
    """
    first = predictors[0]
    lines = ["| predictor |" + "".join(f" {n} labels | `{first}` minus it |" for n in labels)]
    lines += ["|---" * (1 + 2 * len(labels)) + "|"]
    for i, name in enumerate(predictors):
        mean, difference = estimates(taus[:, i]), estimates(taus[:, 0] - taus[:, i])
        cells = [name]
        for n in range(len(labels)):
            cells += [interval(mean, n, 3), interval(difference, n, 3, "+") if i else ""]
        lines += [f"| {' | '.join(cells)} |"]
    return "\n".join(lines)


def interval(estimated: tuple, i: int, digits: int, sign: str = "") -> str:
    if estimated[0][i] is None:  # some run has no score yet
        return ""
    if estimated[1][i] is None:  # one repeat
        return f"{estimated[0][i]:{sign}.{digits}f}"
    mean, low, high = (f"{values[i]:{sign}.{digits}f}" for values in estimated)
    return f"{mean} [{low}, {high}]"
