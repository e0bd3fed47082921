"""Regularised evolution: a population in which the oldest die (Real et al. 2019, AmoebaNet).

Named as there: P the size of the population, S the size of a sample of it.
"""

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, Proposal, Result
from nao.settings import at_least, check
from nao.strategies.mixin import StrategyMixin

MAX_MUTATIONS = 20  # mutations in a row that may lead to known architectures before a random one is taken
MUTANTS = 8  # of a parent, once some have failed, of which the one that fails least likely is the child


class Evolution(StrategyMixin):
    """Mutates the best of a random sample of the population; the newest individual replaces the oldest.

    A child that is known already is mutated further. Failed architectures never join the population; once
    there are some, the child is that of several mutants which is the most likely to succeed.

    Args:
      space: what to search; its `mutate` makes the children.
      settings: P and S.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
    """

    name = "evolution"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """The sizes of its sets.

        Attributes:
          population: P.
          sample: S, drawn with replacement. The larger it is, the greedier is the search.

        Raises:
          InputError: one of them is below 1.
        """

        population: int = 50
        sample: int = 10

        def __post_init__(self) -> None:
            check(self, "evolution", population=at_least(1), sample=at_least(1))

    settings: Settings

    @property
    def _num_initial(self) -> int:
        return self.settings.population

    def _begin(self) -> None:
        super()._begin()
        self._population: deque[tuple[Architecture, float]] = deque(maxlen=self.settings.population)

    @property
    def batch(self) -> int:
        """The initial population at once, then one child at a time."""
        return self._initial.left or 1

    def ask(self, n: int) -> list[Proposal]:
        """The initial population, then children; random architectures where no mutation is new."""
        rng = self._next_generator()
        proposals = self._initial.take(n, self._archive)
        while len(proposals) < n:
            child = self._child(rng)
            if child is None:
                drawn = self._archive.draw(rng, 1)
                if not drawn:
                    break  # nothing is left
                child = Proposal(drawn[0], "random")
            proposals.append(child)
        return proposals

    def _child(self, rng: np.random.Generator) -> Proposal | None:
        """A mutation of the best of S individuals that is new, if one is found."""
        if not self._population:
            return None
        sample = rng.integers(len(self._population), size=self.settings.sample)
        parent, _ = max((self._population[i] for i in sample), key=lambda individual: individual[1])
        log_chance = self._outcomes.log_chance
        mutants = [self._mutate(parent, rng) for _ in range(1 if log_chance is None else MUTANTS)]
        new = [mutant for mutant in mutants if mutant is not None]
        if not new:
            return None
        best = 0 if log_chance is None else log_chance(np.array([x.tokens for x in new], np.int32)).argmax()
        self._archive.add(new[best])
        return Proposal(new[best], "mutation", parent=parent)

    def _mutate(self, parent: Architecture, rng: np.random.Generator) -> Architecture | None:
        """A mutation that is new, if one is found."""
        child = parent
        for _ in range(MAX_MUTATIONS):
            mutant = self.space.mutate(child, rng)
            if mutant not in self._archive:
                return mutant
            if self.limits is None or mutant in self.limits:  # what is beyond them leads further away
                child = mutant
        return None

    def tell(self, results: Sequence[Result]) -> None:
        """Adds to the population, from which the oldest drop out."""
        self._population.extend(self._remember(results))

    def diagnostics(self) -> Mapping[str, float]:
        """The mean score of the population."""
        scores = [score for _, score in self._population]
        return {"population_mean": float(np.mean(scores))} if scores else {}
