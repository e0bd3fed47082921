r"""Does the gradient earn its keep? One question to NAO, from the same scores, with and without a gradient.

    python benchmarks/ascent.py --space nasbench201 --table FILE --signal c10_test_200
    python benchmarks/ascent.py --data digits --repeats 10

`--labels` random architectures are scored, the encoder is fitted to them, and the `--seeds` best are where
all rows start from. Each row then makes as many strings, and the same expected improvement picks `--picks`
of the new ones:

    ascent            as `default`: half gradient, half a random direction of each seed's own
    gradient alone    no random direction
    random direction  as far, but without the gradient
    favourites        no embedding: half of the strings are mutated seeds, half are random

The table has the number of different new architectures, their mean score (on a table of known scores, where
asking for all of them costs nothing), and mean and best score of those picked; the differences are those of
`ascent` to the row, paired over the repeats, with 95 % bootstrap intervals.
"""

import argparse
import dataclasses
from collections.abc import Sequence

import numpy as np
from controls import Favourites, random_directions
from shared import add_evaluator, evaluator, interval

from nao.compare.tables import estimates
from nao.core import Architecture, Encoder, Evaluator, Request
from nao.encoders import ProcessEncoder
from nao.encoders.configuration import DEFAULT
from nao.strategies.known import Known, first
from nao.strategies.nao import Ascent, most_promising

ROWS: dict[str, Encoder] = {
    "ascent": ProcessEncoder(DEFAULT),
    "gradient alone": ProcessEncoder(dataclasses.replace(DEFAULT, noise=0.0)),
    "random direction": random_directions(),
    "favourites": Favourites(ProcessEncoder(DEFAULT)),
}


def scores_of(architectures: Sequence[Architecture], where: Evaluator) -> np.ndarray:
    """NaN where the evaluation failed."""
    requests = [Request(architecture) for architecture in architectures]
    results = {result.request: result for result in where.evaluate(requests)}
    scores = [results[request].score for request in requests]
    return np.array([np.nan if score is None else score for score in scores])


def measure(where: Evaluator, labels: int, seeds: int, picks: int, repeat: int, known: bool) -> np.ndarray:
    """`[4, rows]` different new architectures, their mean score; mean and best score of those picked."""
    space = where.space
    X = first(space, repeat, labels)
    S = scores_of(X, where)
    X, S = [x for x, s in zip(X, S, strict=True) if np.isfinite(s)], S[np.isfinite(S)]
    tokens = np.array([x.tokens for x in X], np.int32)
    X_seed = tokens[np.argsort(-S, kind="stable")[:seeds]]
    found = []
    for encoder in ROWS.values():
        fitted = encoder.fit(space, tokens, S, seed=repeat)
        seen = Known(space)
        seen.take(X, len(X))
        candidates = list(Ascent(space, fitted, X_seed, encoder.steps, seen).new_architectures())
        mean = scores_of([x.architecture for x in candidates], where).mean() if known else np.nan
        picked = scores_of([x.architecture for x in most_promising(candidates, fitted, picks)], where)
        found.append([len(candidates), mean, np.nanmean(picked), np.nanmax(picked)])
    return np.array(found).T


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    for name, value in (("labels", 100), ("seeds", 100), ("picks", 20), ("repeats", 30)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--digits", type=int, default=3, help="of the scores that are printed")
    given = parser.parse_args()

    where = evaluator(given)
    sizes = given.labels, given.seeds, given.picks
    known = given.table is not None
    values = np.array([measure(where, *sizes, r, known=known) for r in range(given.repeats)])
    print("| from | new | their mean | difference | mean of those picked | difference | best | difference |")
    print("|---" * 8 + "|")
    for i, name in enumerate(ROWS):
        cells = [name, f"{values[:, 0, i].mean():.0f}"]
        for quantity in values[:, 1:].transpose(1, 0, 2):
            difference = estimates(quantity[:, [0]] - quantity[:, [i]])
            cells.append(f"{quantity[:, i].mean():.{given.digits}f}")
            cells.append(interval(difference, 0, given.digits, "+") if i else "")
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
