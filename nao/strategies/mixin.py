"""What the strategies of this room have in common: settings, configuration, equality and state."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nao.core import Architecture, Json, Result, SearchSpace
from nao.limits import Limits
from nao.records import Whole
from nao.settings import check_seed
from nao.strategies.archive import Archive
from nao.strategies.initial import InitialDesign, Starts, check_starts
from nao.strategies.outcomes import Outcomes


class StrategyMixin:
    """All of a strategy but `batch`, `ask` and `tell`.

    A strategy that inherits it has a record `Settings`, and a `name`, which is also the one on the command
    line. What else it has to remember it makes in `_begin`. Two strategies are equal when their types,
    configurations and states are.

    Args:
      space: what to search.
      settings: the strategy's `Settings`; None for the usual ones.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
      starts: architectures to begin with, in place of as many random ones.

    Raises:
      InputError: the seed is no whole number, or out of range; or the search cannot begin with the starts
        (see `nao.strategies.initial.check_starts`).
    """

    name: ClassVar[str]
    Settings: ClassVar[Any]

    def __init__(
        self,
        space: SearchSpace,
        settings: Any = None,
        *,
        seed: Whole = 0,
        limits: Limits | None = None,
        starts: Starts = (),
    ):
        self.space = space
        self.settings = settings or self.Settings()
        self.seed = check_seed(seed)
        self.limits = limits
        self.starts = check_starts(starts, space, limits, self._most_starts)
        self._asked = 0
        self._begin()

    @property
    def _num_initial(self) -> int:
        """How many architectures it begins with: the setting `initial`, if it has that."""
        return getattr(self.settings, "initial", 0)

    @property
    def _most_starts(self) -> int | None:
        """How many of those can be given; None for any number."""
        return self._num_initial

    def _begin(self) -> None:
        """Begins from nothing: neither has anything been proposed nor told."""
        self._initial = InitialDesign(self.space, self.seed, self._num_initial, self.limits, self.starts)
        self._archive = Archive(self.space, self.limits)  # proposed or told
        self._scored: list[tuple[Architecture, float]] = []  # what was told and did not fail
        self._outcomes = Outcomes(self.space)

    def _next_generator(self) -> np.random.Generator:
        """The generator of a new `ask`."""
        self._asked += 1
        return np.random.default_rng([self.seed, self._asked])

    def _remember(self, results: Sequence[Result]) -> list[tuple[Architecture, float]]:
        """Adds what was told to the archive and to what is known of failures; returns what has a score."""
        for result in results:
            self._archive.add(result.architecture)
        self._outcomes.add(results)
        scored = [(result.architecture, result.score) for result in results if result.score is not None]
        self._scored.extend(scored)
        return scored

    def recommend(self, k: int) -> list[Architecture]:
        """The k architectures with the highest scores, of equal ones the first; all if there are fewer."""
        return [x for x, _ in sorted(self._scored, key=lambda scored: -scored[1])[:k]]

    def diagnostics(self) -> Mapping[str, float]:
        """Nothing: there is no model."""
        return {}

    def artifacts(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        """Nothing is worth keeping."""
        return {}

    def state(self) -> Json:
        """How often it was asked, and how much of the initial design it has given out."""
        return {"asked": self._asked, "given": self._initial.num_given}

    def restore(self, state: Json) -> None:
        """Continues from a `state()`; see `nao.core.Strategy`."""
        self._asked = state["asked"]
        self._initial.num_given = state["given"]

    def configuration(self) -> Mapping[str, Json]:
        """The name, the settings, the seed, the space, and the limits and starts if there are any."""
        return {
            "name": self.name,
            **dataclasses.asdict(self.settings),
            "seed": self.seed,
            "space": dict(self.space.configuration()),
            **({} if self.limits is None else {"limits": dict(self.limits.bounds)}),
            **({"starts": [str(x) for x in self.starts]} if self.starts else {}),
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StrategyMixin) or type(self) is not type(other):
            return NotImplemented
        return self.configuration() == other.configuration() and self.state() == other.state()
