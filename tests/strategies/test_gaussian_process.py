"""The strategy under a Gaussian process: its candidates, and what it proposes."""

import numpy as np
import pytest

from nao.core import Architecture
from nao.strategies.gaussian_process import (
    NUM_RANDOM,
    GaussianProcess,
    inputs,
    whole_space,
)
from nao.surrogates import inducing_points
from tests.fakes import PairSpace
from tests.strategies.results import scored, scores, total

SPACE = PairSpace(letters=4, length=6)  # 4096 strings, 1000 architectures
LARGE = PairSpace()


def test_the_candidates_of_a_small_space_are_all_its_architectures():
    tokens, parts = whole_space(SPACE)
    keys = {SPACE.canonical(Architecture(tuple(x), SPACE)) for x in tokens.tolist()}
    assert len(keys) == len(tokens) == SPACE.classes
    for part, again in zip(parts, inputs(SPACE, tokens), strict=True):
        np.testing.assert_array_equal(part, again)


def test_the_candidates_of_a_large_space_are_random_ones_and_neighbours():
    strategy = GaussianProcess(LARGE)
    strategy.tell(scored(strategy.ask(10), total))
    strategy.ask(5)
    neighbours = LARGE.length * (LARGE.letters - 1)
    assert strategy.diagnostics()["candidates"] == NUM_RANDOM + 5 * neighbours
    assert 0 < strategy.diagnostics()["noise"] < 1


@pytest.mark.parametrize("space", [SPACE, LARGE], ids=["whole", "sampled"])
def test_finds_the_best_of_thousands_in_a_few_dozen(space):
    for seed in range(2):
        strategy, best = GaussianProcess(space, seed=seed), 0.0
        for _ in range(9):
            results = scored(strategy.ask(strategy.batch), total)
            best = max(best, *(r.score for r in results))
            strategy.tell(results)
        assert best == 3 * space.length


def test_predictions_are_in_the_units_of_the_scores():
    strategy = GaussianProcess(SPACE)
    results = scored(strategy.ask(40), lambda x: 1000 + 5 * float(sum(x.tokens)))
    strategy.tell(results)
    proposals = strategy.ask(5)
    assert [p.origin for p in proposals] == ["improvement"] * 5
    scores = [r.score for r in results]
    assert all(min(scores) <= p.predicted <= max(scores) for p in proposals)
    assert np.mean([p.predicted for p in proposals]) > np.mean(scores)


def test_the_proposals_of_a_batch_are_not_all_in_one_place():
    """Each is chosen as if those before it were known, so that the second best is often elsewhere."""
    strategy = GaussianProcess(SPACE, GaussianProcess.Settings(proposals=6))
    strategy.tell(scored(strategy.ask(15), total))
    X = np.array([p.architecture.tokens for p in strategy.ask(6)])
    distances = (X[:, None] != X[None]).sum(axis=-1)[np.triu_indices(6, 1)]
    assert distances.max() >= 3


def test_random_until_there_are_scores_and_when_all_failed():
    strategy = GaussianProcess(SPACE, GaussianProcess.Settings(initial=3))
    assert strategy.batch == 3
    proposals = strategy.ask(8)
    assert [p.origin for p in proposals] == ["random"] * 8
    strategy.tell(scored(proposals, lambda x: None))
    assert strategy.batch == 5
    assert [p.origin for p in strategy.ask(5)] == ["random"] * 5


def test_finds_the_best_by_way_of_inducing_points(monkeypatch):
    monkeypatch.setattr(inducing_points, "MAX_EXACT", 30)
    monkeypatch.setattr(inducing_points, "INDUCING", 25)
    strategy = GaussianProcess(SPACE, GaussianProcess.Settings(initial=40))
    found = scores(strategy, 80)
    assert max(found[:40]) < max(found) == 3 * SPACE.length
    assert np.mean(found[40:]) > np.mean(found[:40]) + np.std(found[:40])
