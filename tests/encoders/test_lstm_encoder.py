"""What every encoder owes the rest of the project, and what a fit achieves."""

import dataclasses
import json

import numpy as np
import pytest

from nao.analysis.ranking import kendall_tau, pairwise_accuracy
from nao.core import InputError
from nao.encoders import LSTMEncoder, encoder
from nao.encoders.configuration import JOINT, PUBLISHED
from nao.encoders.fit import fit
from nao.encoders.lstm_encoder import padded

# Small networks; few architectures make few updates, so one program serves the quick tests and the learning.
TINY = {"width": 24, "embedding": 12, "hidden": (32,), "batch": 32, "variants": 8}
SMALL = [
    dataclasses.replace(PUBLISHED, **TINY, epochs=2),
    dataclasses.replace(JOINT, **TINY, members=2, held_out=0.5, unlabelled=16, epochs=24, updates=0),
]
every = pytest.mark.parametrize("configuration", SMALL, ids=lambda c: c.name)


def fitted(space, configuration, n=60, seed=0, scores=None):
    tokens = space.sample_tokens(np.random.default_rng(1), n)
    scores = space.score(tokens) if scores is None else scores
    return LSTMEncoder(configuration).fit(space, tokens, scores, seed=seed), tokens


@every
def test_contract(configuration, space):
    model, tokens = fitted(space, configuration)
    predicted = model.predict(tokens[:7])
    assert predicted.shape == (7,)
    assert np.isfinite(predicted).all()
    for eta in (0.0, 1.0, 1e4):
        decoded, values = model.improve(tokens[:7], eta)
        assert decoded.shape == (7, space.length)
        assert values.shape == (7,)
        assert np.isfinite(values).all()
        assert all(space.grammar.fault(row.tolist()) is None for row in decoded)
    mean, states = model.embed(tokens[:7])
    d = configuration.members * configuration.width
    assert mean.shape == (7, d)
    assert states.shape == (7, space.length // space.group, d)
    quality = model.quality
    assert quality.held_out == round(60 * configuration.members * configuration.held_out)
    assert 0 <= quality.pairwise_accuracy <= 1
    assert -1 <= quality.kendall_tau <= 1
    assert 0 <= quality.hamming <= space.length
    json.dumps(dict(LSTMEncoder(configuration).configuration()))
    assert LSTMEncoder(configuration).steps == configuration.steps


@every
def test_chooses_by_predictions_averaged_over_strings_that_mean_the_same(configuration, space):
    """f of one string misses f of the architecture; a mean over redrawn strings is nearer to it."""
    model, tokens = fitted(space, configuration)
    chosen, predicted = model.choose(tokens, 5)
    assert len(set(chosen.tolist())) == 5
    assert (np.diff(predicted) <= 0).all()
    assert len(model.choose(tokens[:3], 5)[0]) == 3
    redrawn = [model.predict(space.redraw(tokens, np.random.default_rng(9 + i))) for i in range(40)]
    architecture = np.mean(redrawn, axis=0)  # f of each architecture, nearly
    every_place, averaged = model.choose(tokens, len(tokens))
    once = np.abs(redrawn[0] - architecture).mean()
    assert np.abs(averaged - architecture[every_place]).mean() < 0.6 * once


@every
def test_a_seed_decides_the_fit(configuration, space):
    one, again, other = (fitted(space, configuration, seed=seed) for seed in (3, 3, 4))
    tokens = one[1]
    np.testing.assert_array_equal(one[0].predict(tokens), again[0].predict(tokens))
    assert one[0].quality == again[0].quality
    assert not np.array_equal(one[0].predict(tokens), other[0].predict(tokens))


@every
@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_tiny_pools(configuration, n, space):
    model, tokens = fitted(space, configuration, n=n)
    assert np.isfinite(model.predict(tokens)).all()
    assert 1 <= model.quality.held_out <= n


@every
def test_constant_scores(configuration, space):
    model, tokens = fitted(space, configuration, n=20, scores=np.full(20, 0.7))
    assert np.isnan(model.quality.kendall_tau)
    assert np.isfinite(model.predict(tokens)).all()


def test_bad_input(space):
    tokens = space.sample_tokens(np.random.default_rng(1), 4)
    small = LSTMEncoder(SMALL[0])
    with pytest.raises(InputError, match="finite"):
        small.fit(space, tokens, np.array([1.0, np.nan, 0.0, 1.0]), seed=0)
    with pytest.raises(InputError, match="at least 2"):
        small.fit(space, tokens[:1], np.ones(1), seed=0)
    with pytest.raises(InputError, match=r"\[4, 16\]"):
        small.fit(space, tokens[:, :5], np.ones(4), seed=0)
    with pytest.raises(InputError, match="default, joint, published"):
        encoder("lstm")


def test_a_growing_study_compiles_once(space):
    fitted(space, SMALL[1], n=50)
    programs = fit._cache_size()
    for n in (200, 600):
        fitted(space, SMALL[1], n=n)
    assert fit._cache_size() == programs


def test_padding_does_not_change_the_fit(space, monkeypatch):
    narrow, tokens = fitted(space, SMALL[1])

    def wider(n, smallest):
        return padded(n, smallest) * (2 if smallest == 1024 else 1)

    monkeypatch.setattr("nao.encoders.lstm_encoder.padded", wider)
    wide, _ = fitted(space, SMALL[1])
    np.testing.assert_allclose(wide.predict(tokens), narrow.predict(tokens), rtol=1e-4, atol=1e-4)


def test_members_are_fitted_to_their_own_rows_alone(space):
    """A member's predictions do not change with the scores of the fold that it holds out."""
    configuration = SMALL[0]
    tokens = space.sample_tokens(np.random.default_rng(1), 40)
    scores = space.score(tokens)
    rows = np.random.default_rng(0).permutation(40)[:4]  # published holds out a tenth, drawn from the seed
    inside = np.clip(scores, np.quantile(scores, 0.2), np.quantile(scores, 0.8))
    changed = inside.copy()
    changed[rows] = np.median(inside)
    one, other = (LSTMEncoder(configuration).fit(space, tokens, s, seed=0) for s in (inside, changed))
    np.testing.assert_array_equal(one.predict(tokens), other.predict(tokens))


@pytest.fixture(scope="module")
def learnt(space):
    return fitted(space, SMALL[1], n=400)[0]


def test_a_fit_learns_to_predict_and_to_write(learnt, space):
    fresh = space.sample_tokens(np.random.default_rng(9), 300)
    assert pairwise_accuracy(learnt.predict(fresh), space.score(fresh)) > 0.7
    assert learnt.quality.pairwise_accuracy > 0.7
    assert learnt.quality.held_out == 400
    assert learnt.quality.hamming < 0.5


def test_small_steps_raise_the_prediction(learnt, space):
    seeds = space.sample_tokens(np.random.default_rng(9), 100)
    at_rest, moved = (learnt.improve(seeds, eta)[1] for eta in (0.0, 0.01))
    assert np.mean(moved >= at_rest) >= 0.95


def test_ascent_finds_better_architectures(learnt, space):
    tokens = space.sample_tokens(np.random.default_rng(1), 400)
    scores = space.score(tokens)
    seeds = tokens[np.argsort(-scores)[:40]]
    decoded, _ = learnt.improve(seeds, 0.6)
    assert space.score(decoded).mean() > space.score(seeds).mean() + 0.1 * scores.std()


def test_augmentation_brings_symmetric_strings_together(space):
    """Scores without any pattern are learnt by heart: with augmentation, for every way to write a string."""

    class Plain(type(space)):
        def redraw(self, tokens, rng):
            return tokens

    tokens = space.sample_tokens(np.random.default_rng(1), 100)
    scores = np.random.default_rng(2).normal(size=100)
    longer = dataclasses.replace(SMALL[1], members=1, held_out=0.1, epochs=150)

    def apart(space):
        model = LSTMEncoder(longer).fit(space, tokens, scores, seed=0)
        return np.abs(model.predict(tokens) - model.predict(space.swapped(tokens))).mean()

    plain = Plain(space.name, space.operations, space.cells, space.blocks)
    together, plainly = apart(space), apart(plain)
    assert together < 0.5 * plainly


def test_predictions_are_in_the_units_of_the_scores(space):
    tokens = space.sample_tokens(np.random.default_rng(1), 200)
    scores = 90 + 3 * space.score(tokens)
    model = LSTMEncoder(SMALL[1]).fit(space, tokens, scores, seed=0)
    assert abs(model.predict(tokens).mean() - scores.mean()) < scores.std()
    assert kendall_tau(model.predict(tokens), scores) > 0.5
