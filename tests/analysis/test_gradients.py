"""Whatever can be differentiated has the slope of its differences, and a batch is its loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from nao import analysis
from nao.embedding import Embedding


def points(rng, *shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)


FUNCTIONS = {
    "distances": (lambda a: analysis.distances(a) + jnp.eye(len(a)), [(6, 3)]),
    "effective dimension": (analysis.effective_dimension, [(6, 3)]),
    "effective dimension, few points": (analysis.effective_dimension, [(3, 6)]),
    "cosine": (analysis.cosine, [(5, 4), (5, 4)]),
    "alignment": (analysis.linear_cka, [(6, 3), (6, 4)]),
    "correlation": (analysis.pearson, [(7,), (7,)]),
    "score differences": (analysis.score_differences, [(5,)]),
    "quantiles": (lambda m, s, y: analysis.normal_quantiles(m, 1 + s * s, y), [(5,), (5,), (5,)]),
    "vectors": (lambda h: analysis.vectors(Embedding(h, h[:, 0, :0])), [(3, 2, 4)]),
    "steepest way": (analysis.lipschitz, [(5, 3), (5,)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_are_those_of_differences(name, rng):
    function, shapes = FUNCTIONS[name]
    given = [points(rng, *shape) for shape in shapes]
    check_grads(function, given, order=1, modes=["rev"], atol=2e-2, rtol=2e-2, eps=1e-2)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_is_its_loop(name, rng):
    function, shapes = FUNCTIONS[name]
    given = [points(rng, 3, *shape) for shape in shapes]
    loop = np.stack([function(*each) for each in zip(*given, strict=True)])
    np.testing.assert_allclose(jax.vmap(function)(*given), loop, rtol=1e-4, atol=1e-5)


BATCHES = {
    "isotropy": (analysis.isotropy, [(8, 3)]),
    "ranks": (analysis.ranks, [(9,)]),
    "top 3": (lambda a, b: analysis.top_k_overlap(a, b, 3), [(9,), (9,)]),
    "neighbours": (lambda a, b: analysis.neighbours(a, b, 2)[1], [(4, 3), (7, 3)]),
    "neighbourhoods": (lambda a, b: analysis.neighbourhood_overlap(a, b, 2), [(8, 3), (8, 5)]),
    "coverage": (lambda q: analysis.coverage(jax.nn.sigmoid(q), jnp.array([0.5, 0.9])), [(9,)]),
    "correlation of distances": (
        lambda a, b: analysis.distance_correlation(analysis.distances(a), analysis.distances(b)),
        [(6, 3), (6, 2)],
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_without_slopes_is_its_loop(name, rng):
    function, shapes = BATCHES[name]
    given = [points(rng, 3, *shape) for shape in shapes]
    loop = np.stack([function(*each) for each in zip(*given, strict=True)])
    np.testing.assert_allclose(jax.vmap(function)(*given), loop, rtol=1e-4, atol=1e-5)
