"""How well predicted scores order architectures, and how well decoded strings match.

Axis letters: B architectures, T tokens.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import stats


def pairwise_accuracy(predicted: Float[np.ndarray, " B"], true: Float[np.ndarray, " B"]) -> float:
    """Share of pairs that the prediction puts in their true order; 0.5 is chance.

    Pairs whose true scores are equal have no order and are left out. A pair that is predicted equal counts as
    half right.

    Returns:
      The share, or nan when no pair has an order.
    """
    ordered = _pairs(len(true)) - _ties(true)
    if ordered == 0:
        return float("nan")
    # tau_b = (right - wrong) / sqrt(pairs unequal in truth * pairs unequal in prediction)
    tau = kendall_tau(predicted, true)
    surplus = 0.0 if np.isnan(tau) else tau * np.sqrt((_pairs(len(true)) - _ties(predicted)) / ordered)
    return float((1 + surplus) / 2)


def kendall_tau(predicted: Float[np.ndarray, " B"], true: Float[np.ndarray, " B"]) -> float:
    """Kendall's tau-b, the rank correlation that corrects for ties on either side; 0 is chance.

    Returns:
      tau-b, or nan for fewer than 2 architectures or when either side is constant.
    """
    if len(true) < 2 or np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    return float(stats.kendalltau(predicted, true).statistic)


def hamming(a: Int[np.ndarray, "B T"], b: Int[np.ndarray, "B T"]) -> float:
    """Mean number of the T tokens in which a string of `a` differs from the same row of `b`.

    Returns:
      The mean, or nan when there are no strings.
    """
    return float(np.mean(np.sum(a != b, axis=1))) if len(a) else float("nan")


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _ties(values: np.ndarray) -> int:
    """Pairs of equal values."""
    counts = np.unique(values, return_counts=True)[1]
    return int(np.sum(counts * (counts - 1) // 2))
