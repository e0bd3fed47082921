r"""Which parts of `default` pay, and does its gradient? One part is changed at a time.

    python benchmarks/ablation.py --space nasbench201 --table FILE --signal c10_test_200 --out DIR \
        [--report COLUMN] [--variants default,no-noise] [--budget 80] [--repeats 30]
    python benchmarks/ablation.py --data digits --out DIR

Every variant begins with the same architectures as `default` under the same seed, so that all differences
are paired; intervals are bootstrapped over the repeats. The table that is printed (and all that `nao
compare` writes into DIR) has, after 50 and after all labels, the mean reporting score of the best
architecture, the queries to the optimum, and what `default` has more of than the variant: what was changed
pays where that interval is above 0 in scores, or below 0 in queries. The same command goes on where it was
stopped.

`random-direction` and `favourites` are the controls of the gradient (`controls.py`).
"""

import argparse
import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from controls import Favourites, random_directions
from shared import add_comparison, add_evaluator, evaluator, markdown, play

from nao.core import Encoder, Json, SearchSpace
from nao.encoders import ProcessEncoder
from nao.encoders.configuration import DEFAULT
from nao.strategies import NAO


def changed(**choices: Json) -> Encoder:
    return ProcessEncoder(dataclasses.replace(DEFAULT, **choices))


def default() -> Encoder:
    return ProcessEncoder(DEFAULT)


class FilledStarts(NAO):
    """Climbs from the K best, and from random strings only while fewer are scored."""

    @property
    def best_seeds(self) -> int:
        return self.seeds


class ScoredStarts(FilledStarts):
    """Climbs from the K best alone, also while fewer are scored."""

    def _random_strings(self, n: int) -> np.ndarray:
        return super()._random_strings(0)


STRATEGIES = {"scored-starts": ScoredStarts, "filled-starts": FilledStarts}


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
    "min-max": (lambda: changed(targets="min-max"), {}),
    "scored-starts": (default, {}),
    "filled-starts": (default, {}),
    "10-seeds": (default, {"seeds": 10}),
    "batches-of-1": (default, {"proposals": 1}),
    "batches-of-25": (default, {"proposals": 25}),
}


def make(variant: str, space: SearchSpace, seed: int) -> NAO:
    encoder, parameters = VARIANTS[variant]
    return STRATEGIES.get(variant, NAO)(space, encoder(), **parameters, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    add_comparison(parser, budget=80, digits=3)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    given = parser.parse_args()

    labels = ["default", *(label for label in given.variants.split(",") if label != "default")]
    found = play({label: functools.partial(make, label) for label in labels}, evaluator(given), given)
    print(markdown(found, [min(50, given.budget), given.budget], given.digits))


if __name__ == "__main__":
    main()
