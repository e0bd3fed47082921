"""What a predictor learns in place of raw scores, and the way back to scores.

Axis letters: N scored architectures, M different scores among them, B predictions.
"""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import special


def rank_normal(scores: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """The normal quantile of each score's rank, (rank - 1/2) / N; equal scores share their mean rank.

    Neither a few failures nor many good scores that lie close together decide what is learned.
    """
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(ties) - (ties - 1) / 2  # of each distinct score
    quantiles: Float[np.ndarray, " N"] = special.ndtri((rank[place] - 0.5) / len(scores))
    return quantiles


@dataclasses.dataclass(frozen=True)
class ScoreTransform:
    """An increasing, piecewise linear function from scores to targets.

    Attributes:
      scores: `[M]` scores in increasing order.
      targets: `[M]` the target of each.
    """

    scores: Float[np.ndarray, " M"]
    targets: Float[np.ndarray, " M"]

    @classmethod
    def fit(cls, kind: Literal["min-max", "normal"], scores: Float[np.ndarray, " N"]) -> "ScoreTransform":
        """The transform that belongs to a set of scores.

        Args:
          kind: `min-max` scales the scores to [0, 1] (the published code); `normal` is `rank_normal`.
          scores: `[N]` finite scores.
        """
        low, high = float(scores.min()), float(scores.max())
        if high <= low:
            return cls(np.array([low, low + 1.0]), np.array([0.0, 1.0]))
        if kind == "min-max":
            return cls(np.array([low, high]), np.array([0.0, 1.0]))
        different, first = np.unique(scores, return_index=True)
        return cls(different, rank_normal(scores)[first])

    def forward(self, scores: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Targets of scores."""
        return _interpolate(scores, self.scores, self.targets)

    def inverse(self, targets: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Scores of (predicted) targets."""
        return _interpolate(targets, self.targets, self.scores)

    def pad(self, size: int) -> "ScoreTransform":
        """The same function with its last point repeated, as arrays of a size that programs know."""
        more = (0, size - len(self.scores))
        return ScoreTransform(np.pad(self.scores, more, "edge"), np.pad(self.targets, more, "edge"))


def _interpolate(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Linear between the points; beyond them, the mean slope goes on."""
    slope = (ys[-1] - ys[0]) / (xs[-1] - xs[0])
    inside: np.ndarray = np.interp(x, xs, ys)
    outside: np.ndarray = np.minimum(x - xs[0], 0) + np.maximum(x - xs[-1], 0)
    return np.asarray(inside + slope * outside)
