"""Local search: walk uphill from neighbour to neighbour (White, Nolen and Savani 2021).

Named as there: v the architecture where the walk stands, u one of its neighbours.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from nao.core import Architecture, Proposal, Result
from nao.settings import at_least, check
from nao.strategies.archive import Archive, canonical_keys
from nao.strategies.mixin import StrategyMixin


class LocalSearch(StrategyMixin):
    """Evaluates the neighbours of v in random order, and moves to the first one that is better.

    When every neighbour of v was evaluated and none is better, it starts again from a random architecture.

    Args:
      space: what to search; its `neighbours` are where it can move.
      settings: how it begins.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
    """

    name = "local-search"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """How it begins.

        Attributes:
          initial: how many random architectures to begin with; the walk starts at the best of them.

        Raises:
          InputError: it is below 1.
        """

        initial: int = 10

        def __post_init__(self) -> None:
            check(self, "local-search", initial=at_least(1))

    settings: Settings

    def _begin(self) -> None:
        super()._begin()
        self._key = canonical_keys(self.space)
        self._evaluated = Archive(self.space, self.limits)
        self._v: Architecture | None = None
        self._score = -np.inf
        # Results to come before the walk starts. It starts at 0, and is under way below 0.
        self._to_start = self._initial.left
        self._neighbours: dict[str, Architecture] = {}  # those of v that were not evaluated, by their key

    @property
    def batch(self) -> int:
        """The random architectures at once, then one neighbour at a time."""
        return self._initial.left or 1

    def ask(self, n: int) -> list[Proposal]:
        """Random architectures to start from, then neighbours of v.

        When there are fewer than n new neighbours, random architectures make up for the rest.
        """
        rng = self._next_generator()
        proposals = self._initial.take(n, self._archive)
        neighbours = list(self._neighbours.values())
        shuffled = (neighbours[i] for i in rng.permutation(len(neighbours)))
        for u in self._archive.add_new(shuffled, n - len(proposals)):
            proposals.append(Proposal(u, "neighbour", parent=self._v))
        return proposals + [Proposal(x, "random") for x in self._archive.draw(rng, n - len(proposals))]

    def tell(self, results: Sequence[Result]) -> None:
        """Moves to whatever is better than v; a failed architecture never is."""
        self._remember(results)
        for result in results:
            u = result.architecture
            self._evaluated.add(u)
            self._neighbours.pop(self._key(u.tokens), None)
            self._to_start -= 1
            better = result.score is not None and result.score > self._score
            if result.score is not None and better:
                self._v, self._score = u, result.score
            if self._v is None or self._to_start > 0:
                continue
            if better or self._to_start == 0:
                self._neighbours = self._not_evaluated(self.space.neighbours(self._v))
            if not self._neighbours:  # v is a local optimum: the next result is where to start again
                self._v, self._score, self._to_start = None, -np.inf, 1

    def _not_evaluated(self, neighbours: Iterable[Architecture]) -> dict[str, Architecture]:
        return {self._key(u.tokens): u for u in neighbours if u not in self._evaluated}

    def diagnostics(self) -> Mapping[str, float]:
        """The score of v, and how many of its neighbours are left to evaluate."""
        if self._v is None:
            return {}
        return {"score": self._score, "neighbours_left": float(len(self._neighbours))}
