"""The geometry of points in closed form, and of f on a linear and on a fitted model."""

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from nao import analysis
from nao.embedding import Embedding
from tests.analysis.models import linear_model, small_model, strings

pytestmark = pytest.mark.xdist_group("encoders")


def test_distances(rng):
    points = (100 + rng.normal(size=(30, 5))).astype(np.float32)
    found = np.asarray(analysis.distances(points))
    np.testing.assert_allclose(found, distance.cdist(points, points), atol=1e-3)
    np.testing.assert_array_equal(found.diagonal(), np.zeros(30))
    scores = rng.random(30, np.float32)
    apart = analysis.score_differences(scores)
    np.testing.assert_allclose(apart, np.abs(scores[:, None] - scores[None]))
    pairs = np.triu_indices(30, 1)
    expected = stats.spearmanr(found[pairs], np.asarray(apart)[pairs]).statistic
    assert float(analysis.distance_correlation(found, apart)) == pytest.approx(expected, abs=1e-5)


def test_dimension_and_isotropy(rng):
    for D, n in ((1, 1), (3, 3), (10, 10)):
        ball = np.zeros((4000, 12), np.float32)
        ball[:, :D] = rng.normal(size=(4000, D))
        assert float(analysis.effective_dimension(ball)) == pytest.approx(n, rel=0.02)
    few = rng.normal(size=(5, 100)).astype(np.float32)  # fewer points than numbers: the smaller product
    X = few - few.mean(axis=0)
    variances = np.linalg.svd(X)[1] ** 2
    expected = variances.sum() ** 2 / (variances**2).sum()
    assert float(analysis.effective_dimension(few)) == pytest.approx(expected, rel=1e-4)
    assert np.isnan(analysis.effective_dimension(few[:1]))

    alike = rng.normal(size=(5000, 4)).astype(np.float32)
    assert float(analysis.isotropy(alike)) > 0.9
    assert float(analysis.isotropy(alike + 3)) < 0.2  # all of them lie in one direction
    assert float(analysis.isotropy(7 * alike)) == pytest.approx(float(analysis.isotropy(alike)), rel=1e-3)
    wide = rng.normal(size=(3, 6)).astype(np.float32)
    scaled = wide / np.sqrt((wide**2).sum(axis=1).mean())
    _, directions = np.linalg.eigh(scaled.T @ scaled)
    Z = np.concatenate([np.exp(s * scaled @ directions).sum(axis=0) for s in (1, -1)])
    assert float(analysis.isotropy(wide)) == pytest.approx(Z.min() / Z.max(), rel=1e-3)


def test_slopes_of_a_linear_f():
    model = linear_model()
    e = model.embed(strings(model.space, 6))
    np.testing.assert_allclose(analysis.gradient(model, e), np.repeat(model.weights[None], 6, axis=0))
    length = np.linalg.norm(model.weights)
    np.testing.assert_allclose(analysis.gradient_norms(model, e), length, rtol=1e-6)
    steep = np.asarray(analysis.local_lipschitz(model, e, jax.random.key(0), 0.5))
    assert (steep <= length * 1.001).all()
    assert (steep > 0.2 * length).all()
    points = analysis.vectors(e)
    far = float(analysis.lipschitz(points, model.value(e)))
    every = [
        abs(float(model.value(e)[i] - model.value(e)[j])) / float(np.linalg.norm(points[i] - points[j]))
        for i in range(6)
        for j in range(i)
    ]
    assert far == pytest.approx(max(every), rel=1e-4)
    assert far <= length


def test_uphill_is_where_better_ones_are():
    model = linear_model()
    x = strings(model.space, 5)
    moved = model.embed(x).states + 100 * model.weights
    better = np.asarray(moved.argmax(axis=2), np.int32)  # the best token at every position
    cosines = np.asarray(analysis.gradient_alignment(model, x, better))
    way = model.embed(better).states - model.embed(x).states
    expected = (way * model.weights).sum(axis=(1, 2)) / np.linalg.norm(way.reshape(5, -1), axis=1)
    np.testing.assert_allclose(cosines, expected / np.linalg.norm(model.weights), rtol=1e-5)
    assert (cosines > 0).all()
    np.testing.assert_allclose(analysis.gradient_alignment(model, x, x), 0)  # there is no way to itself


def test_slopes_of_a_fitted_f_bound_what_is_near():
    model, tokens = small_model()
    e = analysis.embed(model, tokens[:5])
    short = np.asarray(analysis.local_lipschitz(model, e, jax.random.key(0), 0.01))
    assert (short <= np.asarray(analysis.gradient_norms(model, e)) * 1.05).all()
    one = np.asarray(analysis.gradient(model, Embedding(e.states[:1], e.features[:1])))
    np.testing.assert_allclose(analysis.gradient(model, e)[:1], one, atol=1e-5)


def test_strings_that_mean_the_same(rng):
    model, tokens = small_model()
    apart, typical = analysis.equivalence_distances(model, tokens, rng)
    assert apart.shape == (60,)
    assert 0 < apart.mean() < typical
    assert np.isnan(analysis.equivalence_distances(model, tokens[:1], rng)[1])
