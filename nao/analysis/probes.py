"""What can be read off an embedding along a straight line, and the readable properties to try it with.

Axis letters: N architectures, D numbers of an embedding, R ridges, T tokens.
"""

import dataclasses
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nao.analysis.given import Tokens, centred, compiled, host_strings
from nao.core import Architecture, SearchSpace
from nao.graph import Cell
from nao.pytree import pytree

RIDGES = tuple(10.0**power for power in range(-6, 3))  # as shares of the mean variance of a direction


@pytree
@dataclasses.dataclass(frozen=True)
class LinearProbe:
    """Ridge regression from embeddings to a property (Alain and Bengio 2017).

    Attributes:
      weights: `[D]`.
      bias: of the embedding 0.
      predicted: `[N]` the property of each architecture, by the fit to all others.
      r2: 1 - (mean squared error of these) / variance: 1 is perfect; 0 or less, no better than the mean.
    """

    weights: Float[Array, " D"]
    bias: Float[Array, ""]
    predicted: Float[Array, " N"]
    r2: Float[Array, ""]

    def __call__(self, points: Float[Array | np.ndarray, "B D"]) -> Float[Array, " B"]:
        """What is read off other embeddings."""
        return jnp.asarray(points) @ self.weights + self.bias


@compiled()
def linear_probe(
    points: Float[Array | np.ndarray, "N D"], targets: Float[Array | np.ndarray, " N"]
) -> LinearProbe:
    """The probe whose ridge predicts left-out architectures best.

    Leaving each of them out needs one decomposition (Allen 1974): what is left over of a left-out target is
    that of the fit to all, divided by 1 - leverage. r2 is therefore measured on held-out architectures; it is
    the best of nine ridges.

    Args:
      points: `[N, D]` such as `vectors(embed(model, tokens))`.
      targets: `[N]` a property. Of one that does not vary r2 is nan, and so is what is predicted
        of a single architecture, which leaves no other.
    """
    X, y = centred(points), centred(targets)
    x_mean, y_mean = jnp.mean(points, axis=0), jnp.mean(targets)
    if len(y) < 2:
        return LinearProbe(jnp.zeros_like(x_mean), y_mean, jnp.full(len(y), jnp.nan), jnp.array(jnp.nan))
    U, s, Vt = jnp.linalg.svd(X, full_matrices=False)
    squares = s * s

    def by_ridge(share: Array) -> tuple[Array, Array, Array]:
        ridge = share * jnp.maximum(jnp.mean(squares), 1e-30)
        shrunk = squares / (squares + ridge)
        fitted = U @ (shrunk * (U.T @ y))
        leverage = jnp.sum(U * U * shrunk[None], axis=1) + 1 / len(y)
        left_out = y - (y - fitted) / jnp.maximum(1 - leverage, 1e-6)
        return jnp.mean((y - left_out) ** 2), left_out, ridge

    errors, left_out, ridges = jax.vmap(by_ridge)(jnp.array(RIDGES))
    best = jnp.argmin(errors)
    weights = Vt.T @ (s / (squares + ridges[best]) * (U.T @ y))
    variance = jnp.mean(y * y)
    r2 = jnp.where(variance > 0, 1 - errors[best] / variance, jnp.nan)
    return LinearProbe(weights, y_mean - x_mean @ weights, left_out[best] + y_mean, r2)


def properties(space: SearchSpace, tokens: Tokens) -> dict[str, Float[np.ndarray, " N"]]:
    """What can be counted in the cells of architectures, by name; nodes on no path do not count.

    `depth` is the number of edges on the longest path from an input to the output, `nodes` those between
    them, and for each operation how often it is applied; in front stands the name of the cell, if it has one.
    What an architecture costs is not among them: ask an evaluator, `evaluator.cost(architectures)`.
    """
    rows = []
    for row in host_strings(space, tokens).tolist():
        graph = space.graph(Architecture(tuple(row), space))
        rows.append(
            {
                f"{cell.name} {name}".strip(): count
                for cell in graph.cells
                for name, count in _counts(cell.prune()).items()
            }
        )
    names = sorted({name for row in rows for name in row})
    return {name: np.array([float(row.get(name, 0)) for row in rows]) for name in names}


def _counts(cell: Cell) -> Counter[str]:
    """The properties of one cell."""
    operations = [edge.operation for edge in cell.edges] + [node.operation for node in cell.nodes]
    counts = Counter(operation for operation in operations if operation)
    depth = [0] * len(cell.nodes)
    for edge in sorted(cell.edges, key=lambda edge: edge.target):
        depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
    counts |= Counter({"depth": depth[-1], "nodes": len(cell.nodes) - cell.inputs - 1})
    return counts
