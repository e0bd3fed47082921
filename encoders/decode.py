"""Writing strings with D under the grammar of a space, so that every string is legal.

Axis letters: B strings, T tokens, S steps of the encoder, Q states of the grammar, V vocabulary, d hidden
units.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from nao.encoders.lstm import cell
from nao.encoders.networks import DecoderLSTM
from nao.grammar import Grammar, GrammarArrays

Carry = tuple[Array, Array, list[tuple[Array, Array]]]


def to_device(grammar: Grammar) -> GrammarArrays:
    """A grammar as arrays of JAX, without the tokens that lead into a dead end."""
    arrays: GrammarArrays = jax.tree.map(jnp.asarray, grammar.arrays())
    return arrays


def legal_vocabulary(grammar: GrammarArrays, tokens: Int[Array, "B T"]) -> Bool[Array, "T B V"]:
    """V_t, the legal vocabulary at each step of given strings."""

    def step(state: Array, now: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        legal, following, token = now
        return following[state, token], legal[state]

    start = jnp.zeros(tokens.shape[0], jnp.int32)
    return jax.lax.scan(step, start, (grammar.viable, grammar.following, tokens.T))[1]


class Writer(NamedTuple):
    """One D, and what it decodes.

    Attributes:
      decoder: D.
      h: `[B, S, d]` embeddings.
      mean: `[B, d]` their mean, where D's own state starts.
      weight: its say, beside that of others.
    """

    decoder: DecoderLSTM
    h: Float[Array, "B S d"]
    mean: Float[Array, "B d"]
    weight: Float[Array, ""] | float = 1.0


def decode_greedily(grammar: GrammarArrays, *writers: Writer) -> Int[Array, "B T"]:
    """Decodes x' = D(e_x'): at each step the most likely legal token.

    Args:
      grammar: of the space.
      *writers: D. Several of them write one string, each token the most likely by the weighted mean of their
        log-likelihoods.
    """
    tables = [writer.decoder.tokens.table() for writer in writers]
    attend = [writer.decoder.attention(writer.h) for writer in writers]
    batch = writers[0].h.shape[0]

    def step(carry: Carry, now: tuple[Array, Array, Array]) -> tuple[Carry, Array]:
        token, state, own_states = carry
        legal, following, t = now
        logits, after = [], []
        for n, (writer, (hidden, c)) in enumerate(zip(writers, own_states, strict=True)):
            hidden, c, _ = cell(tables[n][token] + hidden @ writer.decoder.tokens.recurrent, c)
            logits.append(attend[n](hidden[None], t[None])[0])
            after.append((hidden, c))
        if len(writers) > 1:
            logits = [log_likelihood(own, legal[state]) for own in logits]
            logits = [writer.weight * own for writer, own in zip(writers, logits, strict=True)]
        token = jnp.argmax(jnp.where(legal[state], sum(logits), -jnp.inf), axis=-1)
        return (token, following[state, token], after), token

    states = [(writer.mean, writer.mean) for writer in writers]
    start = (jnp.full(batch, writers[0].decoder.start_token), jnp.zeros(batch, jnp.int32), states)
    positions = jnp.arange(grammar.viable.shape[0])
    _, tokens = jax.lax.scan(step, start, (grammar.viable, grammar.following, positions))
    return tokens.T


def log_likelihood(logits: Float[Array, "*B V"], legal: Bool[Array, "*B V"]) -> Float[Array, "*B V"]:
    """Log-likelihoods of tokens, normalised over the legal vocabulary V_t."""
    return jax.nn.log_softmax(jnp.where(legal, logits, -1e9), axis=-1)
