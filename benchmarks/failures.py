r"""Do failures inform the search? A table in which cells fail by a rule on their tokens.

    python benchmarks/failures.py --space nasbench201 --table FILE --signal c10_test_200 \
        [--strategies nao,gp,progressive,evolution,random] [--budget 200] [--repeats 10]

Each repeat has a seed and a rule of its own: whatever has one of some tokens at one position and one of some
tokens at another fails. A rule is three such pairs, drawn until they fail `--share` of the strings and none
that has the best score. Every strategy is played three times under the same seed:

- as it is;
- deaf: failures are never proposed again, and nothing else is learnt from them;
- free: on the table without the rule, where nothing fails.

For each strategy a row of Markdown, with means and intervals that are bootstrapped over the repeats: the
share of failures in the last third of the labels, deaf and as it is; the successes until the optimum was
found (all there were, where it was not), as it is and free, and their difference, paired; and in the same way
the best score after as many successes as the run had in which some failed. The last column is CPU-seconds of
the strategy, as it is, in a run.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from shared import add_evaluator, evaluator, interval

from nao.cli import strategy_factories
from nao.compare.run import Query, run
from nao.compare.tables import estimates
from nao.core import Architecture, Evaluator, Request, Result, SearchSpace, Strategy
from nao.strategies.outcomes import Outcomes

PAIRS = 3
WITHIN = 0.03  # of the share

Fails = Callable[[np.ndarray], np.ndarray]
"""From strings `[B, T]` to which of them fail, `[B]`."""


class Failing:
    """An evaluator in which some architectures fail."""

    def __init__(self, where: Evaluator, fails: Fails):
        self.where, self.fails, self.space = where, fails, where.space

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        for result in self.where.evaluate(requests):
            failed = self.fails(np.array([result.architecture.tokens]))[0]
            yield Result(result.request, status="failed", reason="the rule") if failed else result

    def __getattr__(self, name: str) -> object:
        return getattr(self.where, name)


class Deaf(Outcomes):
    """Learns nothing from failures."""

    feasible = None


def rule(space: SearchSpace, strings: np.ndarray, best: np.ndarray, share: float, seed: int) -> Fails:
    """Pairs of positions and of sets of tokens that fail that share of the strings, and not the best."""
    rng = np.random.default_rng([seed, 40])
    tokens = [np.flatnonzero(legal) for legal in space.grammar.legal.any(axis=1)]
    while True:
        pairs = []
        for _ in range(PAIRS):
            i, j = rng.choice(space.length, 2, replace=False)
            some = [rng.choice(tokens[t], rng.integers(1, len(tokens[t])), replace=False) for t in (i, j)]
            pairs.append((i, some[0], j, some[1]))

        def fails(x: np.ndarray, pairs: list = pairs) -> np.ndarray:
            return np.any([np.isin(x[:, i], a) & np.isin(x[:, j], b) for i, a, j, b in pairs], axis=0)

        if abs(fails(strings).mean() - share) < WITHIN and not fails(best).any():
            return fails


class Played(NamedTuple):
    """One run: the share of failures in its last third, the best score after each success, and its time."""

    failed: float
    best: np.ndarray
    cpu_seconds: float


def play(strategy: Strategy, where: Evaluator, budget: int) -> Played:
    queries: list[Query] = list(run(strategy, where, budget=budget))
    signals = [query.signal for query in queries]
    late = signals[-(len(signals) // 3) :]
    best = np.maximum.accumulate([signal for signal in signals if signal is not None])
    return Played(np.mean([signal is None for signal in late]), best, queries[-1].cpu_seconds)


def needed(best: np.ndarray, optimum: float, most: int) -> int:
    """Successes until the optimum is found; all there are, at most, where it is not."""
    return min(int(np.argmax(best >= optimum)) + 1 if best[-1] >= optimum else len(best), most)


def row(label: str, make: Callable, where: Evaluator, rules: list[Fails], given: argparse.Namespace) -> str:
    """Plays a strategy under each rule."""
    found = []
    for seed, fails in enumerate(rules):
        runs = [play(make(where.space, seed), Failing(where, fails), given.budget)]
        deaf = make(where.space, seed)
        deaf._outcomes = Deaf(where.space)
        runs += [
            play(deaf, Failing(where, fails), given.budget),
            play(make(where.space, seed), where, given.budget),
        ]
        found.append(runs)
    numbers = []
    for told, deaf, free in found:
        m = len(told.best)
        successes, theirs = needed(told.best, where.optimum, m), needed(free.best, where.optimum, m)
        late = [told.best[-1], free.best[m - 1], told.best[-1] - free.best[m - 1]]
        numbers.append([100 * deaf.failed, 100 * told.failed, successes, theirs, successes - theirs, *late])
    estimated = estimates(np.array(numbers))
    cells = [interval(estimated, i, 1, "+" if i == 4 else "") for i in range(5)]
    cells += [interval(estimated, i, given.digits, "+" if i == 7 else "") for i in range(5, 8)]
    seconds = np.mean([told.cpu_seconds for told, _, _ in found])
    return f"| {label} | {' | '.join(cells)} | {seconds:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    add_evaluator(parser)
    parser.add_argument("--strategies", default="nao,gp,progressive,evolution,random")
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.4)
    parser.add_argument("--digits", type=int, default=2, help="of the scores that are printed")
    given = parser.parse_args()

    where = evaluator(given)
    space, strings = where.space, where.space.grammar.every_string()
    scores = [
        r.score for r in where.evaluate([Request(Architecture(tuple(x), space)) for x in strings.tolist()])
    ]
    best = strings[np.array(scores) >= where.optimum]
    rules = [rule(space, strings, best, given.share, seed) for seed in range(given.repeats)]
    head = ["strategy", "failed, deaf %", "failed %", "successes to the optimum", "free", "minus free"]
    head += ["best", "free", "minus free", "CPU s"]
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|", flush=True)
    for label, make in strategy_factories(given.strategies, given.param, given.budget, cache=True).items():
        print(row(label, make, where, rules, given), flush=True)


if __name__ == "__main__":
    main()
