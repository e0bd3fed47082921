"""A comparison that takes no time, whose parts can cross to other processes."""

import os
import signal

from nao.compare import compare
from nao.strategies import NAO, Random
from tests.fakes import LinearEncoder, SumEvaluator


def random(space, seed):
    return Random(space, seed=seed)


def nao(space, seed):
    return NAO(space, LinearEncoder(), NAO.Settings(seeds=10), seed=seed)


def nao_20(space, seed):
    return NAO(space, LinearEncoder(), NAO.Settings(seeds=20), seed=seed)


class Deadly(Random):
    """Kills its process when it is first asked."""

    def ask(self, n):
        os.kill(os.getpid(), signal.SIGKILL)


def deadly(space, seed):
    return Deadly(space, seed=seed) if seed == 3 else Random(space, seed=seed)


FACTORIES = {"nao": nao, "random": random}


def small(factories=FACTORIES, evaluator=None, **settings):
    """Compares on sums of letters."""
    how = {"budget": 25, "repeats": 4, **settings}
    return compare(factories, evaluator or SumEvaluator(), **how)
