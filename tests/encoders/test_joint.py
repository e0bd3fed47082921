"""What a joint fit of E, f and D achieves."""

import dataclasses

import numpy as np
import pytest

from nao.encoders import joint
from nao.metrics import kendall_tau, pairwise_accuracy
from nao.strategies.choices import predict_architectures
from tests.encoders.small import JOINT, PUBLISHED, fitted, improved

pytestmark = pytest.mark.xdist_group("encoders")  # fitted and compiled once, in one process


@pytest.fixture(scope="module")
def learned(space):
    return fitted(space, JOINT, n=400)[0]


def test_augmentation_draws_strings_that_mean_the_same(space, rng):
    tokens = space.sample_tokens(rng, 20)
    augmented = joint.augment(space, tokens, 6, rng)
    np.testing.assert_array_equal(augmented[:, 0], tokens)
    np.testing.assert_allclose(
        space.score(augmented.reshape(120, -1)).reshape(20, 6), np.tile(space.score(tokens)[:, None], 6)
    )
    assert (augmented[:, 1:] != tokens[:, None]).any(axis=-1).mean() > 0.5


@pytest.mark.parametrize("encoder", [JOINT, PUBLISHED], ids=lambda encoder: encoder.name)
@pytest.mark.parametrize("n", [2, 7, 60])
def test_a_share_of_the_architectures_is_held_out(encoder, n, space):
    quality = fitted(space, encoder, n=n)[0].quality
    share = encoder.training.ensemble_size * encoder.training.held_out
    assert quality.held_out == max(1, round(n * share))


def test_members_are_fitted_to_their_own_rows_alone(space):
    """A member's predictions do not change with the scores of the fold that it holds out."""
    tokens = space.sample_tokens(np.random.default_rng(1), 40)
    scores = space.score(tokens)
    (rows,) = joint.draw_folds(40, PUBLISHED.training, np.random.default_rng(0))
    assert len(rows) == 4
    inside = np.clip(scores, np.quantile(scores, 0.2), np.quantile(scores, 0.8))
    changed = inside.copy()
    changed[rows] = np.median(inside)
    one, other = (PUBLISHED.fit(space, tokens, s, seed=0) for s in (inside, changed))
    np.testing.assert_array_equal(one.predict(tokens), other.predict(tokens))


def test_the_quality_of_each_member_is_measured_on_what_it_held_out(space):
    model, tokens = fitted(space, JOINT)
    scores = space.score(tokens)
    folds = joint.draw_folds(60, JOINT.training, np.random.default_rng(0))
    each = np.repeat(tokens, 2, axis=0)  # row 2 i + k is string i through member k
    values = np.asarray(model.value(model.embed(each))).reshape(60, 2)
    taus = [kendall_tau(values[fold, k], scores[fold]) for k, fold in enumerate(folds)]
    assert model.quality.kendall_tau == pytest.approx(np.mean(taus), abs=1e-6)


def test_the_prediction_is_the_mean_over_the_members(space):
    model, tokens = fitted(space, JOINT)
    values = np.asarray(model.value(model.embed(np.repeat(tokens, 2, axis=0))), np.float64)
    expected = model.to_scores(values.reshape(60, 2).mean(axis=1))
    np.testing.assert_allclose(model.predict(tokens), expected, rtol=1e-5)


def test_predictions_of_architectures_are_averaged_over_strings_that_mean_the_same(space):
    """f of one string misses f of the architecture; a mean over augmented strings is nearer to it."""
    model, tokens = fitted(space, JOINT)
    drawn = [model.predict(space.augment(tokens, np.random.default_rng(9 + i))) for i in range(40)]
    architecture = np.mean(drawn, axis=0)  # f of each architecture, nearly
    once = np.abs(drawn[0] - architecture).mean()
    assert np.abs(predict_architectures(model, tokens) - architecture).mean() < 0.6 * once


def test_padding_does_not_change_the_fit(space, monkeypatch):
    wide, tokens = fitted(space, JOINT)
    bucket_size = joint.bucket_size
    monkeypatch.setattr(joint, "bucket_size", lambda n, s: bucket_size(n, s) // (4 if s == 1024 else 1))
    narrow, _ = fitted(space, JOINT)
    np.testing.assert_allclose(wide.predict(tokens), narrow.predict(tokens), rtol=1e-4, atol=1e-4)


def test_a_fit_learns_to_predict_and_to_write(learned, space):
    fresh = space.sample_tokens(np.random.default_rng(9), 300)
    assert pairwise_accuracy(learned.predict(fresh), space.score(fresh)) > 0.7
    assert learned.quality.pairwise_accuracy > 0.7
    assert learned.quality.held_out == 400
    assert learned.quality.hamming < 0.5


def test_small_steps_raise_the_prediction(learned, space):
    seeds = space.sample_tokens(np.random.default_rng(9), 100)
    at_rest, moved = (improved(JOINT, learned, seeds, eta)[1] for eta in (0.0, 0.01))
    assert np.mean(moved >= at_rest) >= 0.95


def test_ascent_finds_better_architectures(learned, space):
    tokens = space.sample_tokens(np.random.default_rng(1), 400)
    scores = space.score(tokens)
    seeds = tokens[np.argsort(-scores)[:40]]
    decoded, _ = improved(JOINT, learned, seeds, 0.6)
    assert space.score(decoded).mean() > space.score(seeds).mean() + 0.1 * scores.std()


def test_augmentation_brings_symmetric_strings_together(space):
    """Scores without any pattern are learned by heart: with augmentation, for every way to write a string."""

    class Plain(type(space)):
        def augment(self, tokens, rng):
            return tokens

    tokens = space.sample_tokens(np.random.default_rng(1), 50)
    scores = np.random.default_rng(2).normal(size=50)
    training = dataclasses.replace(JOINT.training, ensemble_size=1, held_out=0.1, epochs=100)
    longer = dataclasses.replace(JOINT, training=training)

    def distance(space):
        model = longer.fit(space, tokens, scores, seed=0)
        return np.abs(model.predict(tokens) - model.predict(space.swapped(tokens))).mean()

    plain = Plain(space.name, space.operations, space.cells, space.blocks)
    assert distance(space) < 0.5 * distance(plain)
