"""What the queries of many runs come to, as arrays.

What is not known is NaN: the signal of a failed evaluation, and everything before the first success. A
strategy that can propose no more ends early; from there on its curves are flat.

Axis letters: G places on the axis of M, M queries of a run, R repeats.
"""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.compare.run import Query


@dataclasses.dataclass(frozen=True)
class Runs:
    """All runs of one strategy.

    Attributes:
      signal: `[R, M]` the score of the m-th query.
      reported: `[R, M]` the reporting score of the m-th query.
      cpu_seconds: `[R, M]` computed by the strategy itself up to the m-th query.
    """

    signal: Float[np.ndarray, "R M"]
    reported: Float[np.ndarray, "R M"]
    cpu_seconds: Float[np.ndarray, "R M"]

    @functools.cached_property
    def best_signal(self) -> Float[np.ndarray, "R M"]:
        """The best signal of the first m queries."""
        return np.fmax.accumulate(self.signal, axis=1)

    @functools.cached_property
    def best_reported(self) -> Float[np.ndarray, "R M"]:
        """The reporting score of the architecture with the best signal; of equal ones, the first."""
        best = np.where(np.isnan(self.best_signal), -np.inf, self.best_signal)
        before = np.pad(best[:, :-1], ((0, 0), (1, 0)), constant_values=-np.inf)
        # The query at which the best signal rose last.
        incumbent = np.maximum.accumulate(np.where(best > before, np.arange(best.shape[1]), 0), axis=1)
        return np.where(np.isneginf(best), np.nan, np.take_along_axis(self.reported, incumbent, axis=1))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What came out: the runs of every strategy, under the same budget and from the same start.

    Attributes:
      budget: M.
      optimum: the best signal that every run can come to, where that is known. A run may find a better one,
        where strings of one architecture have scores of their own.
      random: the label of random search, which others are measured against, where it takes part.
      runs: by label; row r of each has the seed of repeat r.
    """

    budget: int
    optimum: float | None
    random: str | None
    runs: Mapping[str, Runs]

    @property
    def failed(self) -> bool:
        """Whether no query of any run has a score."""
        return bool(np.all([np.isnan(runs.signal).all() for runs in self.runs.values()]))

    @property
    def against_random(self) -> bool:
        """Whether random search takes part, and others beside it."""
        return self.random is not None and len(self.runs) > 1


def stacked(runs: Sequence[Iterable[Query]], budget: int) -> Runs:
    """The queries of R runs as arrays `[R, M]`."""
    signal, reported, cpu_seconds = np.full((3, len(runs), budget), np.nan)
    for r, queries in enumerate(runs):
        for query in queries:
            at = r, query.m - 1
            signal[at] = np.nan if query.signal is None else query.signal
            reported[at] = np.nan if query.reported is None else query.reported
            cpu_seconds[at] = query.cpu_seconds
    return Runs(signal, reported, np.fmax.accumulate(cpu_seconds, axis=1))


def queries_to(optimum: float, runs: Runs, m: Int[np.ndarray, " G"]) -> Float[np.ndarray, "R G"]:
    """How many queries each run needs until its best signal is at least the optimum, counted up to m.

    A run that is not there by m counts as m: the mean is then too low, and `share_at` says for how many.
    """
    there = runs.best_signal >= optimum
    first = np.where(there.any(axis=1), there.argmax(axis=1) + 1.0, np.inf)
    needed: Float[np.ndarray, "R G"] = np.minimum(first[:, None], m)
    return needed


def share_at(optimum: float, runs: Runs, m: Int[np.ndarray, " G"]) -> Float[np.ndarray, " G"]:
    """The share of the runs whose best signal is at least the optimum by m."""
    share: Float[np.ndarray, " G"] = np.mean(runs.best_signal[:, m - 1] >= optimum, axis=0)
    return share


def top(k: int, runs: Runs, m: Int[np.ndarray, " G"]) -> Float[np.ndarray, "R G"]:
    """The mean signal of the k best architectures of the first m; NaN where fewer than k succeeded."""
    signal = np.where(np.isnan(runs.signal), -np.inf, runs.signal)
    best, before, means = np.full((len(signal), k), -np.inf), 0, []
    for n in m.tolist():  # each place adds to the best of the one before: the whole is never sorted
        best = np.sort(np.hstack([best, signal[:, before:n]]), axis=1)[:, -k:]
        before = n
        means.append(best.mean(axis=1))
    found = np.stack(means, axis=1)
    return np.where(np.isneginf(found), np.nan, found)
