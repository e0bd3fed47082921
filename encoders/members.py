"""E, f and D on the arrays of the host, through every member of an ensemble.

Rows are padded to a few fixed numbers, so that a program that was compiled for one serves for many.

Axis letters: B strings, T tokens, K members of an ensemble, R rows of one member, S steps of the encoder, d
hidden units, F features.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.core import SearchSpace
from nao.encoders.decode import Writer, decode_greedily
from nao.encoders.networks import DecoderLSTM, EncoderLSTM
from nao.encoders.predictors.features import Part, read_features
from nao.encoders.predictors.mlp import MLP
from nao.grammar import GrammarArrays
from nao.pytree import bucket_size, pad_rows
from nao.surrogates.gaussian_process import Inputs

SMALLEST = 64  # rows of one member
LARGEST = 4096  # rows of one member; more of them take their turns
Out = TypeVar("Out")


def by_member(function: Callable[[Any, Any], Out], K: int, networks: Any, rows: Any) -> Out:
    """`function(networks, rows)` for arrays of B rows, of which row i goes through member i mod K.

    Args:
      function: of the networks of one member, and its rows.
      K: members.
      networks: arrays with a leading axis K, unless there is one member alone.
      rows: arrays with a leading axis B.
    """
    if K == 1:
        return function(networks, rows)
    B = len(jax.tree.leaves(rows)[0])
    R = -(-B // K)

    def deal(x: Array) -> Array:
        x = jnp.concatenate([x, jnp.zeros((K * R - B, *x.shape[1:]), x.dtype)])
        return jnp.swapaxes(x.reshape(R, K, *x.shape[1:]), 0, 1)

    def collect(x: Array) -> Array:
        return jnp.swapaxes(x, 0, 1).reshape(K * R, *x.shape[2:])[:B]

    collected: Out = jax.tree.map(collect, jax.vmap(function)(networks, jax.tree.map(deal, rows)))
    return collected


def encode(encoder: EncoderLSTM, tokens: Int[np.ndarray, "B T"], K: int = 1) -> Float[np.ndarray, "B S d"]:
    """E(x): the hidden states."""
    return _in_turns(lambda x: _encode(encoder, x, K=K), [tokens], K)


def process_inputs(
    encoder: EncoderLSTM, space: SearchSpace, tokens: Int[np.ndarray, "B T"], parts: tuple[Part, ...]
) -> Inputs:
    """What a Gaussian process reads of strings, in double precision.

    Returns:
      mean embeddings `[B, d]`, hidden states `[B, S d]` and features `[B, F]`, 0 where one is not read; and
      features `[B, G]` of the graphs, if they are read.
    """
    h = encode(encoder, tokens).astype(np.float64)
    mean = h.mean(axis=1)
    if encoder.l2_normalize:  # as in `EncoderLSTM.mean_pool`
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    mean, states = mean * ("mean" in parts), h.reshape(len(h), h.shape[1] * h.shape[2]) * ("states" in parts)
    return [mean, states, *read_features(space, tokens, parts)]


def predict_targets(
    encoder: EncoderLSTM, predictor: MLP, space: SearchSpace, tokens: Int[np.ndarray, "B T"], K: int = 1
) -> Float[np.ndarray, " B"]:
    """f(E(x))."""
    return _predict(encoder, predictor, [tokens, predictor.read(space, tokens)], K)


def predict_by_members(
    encoder: EncoderLSTM, predictor: MLP, space: SearchSpace, tokens: Int[np.ndarray, "B T"], K: int
) -> Float[np.ndarray, "B K"]:
    """f(E(x)) of every string through every member."""
    each = [np.repeat(x, K, axis=0) for x in (tokens, predictor.read(space, tokens))]  # a row for each member
    return _predict(encoder, predictor, each, K).reshape(-1, K).astype(np.float64)


def _predict(encoder: EncoderLSTM, f: MLP, rows: list[np.ndarray], K: int) -> Float[np.ndarray, " B"]:
    return _in_turns(lambda *some: _predict_targets((encoder, f), some, K=K), rows, K)


def reconstruct(
    encoder: EncoderLSTM,
    decoder: DecoderLSTM,
    grammar: GrammarArrays,
    tokens: Int[np.ndarray, "B T"],
    K: int = 1,
) -> Int[np.ndarray, "B T"]:
    """D(E(x)): the strings that D writes when nothing was moved."""
    return _in_turns(lambda x: _reconstruct((encoder, decoder), grammar, x, K=K), [tokens], K)


def _in_turns(function: Callable[..., Array], rows: list[np.ndarray], K: int) -> np.ndarray:
    """`function` of arrays of as many rows, at most `LARGEST` of a member at a time, each turn padded."""
    done, B = [], len(rows[0])
    for i in range(0, max(B, 1), K * LARGEST):
        some = [x[i : i + K * LARGEST] for x in rows]
        done.append(np.asarray(function(*(_pad(x, K) for x in some)))[: len(some[0])])
    return np.concatenate(done)


def _pad(rows: np.ndarray, K: int) -> np.ndarray:
    """Rows up to a fixed number, in the types that programs know."""
    rows = rows.astype(np.float32 if rows.dtype.kind == "f" else np.int32)
    return pad_rows(rows, K * bucket_size(-(-len(rows) // K), SMALLEST))


@functools.partial(jax.jit, static_argnames="K")
def _encode(encoder: EncoderLSTM, tokens: Int[Array, "B T"], *, K: int) -> Float[Array, "B S d"]:
    states: Array = by_member(lambda encoder, x: encoder(x), K, encoder, tokens)
    return states


@functools.partial(jax.jit, static_argnames="K")
def _predict_targets(
    networks: tuple[EncoderLSTM, MLP], rows: tuple[Int[Array, "B T"], Float[Array, "B F"]], *, K: int
) -> Float[Array, " B"]:
    def member(networks: tuple[EncoderLSTM, MLP], rows: tuple[Array, Array]) -> Array:
        (encoder, f), (x, features) = networks, rows
        targets: Array = f(encoder.mean_pool(encoder(x)), features)
        return targets

    return by_member(member, K, networks, rows)


@functools.partial(jax.jit, static_argnames="K")
def _reconstruct(
    networks: tuple[EncoderLSTM, DecoderLSTM], grammar: GrammarArrays, tokens: Int[Array, "B T"], *, K: int
) -> Int[Array, "B T"]:
    def member(networks: tuple[EncoderLSTM, DecoderLSTM], x: Array) -> Array:
        encoder, decoder = networks
        h = encoder(x)
        return decode_greedily(grammar, Writer(decoder, h, encoder.mean_pool(h)))

    return by_member(member, K, networks, tokens)
