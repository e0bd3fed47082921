"""Probes: what can be read off an embedding along a straight line, as a chance that holds the ascent back.

What an architecture costs is known without training it. So a probe can be fitted to as many strings as one
likes, and tells the ascent where it is about to leave what is allowed. It only holds the ascent back: whether
a decoded string is within the limit is then looked up (`nao.limits`). In the same way a classifier of strings
into those that succeed and those that fail can be asked about any of them, and is then what chooses.

Axis letters: U strings whose target is known, T tokens, B embeddings, S steps of the encoder, d hidden units,
K members of an ensemble.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as jax_special
from jaxtyping import Array, Float, Int
from scipy import linalg

from nao.ascent import AscentConfig
from nao.core import Architecture, Model, SearchSpace
from nao.embedding import Embedding
from nao.limits import Limits
from nao.pytree import pytree

STRINGS = 2048  # that a probe is fitted to
HELD_OUT = 4  # one string in so many is held out
RIDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # what is tried, as shares of the mean variance of a hidden unit
SMALLEST_STD = 1e-2  # of log cost: 1 %. The slope of a sharper edge would drown everything else
MOST_ODDS = 5.0  # log odds beyond it are as good as certain: a straight line need not reach them

Penalty = Callable[[Embedding], Float[Array, " B"]]
"""The log of a chance, of embeddings. It is a pytree, which the compiled ascent takes as an argument: what is
climbed is multiplied by the chance (`nao.improve.improve`)."""


@pytree
@dataclasses.dataclass(frozen=True)
class Probe:
    """Ridge regression from the hidden states of E: c(h) = b + sum_t w_t . h_t, for each member its own.

    Attributes:
      weights: `[K, S, d]` w.
      bias: `[K]` b.
      std: `[K]` the standard deviation of what c leaves over, on strings that were held out from the fit.
    """

    weights: Float[Array | np.ndarray, "K S d"]
    bias: Float[Array | np.ndarray, " K"]
    std: Float[Array | np.ndarray, " K"]

    @classmethod
    def fit(
        cls, states: Float[np.ndarray, "U S d"], targets: Float[np.ndarray, " U"], members: int = 1
    ) -> "Probe":
        """The probe with the ridge that predicts the held-out strings best.

        Args:
          states: `[U, S, d]` the hidden states of random strings, row i of them member i mod K's.
          targets: `[U]` finite numbers.
          members: K.
        """
        rows = [slice(member, None, members) for member in range(members)]
        fitted = [_fit(states[each].astype(np.float64), targets[each]) for each in rows]
        return cls(*(np.stack(part).astype(np.float32) for part in zip(*fitted, strict=True)))

    def __call__(self, e: Embedding) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
        """c(h) `[B]`, and the standard deviation `[B]` of what it leaves over."""
        member = jnp.arange(len(e.states)) % len(self.bias)
        weights, bias, std = (jnp.asarray(each)[member] for each in (self.weights, self.bias, self.std))
        return jnp.sum(weights * e.states, axis=(1, 2)) + bias, std


@pytree
@dataclasses.dataclass(frozen=True)
class WithinLimit:
    """A `Penalty`: log Phi((bound - c(h)) / sigma), that of the chance to be within a limit.

    It is 0 well within the limit; beyond it, its slope grows with the distance.

    Attributes:
      probe: c and sigma.
      bound: the limit, in the units of c.
    """

    probe: Probe
    bound: Float[Array | np.ndarray, ""] | float

    def __call__(self, e: Embedding) -> Float[Array, " B"]:
        """The log of the chance `[B]`."""
        c, sigma = self.probe(e)
        chance: Array = jax_special.log_ndtr((self.bound - c) / jnp.maximum(sigma, SMALLEST_STD))
        return chance


def reachable(
    model: Model, space: SearchSpace, ascent: AscentConfig
) -> tuple[Float[np.ndarray, "U S d"], list[Architecture]]:
    """Random points where the ascent may lead, and what D writes there.

    A probe has to be fitted to these. One that is fitted to the embeddings of strings knows their costs
    better, but between them the ascent finds directions in which it is wrong: it then says that all is within
    a limit, while what D writes is not.

    Args:
      model: E and D.
      space: whose strings are the starting points. They, and the directions, are the same every time.
      ascent: how far it leads.

    Returns:
      `[U, S, d]` hidden states, row i of member i mod K; the architecture of each.
    """
    rng = np.random.default_rng(0)
    tokens = space.grammar.sample(rng, STRINGS).astype(np.int32)
    e = model.embed(tokens)
    h = np.asarray(e.states, np.float64)
    direction = rng.normal(size=h.shape)
    length = np.linalg.norm(h, axis=(1, 2), keepdims=True) / np.linalg.norm(
        direction, axis=(1, 2), keepdims=True
    )
    reach = max(ascent.step_sizes) if ascent.normalize else 1.0
    h = h + rng.uniform(0, reach, size=(len(h), 1, 1)) * length * direction
    if ascent.unit_length:
        h /= np.linalg.norm(h, axis=2, keepdims=True)
    states = h.astype(np.float32)
    written = np.asarray(model.decode(Embedding(states, e.features)))
    return states, [Architecture(tuple(x), space) for x in written.tolist()]


@pytree
@dataclasses.dataclass(frozen=True)
class Succeeds:
    """A `Penalty`: the log of the chance to succeed, of a probe c of the log odds.

    The chance is the mean of sigmoid(x) for x normal with mean c(h) and standard deviation sigma, about
    sigmoid(c / sqrt(1 + pi sigma^2 / 8)) (MacKay 1992): the less the probe knows, the less it holds back.

    Attributes:
      probe: c and sigma.
    """

    probe: Probe

    def __call__(self, e: Embedding) -> Float[Array, " B"]:
        """The log of the chance `[B]`."""
        c, sigma = self.probe(e)
        return jax.nn.log_sigmoid(c / jnp.sqrt(1 + jnp.pi * sigma**2 / 8))


def success_penalty(
    model: Model, log_odds: Callable[[Int[np.ndarray, "U T"]], Float[np.ndarray, " U"]], ascent: AscentConfig
) -> Succeeds:
    """What a classifier of strings says, as a function of the embedding.

    Args:
      model: E, D and the space.
      log_odds: `[U]` of strings `[U, T]` to succeed.
      ascent: how far it leads.
    """
    states, written = reachable(model, model.space, ascent)
    tokens = np.array([x.tokens for x in written], np.int32)
    targets = np.clip(log_odds(tokens), -MOST_ODDS, MOST_ODDS)
    return Succeeds(Probe.fit(states, targets, model.ensemble_size))


def limit_penalties(model: Model, limits: Limits, ascent: AscentConfig) -> tuple[WithinLimit, ...]:
    """For every limit, the chance to be within it: from a probe of the log of the cost."""
    states, written = reachable(model, limits.space, ascent)
    penalties = []
    for name, costs in limits.costs(written).items():
        bound, known = limits.bounds[name], costs > 0  # the others have no log
        if bound > 0 and known.any():
            log_cost = np.log(np.where(known, costs, costs[known].min()))
            probe = Probe.fit(states, log_cost, model.ensemble_size)
            penalties.append(WithinLimit(probe, float(np.log(bound))))
    return tuple(penalties)


def _fit(
    states: Float[np.ndarray, "U S d"], targets: Float[np.ndarray, " U"]
) -> tuple[Float[np.ndarray, "S d"], np.floating, np.floating]:
    """Weights, bias and standard deviation of one member's probe."""
    X = states.reshape(len(states), -1)
    held_out = np.arange(len(X)) % HELD_OUT == HELD_OUT - 1
    mean, mean_target = X[~held_out].mean(axis=0), targets[~held_out].mean()
    X, y = X - mean, targets - mean_target
    fitted = X[~held_out]
    scale = max(float((fitted**2).sum()) / fitted.shape[1], 1e-12)  # of the diagonal of X^T X
    wide = fitted.shape[1] > len(fitted)
    gram = fitted @ fitted.T if wide else fitted.T @ fitted
    best: tuple[float, np.ndarray] = (np.inf, np.zeros(X.shape[1]))
    for ridge in RIDGES:
        matrix = gram + ridge * scale * np.eye(len(gram))
        # (X^T X + r I)^-1 X^T y = X^T (X X^T + r I)^-1 y: the smaller of the two systems is solved.
        right = y[~held_out] if wide else fitted.T @ y[~held_out]
        w = linalg.solve(matrix, right, assume_a="pos")
        w = fitted.T @ w if wide else w
        error = float(np.sqrt(np.mean((y[held_out] - X[held_out] @ w) ** 2)))
        best = min(best, (error, w), key=lambda found: found[0])
    std, w = best
    return w.reshape(states.shape[1:]), np.float64(mean_target - mean @ w), np.float64(std)
