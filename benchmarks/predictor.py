r"""How well does the predictor rank the architectures of a table that it was not fitted to?

    python benchmarks/predictor.py --space nasbench201 --table FILE --signal c10_test_200 \
        [--labels 78,156,469] [--repeats 20]

For each number of random labels: Kendall's tau between f(E(x)) and the score over all remaining
architectures, and over those of them that are truly in the top quarter; means and paired differences with
95 % bootstrap intervals over the repeats. The rivals see the same labels: the Gaussian process of the
strategy `gp`, on what a string says and means; and `default` with its inputs left out, with other
targets, and with E as it is before anything is learnt.

The published predictor of NAO has .467 / .493 / .470 at 78 / 156 / 469 labels of NAS-Bench-201, on a single
training of each architecture, a noisier target (White et al. 2021, as listed by the authors of TNASP).
"""

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
from shared import markdown_of_taus

from nao.core import Architecture, Json, Request, SearchSpace
from nao.encoders.presets import DEFAULT
from nao.evaluators.tables import Table, table
from nao.metrics import kendall_tau
from nao.strategies.archive import every_architecture
from nao.strategies.gaussian_process import inputs
from nao.surrogates.gaussian_process import GaussianProcess
from nao.surrogates.score_transform import rank_normal

QUARTER = 4
Ranker = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def encoder(space: SearchSpace, part: str = "predictor", **choices: Json) -> Ranker:
    """`default` with other choices in one of its parts."""
    chosen = dataclasses.replace(DEFAULT, **{part: dataclasses.replace(getattr(DEFAULT, part), **choices)})

    def rank(tokens: np.ndarray, scores: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        return chosen.fit(space, tokens, scores, seed=seed).predict(others)

    return rank


def process(space: SearchSpace) -> Ranker:
    def rank(tokens: np.ndarray, scores: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        fitted = GaussianProcess.fit(inputs(space, tokens), rank_normal(scores))
        return fitted.posterior(inputs(space, others)).mean

    return rank


def scored(known: Table) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of all architectures that are different, and their scores."""
    tokens = every_architecture(known.space)
    requests = [Request(Architecture(tuple(x), known.space)) for x in tokens.tolist()]
    return tokens, np.array([result.score for result in known.evaluate(requests)])


def measure(rank: Ranker, tokens: np.ndarray, scores: np.ndarray, labels: int, seed: int) -> list[float]:
    order = np.random.default_rng([seed, labels]).permutation(len(scores))
    seen, rest = order[:labels], order[labels:]
    predicted = rank(tokens[seen], scores[seen], tokens[rest], seed)
    top = scores[rest] >= np.quantile(scores[rest], 1 - 1 / QUARTER)
    return [kendall_tau(predicted, scores[rest]), kendall_tau(predicted[top], scores[rest][top])]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("space", "signal"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--labels", default="78,156,469")
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()

    known = table(given.space, given.table, given.signal, given.signal)
    tokens, scores = scored(known)
    labels = [int(n) for n in given.labels.split(",")]
    # What E and D are fitted to decides the order: two of them are kept at a time.
    rankers = {
        "default": encoder(known.space),
        "no hidden states": encoder(known.space, inputs=("mean", "features")),
        "no mean embedding": encoder(known.space, inputs=("states", "features")),
        "no embedding": encoder(known.space, inputs=("features",)),
        "no features": encoder(known.space, inputs=("mean", "states")),
        "min-max targets": encoder(known.space, targets="min-max"),
        "E as it begins": encoder(known.space, "training", min_updates=0),
        "gp (one-hot, features)": process(known.space),
    }
    taus = np.array(
        [
            [[measure(rank, tokens, scores, n, seed) for n in labels] for rank in rankers.values()]
            for seed in range(given.repeats)
        ]
    )  # [repeats, rankers, labels, 2]
    for k, scope in enumerate(("the others", "the top quarter of the others")):
        print(f"\nKendall's tau over {scope}, of {len(scores)} different architectures\n")
        print(markdown_of_taus(taus[..., k], list(rankers), labels))


if __name__ == "__main__":
    main()
