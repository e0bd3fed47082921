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
from collections.abc import Callable

from shared import add_comparison, add_evaluator, evaluator, markdown, play

from nao.cli import strategy_factories
from nao.core import SearchSpace, Strategy


def optuna(space: SearchSpace, seed: int, **parameters: int) -> Strategy:
    from optuna_sampler import OptunaGP

    return OptunaGP(space, seed=seed, **parameters)


def made(strategies: str, parameters: list[str], budget: int) -> dict[str, Callable[..., Strategy]]:
    """As `nao compare` makes them."""
    return {
        label: functools.partial(optuna, **factory.parameters) if factory.name == "optuna" else factory
        for label, factory in strategy_factories(strategies, parameters, budget, cache=True).items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    add_comparison(parser, budget=200, digits=2)
    parser.add_argument("--strategies", default="nao,gp,local-search,evolution,progressive,random")
    parser.add_argument("--param", action="append", default=[])
    given = parser.parse_args()

    found = play(made(given.strategies, given.param, given.budget), evaluator(given), given)
    print(markdown(found, [given.budget // 2, given.budget], given.digits))


if __name__ == "__main__":
    main()
