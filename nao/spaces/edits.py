"""Edits of a string: the neighbours that differ from it in one token, or in as few as possible.

Axis letters: T tokens of a string, S states of the grammar, V vocabulary.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from nao.core import Architecture
from nao.grammar import Grammar

Tokens = tuple[int, ...]


def replace_token(architecture: Architecture, t: int) -> list[Architecture]:
    """The legal strings that differ from this one at position t (from 0) alone."""
    tokens, space = architecture.tokens, architecture.space
    legal = np.flatnonzero(space.legal(tokens[:t])).tolist()
    others = [(*tokens[:t], token, *tokens[t + 1 :]) for token in legal if token != tokens[t]]
    # Another token here may change what is legal after it.
    return [Architecture(other, space) for other in others if space.grammar.fault(other) is None]


def neighbours(architecture: Architecture) -> Iterator[Architecture]:
    """Every legal string that differs from this one in one token, each once.

    In a space where strings are rare there may be none. Then those that differ in the fewest tokens.
    """
    alone = True
    for t in range(len(architecture.tokens)):
        for other in replace_token(architecture, t):
            alone = False
            yield other
    if alone:
        yield from _nearest(architecture)


def mutate(architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """One of the `neighbours`.

    The position is uniform among those where something else can stand, and so is what then stands there.
    Where one token cannot change alone, all neighbours are equally likely.
    """
    for t in rng.permutation(len(architecture.tokens)).tolist():
        others = replace_token(architecture, t)
        if others:
            return others[rng.integers(len(others))]
    others = list(_nearest(architecture))
    if not others:
        raise ValueError(f"{architecture} is the only string of its space")
    return others[rng.integers(len(others))]


def _nearest(architecture: Architecture) -> Iterator[Architecture]:
    """The other strings that differ from this one in the fewest tokens, each once."""
    tokens, grammar = architecture.tokens, architecture.space.grammar
    changes = _fewest_changes(tokens, grammar)
    for allowed in range(2, len(tokens) + 1):
        alone = True
        for other in _finish(tokens, grammar, changes, (), 0, allowed):
            alone = False
            yield Architecture(other, architecture.space)
        if not alone:
            return


def _fewest_changes(tokens: Tokens, grammar: Grammar) -> Float[np.ndarray, "T1 S"]:
    """How many of the tokens from position t on must change to finish a string from a state `[T + 1, S]`.

    Infinity where it cannot be finished.
    """
    length, states, words = grammar.legal.shape
    changes = np.zeros((length + 1, states))
    for t in reversed(range(length)):
        after = changes[t + 1][grammar.following[t]] + (np.arange(words) != tokens[t])
        changes[t] = np.where(grammar.legal[t], after, np.inf).min(axis=-1)
    return changes


def _finish(
    tokens: Tokens,
    grammar: Grammar,
    changes: Float[np.ndarray, "T1 S"],
    prefix: Tokens,
    state: int,
    allowed: int,
) -> Iterator[Tokens]:
    """The strings that begin with a prefix, and from there on differ from `tokens` in `allowed` places."""
    t = len(prefix)
    if t == len(tokens):
        if not allowed:
            yield prefix
        return
    for token in np.flatnonzero(grammar.legal[t, state]).tolist():
        then, left = int(grammar.following[t, state, token]), allowed - (token != tokens[t])
        if changes[t + 1, then] <= left:
            yield from _finish(tokens, grammar, changes, (*prefix, token), then, left)
