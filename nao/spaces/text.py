"""Words: which can be the tokens of a space, and how a string of them is read.

Axis letters: T tokens of a string, V vocabulary.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from nao.core import InputError
from nao.grammar import Grammar
from nao.inputs import python_number, whole_number

SHOWN_WORD = 40  # characters of a wrong word that a message repeats
SHOWN_LEGAL = 20  # legal words that a message lists


def as_words(values: Any, where: str, reserved: Collection[str] = ()) -> tuple[str, ...]:
    """Checks the words of a vocabulary, or of one of its positions.

    Args:
      values: words, or numbers, which are written as Python writes them.
      where: what they are, for messages: "mine: the choices of position 2".
      reserved: words that mean something else.

    Returns:
      The words, all different.

    Raises:
      InputError: there are none; or one is empty, has white space in it, comes twice, is reserved, or is
        neither text nor a number.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Sequence | np.ndarray):
        raise InputError(f"{where} must be a list of words, not {quote(values)}")
    words = [as_word(value, where) for value in values]
    if not words:
        raise InputError(f"{where} must be at least one word, not none")
    for word in words:
        if word in reserved:
            raise InputError(f"{where}: {quote(word)} cannot be a word here, as it means something else")
    if len(set(words)) < len(words):
        twice = next(word for i, word in enumerate(words) if word in words[:i])
        raise InputError(f"{where} must be different, but {quote(twice)} comes twice")
    return tuple(words)


def as_word(value: Any, where: str) -> str:
    """One word, from text or from a number.

    Raises:
      InputError: it is neither; or it is empty, or has white space in it.
    """
    plain = python_number(value)
    if not isinstance(plain, str | int | float):
        raise InputError(f"{where}: a word must be text or a number, not {quote(value)}")
    word = str(plain)
    if word.split() != [word] or not word.isprintable():
        raise InputError(f"{where}: {quote(word)} cannot be a word: it must be a text without white space")
    return word


def as_count(value: Any, what: str) -> int:
    """A whole number as a Python number.

    Raises:
      InputError: it is none.
    """
    number = None if isinstance(value, bool) else whole_number(value)
    if number is None:
        wrong = "is out of all proportion:" if type(value) is int else "must be a whole number, not"
        raise InputError(f"{what} {wrong} {quote(value)}")
    return number


def check_name(name: Any, what: str) -> str:
    """Checks a name that people give to something.

    Raises:
      InputError: it is no text, empty, or more than one line.
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InputError(f"{what} must be a text of one line, not {quote(name)}")
    return name


def parse_words(text: str, name: str, vocabulary: Sequence[str], grammar: Grammar) -> tuple[int, ...]:
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
            f" position {grammar.length + 1} is {quote(words[grammar.length])}, and nothing may follow"
            f" position {grammar.length}"
        )
    if position is None:
        legal = _join_legal(vocabulary[v] for v in grammar.after(tokens).nonzero()[0].tolist())
        raise InputError(
            f"{name}: a string has {grammar.length} words, but this one has {len(tokens)}:"
            f" it ends before position {len(tokens) + 1}, where {legal} may stand"
        )
    legal = _join_legal(vocabulary[v] for v in grammar.after(tokens[:position]).nonzero()[0].tolist())
    raise InputError(
        f"{name}: position {position + 1} is {quote(words[position])}, but only {legal} may stand there"
    )


def quote(value: object) -> str:
    """A wrong value in quotes, on one line, and cut when it is long."""
    if isinstance(value, str):
        return repr(value) if len(value) <= SHOWN_WORD else f"{value[:SHOWN_WORD]!r}..."
    written = " ".join(repr(value).split())
    return written if len(written) <= SHOWN_WORD else f"{written[:SHOWN_WORD]}..."


def _join_legal(legal: Iterable[str]) -> str:
    """The words separated by commas, cut when there are many."""
    words = list(legal)
    cut = f" (and {len(words) - SHOWN_LEGAL} more)" if len(words) > SHOWN_LEGAL else ""
    return ", ".join(words[:SHOWN_LEGAL]) + cut
