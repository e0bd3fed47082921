"""Models for the tests of analysis: one that is fitted, in parts by members, and one in closed form."""

import dataclasses
import functools

import numpy as np

from tests.encoders.conftest import small_cells
from tests.encoders.small import STACKED, fitted
from tests.fakes import LinearModel, PairSpace

PAIRS = PairSpace()


@functools.cache
def small_model():
    """A process and two members that both have a part in f, and the 60 strings that they were fitted to."""
    model, tokens = fitted(small_cells(), STACKED)
    assert model.ensemble_size == 2
    return model, tokens.astype(np.int32)


def linear_model(space=PAIRS, seed=0):
    """E(x) is one-hot and f linear, with weights that are drawn."""
    sizes = space.length, len(space.vocabulary)
    weights = np.random.default_rng(seed).normal(size=sizes).astype(np.float32)
    return dataclasses.replace(LinearModel(weights), space=space)


def strings(space, n, seed=0):
    """`[n, T]` random strings."""
    return space.grammar.sample(np.random.default_rng(seed), n).astype(np.int32)
