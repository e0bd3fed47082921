r"""What does a search under a limit need, next to the same search that does not know of the limit?

    python benchmarks/limits.py --table nasbench201.csv.gz --signal c10_test_200 --cost flops_m \
        [--strategies nao,gp,local-search,evolution] [--repeats 10] [--budget 100]

On NAS-Bench-201 the cost is limited to its median over all strings. Four searches look for the best
architecture under the limit, from the same seeds:

- `limited`: the strategy has the limit (`nao.limits`).
- `dropped`: the same, but the ascent of `nao` is not held back: what it decodes above the limit is dropped.
- `filtered`: it has not, and whatever it proposes above the limit is answered with a failure that is not
  counted. It knows as little of what is above as `limited`, and may waste any number of proposals on it.
- `free`: it has not, and is told the scores above the limit too, which are not counted either.

The table has the mean number of labels under the limit until the best of them was found, the share of the
runs that found it, how many proposals were above the limit in a run, and the ratio of the means. A run ends
without it after `budget` labels under the limit, or after three times as many proposals above it, and then
counts with the labels that it had: its mean is a lower bound.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import nao
from nao.ascent import AscentConfig
from nao.compare.tables import estimates
from nao.core import Model, Request, Result, Strategy
from nao.evaluators.devices import set_up_devices
from nao.evaluators.tables import Table, table
from nao.improve import Improved, improve
from nao.limits import Limits
from nao.strategies import NAO

ASKED = 3  # proposals above the limit, for each label that counts, after which a run has not found the best
SEARCHES = {
    "limited": (True, False),
    "dropped": (True, False),
    "filtered": (False, False),
    "free": (False, True),
}
"""Whether the strategy has the limit, and whether it is told what does not count."""


def not_held_back(
    model: Model, X_seed: np.ndarray, ascent: AscentConfig, seed: Sequence[int], penalties: tuple
) -> Iterator[Improved]:
    """`improve` without penalties."""
    return improve(model, X_seed, ascent, seed)


def play(
    strategy: Strategy, known: Table, limits: Limits, best: float, budget: int, told: bool
) -> list[float]:
    """Plays until the best score under the limit is found, or the budget is spent.

    Args:
      strategy: a new one.
      known: the scores.
      limits: which of the labels count.
      best: the score that is looked for.
      budget: how many labels count at most.
      told: whether the strategy is told the scores that do not count.

    Returns:
      how many labels counted, 1 if the best was found, how many proposals were above the limit.
    """
    counted = above = 0
    while counted < budget and above < ASKED * budget:
        proposals = strategy.ask(min(strategy.batch, budget - counted))
        if not proposals:
            break
        results = list(known.evaluate([Request(proposal.architecture) for proposal in proposals]))
        for i, result in enumerate(results):
            if result.architecture in limits:
                counted += 1
                if result.score >= best:
                    return [counted, 1, above]
            else:
                above += 1
                if not told:
                    results[i] = Result(result.request, status="failed", reason="above the limit")
        strategy.tell(results)
    return [counted, 0, above]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--signal", default="c10_test_200")
    parser.add_argument("--cost", default="flops_m")
    parser.add_argument("--strategies", default="nao,gp,local-search,evolution")
    parser.add_argument("--searches", default=",".join(SEARCHES))
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--budget", type=int, default=80)
    given = parser.parse_args()

    set_up_devices(1)
    known = table("nasbench201", given.table, given.signal, given.signal, [given.cost])
    median = float(np.median([row.costs[given.cost] for row in known.rows.values()]))
    limits = Limits.of({given.cost: median}, known)
    best = known.optimum_within(limits.bounds)
    print(f"{given.cost} at most {median:g}: best {best:g}, without a limit {known.optimum:g}\n", flush=True)
    print("| strategy | search | labels to the best | found | proposals above | `limited` / it |")
    print("|---|---|---|---|---|---|", flush=True)
    searches = given.searches.split(",")
    for name in given.strategies.split(","):

        def run(search: str, seed: int, name: str = name) -> list[float]:
            bound, told = SEARCHES[search]
            strategy = nao.strategy(name, known.space, seed=seed, limits=limits if bound else None)
            if search == "dropped" and isinstance(strategy, NAO):
                strategy.improve = not_held_back
            return play(strategy, known, limits, best, given.budget, told)

        # Repeat by repeat: what is learned without scores is learned once for a seed.
        runs = [[run(search, r) for search in searches] for r in range(given.repeats)]
        found = np.array(runs, float)  # [R, searches, 3]
        mean = found.mean(axis=0)
        for i, search in enumerate(searches):
            (labels,), (low,), (high,) = estimates(found[:, i, :1])
            ratio = f"{mean[0, 0] / mean[i, 0]:.2f}" if i else ""
            print(
                f"| {name} | {search} | {labels:.1f} [{low:.1f}, {high:.1f}] | {100 * mean[i, 1]:.0f} % |"
                f" {mean[i, 2]:.1f} | {ratio} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
