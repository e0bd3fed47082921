"""The trials of a search as one data set, which several figures share.

Axis letters: N architectures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from nao.core import Trial
from nao.report.page.columns import Columns, packed, rounded
from nao.study import History

NAME = "trials"
MANY = 3000  # trials, whose marks would hide each other at their usual size


def evaluated(history: History) -> list[Trial]:
    """The trials that have a result, in the order of their proposals: the m-th of them is the m-th of M."""
    return [trial for trial in history.trials if trial.result]


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Those with a score, the best first; of equal ones the first."""
    scored = [(trial.score, trial) for trial in trials if trial.score is not None]
    return [trial for _, trial in sorted(scored, key=lambda pair: (-pair[0], pair[1].id))]


def size(trials: int, usual: int) -> int:
    """The area of the mark of one trial in square pixels, smaller where there are many."""
    return usual if trials <= MANY else max(usual // 5, 5)


def columns(
    trials: Sequence[Trial], graphs: Sequence[str] = (), where: Float[np.ndarray, "N 2"] | None = None
) -> Columns:
    """The data set: `m`, `score`, `set`, `predicted`, `string`, `graph`, `x` and `y` of each.

    Args:
      trials: those that are evaluated.
      graphs: the packed graph of each; none where they cannot be drawn.
      where: the place of each on the map, if there is one.
    """
    table: dict[str, Any] = {
        "m": list(range(1, len(trials) + 1)),
        "score": rounded([trial.score for trial in trials]),
        "set": [trial.iteration for trial in trials],
        "predicted": rounded([trial.proposal.predicted for trial in trials]),
        "string": packed([str(trial.architecture) for trial in trials]),
    }
    if graphs:
        table["graph"] = list(graphs)
    if where is not None:
        table |= {"x": rounded(where[:, 0].tolist()), "y": rounded(where[:, 1].tolist())}
    return table


def best_so_far(trials: Sequence[Trial]) -> list[float | None]:
    """The best score of the first m trials, for every m; None before the first score."""
    best: float | None = None
    found = []
    for trial in trials:
        if trial.score is not None and (best is None or trial.score > best):
            best = trial.score
        found.append(best)
    return found
