"""What f learns instead of the scores themselves, and the way back to scores.

Axis letters: N scored architectures, B predictions.
"""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import special, stats


@dataclasses.dataclass(frozen=True)
class Targets:
    """An increasing, piecewise linear function between scores and targets.

    Attributes:
      scores: `[M]` increasing scores.
      targets: `[M]` increasing targets that belong to them.
    """

    scores: Float[np.ndarray, " M"]
    targets: Float[np.ndarray, " M"]

    @classmethod
    def of(cls, kind: Literal["min-max", "normal"], scores: Float[np.ndarray, " N"]) -> "Targets":
        """The targets that fit a set of scores.

        Args:
          kind: `min-max` scales the scores to [0, 1] (the published code). `normal` gives each score the
            normal quantile of its rank, so that neither a few failures nor a crowded top decides the fit;
            equal scores share their mean rank.
          scores: `[N]` finite scores.
        """
        low, high = float(scores.min()), float(scores.max())
        if high <= low:
            return cls(np.array([low, low + 1.0]), np.array([0.0, 1.0]))
        if kind == "min-max":
            return cls(np.array([low, high]), np.array([0.0, 1.0]))
        ranks = (stats.rankdata(scores) - 0.5) / len(scores)
        knots, first = np.unique(scores, return_index=True)
        return cls(knots, special.ndtri(ranks[first]))

    def encode(self, scores: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Targets of scores."""
        return _linear(scores, self.scores, self.targets)

    def decode(self, targets: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Scores of (predicted) targets."""
        return _linear(targets, self.targets, self.scores)


def _linear(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise linear through the knots; beyond them, the mean slope goes on."""
    slope = (ys[-1] - ys[0]) / (xs[-1] - xs[0])
    inside: np.ndarray = np.interp(x, xs, ys)
    outside: np.ndarray = np.minimum(x - xs[0], 0) + np.maximum(x - xs[-1], 0)
    return np.asarray(inside + slope * outside)
