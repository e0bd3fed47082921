"""Uniform sampling without repetition, which every other strategy has to beat."""

import dataclasses
import itertools
from collections.abc import Sequence

from nao.core import Json, Proposal, Result
from nao.strategies.initial import initial_sequence, origin_of
from nao.strategies.mixin import StrategyMixin


class Random(StrategyMixin):
    """Proposes every string with the same probability, and no architecture twice.

    What it proposes under a seed is one sequence, however it is asked. The initial designs of the other
    strategies are the beginning of the same sequence (see `nao.strategies.initial`).

    Args:
      space: what to search.
      settings: there is nothing to set.
      seed: the same seed proposes the same.
      limits: what an architecture may cost to be proposed; None for anything.
      starts: architectures to begin with.
    """

    name = "random"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """Random sampling has no parameters."""

    @property
    def _most_starts(self) -> None:
        return None  # its sequence has no end

    def _begin(self) -> None:
        super()._begin()
        self.restore({"drawn": 0})

    @property
    def batch(self) -> int:
        """Any number: it learns nothing from the results."""
        return 100

    def ask(self, n: int) -> list[Proposal]:
        """The next n architectures of the sequence that are not known."""
        proposals: list[Proposal] = []
        while len(proposals) < n and (x := next(self._sequence, None)) is not None:
            origin = origin_of(self._drawn, self.starts)
            self._drawn += 1
            if self._archive.add(x):
                proposals.append(Proposal(x, origin))
        return proposals

    def tell(self, results: Sequence[Result]) -> None:
        """Remembers what was evaluated."""
        self._remember(results)

    def state(self) -> Json:
        """How many architectures of the sequence it has drawn."""
        return {"drawn": self._drawn}

    def restore(self, state: Json) -> None:
        """Continues from a `state()`; see `nao.core.Strategy`."""
        self._drawn: int = state["drawn"]
        sequence = initial_sequence(self.space, self.seed, self.limits, self.starts)
        self._sequence = itertools.islice(sequence, self._drawn, None)
