"""The rows of the tables, and their bootstrap intervals."""

import time

import numpy as np
import pytest

from nao.compare import tables
from nao.compare.curves import Comparison, Runs


def runs(signal, reported=None, seconds=0.25):
    """Runs with these scores `[R, M]`."""
    signal = np.array(signal, dtype=float)
    reported = signal if reported is None else np.array(reported, dtype=float)
    return Runs(signal, reported, np.full(signal.shape, seconds))


FOUND = Comparison(
    budget=3,
    optimum=4.0,
    random="b",
    runs={
        "a": runs([[1, 4, 0], [2, 3, 4]], [[0.1, 0.4, 0.0], [0.2, 0.3, 0.5]]),
        "b": runs([[1, 0, 2], [2, 1, 1]], [[0.1, 0.0, 0.3], [0.2, 0.1, 0.1]]),
    },
)


class TestGrid:
    @pytest.mark.parametrize(
        ("budget", "places"),
        [
            (1, [1]),
            (4, [1, 2, 4]),
            (10, [1, 2, 5, 10]),
            (33, [1, 2, 5, 10, 20, 30, 33]),
            (200, [1, 2, 5, *range(10, 201, 10)]),
        ],
    )
    def test_places(self, budget, places):
        assert tables.grid(budget).tolist() == places


class TestEstimates:
    def test_one_run_has_no_interval(self):
        assert tables.estimates(np.array([[3.0, 4.0]])) == ([3.0, 4.0], [None, None], [None, None])

    def test_two_runs_in_closed_form(self):
        """The mean of a resample of 0 and 1 is 0, 1/2 or 1, with probability 1/4, 1/2, 1/4."""
        shares = (tables.resamples(2) @ np.array([0.0, 1.0]))[:, None] == np.array([0.0, 0.5, 1.0])
        assert np.abs(shares.mean(axis=0) - [0.25, 0.5, 0.25]).max() < 4 * np.sqrt(0.25 / 10_000)
        assert tables.estimates(np.array([[0.0], [1.0]])) == ([0.5], [0.0], [1.0])

    def test_many_runs_have_the_interval_of_the_central_limit_theorem(self, rng):
        values = rng.normal(5.0, 2.0, size=(400, 1))
        (mean,), (low,), (high,) = tables.estimates(values)
        half = 1.96 * values.std() / np.sqrt(400)
        assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.05 * half)

    def test_it_is_the_one_of_scipy(self, rng):
        from scipy.stats import bootstrap

        values = rng.gamma(2.0, size=(30, 1))
        theirs = bootstrap(
            (values[:, 0],), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
        ).confidence_interval
        _, (low,), (high,) = tables.estimates(values)
        width = theirs.high - theirs.low
        assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)

    def test_the_same_values_have_the_same_interval(self, rng):
        values = rng.normal(size=(7, 2))
        first = tables.estimates(values)
        tables.resamples.cache_clear()
        assert tables.estimates(values) == first

    def test_what_is_not_known_of_one_run_is_not_known_of_the_mean(self):
        mean, low, high = tables.estimates(np.array([[1.0, np.nan], [3.0, 4.0]]))
        assert (mean, low[1], high[1]) == ([2.0, None], None, None)


def test_curve_points():
    points = list(tables.curve_points(FOUND))
    assert len(points) == 2 * 2 * 3
    assert points[4] == tables.CurvePoint("a", 1, 2, 3.0, 0.3)
    assert [p.reported for p in points if (p.strategy, p.repeat) == ("a", 0)] == [0.1, 0.4, 0.4]


def test_summaries():
    rows = {(row.strategy, row.m): row for row in tables.summaries(FOUND)}
    assert list(rows) == [(label, m) for label in "ab" for m in (1, 2, 3)]
    last = rows["a", 3]
    assert (last.mean, last.ci_low, last.ci_high) == pytest.approx((0.45, 0.4, 0.5))
    assert (last.queries_to_optimum, last.share_at_optimum, last.cpu_seconds) == (2.5, 1.0, 0.25)
    assert (rows["a", 2].queries_to_optimum, rows["a", 2].share_at_optimum) == (2.0, 0.5)
    assert (rows["b", 3].queries_to_optimum, rows["b", 3].share_at_optimum) == (3.0, 0.0)


def test_pairs():
    rows = list(tables.pairs(FOUND))
    assert [(row.strategy, row.other, row.m) for row in rows] == [("a", "b", m) for m in (1, 2, 3)]
    assert (rows[0].difference, rows[0].ci_low, rows[0].ci_high) == (0.0, 0.0, 0.0)
    # By repeat: 0.4 - 0.3 and 0.5 - 0.2.
    assert (rows[2].difference, rows[2].ci_low, rows[2].ci_high) == pytest.approx((0.2, 0.1, 0.3))
    # By repeat: 2 - 3 and 3 - 3.
    assert (rows[2].queries_difference, rows[2].queries_ci_low, rows[2].queries_ci_high) == (-0.5, -1.0, 0.0)


def test_tops():
    rows = {(row.strategy, row.m, row.k): row for row in tables.tops(FOUND)}
    assert set(rows) == {(label, m, 1) for label in "ab" for m in (1, 2, 3)}
    assert (rows["a", 3, 1].mean, rows["a", 3, 1].gap) == (4.0, 2.0)
    assert (rows["b", 3, 1].mean, rows["b", 3, 1].gap) == (2.0, 0.0)


@pytest.mark.parametrize("table", [tables.summaries, tables.pairs, tables.tops])
def test_the_rows_of_the_end_are_among_the_rows_of_all_places(table):
    last = [row for row in table(FOUND) if row.m == FOUND.budget]
    assert list(table(FOUND, tables.at_the_end(FOUND))) == last != []


def test_without_an_optimum_or_random_search_their_columns_are_empty():
    found = Comparison(3, None, None, FOUND.runs)
    assert {(r.queries_to_optimum, r.share_at_optimum) for r in tables.summaries(found)} == {(None, None)}
    assert {r.queries_difference for r in tables.pairs(found)} == {None}
    assert {r.gap for r in tables.tops(found)} == {None}
    assert next(tables.tops(found)).mean == 1.5


def test_hundreds_of_runs_take_no_time(rng):
    many = {label: runs(rng.random((200, 200))) for label in "abcdefg"}
    began = time.process_time()
    found = Comparison(200, 1.0, "a", many)
    assert len(list(tables.summaries(found))) == 7 * 23
    assert len(list(tables.pairs(found))) == 6 * 23
    assert time.process_time() - began < 5
