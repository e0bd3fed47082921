"""Local search: walk uphill from neighbour to neighbour (White, Nolen and Savani 2021).

Named as there: v the architecture where the walk stands, u one of its neighbours.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, InputError, Json, Proposal, Result, SearchSpace
from nao.strategies.known import Beginning, Known, finite_score


class LocalSearch:
    """Evaluates the neighbours of v in random order, and moves to the first one that is better.

    Where all neighbours are known, and none of those that it evaluated from there was better, it starts
    again from a random architecture.

    Args:
      space: what to search; its `neighbours` are where it can move.
      initial: how many random architectures to begin with; the walk starts at the best of them.
      seed: the same seed and results propose the same.

    Raises:
      InputError: initial is below 1.
    """

    def __init__(self, space: SearchSpace, *, initial: int = 10, seed: int = 0):
        if initial < 1:
            raise InputError(f"local-search: initial must be at least 1, not {initial}")
        self.space = space
        self.initial = initial
        self.seed = seed
        self._beginning = Beginning(space, seed, initial)
        self._known = Known(space)  # proposed or told
        self._told = Known(space)
        self._asked = 0
        self._v: Architecture | None = None
        self._score = -np.inf
        self._to_start = self._beginning.left  # results to come before the walk starts; 0 or less: none
        self._untold: dict[str, Architecture] = {}  # the neighbours of v without a result, by their key

    @property
    def batch(self) -> int:
        """The random architectures at once, then one neighbour at a time."""
        return self._beginning.left or 1

    def ask(self, n: int) -> list[Proposal]:
        """Random architectures to start from, then neighbours of v.

        When there are fewer than n new neighbours, random architectures make up for the rest.
        """
        self._asked += 1
        rng = np.random.default_rng([self.seed, self._asked])
        proposals = self._beginning.take(n, self._known)
        neighbours = list(self._untold.values())
        shuffled = (neighbours[i] for i in rng.permutation(len(neighbours)))
        for u in self._known.take(shuffled, n - len(proposals)):
            proposals.append(Proposal(u, "neighbour", parent=self._v))
        return proposals + [Proposal(x, "random") for x in self._known.draw(rng, n - len(proposals))]

    def tell(self, results: Sequence[Result]) -> None:
        """Moves to whatever is better than v; a failed architecture never is."""
        for result in results:
            u = result.architecture
            self._known.add(u)
            self._told.add(u)
            self._untold.pop(self.space.canonical(u), None)
            self._to_start -= 1
            score = finite_score(result)
            better = score is not None and score > self._score
            if score is not None and better:
                self._v, self._score = u, score
            if self._v is None or self._to_start > 0:
                continue
            if better or self._to_start == 0:
                self._untold = self._neighbours_without_result(self._v)
            if not self._untold:  # v is a local optimum: the next result is where to start again
                self._v, self._score, self._to_start = None, -np.inf, 1

    def _neighbours_without_result(self, v: Architecture) -> dict[str, Architecture]:
        return {self.space.canonical(u): u for u in self.space.neighbours(v) if u not in self._told}

    def diagnostics(self) -> Mapping[str, float]:
        """The score of v, and how many neighbours of v are left."""
        if self._v is None:
            return {}
        return {"score": self._score, "neighbours_left": float(len(self._untold))}

    def state(self) -> Json:
        """How often it was asked, and how much of its beginning it has proposed."""
        return {"asked": self._asked, "begun": self._beginning.begun}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]
        self._beginning.begun = state["begun"]

    def configuration(self) -> Mapping[str, Json]:
        """How many random architectures it begins with, and the seed."""
        return {"name": "local-search", "initial": self.initial, "seed": self.seed}
