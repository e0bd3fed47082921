"""Writing strings with D under the grammar of a space, so that every string is legal.

Axis letters: B strings, T tokens, S steps of the encoder, Q states of the grammar, V vocabulary, d hidden
units.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from nao.encoders.lstm import cell
from nao.encoders.networks import DecoderLSTM
from nao.grammar import Grammar, GrammarArrays

Carry = tuple[Array, Array, Array, Array]


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


def decode_greedily(
    decoder: DecoderLSTM, h: Float[Array, "B S d"], mean: Float[Array, "B d"], grammar: GrammarArrays
) -> Int[Array, "B T"]:
    """Decodes x' = D(e_x'): at each step the most likely legal token.

    Args:
      decoder: D.
      h: `[B, S, d]` embeddings.
      mean: `[B, d]` their mean, where D's own state starts.
      grammar: of the space.
    """
    table = decoder.tokens.table()
    attend = decoder.attention(h)
    batch = h.shape[0]

    def step(carry: Carry, now: tuple[Array, Array, Array]) -> tuple[Carry, Array]:
        token, state, hidden, c = carry
        legal, following, t = now
        hidden, c, _ = cell(table[token] + hidden @ decoder.tokens.recurrent, c)
        logits = attend(hidden[None], t[None])[0]
        token = jnp.argmax(jnp.where(legal[state], logits, -jnp.inf), axis=-1)
        return (token, following[state, token], hidden, c), token

    start = (jnp.full(batch, decoder.start_token), jnp.zeros(batch, jnp.int32), mean, mean)
    positions = jnp.arange(grammar.viable.shape[0])
    _, tokens = jax.lax.scan(step, start, (grammar.viable, grammar.following, positions))
    return tokens.T
