"""Uniform sampling without repetition."""

from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Json, Proposal, Result, SearchSpace
from nao.strategies.known import Known


class Random:
    """Proposes every string with the same probability, and no architecture twice.

    Args:
      space: what to search.
      seed: the same seed proposes the same.
    """

    def __init__(self, space: SearchSpace, *, seed: int = 0):
        self.space = space
        self.seed = seed
        self._asked = 0
        self._known = Known(space)

    def ask(self, n: int) -> list[Proposal]:
        """Draws n architectures."""
        rng = np.random.default_rng([self.seed, self._asked])
        self._asked += 1
        return [Proposal(x, "random") for x in self._known.draw(rng, n)]

    def tell(self, results: Sequence[Result]) -> None:
        """Remembers what was evaluated."""
        for result in results:
            self._known.add(result.architecture)

    def diagnostics(self) -> Mapping[str, float]:
        """Nothing: there is no model."""
        return {}

    def state(self) -> Json:
        """How often it was asked."""
        return {"asked": self._asked}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]

    def configuration(self) -> Mapping[str, Json]:
        """The name and the seed."""
        return {"name": "random", "seed": self.seed}
