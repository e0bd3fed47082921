r"""What does a proposal cost when thousands of architectures are scored?

    OMP_NUM_THREADS=1 python benchmarks/ask_cost.py [--scored 1000 3000 10000] [--space cnn-cell-small] \
        [--strategies nao gp progressive ...]

A strategy is told that many random architectures, whose scores follow a rule with noise, and is asked for its
next batch, told that, and asked again. The table has the CPU seconds of the first `ask`, which also pays what
is compiled or learnt once for a search; those of the second; and the peak of the memory of the whole process.
Each case runs in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from nao.core import Architecture, Request, Result, SearchSpace, Strategy
from nao.encoders import encoder
from nao.spaces import space
from nao.strategies import NAO
from nao.strategies.archive import Archive
from nao.strategies.named import STRATEGIES, strategy

NOISE = 0.3  # of a score, as a share of the standard deviation of the rule


class Rule:
    """The score of an architecture: a random weight for each of its features, squashed, and noise."""

    def __init__(self, where: SearchSpace):
        self.space, self.rng = where, np.random.default_rng(0)
        some = where.features(where.grammar.sample(self.rng, 500))
        self.mean, spread = some.mean(axis=0), np.maximum(some.std(axis=0), 1e-9)
        self.weights = self.rng.normal(size=some.shape[1]) / spread / np.sqrt(some.shape[1])

    def results(self, architectures: list[Architecture]) -> list[Result]:
        features = self.space.features(np.array([x.tokens for x in architectures], np.int32))
        scores = np.tanh((features - self.mean) @ self.weights) + NOISE * self.rng.normal(size=len(features))
        return [Result(Request(x), float(s)) for x, s in zip(architectures, scores, strict=True)]


def made(name: str, where: SearchSpace) -> Strategy:
    return NAO(where, encoder("default")) if name == NAO.name else strategy(name, where)


def measure(name: str, where: SearchSpace, scored: int) -> dict[str, float]:
    asked, rule = made(name, where), Rule(where)
    begin = [proposal.architecture for proposal in asked.ask(asked.batch)]  # the initial design
    archive = Archive(where)
    archive.add_new(begin, len(begin))
    asked.tell(rule.results(begin + archive.draw(np.random.default_rng(1), scored - len(begin))))
    seconds = []
    for _ in range(2):
        began = time.process_time()
        proposals = asked.ask(asked.batch)
        seconds.append(time.process_time() - began)
        asked.tell(rule.results([proposal.architecture for proposal in proposals]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # KiB on Linux
    return {"first": seconds[0], "next": seconds[1], "memory": peak}


def in_a_process(name: str, where: str, scored: int) -> str:
    """The cells of one case."""
    case = ["--space", where, "--strategies", name, "--scored", str(scored), "--one"]
    done = subprocess.run([sys.executable, __file__, *case], check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    return f"{found['first']:.1f} / {found['next']:.1f} / {found['memory']:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scored", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--strategies", nargs="+", default=[NAO.name, *STRATEGIES])
    parser.add_argument("--one", action="store_true", help="measure the first case in this process, as JSON")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.strategies[0], space(given.space), given.scored[0])))
        return
    print(f"| strategy |{''.join(f' {scored:,} scored |' for scored in given.scored)}")
    print("|---" * (1 + len(given.scored)) + "|")
    for name in given.strategies:
        cells = [in_a_process(name, given.space, scored) for scored in given.scored]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
