"""Regularised evolution: the published toy, tournaments, and death by age."""

import numpy as np
import pytest

from nao.strategies.evolution import Evolution
from tests.fakes import PairSpace
from tests.strategies.results import result

SPACE = PairSpace()


def test_the_published_toy():
    """100 bits whose share of ones is the accuracy, noise 0.01, P = 100, S = 10, 1000 models.

    In the published implementation the last 100 models have 0.862 +- 0.021 on average over 20 seeds; the
    best of 1000 random ones has 0.666.
    """
    space = PairSpace(letters=2, length=100)
    averages = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        strategy = Evolution(space, Evolution.Settings(population=100, sample=10), seed=seed)
        accuracies = []
        while len(accuracies) < 1000:
            for proposal in strategy.ask(strategy.batch):
                accuracies.append(sum(proposal.architecture.tokens) / 100)
                noisy = float(np.clip(accuracies[-1] + rng.normal(scale=0.01), 0, 1))
                strategy.tell([result(proposal.architecture, noisy)])
        averages.append(np.mean(accuracies[-100:]))
    assert min(averages) > 0.80
    assert np.mean(averages) == pytest.approx(0.862, abs=3 * 0.021 / np.sqrt(4))


def test_a_sample_of_all_takes_the_best_of_the_living():
    strategy = Evolution(SPACE, Evolution.Settings(population=5, sample=200))
    told = []
    for step in range(40):
        proposal = strategy.ask(1)[0]
        if step < 5:
            assert proposal.origin == "random"
        else:
            living = told[-5:]  # the best of all may have died of age
            assert proposal.parent == max(living, key=lambda pair: pair[1])[0]
        told.append((proposal.architecture, float(-step)))  # the oldest is always the best
        strategy.tell([result(*told[-1])])


def test_a_sample_of_one_is_no_selection():
    strategy = Evolution(SPACE, Evolution.Settings(population=4, sample=1))
    initial = strategy.ask(4)
    strategy.tell([result(p.architecture, float(i)) for i, p in enumerate(initial)])
    parents = [p.parent for p in strategy.ask(400)]
    counts = [parents.count(p.architecture) for p in initial]
    assert sum(counts) == 400
    assert min(counts) > 100 - 4 * np.sqrt(400 * 3 / 16)


def test_a_tournament_is_won_as_often_as_it_should_be():
    """The best of 4 is in a sample of 2, drawn with replacement, with probability 1 - (3/4)^2."""
    strategy = Evolution(SPACE, Evolution.Settings(population=4, sample=2))
    initial = strategy.ask(4)
    strategy.tell([result(p.architecture, float(i)) for i, p in enumerate(initial)])
    parents = [p.parent for p in strategy.ask(400)]
    counts = np.array([parents.count(p.architecture) for p in initial])
    shares = np.array([1, 3, 5, 7]) / 16
    assert np.all(np.abs(counts - 400 * shares) < 4 * np.sqrt(400 * shares * (1 - shares)))


def test_the_failed_have_no_children():
    strategy = Evolution(SPACE, Evolution.Settings(population=6, sample=3))
    initial = strategy.ask(6)
    scores = [None, float("nan"), 1.0, None, 2.0, float("inf")]
    strategy.tell([result(p.architecture, s) for p, s in zip(initial, scores, strict=True)])
    parents = {p.parent for p in strategy.ask(50)}
    assert parents == {initial[2].architecture, initial[4].architecture}


def test_mutates_further_where_all_neighbours_are_known():
    strategy = Evolution(SPACE, Evolution.Settings(population=1, sample=1))
    parent = strategy.ask(1)[0].architecture
    near = list(SPACE.neighbours(parent))
    strategy.tell([result(u, 0.0) for u in near])
    strategy.tell([result(parent, 1.0)])
    children = strategy.ask(20)
    keys = {SPACE.canonical(u) for u in near}
    assert [p.origin for p in children] == ["mutation"] * 20
    assert not keys & {SPACE.canonical(p.architecture) for p in children}


def test_batch_is_the_initial_population_and_then_one():
    strategy = Evolution(SPACE, Evolution.Settings(population=7))
    assert strategy.batch == 7
    strategy.tell([result(p.architecture, 1.0) for p in strategy.ask(7)])
    assert strategy.batch == 1
    assert strategy.diagnostics() == {"population_mean": 1.0}
