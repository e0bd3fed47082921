"""Embeddings as points that can be looked at.

Axis letters: N points, D numbers of each, k dimensions of the picture.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from nao.analysis.given import centred, compiled, numbers
from nao.core import InputError
from nao.inputs import imported
from nao.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class PCA:
    """Principal components (Pearson 1901).

    Attributes:
      mean: `[D]` of the points.
      components: `[k, D]` directions of length 1, the one with the most variance first. Of the two signs that
        a direction can have, the one whose largest number is positive.
      variance: `[k]` along each.
      share: `[k]` the same as a share of the whole variance.
      coordinates: `[N, k]` the points.
    """

    mean: Float[Array, " D"]
    components: Float[Array, "k D"]
    variance: Float[Array, " k"]
    share: Float[Array, " k"]
    coordinates: Float[Array, "N k"]

    def __call__(self, points: Float[Array | np.ndarray, "N D"]) -> Float[Array, "N k"]:
        """The coordinates of other points."""
        return (jnp.asarray(points) - self.mean[None]) @ self.components.T


@compiled("k")
def pca(points: Float[Array | np.ndarray, "N D"], k: int = 2) -> PCA:
    """The first k principal components; 0 for those that N points do not have.

    Raises:
      InputError: k is below 1.
    """
    if k < 1:
        raise InputError(f"a projection has at least 1 dimension, not {k}")
    N, D = points.shape
    mean = jnp.mean(points, axis=0)
    X = centred(points)
    # The smaller of the two products has the same eigenvalues other than 0.
    wide = D > N
    values, V = jnp.linalg.eigh(X @ X.T if wide else X.T @ X)
    last = slice(None, -min(k, N, D) - 1, -1)
    values, V = jnp.maximum(values[last], 0.0), V[:, last]
    directions = (X.T @ V if wide else V).T
    length = jnp.linalg.norm(directions, axis=1, keepdims=True)
    rounding = max(N, D) * np.finfo(np.float32).eps  # of the eigenvalues, as a share of the largest
    there = (values > rounding * jnp.maximum(values[:1], 1e-30))[:, None]
    values = jnp.where(there[:, 0], values, 0.0)
    directions = jnp.where(there, directions / jnp.maximum(length, 1e-30), 0.0)
    largest = jnp.take_along_axis(directions, jnp.argmax(jnp.abs(directions), axis=1)[:, None], axis=1)
    directions = directions * jnp.where(largest < 0, -1.0, 1.0)
    missing = ((0, k - len(values)), (0, 0))
    directions = jnp.pad(directions, missing)
    variance = jnp.pad(values, missing[0]) / max(N - 1, 1)
    whole = jnp.sum(X * X) / max(N - 1, 1)
    return PCA(mean, directions, variance, variance / jnp.maximum(whole, 1e-30), X @ directions.T)


def project(
    points: Shaped[Array | np.ndarray, "N D"] | Sequence[Any],
    how: str = "pca",
    *,
    dimensions: int = 2,
    seed: int = 0,
) -> Float[np.ndarray, "N k"]:
    """The points in a few dimensions.

    Args:
      points: such as `vectors(embed(model, tokens))`.
      how: `pca`, along straight lines; `tsne` (van der Maaten and Hinton 2008) and `umap` (McInnes, Healy and
        Melville 2018), which keep neighbours together and no distances.
      dimensions: k.
      seed: of whatever is random.

    Raises:
      InputError: there is no such projection, it has no dimension, or its package is not installed.
    """
    points = np.asarray(numbers(points), np.float32)
    if how not in ("pca", "tsne", "umap"):
        raise InputError(f"a projection must be pca, tsne or umap, not {how!r}")
    if how == "pca" or len(points) < 4:  # so few have no neighbourhood to speak of
        return np.asarray(pca(points, dimensions).coordinates)
    if how == "tsne":
        return _tsne(points, dimensions, seed)
    return _umap(points, dimensions, seed)


def _tsne(points: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    start = np.asarray(pca(points, dimensions).coordinates)
    start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4  # as scikit-learn scales its own
    made = TSNE(dimensions, perplexity=perplexity, init=start, random_state=seed)
    return np.asarray(made.fit_transform(points), np.float32)


def _umap(points: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    made = imported("umap", "umap", "a projection by umap").UMAP(
        n_components=dimensions, n_neighbors=min(15, len(points) - 1), random_state=seed, n_jobs=1
    )
    return np.asarray(made.fit_transform(points), np.float32)
