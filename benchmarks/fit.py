"""What does a fit of E, f and D cost, and how good is it?

    python benchmarks/fit.py [--published-epochs 50] [--space cnn-cell-small] [--csv FILE]

The target is synthetic unless `--csv` names a file with the columns `tokens` (separated by spaces) and
`score`: each block adds a number for each of its branches and one for the pair of its operations, whichever
branch is written first; Gaussian noise of 0.3 standard deviations is added to the 600 scores that are
fitted. The last column is measured against noiseless scores of other strings (with `--csv`, on the rows
after the first 600).

The machine's limit. One update of `published` on 100 strings of 40 tokens multiplies, in GFLOP: recurrence
of E 0.15, of D 0.29; attention's queries 0.07, products with h_t 0.03, joined layer 0.15, input tables,
output and f 0.08. That is 0.77 forward and three times as much with the gradient, 2.3 GFLOP. A core that
multiplies [100, 96] by [96, 384] at 195 GFLOP/s (measured with XLA on one core of an EPYC with AVX-512)
cannot do it in less than 0.012 CPU-seconds. The released PyTorch program takes 0.135, the same networks as
a plain scan in JAX 0.060 to 0.071.
"""

import argparse
import csv
import dataclasses
import time

import numpy as np

from nao.core import SearchSpace
from nao.encoders import NeuralEncoder
from nao.encoders.presets import DEFAULT, PUBLISHED
from nao.metrics import kendall_tau
from nao.spaces import CellSpace, space

FITTED = 600


def scores_of(cells: CellSpace, tokens: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    branches = cells.branches(tokens)  # [N, cells, blocks, 2, (input, operation)]
    _, c, b, _, _ = branches.shape
    inputs, choices = cells.blocks + 2, len(cells.operations)
    alone = rng.normal(size=(c, b, inputs, choices)) + rng.normal(size=choices)
    pair = rng.normal(size=(c, b, choices, choices))
    i, j = np.arange(c)[None, :, None], np.arange(b)[None, None, :]
    (input1, op1), (input2, op2) = (np.moveaxis(branches[..., n, :], -1, 0) for n in (0, 1))
    total = alone[i, j, input1, op1] + alone[i, j, input2, op2] + pair[i, j, op1, op2] + pair[i, j, op2, op1]
    return total.sum(axis=(1, 2))


def synthetic(cells: CellSpace, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    tokens = np.unique(cells.grammar.sample(rng, 3 * FITTED), axis=0)
    tokens = rng.permutation(tokens)
    scores = scores_of(cells, tokens, seed)
    scores = (scores - scores.mean()) / scores.std()
    return tokens, scores + 0.3 * rng.normal(size=len(scores)), scores


def read(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    tokens = np.array([[int(token) for token in row["tokens"].split()] for row in rows], np.int32)
    scores = np.array([float(row["score"]) for row in rows])
    return tokens, scores, scores


def measure(
    encoder: NeuralEncoder,
    where: SearchSpace,
    tokens: np.ndarray,
    noisy: np.ndarray,
    true: np.ndarray,
) -> str:
    training = encoder.training
    updates = training.ensemble_size * training.updates(int(FITTED * (1 - training.held_out)))
    spent = []
    for seed in (0, 1):  # the first fit also compiles
        cpu, wall = time.process_time(), time.perf_counter()
        fitted = encoder.fit(where, tokens[:FITTED], noisy[:FITTED], seed=seed)
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    (first, _), (cpu, wall) = spent
    quality = fitted.quality
    tau = kendall_tau(fitted.predict(tokens[FITTED:]), true[FITTED:])
    return (
        f"{encoder.name:10} {updates:8d} {cpu / updates:14.4f} {cpu:8.1f} {wall:7.1f} "
        f"{first - cpu:9.1f} {quality.hamming:8.3f} {quality.kendall_tau:6.3f} "
        f"{quality.pairwise_accuracy:9.3f} {tau:9.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--published-epochs", type=int, default=50, help="passes; the paper makes 1000")
    parser.add_argument("--csv", help="tokens,score rows instead of the synthetic target")
    given = parser.parse_args()
    where = space(given.space)
    data = read(given.csv) if given.csv else synthetic(where, seed=0)
    print(
        f"{'':10} {'updates':>8} {'CPU s / update':>14} {'CPU s':>8} {'wall s':>7} {'compile s':>9} "
        f"{'Hamming':>8} {'tau':>6} {'pairwise':>9} {'test tau':>9}"
    )
    training = dataclasses.replace(PUBLISHED.training, epochs=given.published_epochs)
    f = DEFAULT.predictor
    members = dataclasses.replace(DEFAULT, name="members", predictor=f.mlp, training=f.joint)
    for encoder in (members, dataclasses.replace(PUBLISHED, training=training)):
        print(measure(encoder, where, *data), flush=True)


if __name__ == "__main__":
    main()
