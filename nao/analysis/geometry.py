"""The shape of an embedding space, and of f upon it.

Axis letters: N points or embeddings, D numbers of a point, B pairs, T tokens, S steps of the encoder, d
hidden units, R random directions.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from nao.analysis.asking import embed, vectors
from nao.analysis.given import Tokens, centred, compiled, distances_from, host_strings
from nao.analysis.quality import spearman
from nao.core import InputError, Model
from nao.embedding import Embedding
from nao.inputs import real_number, whole_number

Points = Float[Array | np.ndarray, "N D"]


@compiled()
def distances(points: Points) -> Float[Array, "N N"]:
    """The Euclidean distance of every two points: exactly 0 where they are equal.

    Differences are taken row by row. The shorter way, by a product of matrices, leaves rounding where points
    are near each other, which is where distances are asked for.
    """
    points = jnp.asarray(points)
    found: Array = jax.lax.map(lambda point: distances_from(point, points), points)
    return found


@compiled()
def distance_correlation(
    a: Float[Array | np.ndarray, "N N"], b: Float[Array | np.ndarray, "N N"]
) -> Float[Array, ""]:
    """Spearman's correlation of two distances over all pairs: the statistic of Mantel (1967), of ranks.

    Args:
      a: such as `distances(vectors(e))`.
      b: such as `edit_distances(graphs)`, or `score_differences(scores)`.
    """
    pairs = np.triu_indices(a.shape[0], 1)
    correlation: Array = spearman(jnp.asarray(a)[pairs], jnp.asarray(b)[pairs])
    return correlation


@compiled()
def score_differences(scores: Float[Array | np.ndarray, " N"]) -> Float[Array, "N N"]:
    """How far the scores of every two architectures are apart."""
    return jnp.abs(jnp.asarray(scores)[:, None] - jnp.asarray(scores)[None, :])


@compiled()
def effective_dimension(points: Points) -> Float[Array, ""]:
    """In how many directions the points spread: the participation ratio (sum l)^2 / sum l^2.

    l are the variances along the principal components: D for a ball, 1 for a line, nan where no two points
    are apart.
    """
    X = centred(points)
    gram = X @ X.T if X.shape[0] < X.shape[1] else X.T @ X
    return jnp.trace(gram) ** 2 / jnp.sum(gram * gram)


@compiled()
def isotropy(points: Points) -> Float[Array, ""]:
    """Whether all directions are alike: min Z(c) / max Z(c), 1 if they are (Mu and Viswanath 2018).

    Z(c) is the sum of exp(c . x) over the points x, and c goes through the principal directions of X^T X,
    both ways. Points are scaled so that their mean square is 1; nan where there is none but 0.
    """
    if not len(points):
        return jnp.array(jnp.nan)
    X = points / jnp.sqrt(jnp.mean(jnp.sum(jnp.asarray(points) ** 2, axis=1)))
    N, D = X.shape
    _, s, Vt = jnp.linalg.svd(X, full_matrices=False)
    along = X @ jnp.where((s > 1e-6 * s[0])[:, None], Vt, 0.0).T  # 0 along directions that no point has
    Z = jnp.concatenate([jnp.exp(along).sum(axis=0), jnp.exp(-along).sum(axis=0)])
    Z = jnp.concatenate([Z, jnp.full(1, float(N))]) if N < D else Z
    return Z.min() / Z.max()


@jax.jit
def gradient(model: Model, e: Embedding) -> Float[Array, "N S d"]:
    """The slope of f at embeddings, in targets: what Eqn. (2) follows."""

    def total(h: Array) -> Array:
        return jnp.sum(model.member(0).value(Embedding(h, e.features)))

    slope: Array = jax.grad(total)(jnp.asarray(e.states))
    return slope


def gradient_norms(model: Model, e: Embedding) -> Float[Array, " N"]:
    """The length of the slope of f at embeddings."""
    return _lengths(gradient(model, e))


def _lengths(h: Float[Array, "N S d"]) -> Float[Array, " N"]:
    return jnp.sqrt(jnp.sum(h * h, axis=(1, 2)))


def local_lipschitz(
    model: Model, e: Embedding, key: Key[Array, ""], radius: Float[Array, ""] | float, directions: int = 16
) -> Float[Array, " N"]:
    """How steep f is near embeddings: the most of |f(h + r) - f(h)| / |r| over random r of one length.

    It is a lower bound of the Lipschitz constant of f there, at most the length of the slope as r becomes
    short.

    Args:
      model: f.
      e: N embeddings.
      key: decides the directions.
      radius: the length of r.
      directions: R.

    Raises:
      InputError: the radius is not above 0 and finite, or there is no direction.
    """
    if not isinstance(radius, jax.core.Tracer) and not 0 < (real_number(radius) or 0) < math.inf:
        raise InputError(f"the radius must be a number above 0, not {radius!r:.100}")
    if (R := whole_number(directions)) is None or R < 1:
        raise InputError(f"there must be at least 1 direction, not {directions!r:.100}")
    found: Array = _local_lipschitz(model, e, key, jnp.float32(radius), R)
    return found


@functools.partial(jax.jit, static_argnames="directions")
def _local_lipschitz(
    model: Model, e: Embedding, key: Key[Array, ""], radius: Float[Array, ""], directions: int
) -> Float[Array, " N"]:
    one, h = model.member(0), jnp.asarray(e.states)
    value = one.value(Embedding(h, e.features))

    def steepness(key: Array) -> Array:
        r = jax.random.normal(key, h.shape)
        r = radius * r / _lengths(r)[:, None, None]
        return jnp.abs(one.value(Embedding(h + r, e.features)) - value) / radius

    found: Array = jax.lax.map(steepness, jax.random.split(key, directions)).max(axis=0)
    return found


@compiled()
def lipschitz(points: Points, values: Float[Array | np.ndarray, " N"]) -> Float[Array, ""]:
    """The steepest way between two of the points: a lower bound of the Lipschitz constant of f.

    nan where no two points are apart.
    """
    distance = distances(points)
    apart = distance > 0
    steep = jnp.where(apart, score_differences(values) / jnp.where(apart, distance, 1.0), 0.0)
    return jnp.where(apart.any(), jnp.max(steep, initial=0.0), jnp.nan)


def gradient_alignment(model: Model, tokens: Tokens, better: Tokens) -> Float[Array, " B"]:
    """Whether uphill is where better architectures are: the cosine of the slope of f and the way to them.

    Args:
      model: E and f.
      tokens: `[B, T]` architectures.
      better: `[B, T]` for each of them one that is known to be better.

    Returns:
      `[B]` 1 where the slope points straight at the better one; about 0, plus or minus D^-1/2, by chance.
    """
    e = embed(model, tokens)
    slope = vectors(Embedding(gradient(model, e), e.features))
    found: Array = cosine(slope, vectors(embed(model, better)) - vectors(e))
    return found


@compiled()
def cosine(a: Float[Array | np.ndarray, "B D"], b: Float[Array | np.ndarray, "B D"]) -> Float[Array, " B"]:
    """The cosine of the angle between two vectors in each row; 0 where one of them is 0."""
    lengths = jnp.linalg.norm(a, axis=1) * jnp.linalg.norm(b, axis=1)
    return jnp.where(lengths > 0, jnp.sum(a * b, axis=1) / jnp.where(lengths > 0, lengths, 1.0), 0.0)


def equivalence_distances(
    model: Model, tokens: Tokens, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " N"], float]:
    """How far E puts strings apart that mean the same.

    Args:
      model: E and the space.
      tokens: `[N, T]` architectures.
      rng: draws an equivalent string of each, which may be the same string again.

    Returns:
      `[N]` the distance of each string from one that means the same; and the mean distance of two different
      ones, nan where there are no two: the first should be a small part of the second.
    """
    tokens = host_strings(model.space, tokens)
    points = vectors(embed(model, tokens))
    others = vectors(embed(model, model.space.augment(tokens, rng)))
    apart = np.asarray(distances(points))
    N = len(tokens)
    typical = float(apart.sum() / (N * (N - 1))) if N > 1 else float("nan")
    return np.asarray(jnp.linalg.norm(points - others, axis=1)), typical
