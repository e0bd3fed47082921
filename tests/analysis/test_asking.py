"""E, f and D of a fitted model, and that every answer is one about a single embedding space."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from nao import analysis
from nao.analysis import asking
from nao.core import InputError
from nao.embedding import Embedding
from tests.analysis.models import linear_model, small_model, strings
from tests.encoders.small import STACKED

pytestmark = pytest.mark.xdist_group("encoders")  # what is compiled there is used here


@pytest.fixture(scope="module")
def model():
    return small_model()[0]


@pytest.fixture(scope="module")
def tokens():
    return small_model()[1]


def test_a_row_does_not_depend_on_the_others(model, tokens):
    """Rows of a model with members are each of another one; here all are of one."""
    whole = analysis.embed(model, tokens[:9])
    for i in range(9):
        alone = analysis.embed(model, tokens[i : i + 1])
        np.testing.assert_allclose(whole.states[i], alone.states[0], atol=1e-6)
    assert analysis.vectors(whole).shape == (9, whole.states[0].size)
    other = model.member(1).embed(tokens[:9])
    assert not np.allclose(other.states, whole.states)
    np.testing.assert_allclose(model.embed(tokens[:9]).states[1], other.states[1], atol=1e-6)
    with pytest.raises(InputError, match="members 0 to 1, and no 2"):
        model.member(2)
    with pytest.raises(InputError, match="no -1"):
        model.member(-1)


def test_every_question_can_be_compiled(model, tokens):
    x = jnp.asarray(tokens[:6])
    program = jax.jit(
        lambda model, x: (analysis.vectors(analysis.embed(model, x)), analysis.reconstruct(model, x))
    )
    points, written = program(model, x)
    np.testing.assert_allclose(points, analysis.vectors(analysis.embed(model, tokens[:6])), atol=1e-5)
    np.testing.assert_array_equal(written, analysis.reconstruct(model, tokens[:6].tolist()))


def test_predictions(model, tokens, monkeypatch):
    found = analysis.predict(model, tokens)
    np.testing.assert_allclose(found.score, model.predict(tokens), rtol=1e-9)
    assert (found.std > 0).all()
    np.testing.assert_allclose(found.spread**2, found.std**2 + found.noise**2)
    monkeypatch.setattr(asking, "CHUNK", 7)
    np.testing.assert_allclose(analysis.predict(model, tokens).std, found.std, rtol=1e-6)
    assert len(analysis.predict(model, tokens[:0]).score) == 0


def test_quantiles_are_those_of_the_prediction(model, tokens):
    scores = small_model()[0].space.score(tokens)
    found = analysis.predict(model, tokens)
    z = (model.to_targets(scores) - found.mean) / found.spread
    quantiles = analysis.probability_integral_transform(model, tokens, scores)
    np.testing.assert_allclose(quantiles, stats.norm.cdf(z), atol=1e-9)
    linear = linear_model()
    with pytest.raises(InputError, match="how sure it is"):
        analysis.probability_integral_transform(linear, strings(linear.space, 4), np.zeros(4))


def test_decoding(model, tokens):
    e = jax.tree.map(jnp.asarray, analysis.embed(model, tokens[:8]))
    greedy = np.asarray(analysis.decode(model, e))
    best, _ = analysis.beam(model, e, 1)
    np.testing.assert_array_equal(best[:, 0], greedy)
    found, likely = (np.asarray(x) for x in analysis.beam(model, e, 6))
    assert analysis.valid(model.space, found.reshape(48, -1)).all()
    assert (np.diff(likely, axis=1) <= 1e-5).all()
    assert (likely <= 0).all()
    for row in found:
        assert len(np.unique(row, axis=0)) == 6
    cold = analysis.sample(model, e, jax.random.key(0), temperature=0.0)
    np.testing.assert_array_equal(cold, greedy)
    hot = np.asarray(analysis.sample(model, e, jax.random.key(0), temperature=50.0))
    assert analysis.valid(model.space, hot).all()
    assert (hot != greedy).any(axis=1).all()
    with pytest.raises(InputError, match="at least 1, not 0"):
        analysis.beam(model, e, 0)


def test_a_wide_beam_knows_every_string_and_samples_come_as_often(model):
    """Of a space of 2 x 3 strings: likelihoods add up to 1, and draws follow them."""
    from nao.encoders.decode import Writer, decode_by_beam, decode_greedily, to_device
    from nao.encoders.loss import Networks
    from nao.grammar import Grammar
    from tests.encoders.small import PUBLISHED
    from tests.fakes import PairSpace

    legal = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], np.bool_)
    space = PairSpace(length=2, group=1)
    networks = Networks.create(PUBLISHED.networks, PUBLISHED.predictor, space, np.random.default_rng(3))
    grammar = to_device(Grammar.from_positions(legal))
    h = networks.encoder(jnp.zeros((1, 2), jnp.int32)) * 5
    writer = Writer(networks.decoder, h, networks.encoder.mean_pool(h))
    found, likely = (np.asarray(x)[0] for x in decode_by_beam(grammar, 9, writer))
    assert np.isneginf(likely[6:]).all()
    assert {tuple(x) for x in found[:6].tolist()} == set(itertools.product(range(2), range(3)))
    assert np.exp(likely[:6]).sum() == pytest.approx(1, abs=1e-5)
    n = 4000
    many = Writer(networks.decoder, jnp.repeat(h, n, axis=0), jnp.repeat(writer.mean, n, axis=0))
    drawn = np.asarray(decode_greedily(grammar, many, noise=jax.random.gumbel(jax.random.key(1), (n, 2, 4))))
    for string, log_likelihood in zip(found[:6], likely[:6], strict=True):
        p = np.exp(log_likelihood)
        assert (drawn == string).all(axis=1).mean() == pytest.approx(p, abs=4 * np.sqrt(p / n))


def test_mixtures_of_tokens_are_the_tokens_where_they_are_pure(model, tokens):
    one = model.member(0)
    shares = jax.nn.one_hot(tokens[:5], len(model.space.vocabulary))
    np.testing.assert_allclose(one.blend(shares), one.embed(tokens[:5]).states, atol=1e-6)


def test_neighbours_are_those_of_a_search_through_all(rng):
    known, points = rng.normal(size=(50, 4)), rng.normal(size=(7, 4))
    rows, apart = analysis.neighbours(points.astype(np.float32), known.astype(np.float32), 5)
    every = np.linalg.norm(points[:, None] - known[None], axis=2)
    np.testing.assert_array_equal(rows, every.argsort(axis=1)[:, :5])
    np.testing.assert_allclose(apart, np.sort(every, axis=1)[:, :5], rtol=1e-5)
    rows, apart = analysis.neighbours(known.astype(np.float32) + 1e4, known.astype(np.float32) + 1e4, 1)
    np.testing.assert_array_equal(rows[:, 0], np.arange(50))  # far from 0, too
    np.testing.assert_array_equal(apart[:, 0], np.zeros(50))


def test_the_nearest_known_architecture(model, tokens):
    e = analysis.embed(model, tokens[3:6])
    rows, apart = analysis.nearest_known(model, e, tokens)
    np.testing.assert_array_equal(rows, [3, 4, 5])
    np.testing.assert_allclose(apart, 0, atol=1e-5)
    with pytest.raises(InputError, match="no known"):
        analysis.nearest_known(model, e, tokens[:0])


def test_gradients_are_those_of_differences(model, tokens):
    one = model.member(0)
    e = one.embed(tokens[:3])
    slope = np.asarray(analysis.gradient(model, e))
    rng = np.random.default_rng(0)
    r = rng.normal(size=slope.shape).astype(np.float32)
    r /= np.linalg.norm(r.reshape(3, -1), axis=1)[:, None, None]
    step = 0.05
    up, down = (np.asarray(one.value(Embedding(e.states + s * r, e.features))) for s in (step, -step))
    along = (slope * r).sum(axis=(1, 2))
    np.testing.assert_allclose((up - down) / (2 * step), along, atol=2e-3)


def test_a_fitted_model_answers_about_none_with_none(model, tokens):
    none, key = tokens[:0], jax.random.key(0)
    e = analysis.embed(model, none)
    assert analysis.gradient_norms(model, e).shape == (0,)
    assert analysis.local_lipschitz(model, e, key, 0.1).shape == (0,)
    assert analysis.gradient_times_embedding(model, none).shape == none.shape
    assert analysis.gradient_alignment(model, none, none).shape == (0,)
    assert analysis.beam(model, e, 3)[0].shape == (0, 3, none.shape[1])
    assert analysis.interpolate(model, none, none).tokens.shape == (11, *none.shape)
    assert analysis.climb(model, none, STACKED.ascent, 0.5).values.shape == (STACKED.ascent.num_steps + 1, 0)
