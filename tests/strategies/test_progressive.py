"""Progressive search: the published counts, what a stage expands, and what the predictor learns."""

import numpy as np
import pytest
from scipy import stats

from nao.core import Architecture
from nao.spaces.cells import CellSpace
from nao.spaces.nasbench201 import NASBENCH201
from nao.spaces.operations import operations
from nao.strategies import progressive
from nao.strategies.progressive import Progressive, fit_ensemble
from tests.fakes import PairSpace
from tests.strategies.results import scored, total

SPACE = PairSpace()
PNAS = CellSpace("pnas", operations(*"abcdefgh"), cells=("cell",), blocks=1)  # 8 operations, 2 inputs


def test_one_block_of_pnas_is_256_strings_and_136_architectures():
    strings = PNAS.grammar.every_string()
    assert len(np.unique(strings, axis=0)) == len(strings) == 256
    assert len({PNAS.canonical(Architecture(tuple(x), PNAS)) for x in strings.tolist()}) == 136


def test_the_first_stage_of_pnas_trains_all_136():
    strategy = Progressive(PNAS, Progressive.Settings(beam=256))
    begun = strategy.ask(strategy.batch)
    strategy.tell(scored(begun, total))
    stage = strategy.ask(strategy.batch)
    stage = [p for p in stage if p.origin == "stage"]
    assert len({PNAS.canonical(p.architecture) for p in [*begun, *stage]}) == 136 == len(begun) + len(stage)


def test_every_stage_decides_a_block_more_and_the_rest_is_the_first_legal_token():
    strategy = Progressive(SPACE, Progressive.Settings(beam=6))
    strategy.tell(scored(strategy.ask(10), total))
    decided = []
    while strategy.diagnostics()["decided"] < SPACE.length:
        proposals = strategy.ask(1)
        decided.append(int(strategy.diagnostics()["decided"]))
        proposals += strategy.ask(int(strategy.diagnostics()["left"]))
        assert all(not any(p.architecture.tokens[decided[-1] :]) for p in proposals)
        strategy.tell(scored(proposals, total))
    assert decided == [4, 8]  # 2 groups of 2 tokens


def test_a_stage_keeps_the_beginnings_of_the_one_before():
    strategy = Progressive(SPACE, Progressive.Settings(beam=6))
    strategy.tell(scored(strategy.ask(10), total))
    first = strategy.ask(1)
    beam = {tuple(x[:4]) for x in strategy.state()["beam"]}
    strategy.tell(scored(first + strategy.ask(int(strategy.diagnostics()["left"])), total))
    strategy.ask(1)
    assert {tuple(x[:4]) for x in strategy.state()["beam"]} <= beam
    assert len(beam) == 6


def test_a_beam_is_full_where_all_that_is_begun_still_ends_in_nothing():
    """Every cell of NAS-Bench-201 whose last four edges are `none` is the same."""
    strategy = Progressive(NASBENCH201, Progressive.Settings(beam=10))
    strategy.tell(scored(strategy.ask(10), total))
    strategy.ask(1)
    begun = {tuple(x[:2]) for x in strategy.state()["beam"]}
    assert len(begun) == 10
    assert {NASBENCH201.key((*x, 0, 0, 0, 0)) for x in begun} == {NASBENCH201.key((0,) * 6)}


@pytest.mark.parametrize("seed", range(3))
def test_the_beam_finds_the_optimum_of_an_additive_score(seed):
    weights = np.random.default_rng(seed).normal(size=(SPACE.length, SPACE.letters))
    weights = weights.reshape(-1, 2, SPACE.letters).mean(axis=1).repeat(2, axis=0)  # equal within pairs

    def additive(architecture):
        return float(weights[np.arange(SPACE.length), list(architecture.tokens)].sum())

    strategy, best = Progressive(SPACE, seed=seed), -np.inf
    for _ in range(15):
        results = scored(strategy.ask(strategy.batch), additive)
        best = max(best, *(r.score for r in results))
        strategy.tell(results)
    assert best == pytest.approx(weights.max(axis=1).sum())


def test_the_predictor_extrapolates_to_longer_strings():
    """From strings whose last two groups are all first tokens to strings in which they are not."""
    rng = np.random.default_rng(0)
    short, long = SPACE.grammar.sample(rng, 60), SPACE.grammar.sample(rng, 300)
    short[30:, 4:] = 0
    pi = fit_ensemble(short, short.sum(axis=1).astype(float))
    assert stats.spearmanr(pi(long), long.sum(axis=1)).statistic > 0.7


def test_goes_on_near_the_best_when_all_is_decided():
    strategy = Progressive(SPACE, Progressive.Settings(beam=5))
    told = []
    for _ in range(8):
        results = scored(strategy.ask(strategy.batch), total)
        told += results
        strategy.tell(results)
    proposals = strategy.ask(5)
    best = sorted(told, key=lambda r: -r.score)[:5]
    near = {SPACE.canonical(u) for r in best for u in SPACE.neighbours(r.architecture)}
    assert [p.origin for p in proposals] == ["stage"] * 5
    assert {SPACE.canonical(p.architecture) for p in proposals} <= near


def test_of_many_scores_the_predictor_is_fitted_to_some(monkeypatch):
    fitted = []

    def watched(X, y):
        fitted.append((X, y))
        return fit_ensemble(X, y)

    monkeypatch.setattr(progressive, "fit_ensemble", watched)
    monkeypatch.setattr(progressive, "MAX_FITTED", 30)
    strategy = Progressive(SPACE, Progressive.Settings(initial=40, beam=6))
    begun = scored(strategy.ask(40), total)
    strategy.tell(begun[:30])
    strategy.ask(6)
    strategy.tell(begun[30:])
    while len(fitted) < 2:
        strategy.ask(6)
    (X, _), (some, y) = fitted
    np.testing.assert_array_equal(X, [r.architecture.tokens for r in begun[:30]])
    assert len(some) == len(y) == 30
    best = sorted(begun, key=lambda r: -r.score)[:5]
    assert {r.architecture.tokens for r in best} <= set(map(tuple, some.tolist()))
