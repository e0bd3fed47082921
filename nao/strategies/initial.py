"""The initial design: the random architectures with which strategies begin.

Under one seed it is the same for every strategy, so that strategies can be compared in pairs.
"""

import functools

import numpy as np

from nao.core import Architecture, Proposal, SearchSpace
from nao.limits import Limits
from nao.strategies.archive import Archive


def initial_design(space: SearchSpace, seed: int, n: int, limits: Limits | None = None) -> list[Architecture]:
    """The first n different architectures (within limits) drawn under a seed; fewer if there are fewer."""
    return Archive(space, limits).draw(np.random.default_rng([seed, 0]), n)


class InitialDesign:
    """The initial design of one strategy, which gives out each of its architectures once.

    Args:
      space: what is searched.
      seed: the strategy's.
      n: how many architectures.
      limits: what they may cost, if that is limited.

    Attributes:
      num_given: how many were given out, or left out because they were known. This is all its state.
    """

    def __init__(self, space: SearchSpace, seed: int, n: int, limits: Limits | None = None):
        self._space, self._seed, self._n, self._limits = space, seed, n, limits
        self.num_given = 0

    @functools.cached_property
    def _architectures(self) -> list[Architecture]:
        return initial_design(self._space, self._seed, self._n, self._limits)

    @property
    def left(self) -> int:
        """How many are still to be given out."""
        return len(self._architectures) - self.num_given

    def take(self, n: int, archive: Archive) -> list[Proposal]:
        """The next n that are not in an archive, to which they are added; or all that are left."""
        proposals: list[Proposal] = []
        while self.left and len(proposals) < n:
            architecture = self._architectures[self.num_given]
            self.num_given += 1
            if archive.add(architecture):
                proposals.append(Proposal(architecture, "random"))
        return proposals
