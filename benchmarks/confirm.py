"""Is the score of an answer what it has when it is trained anew, with a confirmation and without?

    python benchmarks/confirm.py --out DIR [--seeds 20] [--iterations 3] [--initial 400] [--new 100]
    python benchmarks/confirm.py --table FILE --space nasbench201 --signal c10_val_200 --strategy random [...]

Searches `--seeds` times, and trains what is found `--fresh` times more with seeds that no search has used.
The bias is the reported score minus the mean of those. The rows:

    highest score      the answer without a confirmation
    highest new mean   the best of the candidates, by the mean that chose it
    confirmed          the same, by the mean of further trainings: the answer, as it is reported

With `--out`, whoever is stopped goes on. On a table nothing is trained: its scores, scaled to the standard
deviation `--spread`, get normal noise of the standard deviation `--noise`, and the truth is what has none.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from shared import add_evaluator, evaluator, interval

import nao
from nao.compare.tables import estimates
from nao.core import Architecture, Cost, Evaluator, Request, Result, Trial
from nao.evaluators.tables import Table
from nao.search import count_each, search
from nao.study import History

UNUSED = 1_000_000  # number of the first repeat that no search asks for
ROWS = ("highest score", "highest new mean", "confirmed")


class NoisyTable:
    """A table whose answers have the noise of a training."""

    noisy = True

    def __init__(self, known: Table, spread: float, noise: float):
        self.known, self.space, self.noise = known, known.space, noise
        scores = np.array([row.score for row in known.rows.values()])
        self.mean, self.scale = scores.mean(), spread / scores.std()

    def truth(self, results: Iterator[Result]) -> Iterator[tuple[Request, float]]:
        """Scores without noise."""
        return ((result.request, (result.score - self.mean) * self.scale) for result in results)

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        for request, score in self.truth(self.known.evaluate(requests)):
            yield Result(request, score + np.random.default_rng(request.seed).normal(scale=self.noise))

    def prepare(self) -> Iterator[str]:
        return iter(())

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        return self.known.cost(architectures)

    def configuration(self) -> Mapping[str, object]:
        return {**self.known.configuration(), "noise": self.noise, "scale": self.scale}


def fresh(where: Evaluator, trial: Trial, n: int) -> float:
    """What a trial's architecture scores when it is trained anew."""
    if isinstance(where, NoisyTable):
        return next(score for _, score in where.truth(where.known.evaluate([trial.request()])))
    requests = [trial.request(repeat=UNUSED + i) for i in range(n)]
    return float(np.mean([r.score for r in where.evaluate(requests) if r.score is not None]))


def reported(found: History) -> list[tuple[float, Trial]]:
    """What each row reports of a search, and of which trial."""
    (over,) = found.confirmations
    highest = max((t for t in found.trials if t.score is not None), key=lambda trial: trial.score)
    candidates = [found.trials[i] for i in over.candidates]
    means = [(mean.score, trial) for trial in candidates if (mean := over.choice(trial))]
    return [
        (highest.score, highest),
        max(means, key=lambda pair: pair[0]),
        (found.confirmed.score, found.best),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    parser.add_argument("--strategy", default="nao")
    parser.add_argument("--seeds", type=int, default=20, help="how many searches, the first with seed 0")
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--initial", type=int, default=400)
    parser.add_argument("--new", type=int, default=100)
    parser.add_argument("--confirm", default="5x3")
    parser.add_argument("--fresh", type=int, default=10)
    parser.add_argument("--spread", type=float, default=0.2)
    parser.add_argument("--noise", type=float, default=0.055)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    where = evaluator(given)
    if isinstance(where, Table):
        where = NoisyTable(where, given.spread, given.noise)
    sizes = {"initial": given.initial, "proposals": given.new} if given.strategy == "nao" else {}
    runs = []
    for seed in range(given.seeds):
        strategy = nao.strategy(given.strategy, where.space, seed=seed, noisy=where.noisy, **sizes)
        counts = count_each(given.iterations, given.initial, given.new)
        out = given.out and given.out / str(seed)
        found = reported(search(strategy, where, counts, confirm=given.confirm, out=out))
        runs.append([(score, fresh(where, trial, given.fresh)) for score, trial in found])
        print(seed, *(f"{score:.4f} {anew:.4f}" for score, anew in runs[-1]), flush=True)
    if given.seeds == 1:
        return  # one search has no interval
    said, anew = np.moveaxis(np.array(runs), 2, 0)
    print(f"\n| {given.seeds} searches | reported | trained anew | bias |\n|---|---|---|---|")
    for i, row in enumerate(ROWS):
        cells = [interval(estimates(x[:, i : i + 1]), 0, 4) for x in (said, anew)]
        print(f"| {' | '.join([row, *cells, interval(estimates((said - anew)[:, i : i + 1]), 0, 4, '+')])} |")


if __name__ == "__main__":
    main()
