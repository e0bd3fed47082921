"""A space of small cells, small enough to fit in seconds, with scores that are known."""

import numpy as np
import pytest

from nao.spaces.cells import CellSpace
from nao.spaces.operations import operations


class SmallCells(CellSpace):
    """One cell of four blocks: 16 tokens, a vocabulary of 8."""

    def sample_tokens(self, rng, n):
        """`[n, T]` distinct strings."""
        drawn = np.unique(self.grammar.sample(rng, 2 * n), axis=0)
        return rng.permutation(drawn)[:n]

    def swapped(self, tokens):
        """Every block's branches swapped."""
        return self.tokens_of(self.branches(tokens)[..., ::-1, :])

    def score(self, tokens):
        """`[B]` a score to which each branch adds its own part, whichever stands first in its block."""
        weight = np.random.default_rng(5).normal(size=(self.blocks, 2, len(self.vocabulary)))
        branches = self.branches(tokens)[:, 0]  # [B, blocks, 2, (input, operation)]
        block = np.arange(self.blocks)[None, :, None]
        return (weight[block, 0, branches[..., 0]] + weight[block, 1, branches[..., 1]]).sum((1, 2))


def small_cells():
    """The space of these tests."""
    return SmallCells("small", operations("conv", "pool", "identity"), cells=("normal",), blocks=4)


@pytest.fixture(scope="session")
def space():
    return small_cells()
