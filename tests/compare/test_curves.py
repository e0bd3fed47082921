"""What many runs come to: each number by hand."""

import numpy as np
import pytest

from nao.compare import curves
from nao.compare.curves import Runs, stacked
from nao.compare.run import Query

NAN = float("nan")


def queries(signals, reported=None):
    """A run with these scores; None has failed."""
    reported = reported or [None if s is None else 10 * s for s in signals]
    return [
        Query(m, f"x{m}", "random", s, r, 0.5 * m)
        for m, (s, r) in enumerate(zip(signals, reported, strict=True), start=1)
    ]


def test_the_best_so_far_is_chosen_by_the_signal_and_the_first_of_equals_stays():
    runs = stacked([queries([1.0, 3.0, 2.0, 3.0, 4.0], [9.0, 5.0, 8.0, 7.0, 6.0])], 5)
    assert runs.best_signal.tolist() == [[1.0, 3.0, 3.0, 3.0, 4.0]]
    assert runs.best_reported.tolist() == [[9.0, 5.0, 5.0, 5.0, 6.0]]


def test_failures_count_and_change_nothing():
    runs = stacked([queries([None, 2.0, None, -1.0, 3.0])], 5)
    np.testing.assert_array_equal(runs.best_signal, [[NAN, 2.0, 2.0, 2.0, 3.0]])
    np.testing.assert_array_equal(runs.best_reported, [[NAN, 20.0, 20.0, 20.0, 30.0]])


def test_all_failed():
    runs = stacked([queries([None, None])], 2)
    assert np.isnan(runs.best_signal).all()
    assert np.isnan(runs.best_reported).all()


def test_what_reports_nothing_is_not_replaced_by_something_worse():
    runs = stacked([queries([1.0, 2.0], [5.0, None])], 2)
    np.testing.assert_array_equal(runs.best_reported, [[5.0, NAN]])


def test_a_run_that_ended_early_stays_flat():
    runs = stacked([queries([1.0, 2.0]), queries([2.0, 1.0, 5.0, 4.0])], 4)
    assert runs.best_signal.tolist() == [[1.0, 2.0, 2.0, 2.0], [2.0, 2.0, 5.0, 5.0]]
    assert runs.best_reported.tolist() == [[10.0, 20.0, 20.0, 20.0], [20.0, 20.0, 50.0, 50.0]]
    assert runs.cpu_seconds.tolist() == [[0.5, 1.0, 1.0, 1.0], [0.5, 1.0, 1.5, 2.0]]


def test_queries_to_the_optimum_count_up_to_m():
    runs = stacked([queries([1.0, 5.0, 2.0, 5.0]), queries([1.0, 2.0, 3.0, 4.0]), queries([5.0])], 4)
    m = np.array([1, 2, 4])
    assert curves.queries_to(5.0, runs, m).tolist() == [[1, 2, 2], [1, 2, 4], [1, 1, 1]]
    assert curves.share_at(5.0, runs, m).tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3])


def test_top_is_the_mean_of_the_best_k_of_the_first_m():
    runs = stacked([queries([3.0, None, 1.0, 2.0]), queries([4.0, 8.0, 6.0, 0.0])], 4)
    m = np.array([1, 2, 3, 4])
    np.testing.assert_array_equal(curves.top(1, runs, m), [[3, 3, 3, 3], [4, 8, 8, 8]])
    np.testing.assert_array_equal(curves.top(2, runs, m), [[NAN, NAN, 2, 2.5], [NAN, 6, 7, 7]])
    np.testing.assert_array_equal(curves.top(4, runs, m), [[NAN] * 4, [NAN, NAN, NAN, 4.5]])


def test_top_equals_sorting_all_of_the_first_m(rng):
    signal = rng.normal(size=(3, 60)).round(1)
    signal[rng.random(signal.shape) < 0.3] = NAN
    runs, m = Runs(signal, signal, np.ones_like(signal)), np.array([1, 2, 5, 10, 20, 30, 60])
    for k in (1, 5, 15):
        for n, found in zip(m, curves.top(k, runs, m).T, strict=True):
            best = np.sort(np.where(np.isnan(signal[:, :n]), -np.inf, signal[:, :n]), axis=1)[:, -k:]
            expected = best.mean(axis=1) if n >= k else np.full(3, -np.inf)
            np.testing.assert_array_equal(found, np.where(np.isneginf(expected), NAN, expected))
