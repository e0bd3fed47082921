r"""Which parts of `default` pay, and does its gradient? One part is changed at a time, on a table.

    python benchmarks/ablation.py --space nasbench201 --table FILE --signal c10_test_200 \
        --report c10_test_200 --out DIR [--variants default,no-noise] [--budget 150] [--repeats 30]

Every variant begins with the same architectures as `default` under the same seed, so that all differences
are paired; intervals are bootstrapped over the repeats. The table that is printed (and all that `nao
compare` writes into DIR) has, after 50 and after all labels, the mean reporting score of the best
architecture, the queries to the optimum, and the difference of both to `default`: a variant whose interval
is above 0 in queries, or below 0 in scores, is worse. The same command goes on where it was stopped.

`random-direction` and `favourites` are the controls of the gradient (`controls.py`).
"""

import argparse
import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from controls import Favourites, random_directions

from nao.compare import Comparison, compare
from nao.compare.curves import queries_to, share_at
from nao.compare.tables import estimates
from nao.core import Encoder, Json, SearchSpace
from nao.encoders import ProcessEncoder
from nao.encoders.configuration import DEFAULT
from nao.evaluators.tables import table
from nao.strategies import NAO


def changed(**choices: Json) -> Encoder:
    return ProcessEncoder(dataclasses.replace(DEFAULT, **choices))


def default() -> Encoder:
    return ProcessEncoder(DEFAULT)


class ScoredStarts(NAO):
    """Climbs from scored architectures alone, also while there are few."""

    def _random_strings(self, n: int) -> np.ndarray:
        return super()._random_strings(0)


# What each variant changes: the encoder, and the parameters of the strategy.
VARIANTS: dict[str, tuple[Callable[[], Encoder], dict[str, Json]]] = {
    "default": (default, {}),
    "random-direction": (random_directions, {}),
    "favourites": (lambda: Favourites(default()), {}),
    "no-noise": (lambda: changed(noise=0.0), {}),
    "one-step": (lambda: changed(moves=1), {}),
    "mean-alone": (lambda: changed(acquisition="mean"), {}),
    "no-states": (lambda: changed(inputs=("mean", "features")), {}),
    "no-embedding": (lambda: changed(inputs=("features",)), {}),
    "no-features": (lambda: changed(inputs=("mean", "states")), {}),
    "no-averaging": (lambda: changed(variants=1), {}),
    "min-max": (lambda: changed(targets="min-max"), {}),
    "scored-starts": (default, {}),
    "10-seeds": (default, {"seeds": 10}),
    "batches-of-1": (default, {"proposals": 1}),
    "batches-of-25": (default, {"proposals": 25}),
}


def make(variant: str, space: SearchSpace, seed: int) -> NAO:
    encoder, parameters = VARIANTS[variant]
    kind = ScoredStarts if variant == "scored-starts" else NAO
    return kind(space, encoder(), **parameters, seed=seed)


def rows(found: Comparison) -> list[str]:
    """A line of Markdown for each variant."""
    budget = np.array([found.budget])
    ours = found.runs["default"]
    lines = [
        f"| variant | best at {min(50, found.budget)} | difference | queries to the optimum | difference"
        " | found | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, runs in found.runs.items():
        at = min(50, found.budget) - 1
        score = estimates(runs.best_reported[:, [at]] - ours.best_reported[:, [at]])
        needed = queries_to(found.optimum, runs, budget)
        queries = estimates(needed - queries_to(found.optimum, ours, budget))
        share = share_at(found.optimum, runs, budget)[0]
        cells = [
            label,
            f"{runs.best_reported[:, at].mean():.3f}",
            "" if label == "default" else interval(score, 3),
            f"{needed.mean():.1f}",
            "" if label == "default" else interval(queries, 1),
            f"{100 * share:.0f} %",
            f"{runs.cpu_seconds[:, -1].mean():.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def interval(found: tuple, digits: int) -> str:
    mean, low, high = (values[0] for values in found)
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("space", "signal", "report"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--budget", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()

    known = table(given.space, given.table, given.signal, given.report)
    labels = ["default", *(label for label in given.variants.split(",") if label != "default")]
    found = compare(
        {label: functools.partial(make, label) for label in labels},
        known,
        budget=given.budget,
        repeats=given.repeats,
        seed=given.seed,
        optimum=known.optimum,
        out=given.out,
        workers=given.workers,
    )
    print("\n".join(rows(found)))


if __name__ == "__main__":
    main()
