"""Uniform sampling without repetition, which every other strategy has to beat."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Json, Proposal, Result, SearchSpace
from nao.strategies.known import Known


class Random:
    """Proposes every string with the same probability, and no architecture twice.

    What it proposes under a seed is one sequence, however it is asked; other strategies begin with the
    same one (see `nao.strategies.known.first`).

    Args:
      space: what to search.
      seed: the same seed proposes the same.
    """

    def __init__(self, space: SearchSpace, *, seed: int = 0):
        self.space = space
        self.seed = seed
        self._known = Known(space)
        self.restore({"drawn": 0})

    @property
    def batch(self) -> int:
        """Any number: it learns nothing from the results."""
        return 100

    def ask(self, n: int) -> list[Proposal]:
        """The next n architectures of the sequence that are not known."""
        proposals: list[Proposal] = []
        while len(proposals) < n and (x := next(self._sequence, None)) is not None:
            self._drawn += 1
            if self._known.add(x):
                proposals.append(Proposal(x, "random"))
        return proposals

    def tell(self, results: Sequence[Result]) -> None:
        """Remembers what was evaluated."""
        for result in results:
            self._known.add(result.architecture)

    def diagnostics(self) -> Mapping[str, float]:
        """Nothing: there is no model."""
        return {}

    def state(self) -> Json:
        """How far it has come in its sequence."""
        return {"drawn": self._drawn}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._drawn: int = state["drawn"]
        sequence = Known(self.space).drawn(np.random.default_rng([self.seed, 0]))
        self._sequence = itertools.islice(sequence, self._drawn, None)

    def configuration(self) -> Mapping[str, Json]:
        """The name and the seed."""
        return {"name": "random", "seed": self.seed}
