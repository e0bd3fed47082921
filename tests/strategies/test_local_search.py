"""Local search: what it walks to, when it moves, and what it does at the top of a hill."""

import pytest

from nao.strategies.local_search import LocalSearch
from tests.fakes import PairSpace
from tests.strategies.results import play, result, total

SPACE = PairSpace()


def test_starts_at_the_best_of_the_random_ones():
    history = play(LocalSearch(SPACE, LocalSearch.Settings(initial=6)), 7)
    assert [p.origin for p, _ in history] == ["random"] * 6 + ["neighbour"]
    assert history[6][0].parent == max(history[:6], key=lambda pair: pair[1])[0].architecture


def test_moves_as_soon_as_a_neighbour_is_better():
    best = None
    for proposal, score in play(LocalSearch(SPACE, LocalSearch.Settings(initial=1)), 40):
        if proposal.origin == "neighbour":
            assert proposal.parent == best
            near = {SPACE.canonical(u) for u in SPACE.neighbours(best)}
            assert SPACE.canonical(proposal.architecture) in near
        if best is None or score > total(best):
            best = proposal.architecture


def test_climbs_a_hill_without_ever_leaving_it():
    # The sum has one local optimum, all of whose neighbours are looked at before a restart.
    history = play(LocalSearch(SPACE, LocalSearch.Settings(initial=1)), 300)
    origins = [p.origin for p, _ in history]
    restart = origins.index("random", 1)
    assert max(score for _, score in history[:restart]) == 3 * SPACE.length
    top = next(p.architecture for p, score in history if score == 3 * SPACE.length)
    seen = {SPACE.canonical(p.architecture) for p, _ in history[:restart]}
    assert {SPACE.canonical(u) for u in SPACE.neighbours(top)} <= seen


def test_after_a_restart_it_climbs_from_there():
    history = play(LocalSearch(SPACE, LocalSearch.Settings(initial=1)), 300)
    restart = [p.origin for p, _ in history].index("random", 1)
    assert history[restart + 1][0].parent == history[restart][0].architecture
    assert history[restart][1] < 3 * SPACE.length


def test_a_failed_neighbour_is_no_better_and_a_failed_start_is_none():
    strategy = LocalSearch(SPACE, LocalSearch.Settings(initial=1))
    failed = strategy.ask(1)[0]
    strategy.tell([result(failed.architecture, None)])
    start = strategy.ask(1)[0]
    assert start.origin == "random"
    strategy.tell([result(start.architecture, 1.0)])
    for score in (None, float("nan")):
        neighbour = strategy.ask(1)[0]
        assert neighbour.parent == start.architecture
        strategy.tell([result(neighbour.architecture, score)])
    assert strategy.ask(1)[0].parent == start.architecture


def test_a_batch_is_of_neighbours_of_where_it_stands():
    strategy = LocalSearch(SPACE, LocalSearch.Settings(initial=1))
    start = strategy.ask(1)[0].architecture
    strategy.tell([result(start, 1.0)])
    proposals = strategy.ask(5)
    assert {p.parent for p in proposals} == {start}
    scores = [0.0, 3.0, 2.0, 4.0, 1.0]
    strategy.tell([result(p.architecture, s) for p, s in zip(proposals, scores, strict=True)])
    assert strategy.ask(1)[0].parent == proposals[3].architecture


def test_neighbours_come_in_random_order():
    start = LocalSearch(SPACE).ask(1)[0].architecture
    orders = set()
    for seed in range(3):
        strategy = LocalSearch(SPACE, LocalSearch.Settings(initial=1), seed=seed)
        strategy.tell([result(start, 1.0)])
        strategy.ask(1)  # its own random one
        orders.add(tuple(p.architecture.tokens for p in strategy.ask(3)))
    assert len(orders) == 3


def test_batch_is_all_random_ones_at_once_and_then_one():
    strategy = LocalSearch(SPACE, LocalSearch.Settings(initial=4))
    assert strategy.batch == 4
    strategy.ask(3)
    assert strategy.batch == 1
    strategy.ask(1)
    assert strategy.batch == 1
    assert LocalSearch(PairSpace(letters=2, length=2)).batch == 3  # of 10: there are no more


@pytest.mark.parametrize("seed", range(3))
def test_far_fewer_queries_than_architectures(seed):
    history = play(LocalSearch(SPACE, seed=seed), 150)
    assert max(score for _, score in history) == 3 * SPACE.length  # 1 of 10^4
