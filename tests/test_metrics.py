"""Ranking measures against counts by hand."""

import itertools
import math

import numpy as np
import pytest

from nao.metrics import hamming, kendall_tau, pairwise_accuracy


def test_pairwise_accuracy_counts_pairs(rng):
    predicted, true = rng.integers(0, 5, 30).astype(float), rng.integers(0, 5, 30).astype(float)
    credit = []
    for i, j in itertools.combinations(range(30), 2):
        if true[i] != true[j]:
            agree = (predicted[i] - predicted[j]) * (true[i] - true[j])
            credit.append(1.0 if agree > 0 else 0.5 if agree == 0 else 0.0)
    assert pairwise_accuracy(predicted, true) == pytest.approx(np.mean(credit))


def test_by_hand():
    true = np.array([1.0, 2.0, 3.0, 4.0])
    assert pairwise_accuracy(np.array([1.0, 3.0, 2.0, 4.0]), true) == pytest.approx(5 / 6)
    assert kendall_tau(np.array([1.0, 3.0, 2.0, 4.0]), true) == pytest.approx(4 / 6)
    assert pairwise_accuracy(-true, true) == 0
    assert pairwise_accuracy(np.zeros(4), true) == 0.5
    assert hamming(np.array([[1, 2, 3], [1, 2, 3]]), np.array([[1, 2, 3], [3, 2, 1]])) == 1.0


def test_too_little_to_rank_is_nan():
    for measure in (pairwise_accuracy, kendall_tau):
        assert math.isnan(measure(np.zeros(0), np.zeros(0)))
        assert math.isnan(measure(np.ones(1), np.ones(1)))
        assert math.isnan(measure(np.arange(3.0), np.ones(3)))
    assert math.isnan(hamming(np.zeros((0, 4), int), np.zeros((0, 4), int)))
