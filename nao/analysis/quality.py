"""How well predictions order architectures, how sure they may be, and what decoded strings are worth.

Pure functions of arrays, for programs too: they can be compiled, batched by `jax.vmap`, and bootstrapped.
`nao.metrics` has those that a fit needs, on the host.

Axis letters: B architectures, Q < B of them, L levels, T tokens, N known strings.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special
from jaxtyping import Array, Bool, Float

from nao.analysis.given import Tokens, centred, checked_count, compiled, host_strings, whole_numbers
from nao.core import Architecture, InputError, SearchSpace

Numbers = Float[Array | np.ndarray, " B"]
ROWS = 256  # of the table of pairs that are looked at together


@compiled()
def pairwise_accuracy(predicted: Numbers, true: Numbers) -> Float[Array, ""]:
    """Share of pairs that the prediction puts in their true order; 0.5 is chance.

    Pairs whose true scores are equal have no order and are left out; a pair that is predicted equal counts as
    half right. nan when no pair has an order.
    """
    surplus, ordered, _ = _pairs(predicted, true)
    return (1 + surplus / ordered) / 2


@compiled()
def kendall_tau(predicted: Numbers, true: Numbers) -> Float[Array, ""]:
    """Kendall's tau-b (Kendall 1945), corrected for ties on either side; nan where a side is constant."""
    surplus, ordered, predicted_unequal = _pairs(predicted, true)
    return surplus / jnp.sqrt(ordered) / jnp.sqrt(predicted_unequal)


def _pairs(x: Numbers, y: Numbers) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Ordered pairs that agree minus those that do not; those unequal in y; those unequal in x."""
    x, y = jnp.asarray(x), jnp.asarray(y)

    def against_all(one: tuple[Array, Array]) -> Array:
        dx, dy = jnp.sign(one[0] - x), jnp.sign(one[1] - y)
        return jnp.stack([jnp.sum(dx * dy), jnp.sum(dy != 0), jnp.sum(dx != 0)])

    counts = jax.lax.map(against_all, (x, y), batch_size=min(ROWS, max(len(x), 1)))
    surplus, y_unequal, x_unequal = counts.sum(axis=0)
    return surplus, y_unequal, x_unequal


@compiled()
def ranks(x: Numbers) -> Float[Array, " B"]:
    """The rank of each number from 1; equal ones share their mean rank. nan where there is a nan."""
    ordered = jnp.sort(x)
    below = jnp.searchsorted(ordered, x, side="left")
    upto = jnp.searchsorted(ordered, x, side="right")
    return jnp.where(jnp.isnan(x).any(), jnp.nan, (below + upto + 1) / 2)


@compiled()
def spearman(predicted: Numbers, true: Numbers) -> Float[Array, ""]:
    """Spearman's rank correlation; nan where a side is constant."""
    correlation: Array = pearson(ranks(predicted), ranks(true))
    return correlation


@compiled()
def pearson(x: Numbers, y: Numbers) -> Float[Array, ""]:
    """The correlation of two rows of numbers; nan where one is constant."""
    x, y = centred(x), centred(y)
    return jnp.sum(x * y) / jnp.sqrt(jnp.sum(x * x)) / jnp.sqrt(jnp.sum(y * y))


@compiled("k")
def top_k_overlap(predicted: Numbers, true: Numbers, k: int) -> Float[Array, ""]:
    """Share of the k architectures with the highest true scores among those with the highest predicted.

    Of equal numbers the first count as the higher ones. nan where there is a nan.

    Raises:
      InputError: there are not so many.
    """
    k = checked_count(k, len(predicted), "the number of architectures")
    (_, a), (_, b) = (jax.lax.top_k(jnp.asarray(x), k) for x in (predicted, true))
    share = jnp.mean((a[:, None] == b[None, :]).any(axis=0).astype(jnp.float32))
    return jnp.where(jnp.isnan(predicted).any() | jnp.isnan(true).any(), jnp.nan, share)


@compiled("share")
def top_tau(predicted: Numbers, true: Numbers, share: float = 0.25) -> Float[Array, ""]:
    """Kendall's tau-b among the architectures whose true scores are the highest, by default a quarter.

    This is where a search has to tell them apart; the tau of all is mostly about the bad ones.

    Raises:
      InputError: it is no share, above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise InputError(f"the share of the best must be above 0 and at most 1, not {share!r:.100}")
    Q = min(max(round(share * len(true)), 1), len(true))
    _, rows = jax.lax.top_k(jnp.asarray(true), Q)
    tau: Array = kendall_tau(jnp.asarray(predicted)[rows], jnp.asarray(true)[rows])
    return tau


@compiled()
def normal_quantiles(mean: Numbers, std: Numbers, observed: Numbers) -> Float[Array, " B"]:
    """The probability integral transform of a normal prediction (Dawid 1984): uniform if it is right."""
    z: Array = special.ndtr((jnp.asarray(observed) - mean) / std)
    return z


@compiled()
def coverage(quantiles: Numbers, levels: Float[Array | np.ndarray, " L"]) -> Float[Array, " L"]:
    """Share of the observations within the central interval of each level; the level itself if it is right.

    Args:
      quantiles: `[B]` where each observation lies in its prediction (`normal_quantiles`). Those that are nan,
        as of an observation that is not known, are left out.
      levels: `[L]` such as 0.5 and 0.9.
    """
    distance = jnp.abs(jnp.asarray(quantiles) - 0.5) * 2
    within = distance[None, :] <= jnp.asarray(levels)[:, None]
    return jnp.sum(within, axis=1) / jnp.sum(~jnp.isnan(distance))


@compiled()
def reconstruction_accuracy(
    tokens: Float[Array | np.ndarray, "B T"], written: Float[Array | np.ndarray, "B T"]
) -> Float[Array, ""]:
    """Share of the strings that D writes without an error."""
    return jnp.mean((tokens == written).all(axis=1).astype(jnp.float32))


@compiled()
def hamming(a: Float[Array | np.ndarray, "B T"], b: Float[Array | np.ndarray, "B T"]) -> Float[Array, " B"]:
    """In how many of the T tokens each string differs from the same row of the other."""
    return jnp.sum(a != b, axis=1).astype(jnp.float32)


def valid(space: SearchSpace, tokens: Tokens) -> Bool[np.ndarray, " B"]:
    """Which strings are legal in a space; their tokens may be any whole numbers."""
    return space.grammar.accepts(whole_numbers(space, tokens))


def uniqueness(space: SearchSpace, tokens: Tokens) -> float:
    """How many different architectures there are, as a share of the strings; nan for none.

    Strings that mean the same count once.
    """
    return len(_meanings(space, tokens)) / len(tokens) if len(tokens) else float("nan")


def novelty(space: SearchSpace, tokens: Tokens, known: Tokens) -> float:
    """Share of the different architectures that are not among the known ones; nan for none."""
    found = _meanings(space, tokens)
    return len(found - _meanings(space, known)) / len(found) if found else float("nan")


def _meanings(space: SearchSpace, tokens: Tokens) -> set[str]:
    return {space.canonical(Architecture(tuple(x), space)) for x in host_strings(space, tokens).tolist()}
