r"""Is NAO better than what one would use instead? The tables of docs/results.md.

    python benchmarks/rivals.py --space nasbench201 --table FILE --signal c10_test_200 --out DIR \
        [--report COLUMN] [--strategies nao,gp,random] [--param LABEL.PARAMETER=VALUE]
    python benchmarks/rivals.py --data digits --out DIR

Plays what `nao compare` plays, from the same words, and prints in Markdown for each strategy the mean
reporting score of the best architecture after half and all of the budget, the queries to the optimum, the
share of the runs that found it, and the CPU-seconds of the strategy in a run. Differences are those of the
first strategy to the row, paired; intervals are bootstrapped over the repeats. DIR is the folder of a
comparison: the same command goes on, and prints again when nothing is left to play.

`optuna` is one more strategy here: the Gaussian process of Optuna (`optuna_sampler.py`).
"""

import argparse
import functools
import os
from collections.abc import Callable
from pathlib import Path

from shared import add_evaluator, evaluator, markdown

from nao.cli import Maker
from nao.compare import compare
from nao.compare.entries import entries
from nao.core import SearchSpace, Strategy


def optuna(space: SearchSpace, seed: int, **parameters: int) -> Strategy:
    from optuna_sampler import OptunaGP

    return OptunaGP(space, seed=seed, **parameters)


def makers(strategies: str, parameters: list[str]) -> dict[str, Callable[[SearchSpace, int], Strategy]]:
    return {
        label: functools.partial(optuna, **entry.parameters)
        if entry.name == "optuna"
        else Maker(entry.name, entry.parameters, cache=True)
        for label, entry in entries(strategies, parameters).items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--strategies", default="nao,gp,local-search,evolution,progressive,random")
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--digits", type=int, default=2, help="of the scores that are printed")
    given = parser.parse_args()

    where = evaluator(given)
    trained = given.table is None
    found = compare(
        makers(given.strategies, given.param),
        where,
        budget=given.budget,
        repeats=given.repeats,
        optimum=None if trained else where.optimum,
        out=given.out,
        durable=trained,
        workers=1 if trained else given.workers,
    )
    print(markdown(found, [given.budget // 2, given.budget], given.digits))


if __name__ == "__main__":
    main()
