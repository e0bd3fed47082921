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
from controls import favourites, random_directions
from shared import add_evaluator, evaluator, interval

from nao.compare.tables import estimates
from nao.core import Architecture, Evaluator, Request
from nao.encoders.presets import DEFAULT
from nao.improve import improve
from nao.strategies.archive import Archive
from nao.strategies.choices import most_promising
from nao.strategies.initial import initial_design
from nao.strategies.nao import Candidates, Improve

STRAIGHT = dataclasses.replace(DEFAULT.ascent, noise=0.0)
ROWS: dict[str, Improve] = {
    "ascent": improve,
    "gradient alone": lambda model, X_seed, ascent, seed: improve(model, X_seed, STRAIGHT, seed),
    "random direction": random_directions,
    "favourites": favourites,
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
    X = initial_design(space, repeat, labels)
    S = scores_of(X, where)
    X, S = [x for x, s in zip(X, S, strict=True) if np.isfinite(s)], S[np.isfinite(S)]
    tokens = np.array([x.tokens for x in X], np.int32)
    X_seed = tokens[np.argsort(-S, kind="stable")[:seeds]]
    found = []
    model = DEFAULT.fit(space, tokens, S, seed=repeat)
    seen = Archive(space)
    seen.add_new(X, len(X))
    for row in ROWS.values():
        improved = row(model, X_seed, DEFAULT.ascent, (repeat, len(S)))
        candidates = list(Candidates(space, improved, X_seed, seen))
        mean = scores_of([x.architecture for x in candidates], where).mean() if known else np.nan
        picked = scores_of([x.architecture for x in most_promising(model, iter(candidates), picks)], where)
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
