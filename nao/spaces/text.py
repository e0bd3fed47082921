"""Reading a string of a space: words to tokens, and a clear word about a malformed one.

Axis letters: T tokens of a string, V vocabulary.
"""

from collections.abc import Iterable, Sequence

from nao.core import InputError
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
