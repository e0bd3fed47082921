r"""How much does a Gaussian process lose that sees thousands of scores by way of some of them?

    OMP_NUM_THREADS=1 python benchmarks/inducing.py --space nasbench201 --table FILE --signal c10_test_200 \
        [--labels 3000 8000] [--noise 0.3] [--repeats 2]

Its inputs are those of the strategy `gp`. Every string of the table counts as one observation, its score as
the normal quantile of its rank plus noise, drawn anew for each. Up to `MOST` labels the exact process is in
the table too; beside it the exact process of 2,000 observations alone, and the one by way of inducing points.
Which observations: spread evenly over the ranks, or the best half of them and the others spread. The table
has Kendall's tau with the score without noise, over 4,000 strings that were held out / over those of them
that are truly in the top quarter, and the CPU seconds of the fit.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nao.core import Architecture, Request
from nao.evaluators.tables import Table, table
from nao.metrics import kendall_tau
from nao.strategies.gaussian_process import inputs
from nao.surrogates.gaussian_process import GaussianProcess, Inputs, Kernel
from nao.surrogates.inducing_points import INDUCING, MAX_EXACT, best_and_spread, condition
from nao.surrogates.score_transform import rank_normal

HELD_OUT = 4000
MOST = 3000  # labels of an exact process
QUARTER = 4


def spread(targets: np.ndarray, m: int) -> np.ndarray:
    return np.argsort(targets, kind="stable")[np.linspace(0, len(targets) - 1, m).astype(int)]


def taken(inputs: Inputs, rows: np.ndarray) -> Inputs:
    return [part[rows] for part in inputs]


Mean = Callable[[Inputs], np.ndarray]
Fit = Callable[[Inputs, np.ndarray, Kernel], Mean]


def exact(X: Inputs, y: np.ndarray, kernel: Kernel) -> Mean:
    alpha = np.linalg.solve(GaussianProcess(X, y, kernel).covariance, y)
    return lambda new: alpha @ kernel(X, new)


def subset(pick: Callable[[np.ndarray, int], np.ndarray], m: int) -> Fit:
    return lambda X, y, kernel: exact(taken(X, pick(y, m)), y[pick(y, m)], kernel)


def inducing(pick: Callable[[np.ndarray, int], np.ndarray], m: int) -> Fit:
    def fit(X: Inputs, y: np.ndarray, kernel: Kernel) -> Mean:
        process = condition(X, y, kernel, pick(y, m))
        return lambda new: process.posterior(new).mean

    return fit


FITS = {
    "exact": exact,
    f"{MAX_EXACT} alone, spread": subset(spread, MAX_EXACT),
    f"{MAX_EXACT} alone, best and spread": subset(best_and_spread, MAX_EXACT),
    f"{INDUCING} inducing points, spread": inducing(spread, INDUCING),
    f"{INDUCING} inducing points, best and spread": inducing(best_and_spread, INDUCING),
    f"{MAX_EXACT} inducing points, best and spread": inducing(best_and_spread, MAX_EXACT),
}


def measure(known: Table, labels: int, noise: float, seed: int) -> np.ndarray:
    """Tau, tau in the top quarter and CPU seconds of each fit; nan where there is none."""
    tokens = known.space.grammar.every_string()
    requests = [Request(Architecture(tuple(x), known.space)) for x in tokens.tolist()]
    truth = rank_normal(np.array([result.score for result in known.evaluate(requests)]))
    rng = np.random.default_rng([seed, labels])
    seen, held_out = np.split(rng.permutation(len(truth))[: labels + HELD_OUT], [labels])
    held_out = held_out[:HELD_OUT]
    X, new = (inputs(known.space, tokens[rows]) for rows in (seen, held_out))
    y, true = rank_normal(truth[seen] + noise * rng.normal(size=labels)), truth[held_out]
    top = true >= np.quantile(true, 1 - 1 / QUARTER)
    kernel = GaussianProcess.fit(X, y).kernel
    found = np.full((len(FITS), 3), np.nan)
    for i, (name, fit) in enumerate(FITS.items()):
        if name == "exact" and labels > MOST:
            continue
        began = time.process_time()
        mean = fit(X, y, kernel)
        seconds = time.process_time() - began
        predicted = mean(new)
        found[i] = kendall_tau(predicted, true), kendall_tau(predicted[top], true[top]), seconds
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("space", "signal"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--labels", type=int, nargs="+", default=[3000, 8000])
    parser.add_argument("--noise", type=float, default=0.3, help="its deviation; that of scores is 1")
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    known = table(given.space, given.table, given.signal, given.signal)
    found = np.array(
        [[measure(known, n, given.noise, seed) for seed in range(given.repeats)] for n in given.labels]
    ).mean(axis=1)  # [labels, fits, 3]
    print(f"| observations |{''.join(f' {n:,} labels |' for n in given.labels)}")
    print("|---" * (1 + len(given.labels)) + "|")
    for i, name in enumerate(FITS):
        cells = [f"{a:.3f} / {b:.3f} / {s:.1f} s" if a == a else "" for a, b, s in found[:, i]]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
