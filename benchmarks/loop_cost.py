r"""What does a search cost beside asking and evaluating? A strategy that proposes one at a time, in a study.

    python benchmarks/loop_cost.py [--trials 1000 5000 20000] [--space nasbench201]

For each number of trials a search of that length is written into a study on the disk, with random
architectures and an evaluator that answers at once. The table has the CPU milliseconds of a trial that were
spent neither in `ask` nor in `evaluate`, over the whole search and over its last tenth (a cost that grows
with the study shows in the second), how often the study's file was read as a whole, and the CPU seconds to
open the finished study again and tell the strategy all of it.

The machine's limit. A trial is two transactions of SQLite, of its proposal and of its result; with
`synchronous = EXTRA` each waits for the disk three times, which takes wall time but little CPU: two bare
transactions of this size take 0.2 to 0.4 CPU-milliseconds here.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from nao.core import Cost, Request, Result
from nao.events import silent
from nao.loop import play
from nao.search import identity
from nao.spaces import space
from nao.strategies import Random
from nao.study import Study, reading


class Instant:
    """Scores every architecture by its tokens, and measures the CPU time that this takes."""

    def __init__(self, where):
        self.space, self.seconds = where, 0.0

    def prepare(self):
        return iter(())

    def cost(self, architectures):
        return [Cost() for _ in architectures]

    def evaluate(self, requests: list[Request]):
        for request in requests:
            began = time.process_time()
            result = Result(request, float(sum(request.architecture.tokens)))
            self.seconds += time.process_time() - began
            yield result

    def configuration(self):
        return {"score": "sum of tokens"}


class OneByOne(Random):
    """Random search that wants to hear of each architecture before it proposes the next."""

    seconds = 0.0

    @property
    def batch(self) -> int:
        return 1

    def ask(self, n: int):
        began = time.process_time()
        proposals = super().ask(n)
        self.seconds += time.process_time() - began
        return proposals


def measure(where, trials: int, folder: Path) -> tuple[float, float, int, float]:
    """CPU milliseconds of a trial, of the last tenth of them, full reads, and CPU seconds to go on."""
    reads = 0
    load = reading.load

    def counting(*arguments):
        nonlocal reads
        reads += 1
        return load(*arguments)

    reading.load = counting
    spent = []
    for _ in ("new", "going on"):  # the second time everything is there
        strategy, evaluator = OneByOne(where), Instant(where)
        began = time.process_time()
        with Study(folder, where, identity(strategy, evaluator)) as study:
            marks = [
                time.process_time() - strategy.seconds - evaluator.seconds
                for _ in play(strategy, evaluator, study, lambda _, m: m < trials, observer=silent)
            ]
        spent.append((time.process_time() - began, np.diff(marks)))
    reading.load = load
    milliseconds = 1000 * spent[0][1]
    return milliseconds.mean(), milliseconds[-trials // 10 :].mean(), reads // 2, spent[1][0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 5000, 20_000])
    parser.add_argument("--space", default="cnn-cell-small")
    given = parser.parse_args()
    print(
        "| trials | CPU ms a trial | of the last tenth | full reads | CPU s to go on |\n|---|---|---|---|---|"
    )
    for trials in given.trials:
        with tempfile.TemporaryDirectory() as folder:
            mean, last, reads, resumed = measure(space(given.space), trials, Path(folder) / "run")
        print(f"| {trials:,} | {mean:.2f} | {last:.2f} | {reads} | {resumed:.2f} |", flush=True)


if __name__ == "__main__":
    main()
