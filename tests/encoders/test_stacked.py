"""The process and jointly fitted members in one model."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.embedding import Embedding
from nao.encoders import stacked
from nao.encoders.decode import Writer, decode_greedily
from nao.encoders.model import Model
from nao.encoders.presets import DEFAULT as PRESET
from nao.encoders.stacked import Stacked, line, stacking_weight
from nao.metrics import kendall_tau
from tests.encoders.small import PROCESS, STACKED, fitted

pytestmark = pytest.mark.xdist_group("encoders")  # fitted and compiled once, in one process


@pytest.fixture(scope="module")
def model(space):
    return fitted(space, STACKED)[0]


class TestWeight:
    def test_is_where_the_squared_error_is_least(self, rng):
        own, theirs, noise = rng.normal(size=(3, 4000))
        targets = 0.7 * own + 0.3 * theirs + 0.01 * noise
        assert stacking_weight(own, theirs, targets) == pytest.approx(0.3, abs=1e-3)

    def test_is_none_where_the_process_is_right_by_itself(self, rng):
        own, noise, more = rng.normal(size=(3, 200))
        assert stacking_weight(own, own + noise, own) == 0
        assert stacking_weight(own, own, own + noise) == 0  # nothing to choose between
        assert stacking_weight(own, -own, own + 0.01 * more) == 0

    def test_is_all_where_the_members_are(self, rng):
        own, targets = rng.normal(size=(2, 200))
        assert stacking_weight(own, targets, targets) == 1

    def test_does_not_follow_chance(self, rng):
        """Predictions that are as good as each other by chance get no weight five times in six."""
        weights = [stacking_weight(*(rng.normal(size=(2, 50))), np.zeros(50)) for _ in range(100)]
        unhelpful = [
            stacking_weight(np.zeros(50), rng.normal(size=50), rng.normal(size=50)) for _ in range(300)
        ]
        assert np.mean(np.array(unhelpful) > 0) == pytest.approx(0.16, abs=0.06)
        assert np.mean(weights) > 0.2  # two that err alike and apart are better together


def test_a_line_through_predictions(rng):
    x = rng.normal(size=50)
    np.testing.assert_allclose(line(x, 3 + 2 * x), [3, 2])
    np.testing.assert_allclose(line(np.ones(50), x), [x.mean(), 0])


def test_members_are_fitted_anew_when_the_scores_have_grown_by_a_quarter():
    config = PRESET.predictor
    sizes = [config.fitted_to(n) for n in range(1, 701)]
    assert sizes[: config.fewest - 1] == [0] * (config.fewest - 1)
    different = sorted({*sizes} - {0})
    assert different == [100, 125, 156, 195, 244, 305, 381, 476, 596]
    assert all(m <= n < 1.26 * m for n, m in enumerate(sizes, 1) if m)


def test_the_scores_of_later_architectures_change_no_member(space, model):
    """Only how much is made of what the members predict."""
    tokens = space.sample_tokens(np.random.default_rng(1), 60)
    assert STACKED.predictor.fitted_to(62) == STACKED.predictor.fitted_to(60) == 50
    for last in (space.score(tokens)[50:], space.score(tokens)[50:] + 0.1):
        other = fitted(space, STACKED, scores=np.r_[space.score(tokens)[:50], last])[0]
        for a, b in zip(*map(jax.tree.leaves, (other.members.encoder, model.members.encoder)), strict=True):
            np.testing.assert_array_equal(a, b)


def test_too_few_scores_and_scores_that_the_process_knows_leave_it_alone(space):
    assert isinstance(fitted(space, STACKED, n=39)[0], Model)
    features = space.features(fitted(space, STACKED, n=60)[1])
    known = features @ np.random.default_rng(3).normal(size=features.shape[1])
    assert isinstance(fitted(space, STACKED, scores=known)[0], Model)


@pytest.mark.parametrize("features", [False, True])
def test_f_is_the_weighted_mean(features, space, model):
    if features:  # which f of the members then reads too
        part = STACKED.predictor
        part = dataclasses.replace(part, mlp=dataclasses.replace(part.mlp, features=True))
        model, _ = fitted(space, dataclasses.replace(STACKED, predictor=part), seed=1)
        assert model.members.predictor.num_features == space.features(np.zeros((1, 16), int)).shape[1]
    assert isinstance(model, Stacked)
    assert 0 < model.weight < 1
    tokens = space.sample_tokens(np.random.default_rng(9), 8)
    e = model.embed(tokens)
    own, theirs = (Embedding(h, e.features) for h in np.split(e.states, 2, axis=2))
    np.testing.assert_array_equal(own.states, model.process.embed(tokens).states)
    np.testing.assert_array_equal(theirs.states, model.members.embed(tokens).states)
    mean, std = model.process.posterior(own)
    line = model.scale[0] + model.scale[1] * np.asarray(model.members.value(theirs))
    expected = (1 - model.weight) * np.asarray(mean) + model.weight * line
    np.testing.assert_allclose(model.value(e), expected, atol=1e-5)
    np.testing.assert_allclose(model.posterior(e)[1], std, atol=1e-5)
    # On the host it is the mean over the members.
    each = [np.asarray(model.value(model.embed(np.repeat(x[None], 2, axis=0)))).mean() for x in tokens]
    np.testing.assert_allclose(model.joint_posterior(tokens).mean, each, atol=1e-3)


def test_the_gradient_reaches_every_hidden_state_of_both(space, model):
    model = dataclasses.replace(model, process=fitted(space, PROCESS)[0])  # one that reads the embedding
    e = jax.tree.map(jnp.asarray, model.embed(space.sample_tokens(np.random.default_rng(9), 8)))
    slope = jax.grad(lambda h: model.value(Embedding(h, e.features)).sum())(e.states)
    own, theirs = np.split(np.abs(np.asarray(slope)).sum(axis=0), 2, axis=1)  # [S, d] each
    assert (own.sum(axis=1) > 0).all()
    assert (theirs.sum(axis=1) > 0).all()


def test_both_write_and_a_weight_near_an_end_leaves_it_to_one(space, model):
    tokens = space.sample_tokens(np.random.default_rng(9), 32)
    assert (model.decode(model.embed(tokens)) == tokens).mean() > 0.95
    process, members = model.process, model.members
    # Each is given other strings to write than the other.
    h = np.concatenate([process.embed(tokens).states, members.embed(tokens[::-1]).states], axis=2)
    e = Embedding(h, model.embed(tokens).features)
    for weight, expected in ((1e-6, tokens), (1 - 1e-6, tokens[::-1])):
        written = dataclasses.replace(model, weight=weight).decode(e)
        assert (np.asarray(written) == expected).mean() > 0.95


def test_two_writers_who_are_one_write_what_it_writes(space, model):
    tokens = space.sample_tokens(np.random.default_rng(9), 8)
    h = jnp.asarray(model.process.embed(tokens).states) + 0.3
    one = Writer(model.process.decoder, h, model.process.encoder.mean_pool(h))
    two = (one._replace(weight=0.25), one._replace(weight=0.75))
    grammar = model.process.grammar
    np.testing.assert_array_equal(decode_greedily(grammar, one), decode_greedily(grammar, *two))


def test_the_members_add_to_what_the_process_knows(space, model):
    """As the quality says, which is that of held-out architectures."""
    fresh = space.sample_tokens(np.random.default_rng(9), 300)
    ours, alone = (kendall_tau(m.predict(fresh), space.score(fresh)) for m in (model, model.process))
    assert ours > alone + 0.01
    assert model.quality.kendall_tau > model.process.quality.kendall_tau
    assert model.quality.held_out == 60
    assert model.quality.metrics.keys() == {"noise", "L_pp", "L_rec", "weight"}


def test_what_cannot_be_is_said(space, model):
    part = STACKED.predictor
    reads = dataclasses.replace(part.mlp, features=True)
    with pytest.raises(InputError, match="only if the process reads them"):
        dataclasses.replace(part, mlp=reads, process=dataclasses.replace(part.process, inputs=("mean",)))
    with pytest.raises(InputError, match=r"joint\.trade_off \(lambda\) must be above 0"):
        dataclasses.replace(part, joint=dataclasses.replace(part.joint, trade_off=0.0))
    with pytest.raises(InputError, match="growth must be above 1"):
        dataclasses.replace(part, growth=1.0)
    arrays = model.arrays()
    for name in ("process.predictor.targets", "members.decoder.query", "scale"):
        with pytest.raises(InputError, match=r"are missing|must be"):
            STACKED.load(space, {key: x for key, x in arrays.items() if key != name})


def test_one_fit_serves_until_there_are_more_scores(space, model, monkeypatch):
    fits = []
    fit = stacked.fit_jointly
    monkeypatch.setattr(stacked, "fit_jointly", lambda *given: fits.append(len(given[4])) or fit(*given))
    stacked._fit_members.cache_clear()
    tokens = space.sample_tokens(np.random.default_rng(1), 70)
    scores = space.score(tokens)
    for n in (50, 55, 62, 63, 70):
        STACKED.fit(space, tokens[:n], scores[:n], seed=0)
    assert fits == [50, 62]
