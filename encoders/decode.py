"""Writing strings with D under the grammar of a space, so that every string is legal.

Axis letters: B strings, W beams of each, T tokens, S steps of the encoder, Q states of the grammar, V
vocabulary, d hidden units.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from nao.encoders.lstm import cell
from nao.encoders.networks import DecoderLSTM
from nao.grammar import Grammar, GrammarArrays

OwnStates = list[tuple[Array, Array]]  # hidden and cell state of each D
Carry = tuple[Array, Array, OwnStates]  # the token before, the state of the grammar, those of each D


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


def decode_greedily(
    grammar: GrammarArrays, *writers: Writer, noise: Float[Array, "B T V"] | None = None
) -> Int[Array, "B T"]:
    """Decodes x' = D(e_x'): at each step the most likely legal token.

    Args:
      grammar: of the space.
      *writers: D. Several of them write one string, each token the most likely by the weighted mean of their
        log-likelihoods.
      noise: `[B, T, V]` what is added to the log-likelihoods. Gumbel noise makes the most likely token a draw
        from all of them (Gumbel 1954); that times a temperature, a draw at this temperature.
    """
    read = _reader(writers)

    def step(carry: Carry, now: tuple[Array, ...]) -> tuple[Carry, Array]:
        (legal, following, t), (_, state, _) = now[:3], carry
        likely, after = read(carry, legal, t)
        likely = likely if noise is None else likely + now[3]
        token = jnp.argmax(likely, axis=-1)
        return (token, following[state, token], after), token

    added = () if noise is None else (jnp.swapaxes(noise, 0, 1),)
    positions = jnp.arange(grammar.viable.shape[0])
    steps: tuple[Array, ...] = (grammar.viable, grammar.following, positions, *added)
    _, tokens = jax.lax.scan(step, _start(writers), steps)
    return tokens.T


def decode_by_beam(
    grammar: GrammarArrays, width: int, *writers: Writer
) -> tuple[Int[Array, "B W T"], Float[Array, "B W"]]:
    """Beam search: of all legal continuations of W prefixes, the W most likely are kept at each step.

    Args:
      grammar: of the space.
      width: W. With 1 it is greedy; with as many as there are strings it is exhaustive.
      *writers: D, as in `decode_greedily`. The log-likelihood of a token by several of them is their weighted
        mean, normalised.

    Returns:
      `[B, W, T]` strings, the most likely first, and `[B, W]` the log-likelihood of each; -inf where a space
      has fewer than W.
    """
    B, T, W = writers[0].h.shape[0], grammar.viable.shape[0], width
    wide = [
        writer._replace(h=jnp.repeat(writer.h, W, axis=0), mean=jnp.repeat(writer.mean, W, axis=0))
        for writer in writers
    ]
    read = _reader(wide)
    first = jnp.arange(B)[:, None] * W  # [B, 1] the row where the beams of a string begin

    def step(
        carry: tuple[Carry, Array, Array], now: tuple[Array, Array, Array]
    ) -> tuple[tuple[Carry, Array, Array], None]:
        ((_, state, _), total, prefixes), (legal, following, t) = carry, now
        likely, after = read(carry[0], legal, t)
        likely = jax.nn.log_softmax(likely, axis=-1).reshape(B, W, legal.shape[1])
        total, best = jax.lax.top_k((total[:, :, None] + likely).reshape(B, W * legal.shape[1]), W)
        origin = (first + best // likely.shape[2]).reshape(-1)
        token = (best % likely.shape[2]).reshape(-1)
        prefixes = prefixes[origin].at[:, t].set(token)
        after = jax.tree.map(lambda rows: rows[origin], after)
        return ((token, following[state[origin], token], after), total, prefixes), None

    total = jnp.full((B, W), -jnp.inf).at[:, 0].set(0.0)  # at first there is one prefix, the empty one
    start = (_start(wide), total, jnp.zeros((B * W, T), jnp.int32))
    steps = (grammar.viable, grammar.following, jnp.arange(T))
    (_, total, strings), _ = jax.lax.scan(step, start, steps)
    return strings.reshape(B, W, T), total


def _start(writers: Sequence[Writer]) -> Carry:
    """The start token, state 0 of the grammar, and the states of each D."""
    batch = writers[0].h.shape[0]
    states = [(writer.mean, writer.mean) for writer in writers]
    return jnp.full(batch, writers[0].decoder.start_token), jnp.zeros(batch, jnp.int32), states


def _reader(
    writers: Sequence[Writer],
) -> Callable[[Carry, Bool[Array, "Q V"], Int[Array, ""]], tuple[Float[Array, "B V"], OwnStates]]:
    """The function that reads one token more, and says how likely each is next; -inf where it is illegal.

    The log-likelihoods of one D alone are not normalised.
    """
    tables = [writer.decoder.tokens.table() for writer in writers]
    attend = [writer.decoder.attention(writer.h) for writer in writers]

    def read(carry: Carry, legal: Array, t: Array) -> tuple[Array, OwnStates]:
        token, state, own_states = carry
        logits, after = [], []
        for n, (writer, (hidden, c)) in enumerate(zip(writers, own_states, strict=True)):
            hidden, c, _ = cell(tables[n][token] + hidden @ writer.decoder.tokens.recurrent, c)
            logits.append(attend[n](hidden[None], t[None])[0])
            after.append((hidden, c))
        if len(writers) > 1:
            logits = [log_likelihood(own, legal[state]) for own in logits]
            logits = [writer.weight * own for writer, own in zip(writers, logits, strict=True)]
        return jnp.where(legal[state], sum(logits), -jnp.inf), after

    return read


def log_likelihood(logits: Float[Array, "*B V"], legal: Bool[Array, "*B V"]) -> Float[Array, "*B V"]:
    """Log-likelihoods of tokens, normalised over the legal vocabulary V_t."""
    return jax.nn.log_softmax(jnp.where(legal, logits, -1e9), axis=-1)
