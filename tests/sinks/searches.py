"""Small searches that are watched by a sink that keeps what it gets."""

from nao.search import search
from nao.sinks import SinkObserver
from nao.strategies import Random
from tests.fakes import PairSpace, SumEvaluator


class ListSink:
    """Keeps what it is told, and may fail.

    Args:
      first: the step that it says it wants first.
      fails: the method that raises.
    """

    def __init__(self, first=0, fails=""):
        self.first, self.fails = first, fails
        self.begun, self.logged, self.flushed, self.closed = [], [], 0, 0

    def begin(self, name, key, configuration):
        self.begun.append((name, key, configuration))
        self.fail("begin")
        return self.first

    def log(self, step, values):
        self.fail("log")
        self.logged.append((step, dict(values)))

    def flush(self):
        self.flushed += 1

    def close(self):
        self.closed += 1
        self.fail("close")

    def fail(self, method):
        if method == self.fails:
            raise ConnectionError("the server\nis gone")

    def curve(self, name):
        """The steps and values of one curve."""
        return [(step, values[name]) for step, values in self.logged if name in values]

    @property
    def names(self):
        return {name for _, values in self.logged for name in values}


class Noisy(SumEvaluator):
    """Answers are confirmed; everything comes in the order in which it was asked for."""

    noisy = True

    def __init__(self, **settings):
        super().__init__(**{"devices": 1, **settings})


class Measured(Random):
    """Says something about its predictor, as NAO does, and needs no time."""

    def diagnostics(self):
        k = self.state()["drawn"] / 1000
        return (
            {"seeds_mean": 10 + k, "pairwise_accuracy": k, "kendall_tau": -k, "hamming": 2 * k}
            if k > 0.02
            else {}
        )


def play(observer, out=None, evaluator=None, iterations=2, initial=20, confirm="2x2", seed=0, **settings):
    """A search of 20 + 2 x 8 architectures, and 2 x 2 + 2 trainings to confirm the answer."""
    counts = [initial, *[8] * iterations]
    strategy, given = Measured(PairSpace(), seed=seed), {"confirm": confirm, **settings}
    return search(strategy, evaluator or Noisy(), counts, out=out, observer=observer, **given)


def small(sink, out=None, told=None, **settings):
    """The same, watched by one sink."""
    return play(SinkObserver(sink, (told if told is not None else []).append), out, **settings)
