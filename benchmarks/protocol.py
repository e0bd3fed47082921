r"""How well does a predictor rank a whole table, as papers on predictors measure it on NAS-Bench-201?

    python benchmarks/protocol.py --space nasbench201 --table FILE --signal c10_val_200 \
        [--labels 156,469,781] [--repeats 8] [--predictors default,process,gp,graf-forest]

The labels are those of N random rows of the table, by default 1, 3 and 5 % of NAS-Bench-201, and the target
is the validation accuracy. Kendall's tau is over all rows, those N among them. A predictor is shown no other
label.

Rows that mean the same were each trained on their own. Encoders expect architectures that differ, so labels
of rows that mean the same are averaged, and one string is asked for in place of all of them, the first. The
last row of what is printed is about the most that can then be reached: it predicts the mean score of all
rows that mean the same. Means, and paired differences from the first predictor, have 95 % bootstrap
intervals over the repeats.

A predictor is an encoder by its name (`default`, `process`, `published`), or one of

- `gp`: the Gaussian process of the strategy `gp`, on one-hot strings and path features.
- `graf-forest`: a random forest on neural graph features (`nao.graph_features`), after Kadlecova et al. 2024.

Axis letters: B rows, C classes of rows that mean the same, N labels, T tokens, F features.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from shared import markdown_of_taus
from sklearn.ensemble import RandomForestRegressor

from nao.core import Architecture, Request
from nao.encoders.presets import PRESETS
from nao.evaluators.tables import Table, table
from nao.graph_features import graph_features
from nao.metrics import kendall_tau
from nao.strategies.gaussian_process import inputs
from nao.surrogates.gaussian_process import GaussianProcess, Inputs
from nao.surrogates.score_transform import rank_normal

OTHERS = ("gp", "graf-forest")
TREES = 200

Predictor = Callable[[Int[np.ndarray, " N"], Float[np.ndarray, " N"], int], Float[np.ndarray, " C"]]
"""Fits itself to N classes and their scores, with a seed, and predicts all classes."""


class Rows:
    """All rows of a table.

    Attributes:
      space: whose strings they are.
      scores: `[B]` of each row.
      classes: `[B]` the class of each row.
      strings: `[C, T]` the first string of each class.
    """

    def __init__(self, known: Table):
        self.space = known.space
        tokens = known.space.grammar.every_string()
        architectures = [Architecture(tuple(x), known.space) for x in tokens.tolist()]
        answers = known.evaluate([Request(x) for x in architectures])
        self.scores = np.array([result.score for result in answers], np.float64)
        keys = [known.space.canonical(x) for x in architectures]
        _, first, self.classes = np.unique(keys, return_index=True, return_inverse=True)
        self.strings = tokens[first]


def class_means(
    values: Float[np.ndarray, " N"], classes: Int[np.ndarray, " N"]
) -> tuple[Int[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """The classes that some rows belong to, in increasing order, and the mean value of those rows in each."""
    different, place, count = np.unique(classes, return_inverse=True, return_counts=True)
    return different, np.bincount(place, values) / count


def made(name: str, rows: Rows) -> Predictor:
    """The predictor of that name."""
    if name in PRESETS:
        return preset(name, rows)
    if name == "gp":
        return process(inputs(rows.space, rows.strings))
    if name == "graf-forest":
        return forest(graph_features(rows.space, rows.strings))
    raise SystemExit(f"there is no predictor {name!r}; there are {', '.join([*PRESETS, *OTHERS])}")


def preset(name: str, rows: Rows) -> Predictor:
    def predict(seen: np.ndarray, scores: np.ndarray, seed: int) -> np.ndarray:
        return PRESETS[name].fit(rows.space, rows.strings[seen], scores, seed=seed).predict(rows.strings)

    return predict


def process(parts: Inputs) -> Predictor:
    def predict(seen: np.ndarray, scores: np.ndarray, seed: int) -> np.ndarray:
        fitted = GaussianProcess.fit([part[seen] for part in parts], rank_normal(scores))
        return fitted.posterior(parts).mean

    return predict


def forest(features: Float[np.ndarray, "C F"]) -> Predictor:
    def predict(seen: np.ndarray, scores: np.ndarray, seed: int) -> np.ndarray:
        trees = RandomForestRegressor(n_estimators=TREES, random_state=seed).fit(features[seen], scores)
        return np.asarray(trees.predict(features))

    return predict


def measure(predict: Predictor, rows: Rows, labels: int, seed: int) -> float:
    """Kendall's tau over all rows, after a fit to N of them, which are the same for every predictor."""
    chosen = np.random.default_rng([seed, labels]).permutation(len(rows.scores))[:labels]
    predicted = predict(*class_means(rows.scores[chosen], rows.classes[chosen]), seed)
    return kendall_tau(predicted[rows.classes], rows.scores)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("space", "signal"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--labels", default="156,469,781")
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--predictors", default="default,process,gp,graf-forest")
    given = parser.parse_args()

    rows = Rows(table(given.space, given.table, given.signal, given.signal))
    labels = [int(n) for n in given.labels.split(",")]
    predictors = {name: made(name, rows) for name in given.predictors.split(",")}
    taus = np.array(
        [
            [[measure(predict, rows, n, seed) for n in labels] for predict in predictors.values()]
            for seed in range(given.repeats)
        ]
    )  # [repeats, predictors, labels]
    print(f"\nKendall's tau over all {len(rows.scores)} rows, {given.repeats} repeats\n")
    print(markdown_of_taus(taus, list(predictors), labels))
    most = kendall_tau(class_means(rows.scores, rows.classes)[1][rows.classes], rows.scores)
    print("| the mean of rows that mean the same |" + f" {most:.3f} | |" * len(labels))


if __name__ == "__main__":
    main()
