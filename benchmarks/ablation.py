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
from collections.abc import Iterator
from typing import Any

import numpy as np
from controls import favourites, random_directions
from shared import add_comparison, add_evaluator, evaluator, markdown, play
from variants import ALONE, changed, without

from nao.acquisition import posterior_mean
from nao.core import Model, Proposal, SearchSpace
from nao.encoders.presets import DEFAULT, PROCESS
from nao.improve import improve
from nao.strategies import NAO
from nao.strategies.choices import highest_predicted, pick_best, take_first
from nao.strategies.outcomes import LogChance


def highest_mean(
    model: Model, candidates: Iterator[Proposal], n: int, log_chance: LogChance | None
) -> list[Proposal]:
    """Chooses the candidates with the highest predicted score."""
    found = list(candidates)
    if not found:
        return []
    predicted = model.predict(np.array([x.architecture.tokens for x in found], np.int32))
    order = np.argsort(-predicted, kind="stable").tolist()
    ordered = (dataclasses.replace(found[i], predicted=float(predicted[i])) for i in order)
    return take_first(model, ordered, n)


def pick_best_and_fill(model: Model, X: np.ndarray, S: np.ndarray, K: int) -> tuple[np.ndarray, int]:
    """Starts from the K best, and from random strings only while fewer are scored."""
    top, _ = pick_best(model, X, S, K)
    return top, K - len(top)


# What each variant changes: the encoder, the settings and the functions of the strategy.
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "process": {"encoder": PROCESS},
    "no-members": {"encoder": ALONE},
    "no-graph": {"encoder": without("graph")},
    "rbf": {"encoder": changed("predictor.process", correlation="rbf")},
    "believed": {"settings": NAO.Settings(choose="believed")},
    "believed-mean": {"settings": NAO.Settings(choose="believed"), "choose": highest_predicted},
    "random-direction": {"improve": random_directions},
    "favourites": {"improve": favourites},
    "no-noise": {"encoder": changed("ascent", noise=0.0)},
    "one-step": {"encoder": changed("ascent", num_steps=1)},
    "mean-alone": {
        "improve": functools.partial(improve, acquisition=posterior_mean),
        "choose": highest_mean,
    },
    "no-states": {"encoder": without("states")},
    "no-embedding": {"encoder": without("mean", "states", "graph")},
    "no-features": {"encoder": without("features", "graph")},
    "min-max": {"encoder": changed("predictor.process", targets="min-max")},
    "scored-starts": {"pick_seeds": pick_best},
    "filled-starts": {"pick_seeds": pick_best_and_fill},
    "10-seeds": {"settings": NAO.Settings(seeds=10)},
    "batches-of-1": {"settings": NAO.Settings(proposals=1)},
    "batches-of-25": {"settings": NAO.Settings(proposals=25)},
}


def make(variant: str, noisy: bool, space: SearchSpace, seed: int) -> NAO:
    return NAO(space, **{"encoder": DEFAULT, **VARIANTS[variant]}, seed=seed, noisy=noisy)


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    add_comparison(parser, budget=80, digits=3)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    given = parser.parse_args()

    labels = ["default", *(label for label in given.variants.split(",") if label != "default")]
    where = evaluator(given)
    factories = {label: functools.partial(make, label, where.noisy) for label in labels}
    found = play(factories, where, given)
    print(markdown(found, [min(50, given.budget), given.budget], given.digits))


if __name__ == "__main__":
    main()
