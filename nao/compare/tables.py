"""The tables of a comparison, each the rows of one CSV file.

Means are over repeats, and their intervals are bootstrapped over repeats (percentiles, 95 %). A number
that is not known is None: an empty cell. A mean over repeats is known when all of them have a value.

Axis letters: G places on the axis of M, R repeats, S resamples.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from nao.compare import curves
from nao.compare.curves import Comparison

RESAMPLES = 10_000
LEVEL = 0.95
TOP = (1, 5, 15)


@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """A row of `curves.csv`: where one run is after m labels."""

    strategy: str
    repeat: int
    m: int
    best_signal: float | None
    reported: float | None


@dataclasses.dataclass(frozen=True)
class Summary:
    """A row of `summary.csv`: where the runs of a strategy are after m labels.

    Attributes:
      strategy: its label.
      m: how many labels.
      mean: of the reporting scores of their best architectures.
      ci_low: lower end of the interval of the mean; None for one repeat.
      ci_high: upper end of the interval of the mean; None for one repeat.
      queries_to_optimum: mean number of labels until the optimum was found (see `Comparison`); a run that
        has not found it by m counts as m. None where the optimum is not known.
      share_at_optimum: the share of the runs that have found it by m.
      cpu_seconds: mean of what the strategy itself has computed, evaluations not counted; what a process
        computes once for several runs, such as compiled programs, is in the first of them.
    """

    strategy: str
    m: int
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    queries_to_optimum: float | None
    share_at_optimum: float | None
    cpu_seconds: float | None


@dataclasses.dataclass(frozen=True)
class Paired:
    """A row of `paired.csv`: the first strategy minus another one, repeat by repeat.

    Attributes:
      strategy: the label of the first.
      other: the label of the other.
      m: after how many labels.
      difference: mean difference of the reporting scores; above 0 the first is better.
      ci_low: lower end of its interval.
      ci_high: upper end of its interval.
      queries_difference: the same of the queries to the optimum (see `Summary`); below 0 the first is
        better.
      queries_ci_low: lower end of its interval.
      queries_ci_high: upper end of its interval.
    """

    strategy: str
    other: str
    m: int
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    queries_difference: float | None
    queries_ci_low: float | None
    queries_ci_high: float | None


@dataclasses.dataclass(frozen=True)
class Top:
    """A row of `top.csv`: the best k of the first m architectures, and how far they are above random's.

    Attributes:
      strategy: its label.
      m: how many labels.
      k: how many of the best.
      mean: of their signals.
      gap: the mean, minus the same of random search; None where that takes no part.
      ci_low: lower end of the interval of the gap.
      ci_high: upper end of the interval of the gap.
    """

    strategy: str
    m: int
    k: int
    mean: float | None
    gap: float | None
    ci_low: float | None
    ci_high: float | None


class Estimates(NamedTuple):
    """Means over repeats at G places, and their intervals."""

    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]


def grid(budget: int) -> Int[np.ndarray, " G"]:
    """Where the tables have rows: at 1, 2, 5, all multiples of 10, and the budget."""
    return np.array(sorted({m for m in (1, 2, 5, *range(10, budget, 10)) if m < budget} | {budget}))


def at_the_end(found: Comparison) -> Int[np.ndarray, " G"]:
    """The one place where the budget is spent."""
    return np.array([found.budget])


def curve_points(found: Comparison) -> Iterator[CurvePoint]:
    """The rows of `curves.csv`."""
    for label, runs in found.runs.items():
        for r, (best, reported) in enumerate(zip(runs.best_signal, runs.best_reported, strict=True)):
            for m, (x, y) in enumerate(zip(_known(best), _known(reported), strict=True), start=1):
                yield CurvePoint(label, r, m, x, y)


def summaries(found: Comparison, m: Int[np.ndarray, " G"] | None = None) -> Iterator[Summary]:
    """The rows of `summary.csv`; or those of other places than the `grid`, in rising order."""
    m = grid(found.budget) if m is None else m
    for label, runs in found.runs.items():
        queries, share = unknown(len(m)).mean, unknown(len(m)).mean
        if found.optimum is not None:
            queries = _known(curves.queries_to(found.optimum, runs, m).mean(axis=0))
            share = _known(curves.share_at(found.optimum, runs, m))
        cpu = _known(runs.cpu_seconds[:, m - 1].mean(axis=0))
        columns = (*estimates(runs.best_reported[:, m - 1]), queries, share, cpu)
        yield from (Summary(label, *row) for row in zip(m.tolist(), *columns, strict=True))


def pairs(found: Comparison, m: Int[np.ndarray, " G"] | None = None) -> Iterator[Paired]:
    """The rows of `paired.csv`; or those of other places than the `grid`, in rising order."""
    m = grid(found.budget) if m is None else m
    (first, ours), *others = found.runs.items()
    for label, theirs in others:
        scores = estimates((ours.best_reported - theirs.best_reported)[:, m - 1])
        queries = unknown(len(m))
        if found.optimum is not None:
            needed, needed_there = (curves.queries_to(found.optimum, runs, m) for runs in (ours, theirs))
            queries = estimates(needed - needed_there)
        yield from (Paired(first, label, *row) for row in zip(m.tolist(), *scores, *queries, strict=True))


def tops(found: Comparison, m: Int[np.ndarray, " G"] | None = None) -> Iterator[Top]:
    """The rows of `top.csv`; or those of other places than the `grid`, in rising order."""
    m = grid(found.budget) if m is None else m
    for label, runs in found.runs.items():
        for k in TOP:
            best = curves.top(k, runs, m)
            gap = unknown(len(m))
            if found.random is not None:
                gap = estimates(best - curves.top(k, found.runs[found.random], m))
            rows = zip(m.tolist(), _known(best.mean(axis=0)), *gap, strict=True)
            yield from (Top(label, n, k, *values) for n, *values in rows if n >= k)


def estimates(values: Float[np.ndarray, "R G"]) -> Estimates:
    """Means `[G]` over repeats, and the percentile bootstrap intervals of them.

    The same repeats are drawn for all G places, and in every call with as many repeats. One repeat has no
    interval.
    """
    if len(values) == 1:
        nothing: list[float | None] = [None] * values.shape[1]
        return Estimates(_known(values[0]), nothing, nothing)
    with np.errstate(invalid="ignore"):  # what is not known makes the mean unknown
        means = resamples(len(values)) @ values  # [S, G]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return Estimates(_known(values.mean(axis=0)), _known(low), _known(high))


def unknown(places: int) -> Estimates:
    """Nothing is known at any of G places."""
    return Estimates([None] * places, [None] * places, [None] * places)


@functools.lru_cache(maxsize=1)
def resamples(repeats: int) -> Float[np.ndarray, "S R"]:
    """S resamples of R repeats, drawn with replacement: the weight of each repeat in the mean."""
    rng = np.random.default_rng(0)
    return rng.multinomial(repeats, np.full(repeats, 1 / repeats), size=RESAMPLES) / repeats


def _known(values: Float[np.ndarray, " G"]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
