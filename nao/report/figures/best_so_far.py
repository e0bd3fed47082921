"""The best score so far against M, beside what random search may be expected to have found by then.

Axis letters: N random architectures, G places on the axis of M.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from nao.core import Trial
from nao.report.figures import trials as shared
from nao.report.page import Figure, Table
from nao.report.page.columns import Columns, rounded
from nao.report.page.marks import Spec, count, number, series, shown
from nao.report.tables import number as cell

PLACES = 200  # of the expectation
LOWEST = 0.05  # of the scores lie below the picture, at most
BEST, EXPECTED, EACH = "best so far", "expected of random ones", "each architecture"


def figure(trials: Sequence[Trial], data: Columns) -> Figure:
    """The figure.

    Args:
      trials: those that are evaluated.
      data: the data set of them, from `trials.columns`.
    """
    pool = random_pool(trials)
    m = places(len(pool))
    expected = expected_best(np.array([t.score for t in pool if t.score is not None], float), len(pool), m)
    expectation = {"m": m.tolist(), "expected": rounded(expected.tolist())}
    scale, below = score_scale(trials)
    cut = f" {below:,} lower scores lie below the picture." if below else ""
    best = shared.best_so_far(trials)
    rises = [i for i, value in enumerate(best) if value is not None and (i == 0 or best[i - 1] != value)]
    steps = [*rises, *([len(best) - 1] if rises else [])]
    line: Columns = {"m": [i + 1 for i in steps], "best": rounded([best[i] for i in steps])}
    return Figure(
        name="best-so-far",
        title="Best so far",
        says="The best score among the first m architectures, failures counted, in the order in which they"
        " were proposed, and the score of each. Dashed: the expected best of m architectures drawn from"
        f" the {len(pool):,} random ones that the search began with, known only as far as these go.{cut}",
        spec=chart(scale, shared.size(len(trials), 18), bool(len(m)), "graph" in data),
        data={shared.NAME: data, "steps": line, "expectation": expectation},
        alternative=f"A line that rises from {cell(best[0], 4) or 'nothing'} to {cell(best[-1], 4)} over"
        f" {len(trials):,} architectures, and a dashed one that ends at"
        f" {cell(float(expected[-1]), 4) if len(m) else 'nothing'} at m = {len(pool):,}.",
        table=table(best, m, expected),
        height=340,
    )


def random_pool(trials: Sequence[Trial]) -> list[Trial]:
    """The random architectures that a search begins with: all before the first that is proposed."""
    origins = [trial.proposal.origin for trial in trials]
    first = next((i for i, origin in enumerate(origins) if origin not in ("start", "random")), len(trials))
    return [trial for trial in trials[:first] if trial.proposal.origin == "random"]


def expected_best(
    scores: Float[np.ndarray, " _"], drawn_from: int, m: Int[np.ndarray, " G"]
) -> Float[np.ndarray, " G"]:
    """The expected highest score of m architectures, drawn from N without replacement.

    Of the sorted scores, the i-th of N is the highest of m with the chance C(i - 1, m - 1) / C(N, m).
    Failures rank below every score; the expectation is that of the draws in which not all of them fail.

    Args:
      scores: of those that did not fail.
      drawn_from: N, failures included.
      m: `[G]` from 1 to N.

    Returns:
      `[G]`; NaN where there is no score.
    """
    if not len(scores):
        return np.full(len(m), np.nan)
    rank = np.arange(drawn_from - len(scores) + 1, drawn_from + 1)  # i of each score
    log_chance = _log_choose(rank - 1, m[:, None] - 1) - _log_choose(np.array(drawn_from), m)[:, None]
    chance = np.exp(log_chance)
    expected: Float[np.ndarray, " G"] = (chance @ np.sort(scores)) / chance.sum(axis=1)
    return expected


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The logarithm of C(n, k); -inf where k > n."""
    possible = k <= n
    rest = np.where(possible, n - k, 0)
    value = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(rest + 1)
    return np.where(possible, value, -np.inf)


def places(most: int) -> Int[np.ndarray, " G"]:
    """At most `PLACES` whole numbers from 1 to `most`, close together at the beginning."""
    if not most:
        return np.zeros(0, np.int64)
    return np.unique(np.geomspace(1, most, PLACES).round().astype(np.int64))


def score_scale(trials: Sequence[Trial]) -> tuple[dict[str, Any], int]:
    """The scale of scores, which a few bad ones do not flatten, and how many lie below it."""
    scores = np.array([trial.score for trial in trials if trial.score is not None], float)
    if not len(scores):
        return {}, 0
    low, high = float(np.quantile(scores, LOWEST)), float(scores.max())
    if low - scores.min() < (high - low) / 4:
        low = float(scores.min())
    margin = (high - low) * 0.04 or 1.0
    bottom, top = (float(f"{value:.4g}") for value in (low - margin, high + margin))
    return {"domain": [bottom, top], "nice": False}, int(np.sum(scores < bottom))


def chart(scale: Spec, size: int, with_expectation: bool, with_drawings: bool) -> Spec:
    """Points, the best so far as steps, and the expectation.

    Args:
      scale: of the scores.
      size: of a point.
      with_expectation: whether there is one.
      with_drawings: whether the data have graphs.
    """
    x, y = count("m", "m, architectures evaluated"), number("score", "score", scale=scale)
    colours = series([BEST, EXPECTED] if with_expectation else [BEST])
    line = {"type": "line", "clip": True}
    drawing = {"graph": "drawing"} if with_drawings else {}
    layers = [
        {
            "data": {"name": shared.NAME},
            "mark": {
                "type": "point",
                "style": "dots",
                "filled": True,
                "size": size,
                "clip": True,
                "aria": False,
            },
            "encoding": {
                "x": x,
                "y": y,
                "tooltip": shown(m="m", score=("score", ".4f"), set="set", string="string", **drawing),
            },
        },
        {
            "data": {"name": "steps"},
            "mark": {**line, "interpolate": "step-after", "strokeWidth": 2.4},
            "encoding": {"x": x, "y": {**y, "field": "best"}, "color": _colour(BEST, colours)},
        },
    ]
    if with_expectation:
        dashed = {**line, "strokeDash": [6, 4], "strokeWidth": 2}
        encoding = {"x": x, "y": {**y, "field": "expected"}, "color": _colour(EXPECTED, colours)}
        layers.append({"data": {"name": "expectation"}, "mark": dashed, "encoding": encoding})
    return {"layer": layers}


def _colour(name: str, colours: Spec) -> Spec:
    """The colour of one series."""
    return {"datum": name, **{key: colours[key] for key in ("type", "title", "scale")}}


def table(best: Sequence[float | None], m: Int[np.ndarray, " G"], expected: Float[np.ndarray, " G"]) -> Table:
    """The best and the expectation at some m."""
    known = dict(zip(m.tolist(), expected.tolist(), strict=True))
    chosen = sorted(
        {*places(len(best)).tolist()[:: max(1, PLACES // 50)], *known.keys() & {1, len(known)}, len(best)}
    )
    rows = []
    for i in chosen:
        value = known.get(i)
        rows.append(
            [f"{i:,}", cell(best[i - 1], 4), "" if value is None or np.isnan(value) else f"{value:.4f}"]
        )
    return Table(("m", BEST, EXPECTED), rows)
