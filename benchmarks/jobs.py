"""Whole searches on trained children: the default job of the README beside others with as many trainings.

    python benchmarks/jobs.py --out DIR [--strategies default,process,gp,evolution] [--seeds 8] [--fresh 12]
        [--space cnn-cell-small] [--data NAME] [--start-from 100]

Encoders (`default`, `process`, `published`) play `nao optimize --iterations 3 --seeds 100`: 400 random
children, then three times 100. Other strategies have the same 700 trainings, and hear the scores after every
`--batch` of them, which is more often than the job does. `initial` is `default` without its iterations: what
it knows after the 400. All are confirmed by `5x3`.

Then the five candidates of each are trained `--fresh` times more, with seeds that no search has used. The
table has the means of these trainings over the searches: the validation and test score of the answer, the
validation score of all five, and what the answer was reported to have more than that (its bias). Trainings
that failed are in no mean; the last column counts them. Differences are those of the first row to the row,
paired by seed; intervals are bootstrapped over the searches. DIR keeps the searches: the same command goes
on.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from shared import add_children, child_pool, interval, mean_known

import nao
from nao.compare.tables import estimates
from nao.core import Evaluator, Request
from nao.encoders.presets import PRESETS
from nao.search import search
from nao.study import History

UNUSED = 2_000_000_000  # seeds of trainings that no search asks for
TRAININGS = 700  # of a search
INITIAL = "initial"
COLUMNS = ("answer", "test", "the five", "bias")


def found_by(name: str, where: Evaluator, seed: int, given: argparse.Namespace) -> History:
    """One search."""
    out, seeds, batch = given.out / f"{name}_{seed}", given.start_from, given.batch
    if name == INITIAL:
        return nao.optimize(where.space, where, iterations=0, seeds=seeds, seed=seed, out=out)
    if name in PRESETS:
        return nao.optimize(where.space, where, name, iterations=3, seeds=seeds, seed=seed, out=out)
    return search(nao.strategy(name, where.space, seed=seed), where, [batch] * (TRAININGS // batch), out=out)


def trained_anew(found: list[History], where: Evaluator, fresh: int) -> Iterator[list[float]]:
    """For each search its columns, how many of the new trainings failed, and how many there were."""
    seeds = itertools.count(UNUSED)
    asked = [
        {
            i: [Request(each.trials[i].architecture, next(seeds)) for _ in range(fresh)]
            for i in each.confirmations[0].candidates
        }
        for each in found
    ]
    results = {
        result.request: result
        for result in where.evaluate([x for of in asked for some in of.values() for x in some])
    }
    for each, of in zip(found, asked, strict=True):
        valid = {i: mean_known(results[x].score for x in some) for i, some in of.items()}
        answer = each.best.id
        test = mean_known(results[x].test_score for x in of[answer])
        bias = each.confirmed.score - valid[answer]
        failed = [results[x].score is None for some in of.values() for x in some]
        yield [valid[answer], test, mean_known(valid.values()), bias, sum(failed), len(failed)]


def failures(row: np.ndarray) -> str:
    """Failed / asked, over the searches of a row `[seeds, columns + 2]`."""
    failed, asked = row[:, len(COLUMNS) :].sum(axis=0)
    return f"{failed:.0f} / {asked:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategies", default="default,process,gp,evolution")
    parser.add_argument("--out", type=Path, required=True)
    for name, value in (("seeds", 8), ("batch", 10), ("fresh", 12), ("start-from", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    add_children(parser)
    given = parser.parse_args()
    if given.batch < 1 or TRAININGS % given.batch:
        raise SystemExit(f"--batch {given.batch} does not divide the {TRAININGS} trainings of a search")
    where, names = child_pool(given), given.strategies.split(",")
    rows = {}
    for name in names:
        found = [found_by(name, where, seed, given) for seed in range(given.seeds)]
        rows[name] = np.array(list(trained_anew(found, where, given.fresh)))  # [seeds, columns + 2]
        print(
            name, *rows[name][:, : len(COLUMNS)].round(4).tolist(), "failed", failures(rows[name]), flush=True
        )
    if given.seeds == 1:
        return  # one search has no interval
    ours = rows[names[0]]
    head = [f"{column} | `{names[0]}` minus it" for column in COLUMNS[:-1]]
    print(f"\n| searches | {' | '.join([*head, COLUMNS[-1], 'failed'])} |\n{'|---' * (2 * len(head) + 3)}|")
    for name, row in rows.items():
        mean, minus = estimates(row), estimates(ours - row)
        pairs = [
            cell
            for i in range(len(head))
            for cell in (interval(mean, i, 4), "" if name == names[0] else interval(minus, i, 4, "+"))
        ]
        print(f"| {' | '.join([name, *pairs, interval(mean, len(head), 4, '+'), failures(row)])} |")


if __name__ == "__main__":
    main()
