r"""How well does the predictor rank the architectures of a table that it was not fitted to?

    python benchmarks/predictor.py --space nasbench201 --table FILE --signal c10_test_200 \
        [--labels 78,156,469] [--repeats 20]
    python benchmarks/predictor.py --data digits --cells 1500 [--labels 100,400,700]

The second form trains random cells, once each, and takes these for the table. For each number of random
labels: Kendall's tau between f(E(x)) and the score over all remaining architectures, and over those of them
that are truly in the top quarter; means and paired differences with 95 % bootstrap intervals over the
repeats. The rivals see the same labels: `process`; the Gaussian process of the strategy `gp`, on what a
string says and means; and `default` with one of its inputs left out, as smooth as `process`, with other
targets, and with E as it is before anything is learnt.

The published predictor of NAO has .467 / .493 / .470 at 78 / 156 / 469 labels of NAS-Bench-201, on a single
training of each architecture, a noisier target (White et al. 2021, as listed by the authors of TNASP).
"""

import argparse
from collections.abc import Callable

import numpy as np
from shared import add_evaluator, evaluator, markdown_of_taus
from variants import ALONE, changed, frozen_encoders, without

from nao.core import Architecture, Evaluator, Request, SearchSpace
from nao.encoders import NeuralEncoder
from nao.encoders.presets import DEFAULT, PROCESS
from nao.metrics import kendall_tau
from nao.strategies.archive import Archive, every_architecture
from nao.strategies.gaussian_process import inputs
from nao.surrogates.gaussian_process import GaussianProcess
from nao.surrogates.score_transform import rank_normal

QUARTER = 4
Ranker = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def encoder(space: SearchSpace, chosen: NeuralEncoder) -> Ranker:
    def rank(tokens: np.ndarray, scores: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        return chosen.fit(space, tokens, scores, seed=seed).predict(others)

    return rank


def as_it_begins(ranker: Ranker) -> Ranker:
    """The ranker while no fit changes the weights of E: neither strings nor scores teach it anything."""

    def rank(tokens: np.ndarray, scores: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        with frozen_encoders():
            return ranker(tokens, scores, others, seed)

    return rank


def process(space: SearchSpace) -> Ranker:
    def rank(tokens: np.ndarray, scores: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        fitted = GaussianProcess.fit(inputs(space, tokens), rank_normal(scores))
        return fitted.posterior(inputs(space, others)).mean

    return rank


def scored(where: Evaluator, cells: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of architectures that are different and do not fail, and their scores.

    Args:
      where: a table, of which all are taken; or trains them.
      cells: how many random ones are trained.
    """
    if cells is None:
        tokens = every_architecture(where.space)
    else:
        drawn = Archive(where.space).draw(np.random.default_rng(0), cells)
        tokens = np.array([x.tokens for x in drawn])
    requests = [Request(Architecture(tuple(x), where.space)) for x in tokens.tolist()]
    for _ in where.prepare() or ():
        pass
    scores = {result.request: result.score for result in where.evaluate(requests)}
    known = np.array([scores[request] is not None for request in requests])
    return tokens[known], np.array([scores[request] for request in requests])[known].astype(float)


def measure(rank: Ranker, tokens: np.ndarray, scores: np.ndarray, labels: int, seed: int) -> list[float]:
    order = np.random.default_rng([seed, labels]).permutation(len(scores))
    seen, rest = order[:labels], order[labels:]
    predicted = rank(tokens[seen], scores[seen], tokens[rest], seed)
    top = scores[rest] >= np.quantile(scores[rest], 1 - 1 / QUARTER)
    return [kendall_tau(predicted, scores[rest]), kendall_tau(predicted[top], scores[rest][top])]


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    parser.add_argument("--cells", type=int, default=1500, help="trained ones, without a table")
    parser.add_argument("--labels", default="78,156,469")
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()

    where = evaluator(given)
    tokens, scores = scored(where, given.cells if given.table is None else None)
    labels = [int(n) for n in given.labels.split(",")]
    # What E and D are fitted to decides the order: two of them are kept at a time.
    encoders = {
        "default": DEFAULT,
        "process": PROCESS,
        "no members": ALONE,
        "members without symmetric strings": changed("predictor.joint", num_augmentations=1),
        "members that read no features": changed("predictor.mlp", features=False),
        "no hidden states": without("states"),
        "no mean embedding": without("mean"),
        "no features of the space": without("features"),
        "no features of the graph": without("graph"),
        "no embedding": without("mean", "states"),
        "as smooth as process": changed("predictor.process", correlation="rbf"),
        "min-max targets": changed("predictor.process", targets="min-max"),
    }
    rankers = {name: encoder(where.space, chosen) for name, chosen in encoders.items()}
    rankers["E as it begins"] = as_it_begins(encoder(where.space, DEFAULT))
    rankers["gp (one-hot, features)"] = process(where.space)
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
