"""Which architectures failed, and what that says of others: the chance of any string to succeed.

Axis letters: N architectures told so far, B strings, T tokens, V vocabulary, F features.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.core import Result, SearchSpace

if TYPE_CHECKING:
    from nao.surrogates.feasibility import Feasibility
    from nao.surrogates.gaussian_process import Inputs

LogChance = Callable[[Int[np.ndarray, "B T"]], Float[np.ndarray, " B"]]
"""From strings to the log of the chance of each to succeed."""


class Outcomes:
    """What a strategy was told: which architectures succeeded, and which failed.

    Args:
      space: where they come from.

    Attributes:
      failed: how many failed.
    """

    def __init__(self, space: SearchSpace):
        self._space = space
        self._told: list[tuple[tuple[int, ...], bool]] = []
        self._feasible: Feasible | None = None
        self.failed = 0

    def add(self, results: Sequence[Result]) -> None:
        """Adds results in the order in which they were told."""
        self._told += [(result.architecture.tokens, result.score is not None) for result in results]
        self.failed += sum(result.score is None for result in results)
        self._feasible = None

    @property
    def feasible(self) -> "Feasible | None":
        """What was learnt from all of them; None unless some failed and some succeeded."""
        if not 0 < self.failed < len(self._told):
            return None
        if self._feasible is None:
            tokens, succeeded = zip(*self._told, strict=True)
            self._feasible = Feasible.fit(self._space, np.array(tokens, np.int32), np.array(succeeded))
        return self._feasible

    @property
    def log_chance(self) -> LogChance | None:
        """What ranks candidates beside what they promise; None while there is nothing to learn from."""
        return self.feasible.log_chance if self.feasible else None


@dataclasses.dataclass(frozen=True)
class Feasible:
    """Which strings of a space succeed, as far as was learnt.

    Attributes:
      space: whose strings it reads.
      classifier: of their inputs.
    """

    space: SearchSpace
    classifier: "Feasibility"

    @classmethod
    def fit(
        cls, space: SearchSpace, tokens: Int[np.ndarray, "N T"], succeeded: Bool[np.ndarray, " N"]
    ) -> "Feasible":
        """What N architectures `[N, T]` say, of which neither all nor none succeeded."""
        from nao.surrogates.feasibility import Feasibility  # here, because SciPy is slow to import

        return cls(space, Feasibility.fit(inputs(space, tokens), succeeded))

    def log_chance(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """The log of the chance of any strings to succeed."""
        return self.classifier.log_chance(inputs(self.space, tokens))

    def log_odds(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """Log (chance to succeed / chance to fail) of any strings: what a model of them can be fitted to."""
        return self.classifier.log_odds(inputs(self.space, tokens))


def inputs(space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> "Inputs":
    """What the classifier sees of strings: the token at each position, one-hot `[B, V]`, and what they mean.

    Each position is a part with its own length scale, since failures often follow from a few positions.
    """
    one_hot = np.eye(len(space.vocabulary))[tokens]
    return [*np.moveaxis(one_hot, 1, 0), space.features(tokens)]
