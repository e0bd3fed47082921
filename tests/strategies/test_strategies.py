"""What every strategy must do, and what NAO does beyond it."""

import dataclasses
import functools
import itertools
import json
import math

import numpy as np
import pytest

from nao.core import Architecture, Cost, InputError, Request, Strategy
from nao.limits import Limits
from nao.spaces import SPACES
from nao.strategies import NAO, archive, make
from nao.strategies.initial import initial_design
from nao.strategies.named import STRATEGIES, strategy
from nao.strategies.rewards import Rewards
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator
from tests.strategies.results import result, scored, total

SPACE = PairSpace()
# Parameters under which the rounds below lead beyond the initial design.
PARAMETERS = {
    "evolution": {"population": 20, "sample": 5},
    "q-learning": {"budget": 40},
}


def named(name):
    """A function that makes a strategy from a space, a seed, and limits."""
    parameters = PARAMETERS.get(name, {})
    return lambda space=SPACE, seed=0, limits=None: strategy(
        name, space, seed=seed, limits=limits, **parameters
    )


def nao(space, seed, limits, **settings):
    return NAO(space, LinearEncoder(), NAO.Settings(seeds=10, **settings), seed=seed, limits=limits)


MAKERS = {
    **{name: named(name) for name in STRATEGIES},
    "nao-predicted": lambda space=SPACE, seed=0, limits=None: nao(space, seed, limits),
    "nao-first": lambda space=SPACE, seed=0, limits=None: nao(space, seed, limits, choose="first"),
}
# Tests of one strategy are run in one process, which plays it once; `reinforce` is compiled there too.
every_strategy = pytest.mark.parametrize(
    "make_one",
    [pytest.param(maker, marks=pytest.mark.xdist_group(name), id=name) for name, maker in MAKERS.items()],
)


def evaluate(proposals):
    """Results in the order of the proposals, some of them failures."""
    evaluator = SumEvaluator()
    return [evaluator.result(Request(p.architecture, 2 * i)) for i, p in enumerate(proposals)]


def played(strategy, rounds=3, n=30):
    """Proposals, states and results of some rounds."""
    history = []
    for _ in range(rounds):
        proposals = strategy.ask(n)
        results = evaluate(proposals)
        history.append((proposals, strategy.state(), results))
        strategy.tell(results)
    return history


@functools.cache
def played_once(make_one):
    """What was played with a new strategy, and the strategy after it: only to be looked at."""
    strategy = make_one()
    return played(strategy), strategy


def swapped(architecture):
    """The string of a `PairSpace` with its first pair the other way round, which means the same."""
    a, b, *others = architecture.tokens
    return Architecture((b, a, *others), architecture.space)


# Its policy is compiled for each space: one with many states, as that of one state is compiled below.
PAIRS = [
    (name, space)
    for name, space in itertools.product(STRATEGIES, SPACES)
    if name != "reinforce" or space == "nasbench101"
]


@pytest.mark.parametrize(("name", "space"), PAIRS)
def test_every_strategy_plays_on_every_space(name, space):
    space = SPACES[space]
    strategy, keys = named(name)(space), []
    for n in (12, 8, 8):
        proposals = strategy.ask(n)
        assert len(proposals) == n
        assert all(space.grammar.fault(p.architecture.tokens) is None for p in proposals)
        keys += [space.canonical(p.architecture) for p in proposals]
        strategy.tell(evaluate(proposals))
    assert len(set(keys)) == 28


@every_strategy
class TestContract:
    def test_is_a_strategy(self, make_one):
        assert isinstance(make_one(), Strategy)
        assert make_one().space is SPACE

    def test_begins_with_the_same_random_architectures_as_all_others_however_it_is_asked(self, make_one):
        expected = initial_design(SPACE, 0, 5)
        at_once, one_by_one = make_one(), make_one()
        assert [p.architecture for p in at_once.ask(5)] == expected
        assert [p.architecture for _ in range(5) for p in one_by_one.ask(1)] == expected

    def test_proposals_are_legal_and_as_many_as_asked(self, make_one):
        for proposals, _, _ in played_once(make_one)[0]:
            assert len(proposals) == 30
            for proposal in proposals:
                assert SPACE.grammar.fault(proposal.architecture.tokens) is None
                assert len(proposal.architecture.tokens) == SPACE.length

    def test_no_architecture_comes_twice_in_any_of_its_strings(self, make_one):
        history, _ = played_once(make_one)
        keys = [SPACE.canonical(p.architecture) for proposals, _, _ in history for p in proposals]
        assert len(keys) == len(set(keys)) == 90

    def test_never_proposes_what_it_was_told_in_any_of_its_strings(self, make_one):
        strategy, other = make_one(), make_one(seed=5)
        proposals = other.ask(60)
        strategy.tell([result(swapped(p.architecture), float(i)) for i, p in enumerate(proposals)])
        keys = {SPACE.canonical(p.architecture) for p in proposals}
        assert not keys & {SPACE.canonical(p.architecture) for p in strategy.ask(200)}

    def test_same_seed_same_proposals_and_another_seed_others(self, make_one):
        history, _ = played_once(make_one)
        assert played(make_one()) == history
        first, other = history[0][0], make_one(seed=1).ask(30)
        assert {p.architecture for p in first} != {p.architecture for p in other}

    def test_restored_and_told_again_it_goes_on_as_if_never_stopped(self, make_one):
        strategy = make_one()
        history = played(strategy)
        again = make_one()
        for _, _, results in history[:-1]:
            again.tell(results)
        again.restore(json.loads(json.dumps(history[-1][1])))
        again.tell(history[-1][2])
        assert again.ask(30) == strategy.ask(30)
        assert again.state() == strategy.state()

    def test_restored_between_small_steps_too(self, make_one):
        strategy, again = make_one(), make_one()
        for n in (12, 5, 1, 1, 9, 7, 1, 5, 3):
            proposals = strategy.ask(n)
            again.restore(json.loads(json.dumps(strategy.state())))
            for each in (strategy, again):
                each.tell(evaluate(proposals))
            assert again.batch == strategy.batch
        assert again.ask(8) == strategy.ask(8)

    def test_batch_is_how_many_it_wants_to_propose_now(self, make_one):
        strategy = make_one()
        for _ in range(8):
            n = strategy.batch
            assert type(n) is int
            assert n >= 1
            proposals = strategy.ask(min(n, 60))
            assert len(proposals) == min(n, 60)
            strategy.tell(evaluate(proposals))

    def test_diagnostics_are_numbers(self, make_one):
        _, strategy = played_once(make_one)
        numbers = strategy.diagnostics()
        assert all(isinstance(name, str) and isinstance(x, int | float) for name, x in numbers.items())

    def test_artifacts_are_named_arrays(self, make_one):
        _, strategy = played_once(make_one)
        for arrays in strategy.artifacts().values():
            assert all(isinstance(array, np.ndarray) for array in arrays.values())

    def test_recommends_what_it_was_told_and_proposes_the_same_afterwards(self, make_one):
        strategy, other = make_one(), make_one()
        for each in (strategy, other):
            proposals = each.ask(20)
            each.tell(scored(proposals, lambda x: None if x.tokens[0] == 0 else total(x)))
        with_score = [p.architecture for p in proposals if p.architecture.tokens[0]]
        recommended = strategy.recommend(3)
        assert set(recommended) < set(with_score)
        assert len(set(recommended)) == 3
        # A linear f knows these sums.
        assert sorted(map(total, recommended)) == sorted(map(total, with_score))[-3:]
        assert set(strategy.recommend(100)) == set(with_score)
        assert strategy.state() == other.state()
        assert strategy.ask(5) == other.ask(5)

    def test_results_that_all_failed_are_no_obstacle(self, make_one):
        strategy = make_one()
        proposals = strategy.ask(20)
        strategy.tell(scored(proposals, lambda _: None))
        more = strategy.ask(20)
        assert len({SPACE.canonical(p.architecture) for p in [*proposals, *more]}) == 40

    def test_configuration_is_json_and_tells_seeds_apart(self, make_one):
        configuration = make_one().configuration()
        assert json.loads(json.dumps(configuration)) == json.loads(json.dumps(make_one().configuration()))
        assert configuration != make_one(seed=1).configuration()
        assert configuration["space"] == SPACE.configuration()

    def test_seeds_are_whole_numbers_of_any_kind(self, make_one):
        assert type(make_one(seed=np.int64(3)).configuration()["seed"]) is int
        for seed in (-1, 2**31):
            with pytest.raises(InputError, match=r"^seed must be "):
                make_one(seed=seed)

    def test_equal_when_configuration_and_state_are(self, make_one):
        strategy = make_one()
        assert strategy == make_one()
        assert strategy != make_one(seed=1)
        assert strategy != make_one(PairSpace(length=6))
        strategy.ask(3)
        assert strategy != make_one()

    @pytest.mark.parametrize("space", ["cnn-cell-small", "nasbench201"])
    def test_it_is_made_from_its_configuration(self, make_one, space):
        strategy = make_one(SPACES[space], 3)
        again = make(json.loads(json.dumps(strategy.configuration())), encoder=LinearEncoder())
        assert again == strategy
        assert again.ask(5) == strategy.ask(5)


class TestLimits:
    """What costs too much is never proposed: here, 10 parameters for each letter, half of the strings."""

    limits = Limits.of({"parameters": 110}, SumEvaluator())

    @every_strategy
    def test_nothing_above_a_limit_is_proposed_and_all_else_is_as_ever(self, make_one):
        strategy = make_one(limits=self.limits)
        history = played(strategy)
        proposed = [p.architecture for proposals, _, _ in history for p in proposals]
        assert len({SPACE.canonical(x) for x in proposed}) == 90
        assert max(sum(x.tokens) for x in proposed) == 11
        assert proposed[:5] == initial_design(SPACE, 0, 5, self.limits)
        again = make_one(limits=self.limits)
        for _, _, results in history[:-1]:
            again.tell(results)
        again.restore(json.loads(json.dumps(history[-1][1])))
        again.tell(history[-1][2])
        assert again.ask(5) == strategy.ask(5)

    @every_strategy
    def test_the_search_ends_when_nothing_within_the_limit_is_left(self, make_one, monkeypatch):
        monkeypatch.setattr(archive, "MOST_DRAWS", 100)
        space = PairSpace(letters=3, length=4)
        few = Limits.of({"flops": 1500}, SumEvaluator(space))  # no letter but the first, or one of the second
        strategy, found = make_one(space, limits=few), []
        while proposals := strategy.ask(2):
            found += [space.canonical(p.architecture) for p in proposals]
            strategy.tell(scored(proposals, total))
        assert sorted(found) == ["00 00", "00 01", "01 00"]

    def test_they_are_a_part_of_the_configuration(self):
        strategy = MAKERS["evolution"](SPACES["nasbench-macro"])
        assert "limits" not in strategy.configuration()
        limits = Limits({"flops": 5.0}, SPACES["nasbench-macro"], lambda xs: [Cost(0, 5) for _ in xs])
        limited = MAKERS["evolution"](SPACES["nasbench-macro"], limits=limits)
        assert limited != strategy
        configuration = json.loads(json.dumps(limited.configuration()))
        assert make(configuration, limits=limits) == limited
        with pytest.raises(InputError, match=r"has the limits .*flops"):
            make(configuration)

    def test_the_learners_know_what_is_beyond_them_as_a_failure(self):
        rewards = Rewards(SPACE, self.limits)
        assert rewards.score(Architecture((3,) * 8, SPACE)) == -math.inf
        assert rewards.reward(-math.inf) == 0
        assert rewards.score(Architecture((0,) * 8, SPACE)) is None


@dataclasses.dataclass(frozen=True)
class Sums(PairSpace):
    """Strings that mean the sum of their letters: some architectures are of many strings, some of one."""

    letters: int = 3
    length: int = 4

    def canonical(self, architecture):
        return str(sum(architecture.tokens))


@pytest.mark.parametrize("draws", [archive.MOST_DRAWS, 1])  # with 1, what is left is listed early
@pytest.mark.parametrize(
    ("space", "classes"), [(PairSpace(letters=3, length=4), 36), (Sums(), 9)], ids=["pairs", "sums"]
)
@every_strategy
def test_it_finds_every_architecture_of_a_small_space_and_then_no_more(
    make_one, space, classes, draws, monkeypatch
):
    monkeypatch.setattr(archive, "MOST_DRAWS", draws)
    slow = make_one in (MAKERS["reinforce"], MAKERS["gp"])
    for seed in range(1 if slow else 3):
        strategy, keys = make_one(space, seed), []
        while proposals := strategy.ask(7):
            keys += [space.canonical(p.architecture) for p in proposals]
            strategy.tell(scored(proposals, total))
        assert len(keys) == len(set(keys)) == classes
