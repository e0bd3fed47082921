"""Writing strings with D under the grammar of a space, so that every string is legal.

Axis letters: B strings, T tokens, S steps of the encoder, Q states of the grammar, V vocabulary, d hidden
units.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from nao.encoders.lstm import cell
from nao.encoders.networks import Decoder
from nao.grammar import Grammar

Carry = tuple[Array, Array, Array, Array]


class Rules(NamedTuple):
    """A grammar as arrays that a compiled program takes.

    Attributes:
      legal: `[T, Q, V]` tokens after which the string can still be finished.
      following: `[T, Q, V]` the state after each.
    """

    legal: Bool[Array, "T Q V"]
    following: Int[Array, "T Q V"]

    @classmethod
    def of(cls, grammar: Grammar) -> "Rules":
        """The rules of a grammar, without the tokens that lead into a dead end."""
        live = np.array([[ways > 0 for ways in row] for row in grammar.completions])  # [T + 1, Q]
        after = live[1:][np.arange(grammar.length)[:, None, None], grammar.following]
        return cls(jnp.asarray(grammar.legal & after), jnp.asarray(grammar.following, jnp.int32))


def legal_at(rules: Rules, tokens: Int[Array, "B T"]) -> Bool[Array, "T B V"]:
    """V_t, the legal vocabulary at each step of given strings."""

    def step(state: Array, now: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        legal, following, token = now
        return following[state, token], legal[state]

    start = jnp.zeros(tokens.shape[0], jnp.int32)
    return jax.lax.scan(step, start, (rules.legal, rules.following, tokens.T))[1]


def greedy(
    decoder: Decoder, h: Float[Array, "B S d"], e: Float[Array, "B d"], rules: Rules
) -> Int[Array, "B T"]:
    """Decodes x' = D(e_x'): at each step the most likely legal token.

    Args:
      decoder: D.
      h: `[B, S, d]` embedding.
      e: `[B, d]` its mean, where D's own state starts.
      rules: of the space.
    """
    rows = decoder.table.rows()
    attend = decoder.attention(h)
    batch = h.shape[0]

    def step(carry: Carry, now: tuple[Array, Array, Array]) -> tuple[Carry, Array]:
        token, state, hidden, c = carry
        legal, following, t = now
        hidden, c, _ = cell(rows[token] + hidden @ decoder.table.recurrent[...], c)
        logits = attend(hidden[None], t[None])[0]
        token = jnp.argmax(jnp.where(legal[state], logits, -jnp.inf), axis=-1)
        return (token, following[state, token], hidden, c), token

    start = (jnp.full(batch, rows.shape[0] - 1), jnp.zeros(batch, jnp.int32), e, e)
    _, tokens = jax.lax.scan(step, start, (*rules, jnp.arange(rules.legal.shape[0])))
    return tokens.T
