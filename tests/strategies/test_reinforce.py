"""REINFORCE: its gradient against the enumerated one, its masks, and that it finds more than chance."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.grammar import Grammar
from nao.strategies import policy
from nao.strategies.initial import initial_design
from nao.strategies.policy import Policy, UpdateRule
from nao.strategies.reinforce import Reinforce
from tests.fakes import PairSpace
from tests.strategies.results import scored, scores, total

pytestmark = pytest.mark.xdist_group("reinforce")  # fitted and compiled once, in one process

T, V = 3, 3
SMALL = {"units": 8, "batch": 16}
objective_gradient = jax.jit(jax.grad(policy.objective))


def branching():
    """Three letters: after a, only b or c; after another, only a; and last c leads nowhere after a b."""
    legal = np.zeros((T, 3, V), np.bool_)
    legal[0, 0] = True
    legal[1:, 1] = [False, True, True]
    legal[1:, 2] = [True, False, False]
    following = np.tile(np.array([1, 2, 2], np.int32), (T, 3, 1))
    return Grammar(legal, following)


GRAMMARS = {"free": Grammar.from_positions(np.ones((T, V), np.bool_)), "branching": branching()}
every_grammar = pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS.keys())


def enumerated(grammar):
    """All strings `[N, T]`."""
    strings = itertools.product(range(V), repeat=T)
    return np.array([x for x in strings if grammar.fault(x) is None], np.int32)


def rule(**options):
    return UpdateRule(
        **{"learning_rate": 0.01, "epochs": 1, "clip": 0.2, "entropy": 0.0, "decay": 0.95, **options}
    )


def random_policy(grammar, **options):
    """Rules and weights of a policy that is far from uniform."""
    writer = Policy(grammar, **SMALL, rule=rule(**options), seed=0)
    larger = jax.tree.map(lambda w: 8 * w, writer._learner.weights)
    return writer._grammar, larger


def close(a, b, tolerance=1e-5):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, atol=tolerance)


class TestPolicy:
    @every_grammar
    def test_the_probabilities_of_all_strings_sum_to_one(self, grammar):
        rules, weights = random_policy(grammar)
        p = jnp.exp(policy.log_probability(weights, rules, jnp.asarray(enumerated(grammar))))
        assert float(p.sum()) == pytest.approx(1, abs=1e-5)
        assert float(p.max() / p.min()) > 2

    def test_what_is_not_legal_has_no_probability(self):
        rules, weights = random_policy(GRAMMARS["branching"])
        assert policy.log_probability(weights, rules, jnp.array([[0, 0, 1]]))[0] == -jnp.inf

    @every_grammar
    def test_strings_are_written_with_their_probability(self, grammar):
        rules, weights = random_policy(grammar)
        drawn = np.asarray(policy.sample(weights, rules, jax.random.key(1), strings=20_000))
        strings = enumerated(grammar)
        p = np.exp(policy.log_probability(weights, rules, jnp.asarray(strings)))
        counts = np.array([(drawn == x).all(axis=1).sum() for x in strings])
        assert counts.sum() == 20_000  # nothing else is written
        assert np.all(np.abs(counts - 20_000 * p) < 5 * np.sqrt(20_000 * p) + 1)

    def test_dead_ends_are_not_written(self):
        legal = np.ones((2, 2, 2), np.bool_)
        legal[1, 1] = False
        grammar = Grammar(legal, np.tile(np.array([0, 1], np.int32), (2, 2, 1)))
        writer = Policy(grammar, **SMALL, rule=rule(), seed=0)
        assert not writer.write()[:, 0].any()


@every_grammar
class TestGradient:
    """With every string once, weighted by its probability, the estimator is its own expectation."""

    def problem(self, grammar):
        strings = jnp.asarray(enumerated(grammar))
        rewards = jnp.asarray(np.random.default_rng(3).random(len(strings)), jnp.float32)
        rules, weights = random_policy(grammar)
        old = policy.log_probability(weights, rules, strings)
        return rules, weights, strings, rewards, old

    @pytest.mark.parametrize("baseline", [0.0, 0.7])
    def test_is_that_of_the_expected_reward(self, grammar, baseline):
        rules, weights, strings, rewards, old = self.problem(grammar)
        p = jnp.exp(old)  # `present` weighs the strings by what they are drawn with

        def J(weights):
            return jnp.sum(jnp.exp(policy.log_probability(weights, rules, strings)) * rewards)

        estimate = objective_gradient(weights, rules, strings, old, rewards - baseline, p, 0.2)
        close(estimate, jax.jit(jax.grad(J))(weights))

    def test_with_the_entropy_too(self, grammar):
        rules, weights, strings, rewards, old = self.problem(grammar)

        def J_and_H(weights):
            log_p = policy.log_probability(weights, rules, strings)
            return jnp.sum(jnp.exp(log_p) * (rewards - 0.3 * log_p))

        estimate = objective_gradient(
            weights, rules, strings, old, rewards - 0.3 * old - 0.5, jnp.exp(old), 0.2
        )
        close(estimate, jax.jit(jax.grad(J_and_H))(weights))

    def test_from_samples_it_is_that_on_average(self, grammar):
        rules, weights, strings, rewards, old = self.problem(grammar)

        def bias(tokens, old, advantage):
            return objective_gradient(
                weights, rules, tokens[None], old[None], advantage[None], jnp.ones(1), 0.2
            ).bias

        of_each = np.asarray(jax.vmap(bias)(strings, old, rewards - 0.5))  # [N, T, V]
        drawn = np.asarray(policy.sample(weights, rules, jax.random.key(2), strings=20_000))
        which = (drawn[:, None] == np.asarray(strings)).all(axis=2).argmax(axis=1)
        estimates = of_each[which]
        expected = np.tensordot(np.exp(old), of_each, axes=1)
        error = estimates.std(axis=0) / np.sqrt(len(estimates))
        assert np.all(np.abs(estimates.mean(axis=0) - expected) < 4.5 * error + 1e-6)

    def test_the_first_step_of_ppo_is_reinforce(self, grammar):
        rules, weights, strings, rewards, old = self.problem(grammar)
        present = jnp.ones(len(strings))

        def reinforce(weights):
            return jnp.mean(policy.log_probability(weights, rules, strings) * (rewards - 0.5))

        clipped = objective_gradient(weights, rules, strings, old, rewards - 0.5, present, 0.2)
        close(clipped, jax.jit(jax.grad(reinforce))(weights))


class TestUpdate:
    def learner(self, weights, baseline):
        return policy.Learner(weights, policy.ADAM.init(weights), jnp.asarray(baseline))

    def test_ppo_leaves_what_has_moved_far_enough(self):
        """A string whose probability rose by more than the clip gains nothing by rising further."""
        rules, weights = random_policy(GRAMMARS["free"])
        strings = jnp.array([[0, 1, 2]])
        old = policy.log_probability(weights, rules, strings)
        for moved, advantage, flat in (
            (0.3, 1.0, True),
            (0.1, 1.0, False),
            (0.3, -1.0, False),
            (-0.3, -1.0, True),
        ):
            before = old - jnp.log1p(moved)
            gradient = objective_gradient(
                weights, rules, strings, before, jnp.array([advantage]), jnp.ones(1), 0.2
            )
            assert bool(jnp.all(gradient.bias == 0)) is flat

    def test_padding_changes_nothing(self):
        rules, weights = random_policy(GRAMMARS["free"])
        strings = jnp.asarray(enumerated(GRAMMARS["free"]))
        rewards = jnp.array([0.0, 1.0, 2.0, 3.0, 99.0, -99.0])
        present = jnp.array([1.0, 1, 1, 1, 0, 0])
        options = rule(entropy=0.1, epochs=2)
        log_p = policy.log_probability(weights, rules, strings)
        padded, otherwise = (
            policy.update(
                self.learner(weights, 0.5), rules, strings[rows], log_p[rows], reward, present, options
            )
            for rows, reward in (
                (jnp.arange(6), rewards),
                (jnp.array([0, 1, 2, 3, 9, 9]), rewards.at[4:].set(7.0)),
            )
        )
        close(padded, otherwise, 1e-7)
        mean = float(jnp.mean(rewards[:4] - 0.1 * policy.log_probability(weights, rules, strings[:4])))
        assert float(padded.baseline) == pytest.approx(0.95 * 0.5 + 0.05 * mean)

    def test_the_first_baseline_is_the_mean_of_the_first_batch(self):
        rules, weights = random_policy(GRAMMARS["free"])
        tokens = jnp.asarray(enumerated(GRAMMARS["free"])[:4])
        log_p = policy.log_probability(weights, rules, tokens)
        new = policy.update(
            self.learner(weights, math.nan), rules, tokens, log_p, jnp.full(4, 0.25), jnp.ones(4), rule()
        )
        assert float(new.baseline) == 0.25
        close(new.weights, weights)  # nothing was better than the mean

    def test_what_was_written_together_is_learned_from_against_the_policy_that_wrote_it(self):
        """The second of two batches is clipped where the first has moved the policy far enough."""
        grammar = Grammar.from_positions(np.ones((1, 3), np.bool_))
        options = rule(learning_rate=0.5, epochs=1, clip=0.01)

        def learned(*parts):
            writer = Policy(grammar, units=4, batch=4, rule=options, seed=0)
            for part in parts:
                writer.learn(np.array(part)[:, None], (np.array(part) == 2).astype(float))
            return writer._learner.weights.bias

        batch = [0, 1, 2, 2]
        together, one_by_one = learned(batch + batch), learned(batch, batch)
        assert not np.allclose(together, one_by_one, atol=1e-3)

    def test_it_settles_where_reward_and_entropy_balance(self):
        """P(x) proportional to exp(R / β) maximises J + β H."""
        grammar = Grammar.from_positions(np.ones((1, 3), np.bool_))
        writer = Policy(grammar, units=8, batch=200, rule=rule(entropy=0.5, learning_rate=0.03), seed=0)
        rewards = np.array([0.0, 0.5, 1.0])
        for _ in range(150):
            tokens = writer.write()
            writer.learn(tokens, rewards[tokens[:, 0]])
        p = np.exp(policy.log_probability(writer._learner.weights, writer._grammar, jnp.arange(3)[:, None]))
        np.testing.assert_allclose(p, np.exp(2 * rewards) / np.exp(2 * rewards).sum(), atol=0.05)


class TestReinforce:
    @pytest.mark.parametrize("sizes", [[10], [3, 7], [1] * 10])
    def test_it_begins_with_the_first_random_architectures(self, sizes):
        space = PairSpace()
        strategy = Reinforce(space, seed=4)
        asked = []
        for n in sizes:
            proposals = strategy.ask(n)
            strategy.tell(scored(proposals, total))
            asked += proposals
        assert [p.architecture for p in asked] == initial_design(space, 4, 10)
        assert {p.origin for p in strategy.ask(10)} == {"policy"}

    @pytest.mark.parametrize("options", [{}, {"epochs": 1, "learning_rate": 0.03}], ids=["ppo", "reinforce"])
    def test_it_finds_better_architectures_than_chance(self, options):
        space = PairSpace()
        settings = Reinforce.Settings(**options)
        best = [max(scores(Reinforce(space, settings, seed=seed), 150)) for seed in range(5)]
        chance = [max(sum(x.tokens) for x in initial_design(space, seed, 150)) for seed in range(5)]
        assert np.mean(best) > np.mean(chance) + 1.5

    def test_the_reward_is_raised_to_the_exponent(self, monkeypatch):
        def learned_from(exponent):
            seen = []
            monkeypatch.setattr(Policy, "learn", lambda self, tokens, rewards: seen.append(rewards))
            strategy = Reinforce(PairSpace(), Reinforce.Settings(batch=5, exponent=float(exponent)))
            told = scored(strategy.ask(5), lambda x: total(x) / 100)
            strategy.tell(told)
            strategy.ask(5)
            return seen[0]

        plain, cubed = learned_from(1), learned_from(3)
        assert len(np.unique(plain)) > 1
        np.testing.assert_allclose(cubed, plain**3)

    def test_the_unit_of_the_scores_does_not_matter(self):
        percent = scores(Reinforce(PairSpace()), 50)
        fraction = scores(Reinforce(PairSpace()), 50, lambda x: total(x) / 100)
        assert [s / 100 for s in percent] == fraction

    def test_a_known_architecture_is_learned_from_without_a_proposal(self):
        """A policy of two architectures, both scored: it goes on learning, and proposes nothing."""
        space = PairSpace(letters=2, length=2)
        strategy = Reinforce(space, Reinforce.Settings(batch=3))
        strategy.tell(scored(strategy.ask(3), total))
        strategy.ask(1)
        before = strategy._policy._learner.weights
        assert strategy.ask(1) == []
        assert strategy.diagnostics()["share_new"] == 0
        after = strategy._policy._learner.weights
        assert not np.allclose(before.bias, after.bias)
        p = np.exp(policy.log_probability(after, strategy._policy._grammar, jnp.array([[0, 0], [1, 1]])))
        assert p[1] > p[0]

    @pytest.mark.parametrize(
        "options",
        [
            {"batch": 0},
            {"epochs": 0},
            {"units": 0},
            {"exponent": 0.0},
            {"learning_rate": -1.0},
            {"clip": 0.0},
            {"entropy": -0.1},
            {"decay": 1.1},
        ],
    )
    def test_refuses_what_makes_no_sense(self, options):
        with pytest.raises(InputError, match=f"^reinforce.{next(iter(options))} must be"):
            Reinforce.Settings(**options)
