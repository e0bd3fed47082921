"""Scores as quantiles of the normal distribution: what predictors learn instead of the scores themselves.

Axis letters: N scores.
"""

import numpy as np
from jaxtyping import Float
from scipy import special


def normal_scores(scores: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """The normal quantile of each score's rank, (rank - 1/2) / N; equal scores share their mean rank.

    Neither a few failures nor a crowded top decides what is fitted to them.
    """
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(ties) - (ties - 1) / 2  # of each distinct score
    quantiles: Float[np.ndarray, " N"] = special.ndtri((rank[place] - 0.5) / len(scores))
    return quantiles
