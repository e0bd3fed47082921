"""Regularised evolution: a population in which the oldest die (Real et al. 2019, AmoebaNet).

Named as there: P the size of the population, S the size of a sample of it.
"""

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, InputError, Json, Proposal, Result, SearchSpace
from nao.strategies.known import Beginning, Known, finite_score

FURTHEST = 20  # mutations in a row that may lead to known architectures before a random one is taken


class Evolution:
    """Mutates the best of a random sample of the population; the newest individual replaces the oldest.

    A child that is known already is mutated further. Failed architectures never join the population.

    Args:
      space: what to search; its `mutate` makes the children.
      population: P.
      sample: S, drawn with replacement. The larger, the greedier.
      seed: the same seed and results propose the same.

    Raises:
      InputError: population or sample is below 1.
    """

    def __init__(self, space: SearchSpace, *, population: int = 50, sample: int = 10, seed: int = 0):
        for name, count in (("population", population), ("sample", sample)):
            if count < 1:
                raise InputError(f"evolution: {name} must be at least 1, not {count}")
        self.space = space
        self.population = population
        self.sample = sample
        self.seed = seed
        self._beginning = Beginning(space, seed, population)
        self._known = Known(space)
        self._population: deque[tuple[Architecture, float]] = deque(maxlen=population)
        self._asked = 0

    @property
    def batch(self) -> int:
        """The initial population at once, then one child at a time."""
        return self._beginning.left or 1

    def ask(self, n: int) -> list[Proposal]:
        """The initial population, then children; random architectures where no mutation is new."""
        self._asked += 1
        rng = np.random.default_rng([self.seed, self._asked])
        proposals = self._beginning.take(n, self._known)
        while len(proposals) < n:
            child = self._child(rng)
            if child is None:
                drawn = self._known.draw(rng, 1)
                if not drawn:
                    break  # nothing is left
                child = Proposal(drawn[0], "random")
            proposals.append(child)
        return proposals

    def _child(self, rng: np.random.Generator) -> Proposal | None:
        """A mutation of the best of S individuals that is new, if one is found."""
        if not self._population:
            return None
        drawn = rng.integers(len(self._population), size=self.sample)
        parent, _ = max((self._population[i] for i in drawn), key=lambda individual: individual[1])
        child = parent
        for _ in range(FURTHEST):
            child = self.space.mutate(child, rng)
            if self._known.add(child):
                return Proposal(child, "mutation", parent=parent)
        return None

    def tell(self, results: Sequence[Result]) -> None:
        """Adds to the population, from which the oldest drop out."""
        for result in results:
            self._known.add(result.architecture)
            if (score := finite_score(result)) is not None:
                self._population.append((result.architecture, score))

    def diagnostics(self) -> Mapping[str, float]:
        """The mean score of the population."""
        scores = [score for _, score in self._population]
        return {"population_mean": float(np.mean(scores))} if scores else {}

    def state(self) -> Json:
        """How often it was asked, and how much of the initial population it has proposed."""
        return {"asked": self._asked, "begun": self._beginning.begun}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]
        self._beginning.begun = state["begun"]

    def configuration(self) -> Mapping[str, Json]:
        """P, S and the seed."""
        return {
            "name": "evolution",
            "population": self.population,
            "sample": self.sample,
            "seed": self.seed,
        }
