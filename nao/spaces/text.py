"""Strings as words: reading them, with a clear word about a malformed one, and writing them.

Axis letters: T tokens of a string, V vocabulary.
"""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from jaxtyping import Bool

from nao.core import Architecture, InputError, SearchSpace
from nao.grammar import Grammar

SHOWN_WORD = 40  # characters of a wrong word that a message repeats
SHOWN_LEGAL = 20  # legal words that a message lists


def read(text: str, name: str, vocabulary: Sequence[str], grammar: Grammar) -> tuple[int, ...]:
    """Reads the T words of a string, separated by any white space.

    Args:
      text: what the user wrote.
      name: the space's name, for messages.
      vocabulary: the V words.
      grammar: which of them may follow which.

    Returns:
      The T tokens of a legal string.

    Raises:
      InputError: with the position (the first word is 1) of the first word that is not legal, what was
        found there and what is legal there; or with the number of words, if that is wrong.
    """
    number = {word: v for v, word in enumerate(vocabulary)}
    words = text.split()
    tokens = tuple(number.get(word, -1) for word in words)
    position = grammar.fault(tokens)

    if position is None and len(tokens) == grammar.length:
        return tokens
    if position is None and len(tokens) > grammar.length:
        raise InputError(
            f"{name}: a string has {grammar.length} words, but this one has {len(tokens)}:"
            f" position {grammar.length + 1} is {_quoted(words[grammar.length])}, and nothing may follow"
            f" position {grammar.length}"
        )
    if position is None:
        legal = _listed(vocabulary[v] for v in grammar.after(tokens).nonzero()[0].tolist())
        raise InputError(
            f"{name}: a string has {grammar.length} words, but this one has {len(tokens)}:"
            f" it ends before position {len(tokens) + 1}, where {legal} may stand"
        )
    legal = _listed(vocabulary[v] for v in grammar.after(tokens[:position]).nonzero()[0].tolist())
    raise InputError(
        f"{name}: position {position + 1} is {_quoted(words[position])}, but only {legal} may stand there"
    )


def _quoted(word: str) -> str:
    """The word in quotes, cut when it is long."""
    return repr(word) if len(word) <= SHOWN_WORD else f"{word[:SHOWN_WORD]!r}..."


def _listed(legal: Iterable[str]) -> str:
    """The words separated by commas, cut when there are many."""
    words = list(legal)
    cut = f" (and {len(words) - SHOWN_LEGAL} more)" if len(words) > SHOWN_LEGAL else ""
    return ", ".join(words[:SHOWN_LEGAL]) + cut


class Worded:
    """The part of a search space that follows from its words and its grammar.

    A space that inherits it brings its own `name`, `vocabulary` and `grammar`.
    """

    name: str

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words."""
        raise NotImplementedError

    @property
    def grammar(self) -> Grammar:
        """Which of them may follow which."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """The exact number of strings; symmetric strings count separately."""
        return self.grammar.size

    def legal(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a legal prefix of fewer than T tokens."""
        return self.grammar.after(prefix)

    def sample(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n strings uniformly, with replacement."""
        space = cast(SearchSpace, self)
        return [Architecture(tuple(tokens), space) for tokens in self.grammar.sample(rng, n).tolist()]

    def parse(self, text: str) -> Architecture:
        """Reads T words separated by any white space.

        Raises:
          InputError: with the position of the first wrong word and what is legal there.
        """
        tokens = read(text, self.name, self.vocabulary, self.grammar)
        return Architecture(tokens, cast(SearchSpace, self))

    def format(self, tokens: Sequence[int]) -> str:
        """The T words, separated by single spaces."""
        return " ".join([self.vocabulary[token] for token in tokens])
