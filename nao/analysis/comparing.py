"""Two models of the same architectures: those of two iterations, two presets, two seeds.

Axis letters: N architectures, D and E numbers of their embeddings, T tokens.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.analysis.asking import embed, neighbours, predict, vectors
from nao.analysis.given import Tokens, centred, checked_count, compiled, host_strings
from nao.analysis.quality import kendall_tau
from nao.core import InputError, Model


@compiled()
def linear_cka(a: Float[Array | np.ndarray, "N D"], b: Float[Array | np.ndarray, "N E"]) -> Float[Array, ""]:
    """Linear centred kernel alignment (Kornblith et al. 2019), equation 3 for linear kernels.

    1 if one embedding is the other turned, mirrored, moved or scaled; nan if one is constant.
    """
    a, b = centred(a), centred(b)
    K, L = a @ a.T, b @ b.T
    return jnp.sum(K * L) / jnp.sqrt(jnp.sum(K * K)) / jnp.sqrt(jnp.sum(L * L))


@compiled("k")
def neighbourhood_overlap(
    a: Float[Array | np.ndarray, "N D"], b: Float[Array | np.ndarray, "N E"], k: int
) -> Float[Array, " N"]:
    """For each architecture the share of its k nearest in one embedding that are so in the other too.

    By chance it is k / (N - 1).

    Raises:
      InputError: there are not so many others.
    """
    k = checked_count(k, len(a) - 1, "one less than the architectures")
    mine, theirs = (_others(points, k) for points in (a, b))
    return jnp.mean((mine[:, :, None] == theirs[:, None, :]).any(axis=2).astype(jnp.float32), axis=1)


def _others(points: Float[Array | np.ndarray, "N D"], k: int) -> Int[Array, "N k"]:
    """The k nearest of each, without itself, also where others are at the same point."""
    rows, _ = neighbours(points, points, k + 1)
    itself = rows == jnp.arange(len(points))[:, None]
    last = itself.at[:, -1].set(itself[:, -1] | ~itself.any(axis=1))  # itself, or the farthest
    return jnp.take_along_axis(rows, jnp.argsort(last, axis=1, stable=True)[:, :k], axis=1)


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far two models agree about the same architectures.

    Attributes:
      cka: of their embeddings (`linear_cka`).
      overlap: the mean of `neighbourhood_overlap`.
      chance: what the overlap would be by chance.
      tau: rank agreement: Kendall's tau-b of what the two expect of the architectures.
    """

    cka: float
    overlap: float
    chance: float
    tau: float


def compare_models(a: Model, b: Model, tokens: Tokens, *, k: int = 10) -> Agreement:
    """How far two models agree about the same architectures.

    Args:
      a: one.
      b: the other, of the same space; E and f may be of other kinds and sizes.
      tokens: `[N, T]` more than k.
      k: neighbours.

    Raises:
      InputError: the spaces differ, or k is below 1, or there are too few architectures.
    """
    if a.space != b.space:
        raise InputError(f"two models are compared on one space, not on {a.space.name} and {b.space.name}")
    tokens = host_strings(a.space, tokens)
    k = checked_count(k, len(tokens) - 1, "one less than the architectures")
    mine, theirs = vectors(embed(a, tokens)), vectors(embed(b, tokens))
    return Agreement(
        cka=float(linear_cka(mine, theirs)),
        overlap=float(neighbourhood_overlap(mine, theirs, k).mean()),
        chance=k / (len(tokens) - 1),
        tau=float(kendall_tau(predict(a, tokens).score, predict(b, tokens).score)),
    )
