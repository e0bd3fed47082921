"""Q-learning: its schedule, its fixed point, its memory, and that it finds more than chance."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.grammar import Grammar
from nao.strategies.initial import initial_design
from nao.strategies.q_learning import SCHEDULE, QLearning, ends
from nao.strategies.rewards import Rewards
from tests.fakes import PairSpace
from tests.strategies.results import result, scores, total


@dataclasses.dataclass(frozen=True)
class Strings(PairSpace):
    """All strings of letters, each an architecture of its own."""

    def canonical(self, architecture):
        return str(architecture)


@dataclasses.dataclass(frozen=True)
class Branching(Strings):
    """Strings of two letters and then: c after equal ones, a or b after others; d c leads to a dead end."""

    length: int = 3

    @property
    def grammar(self):
        legal = np.zeros((3, 3, 4), np.bool_)  # states: 0 at first and after equal ones, 1 differ, 2 dead
        following = np.zeros((3, 3, 4), np.int32)
        legal[0, 0] = True
        legal[1, 0] = True
        following[1, 0] = [0, 1, 1, 2]
        legal[2, 0, 2] = legal[2, 1, :2] = True
        return Grammar(legal, following)

    def sample(self, rng, n):
        return [Architecture(tuple(row), self) for row in self.grammar.sample(rng, n).tolist()]


def scored(space, tokens, score):
    return result(Architecture(tuple(tokens), space), score)


def strings(space):
    return [x for x in itertools.product(range(4), repeat=space.length) if space.grammar.fault(x) is None]


class TestRewards:
    def test_the_share_of_worse_ones_with_equal_ones_by_half(self):
        rewards = Rewards(Strings(length=2))
        for tokens, score in (
            ((0, 0), 5.0),
            ((0, 1), 7.0),
            ((0, 2), 7.0),
            ((0, 3), None),
            ((1, 0), math.nan),
        ):
            rewards.add(scored(Strings(length=2), tokens, score))
        assert [rewards.reward(s) for s in (-math.inf, 5.0, 7.0)] == [0.2, 0.5, 0.8]

    def test_every_string_of_an_architecture_has_its_score(self):
        space = PairSpace(length=2)
        rewards = Rewards(space)
        rewards.add(scored(space, (0, 1), 3.0))
        assert rewards.score(Architecture((1, 0), space)) == 3.0
        assert rewards.score(Architecture((1, 1), space)) is None


class TestSchedule:
    def test_the_published_counts(self):
        counts = np.diff(ends(2700), prepend=0)
        assert counts.tolist() == [1500, 100, 100, 100, 150, 150, 150, 150, 150, 150]
        assert [epsilon for epsilon, _ in SCHEDULE] == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]

    @pytest.mark.parametrize("budget", [1, 2, 27, 100, 200, 1001])
    def test_scaled_it_fills_the_budget(self, budget):
        exact = np.cumsum([models for _, models in SCHEDULE]) * budget / 2700
        assert np.all(np.abs(np.array(ends(budget)) - exact) <= 0.5)
        assert ends(budget)[-1] == budget

    def test_epsilon_falls_with_the_number_of_proposals_and_stays(self):
        strategy = QLearning(Strings(length=4), QLearning.Settings(budget=54))
        seen = []
        for _ in range(60):
            seen.append(strategy.epsilon)
            strategy.ask(1)
        expected = [1.0] * 30 + [0.9] * 2 + [0.8] * 2 + [0.7] * 2
        expected += [e for e in (0.6, 0.5, 0.4, 0.3, 0.2, 0.1) for _ in range(3)]
        assert seen == expected + [0.1] * 6

    @pytest.mark.parametrize("sizes", [[40], [7, 13, 20], [1] * 40])
    def test_it_begins_with_the_first_random_architectures(self, sizes):
        space = PairSpace()
        strategy = QLearning(space, QLearning.Settings(budget=72), seed=3)
        assert strategy.batch == 40
        asked = [p for n in sizes for p in strategy.ask(n)]
        assert [p.architecture for p in asked] == initial_design(space, 3, 40)
        assert {p.origin for p in asked} == {"random"}
        assert strategy.batch == 1


def test_its_state_does_not_grow_with_the_search():
    strategy, sizes = QLearning(PairSpace(), QLearning.Settings(budget=20, replays=1)), []
    for _ in range(3):
        scores(strategy, 12)
        sizes.append(len(strategy.state()["asked"]))
    assert sizes == [2, 3, 3]  # the initial design, the ask after 11 results, and those after one each


class TestQ:
    def test_one_update_by_hand(self):
        """Eqn. 3, backwards along the string: the value behind is the one after its own update."""
        space = Strings(length=2)
        strategy = QLearning(space, QLearning.Settings(alpha=0.1, gamma=0.9, replays=1))
        strategy.tell([scored(space, (2, 3), 7.0)])  # the only score: its reward is 1/2
        behind = 0.5 + 0.1 * (0.5 - 0.5)
        assert strategy.Q[1, 0, 2] == {0: 0.5, 1: 0.5, 2: 0.5, 3: behind}
        assert strategy.Q[0, 0] == {0: 0.5, 1: 0.5, 2: 0.5 + 0.1 * (0.9 * behind - 0.5), 3: 0.5}

    @pytest.mark.parametrize("space", [Strings(length=3), Branching()], ids=["free", "branching"])
    def test_with_the_whole_prefix_it_is_the_best_that_can_follow(self, space):
        """Dynamic programming over all completions, with rewards in closed form."""
        rng = np.random.default_rng(0)
        every = strings(space)
        order = rng.permutation(len(every))
        reward = {x: (i + 0.5) / len(every) for x, i in zip(every, order, strict=True)}
        settings = QLearning.Settings(alpha=1.0, start=0.0, replays=40, context=space.length)
        strategy = QLearning(space, settings)
        strategy.tell([scored(space, x, float(i)) for x, i in zip(every, order, strict=True)])
        # Rewards moved while results came in: 100 more rounds over all of them, now that they stand.
        strategy.tell([])
        for walk, score in strategy._memory * 100:
            strategy._learn(walk, strategy._rewards.reward(score))
        for x in every:
            for t in range(space.length):
                best = max(r for y, r in reward.items() if y[: t + 1] == x[: t + 1])
                (row,) = [row for s, row in strategy.Q.items() if s[0] == t and s[2:] == x[:t]]
                assert row[x[t]] == pytest.approx(best, abs=1e-12)

    def test_the_published_rate_orders_the_choices(self):
        space = Strings(length=2)
        strategy = QLearning(space, QLearning.Settings(context=2))
        strategy.tell([scored(space, x, float(4 * x[0] + x[1])) for x in strings(space)] * 4)
        assert sorted(strategy.Q[0, 0], key=strategy.Q[0, 0].get) == [0, 1, 2, 3]

    def test_context_decides_what_strings_share(self):
        space = Strings(length=4)
        states = []
        for context in (0, 1, 2, 3, 4):
            strategy = QLearning(space, QLearning.Settings(context=context))
            strategy.tell([scored(space, x, float(sum(x))) for x in strings(space)])
            states.append(len(strategy.Q))
        assert states == [4, 1 + 3 * 4, 1 + 4 + 2 * 16, 1 + 4 + 16 + 64, 1 + 4 + 16 + 64]

    def test_a_known_string_is_learned_from_again_and_not_proposed(self):
        space = Strings(length=2)
        strategy = QLearning(space, QLearning.Settings(budget=2, alpha=0.5, replays=1))
        (proposal,) = strategy.ask(1)
        strategy.tell(
            [
                scored(space, x, total(proposal.architecture) if x == proposal.architecture.tokens else -1.0)
                for x in strings(space)
            ]
        )
        before = {s: dict(row) for s, row in strategy.Q.items()}
        assert strategy.ask(1) == []  # none is new
        assert before != strategy.Q


def test_the_unit_of_the_scores_does_not_matter():
    space = PairSpace()
    runs = []
    for unit in (lambda s: s, lambda s: s / 100, lambda s: -1 / (1 + s)):
        strategy = QLearning(space, QLearning.Settings(budget=60))
        found = scores(strategy, 60, lambda x, unit=unit: unit(total(x)))
        runs.append([found.index(unit(s)) for s in map(float, range(25)) if unit(s) in found])
    assert runs[0] == runs[1] == runs[2]


def test_scores_rise_as_epsilon_falls():
    """What the paper's figure 2 shows; the first 1,500 of 2,700 are random, the last 300 nearly greedy."""
    space = PairSpace()
    settings = QLearning.Settings(budget=180)
    runs = np.array([scores(QLearning(space, settings, seed=seed), 180) for seed in range(10)])
    assert runs[:, :100].mean() == pytest.approx(12, abs=0.5)  # 8 letters, 1.5 each
    assert runs[:, 160:].mean() > 13.5
    assert runs.max(axis=1).mean() > runs[:, :100].max(axis=1).mean()


@pytest.mark.parametrize(
    "options",
    [{"budget": 0}, {"alpha": 0.0}, {"alpha": 1.5}, {"gamma": -0.1}, {"replays": 0}, {"context": -1}],
)
def test_refuses_what_makes_no_sense(options):
    with pytest.raises(InputError, match=f"^q-learning.{next(iter(options))} must be"):
        QLearning.Settings(**options)
