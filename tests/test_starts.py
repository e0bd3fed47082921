"""Architectures that a search is given to begin with."""

import json

import numpy as np
import pytest

from nao import given
from nao.core import Architecture, InputError
from nao.limits import Limits
from nao.search import optimize
from nao.spaces import RNN_CELL, SPACES
from nao.strategies import NAO, make
from nao.strategies.initial import initial_design
from nao.strategies.named import STRATEGIES, strategy
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

SPACE = PairSpace()
BEST = Architecture((3,) * 8, SPACE)
STARTS = [BEST, Architecture((0, 3) * 4, SPACE)]
AGAIN = Architecture((3, 0) * 4, SPACE)  # means the same as the second


def nao(space=SPACE, **how):
    return NAO(space, LinearEncoder(), **how)


MAKERS = {
    "nao": nao,
    **{name: lambda name=name, space=SPACE, **how: strategy(name, space, **how) for name in STRATEGIES},
}
every_strategy = pytest.mark.parametrize("make_one", MAKERS.values(), ids=MAKERS)


@every_strategy
class TestStrategies:
    def test_they_come_first_and_all_else_is_as_it_would_be(self, make_one):
        proposals = make_one(starts=STARTS).ask(8)
        assert [p.architecture for p in proposals[:2]] == STARTS
        assert [p.origin for p in proposals] == ["start"] * 2 + ["random"] * 6
        without = [x for x in initial_design(SPACE, 0, 8) if x not in STARTS]
        assert [p.architecture for p in proposals[2:]] == without[:6]

    def test_one_by_one_they_are_the_same(self, make_one):
        one_by_one = make_one(starts=STARTS)
        found = []
        for _ in range(6):
            found += one_by_one.ask(1)
        assert found == make_one(starts=STARTS).ask(6)

    def test_a_strategy_that_is_restored_between_them_goes_on(self, make_one):
        whole, again = make_one(starts=STARTS), make_one(starts=STARTS)
        first = whole.ask(1)
        again.restore(json.loads(json.dumps(whole.state())))
        rest = whole.ask(5)
        assert again.ask(5) == rest
        assert [p.architecture for p in (*first, rest[0])] == STARTS

    def test_they_are_a_part_of_what_it_is(self, make_one):
        space = SPACES["nasbench-macro"]
        starts = space.sample(np.random.default_rng(0), 2)
        made = make_one(space=space, starts=starts)
        configuration = json.loads(json.dumps(made.configuration()))
        assert configuration["starts"] == [str(x) for x in starts]
        again = make(configuration, LinearEncoder())
        assert again == made
        assert again.ask(3) == made.ask(3)
        assert "starts" not in make_one(space=space).configuration()
        assert make_one(space=space) != make_one(space=space, starts=starts)

    def test_of_those_that_mean_the_same_there_is_one(self, make_one):
        proposals = make_one(starts=[*STARTS, AGAIN, BEST]).ask(4)
        assert [p.origin for p in proposals] == ["start", "start", "random", "random"]

    def test_they_must_be_of_the_space_and_within_the_limits(self, make_one):
        with pytest.raises(
            InputError, match=r"^a search in pairs can start with its architectures, not with "
        ):
            make_one(starts=given.architectures(["NAO"], RNN_CELL))
        with pytest.raises(InputError, match=r"are no tokens of an architecture of pairs$"):
            make_one(starts=[Architecture((9,) * 8, SPACE)])
        limits = Limits.of({"parameters": 120}, SumEvaluator())
        with pytest.raises(
            InputError, match=r"^the start .* is beyond the limits of the search, parameters <= 120$"
        ):
            make_one(starts=STARTS, limits=limits)
        assert make_one(starts=STARTS[1:], limits=limits).ask(3)


def test_more_than_the_initial_ones_are_refused_where_their_number_is_given():
    many = initial_design(SPACE, 7, 11)
    with pytest.raises(
        InputError, match=r"^11 different architectures to start with are more than the 10 that"
    ):
        nao(starts=many)
    assert {p.origin for p in nao(starts=many[:10]).ask(10)} == {"start"}
    assert [p.architecture for p in strategy("random", SPACE, starts=many).ask(11)] == many


@pytest.mark.parametrize("wrong", ["a", [3], {"a": 1}, [None]])
def test_a_damaged_configuration_is_refused(wrong):
    configuration = {**strategy("random", SPACES["nasbench-macro"]).configuration(), "starts": wrong}
    with pytest.raises(
        InputError, match=r"the starts of a strategy are a list of architectures|nasbench-macro"
    ):
        make(configuration)


def test_a_search_that_is_killed_goes_on_with_them(tmp_path):
    def search(out, seconds=None, starts=STARTS):
        how = {"iterations": 1, "initial": 6, "new": 3, "seeds": 3}
        return optimize(
            SPACE, SumEvaluator(), LinearEncoder(), **how, starts=starts, out=out, minutes=seconds
        )

    whole = search(None)
    assert [t.architecture for t in whole.trials[:2]] == STARTS
    search(tmp_path / "run", 1e-9)
    assert [t.architecture for t in search(tmp_path / "run").trials] == [t.architecture for t in whole.trials]
    with pytest.raises(InputError, match="starts"):
        search(tmp_path / "run", starts=())
