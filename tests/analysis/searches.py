"""A small search, and a model that was fitted in it: embeddings and predictions in closed form."""

import numpy as np

from nao.search import optimize
from nao.study.arrays import read_arrays
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

PAIRS = PairSpace()


def searched(out, space=PAIRS, **settings):
    """The history and the model of the second iteration of a search of 20 + 2 x 8 architectures."""
    given = {"iterations": 2, "initial": 20, "new": 8, "seeds": 4, "out": out, **settings}
    history = optimize(space, SumEvaluator(space), LinearEncoder(), **given)
    return history, LinearEncoder().load(space, read_arrays(out / "models" / "2.npz"))


def tokens_of(history):
    return np.array([trial.architecture.tokens for trial in history.trials], np.int32)
