"""Which token of an architecture raises the score that f expects of it.

Two answers. By the gradient: what f would lose along its slope at E(x); exact where E and f are linear, and
blind to what f reads beside the embedding. By leaving out: what f really loses.

Axis letters: B strings, T tokens, V vocabulary, F features.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from nao.analysis.asking import predict
from nao.analysis.given import Tokens, host_strings
from nao.core import Model, SearchSpace
from nao.embedding import Embedding


def gradient_times_embedding(model: Model, tokens: Tokens) -> Float[np.ndarray, "B T"]:
    """The slope of f along the embedding of each token, minus the mean of its alternatives; in targets.

    Gradient times input (Shrikumar et al. 2016), with the mean of the other tokens that may stand there as
    the baseline. 0 where nothing else may.
    """
    one, tokens = model.member(0), host_strings(model.space, tokens)
    e, V = one.embed(tokens), len(model.space.vocabulary)
    slope = np.asarray(_slope(one, jnp.asarray(tokens), jnp.asarray(e.features), V))
    others = _alternatives(model.space, tokens)
    own = np.take_along_axis(slope, tokens[:, :, None], axis=2)[:, :, 0]
    count = others.sum(axis=2)
    mean = (slope * others).sum(axis=2) / np.maximum(count, 1)
    return np.where(count > 0, own - mean, 0.0)


@functools.partial(jax.jit, static_argnames="V")
def _slope(
    model: Model, tokens: Int[Array, "B T"], features: Float[Array, "B F"], V: int
) -> Float[Array, "B T V"]:
    """The gradient of f with respect to the share of every token at every position."""

    def total(shares: Array) -> Array:
        return jnp.sum(model.value(Embedding(model.blend(shares), features)))

    slope: Array = jax.grad(total)(jax.nn.one_hot(tokens, V))
    return slope


def leave_one_out(model: Model, tokens: Tokens) -> Float[np.ndarray, "B T"]:
    """What f expects of each string, minus the mean of what it expects with another token; in scores.

    For every position, all other tokens are tried with which the string is legal; 0 where there is none.
    """
    tokens = host_strings(model.space, tokens)
    others = _alternatives(model.space, tokens)
    b, t, v = np.nonzero(others)
    changed = tokens[b]
    changed[np.arange(len(b)), t] = v
    expected = predict(model, tokens).score
    total = np.zeros(tokens.shape)
    np.add.at(total, (b, t), predict(model, changed).score)
    count = others.sum(axis=2)
    return np.where(count > 0, expected[:, None] - total / np.maximum(count, 1), 0.0)


def _alternatives(space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Bool[np.ndarray, "B T V"]:
    """Which other tokens could stand at each position, with all others as they are."""
    B, T = np.shape(tokens)
    V = len(space.vocabulary)
    found = np.zeros((B, T, V), np.bool_)
    for t in range(T):
        for v in range(V):
            changed = np.array(tokens)
            changed[:, t] = v
            found[:, t, v] = (tokens[:, t] != v) & space.grammar.accepts(changed)
    return found
