"""Probes of what is linear; what a limit does to the ascent of a model that is known in closed form."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy import special

from nao.ascent import AscentConfig
from nao.embedding import Embedding
from nao.improve import improve
from nao.limits import Limits
from nao.probe import Probe, Succeeds, WithinLimit, limit_penalties, reachable, success_penalty
from tests.fakes import ASCENT, LinearModel, PairSpace, SumEvaluator

SPACE = PairSpace()
WEIGHTS = np.tile(np.arange(4.0), (8, 1))  # the sum of the letters


def embedding(states):
    return Embedding(states.astype(np.float32), np.zeros((len(states), 0), np.float32))


@pytest.mark.parametrize("strings", [60, 600])  # fewer than the 72 numbers of an embedding, and more
def test_a_probe_knows_what_is_linear_and_how_much_is_not(strings, rng):
    states, w = rng.normal(size=(strings, 6, 12)), rng.normal(size=(6, 12)) / 8
    exact = Probe.fit(states, (states * w).sum(axis=(1, 2)) + 3.0)
    noisy = Probe.fit(states, (states * w).sum(axis=(1, 2)) + 3.0 + rng.normal(scale=0.5, size=strings))
    if strings > 72:
        np.testing.assert_allclose(exact.weights[0], w, atol=1e-3)
        assert exact.std[0] < 1e-3
        assert noisy.std[0] == pytest.approx(0.5, rel=0.2)
    new = rng.normal(size=(200, 6, 12))
    truth = (new * w).sum(axis=(1, 2)) + 3.0
    left = truth - np.asarray(exact(embedding(new))[0])
    # What it says of itself is what is found on others.
    assert left.std() == pytest.approx(float(exact.std[0]), rel=0.5, abs=1e-3)
    assert left.std() < 0.9 * truth.std()


def test_every_member_of_an_ensemble_has_its_own(rng):
    states, w = rng.normal(size=(300, 2, 3)), rng.normal(size=(3, 2, 3))
    truth = (states * w[np.arange(300) % 3]).sum(axis=(1, 2))
    probe = Probe.fit(states, truth, members=3)
    np.testing.assert_allclose(probe(embedding(states[:7]))[0], truth[:7], atol=1e-2)


def test_the_chance_to_be_within_a_limit():
    probe = Probe(np.ones((1, 1, 2), np.float32), np.array([1.0], np.float32), np.array([0.5], np.float32))
    e = embedding(np.array([[[0.0, 1.0]], [[1.0, 1.0]], [[9.0, 9.0]], [[-9.0, 0.0]]]))
    c = np.array([2.0, 3.0, 19.0, -8.0])
    chance = jax.jit(lambda penalty, e: penalty(e))(WithinLimit(probe, 2.0), e)
    np.testing.assert_allclose(chance, special.log_ndtr((2.0 - c) / 0.5), rtol=1e-4, atol=1e-6)
    slope = jax.grad(lambda h: WithinLimit(probe, 2.0)(Embedding(h, e.features)).sum())(e.states)
    assert np.isfinite(slope).all()
    assert (np.diff(np.asarray(slope)[[3, 0, 1, 2], 0, 0]) < 0).all()  # the further beyond it, the steeper
    # A probe without error is no step, which would have no slope.
    exact = WithinLimit(dataclasses.replace(probe, std=np.zeros(1, np.float32)), 2.0)
    assert np.isfinite(exact(e)).all()


def test_reachable_points_are_where_the_ascent_may_lead():
    model = LinearModel(WEIGHTS, space=SPACE)
    states, written = reachable(model, SPACE, ASCENT)
    assert [list(x.tokens) for x in written] == states.argmax(axis=-1).tolist()
    starts = model.embed(SPACE.grammar.sample(np.random.default_rng(0), len(states))).states
    moved = np.linalg.norm(states - starts, axis=(1, 2)) / np.linalg.norm(starts, axis=(1, 2))
    assert 0 <= moved.min() < 0.05
    assert 0.95 < moved.max() <= 1.0
    again, _ = reachable(model, SPACE, ASCENT)
    np.testing.assert_array_equal(again, states)
    normalized = dataclasses.replace(ASCENT, normalize=True, unit_length=True)
    lengths = np.linalg.norm(reachable(model, SPACE, normalized)[0], axis=2)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_a_limit_is_a_penalty_that_knows_what_is_written_there():
    limits = Limits.of({"flops": 12_000}, SumEvaluator())
    (penalty,) = limit_penalties(LinearModel(WEIGHTS, space=SPACE), limits, ASCENT)
    states, written = reachable(LinearModel(WEIGHTS, space=SPACE), SPACE, ASCENT)
    within = np.array(limits.within(written))
    chance = np.exp(penalty(embedding(states)))
    assert chance[within].mean() > chance[~within].mean() + 0.3


def decoded(penalties):
    """The strings that are decoded with all step sizes, from starts in which every half has the sum 4."""
    model = LinearModel(WEIGHTS, space=SPACE)
    starts = np.random.default_rng(0).permuted(np.tile([0, 1, 1, 2], (80, 1)), axis=1).reshape(40, 8)
    ascent = AscentConfig(step_sizes=(1.3, 2.0, 3.0), num_steps=10, normalize=True, unit_length=False)
    return np.concatenate([x for _, x, _ in improve(model, starts, ascent, (0,), penalties=penalties)])


def test_a_limit_holds_the_ascent_back():
    """The score is the sum of the letters, the cost that of the first half."""
    strings = SPACE.grammar.sample(np.random.default_rng(1), 1000)
    states = LinearModel(WEIGHTS).embed(strings).states
    probe = Probe.fit(states, strings[:, :4].sum(axis=1).astype(float))
    free, held = decoded(()), decoded((WithinLimit(probe, 8.0),))
    assert (free[:, :4].sum(axis=1) > 8).mean() > 0.5
    assert (held[:, :4].sum(axis=1) > 8).mean() < 0.1
    assert held[:, 4:].sum(axis=1).max() == free[:, 4:].sum(axis=1).max() > 8  # it climbs where it may
    # Far from the limit, nothing changes.
    np.testing.assert_array_equal(decoded((WithinLimit(probe, 1e3),)), free)


def test_the_chance_to_succeed_is_the_mean_over_what_the_probe_leaves_over(rng):
    probe = Probe(np.ones((1, 1, 1), np.float32), np.zeros(1, np.float32), np.array([1.5], np.float32))
    c = np.array([-4.0, -1.0, 0.0, 2.0])
    chance = np.exp(Succeeds(probe)(embedding(c[:, None, None])))
    mean = special.expit(c[:, None] + 1.5 * rng.normal(size=(4, 100_000))).mean(axis=1)
    np.testing.assert_allclose(chance, mean, atol=0.02)


def test_a_rule_on_strings_becomes_one_on_embeddings(rng):
    model = LinearModel(WEIGHTS, space=SPACE)
    penalty = success_penalty(model, lambda tokens: np.where(tokens[:, 2] == 3, -40.0, 40.0), ASCENT)
    tokens = SPACE.grammar.sample(rng, 50)
    chance = np.exp(penalty(model.embed(tokens)))
    assert ((chance < 0.5) == (tokens[:, 2] == 3)).all()
