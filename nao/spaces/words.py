"""Spaces of anything that is a string of choices: give the words of each position.

    WordSpace("mine", [("relu", "tanh"), (64, 128, 256), (0.1, 0.01)])

Axis letters: T tokens of a string, V vocabulary, N rows of a table.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.graph import Graph, chain
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.text import as_word, as_words, check_name, quote


@dataclasses.dataclass(frozen=True, init=False)
class WordSpace(SpaceDefaults):
    """A space of words in which every string is an architecture of its own; a `nao.core.SearchSpace`.

    It is given by the words of each position, or by a vocabulary and a grammar where what may stand at a
    position depends on what stands before it.

    Args:
      name: what it is called.
      choices: the words of each of the T positions, which positions may share; numbers are words too.
      vocabulary: the V words, in place of `choices`.
      grammar: which of them may follow which, in place of `choices`.
      positions: what each position is called in a listing; node1, node2, ... unless given.

    Raises:
      InputError: a word cannot be one or comes twice; there are fewer than two strings; or the arguments do
        not fit together.
    """

    name: str
    vocabulary: tuple[str, ...]
    grammar: Grammar = dataclasses.field(repr=False)
    positions: tuple[str, ...]

    def __init__(
        self,
        name: str,
        choices: Sequence[Sequence[Any]] | None = None,
        *,
        vocabulary: Sequence[Any] | None = None,
        grammar: Grammar | None = None,
        positions: Sequence[str] = (),
    ):
        name = check_name(name, "the name of a space")
        if choices is not None and (vocabulary, grammar) == (None, None):
            words, rules = _from_choices(name, choices)
        elif choices is None and vocabulary is not None and isinstance(grammar, Grammar):
            words, rules = as_words(vocabulary, f"{name}: the words of the vocabulary"), grammar
        else:
            raise InputError(f"{name}: a space of words needs its choices, or a vocabulary and a Grammar")
        if rules.legal.shape[2] != len(words):
            raise InputError(
                f"{name}: the grammar is of {rules.legal.shape[2]} words, the vocabulary has {len(words)}"
            )
        if rules.size < 2:
            raise InputError(f"{name}: there must be at least 2 strings to choose from, not {rules.size}")
        if isinstance(positions, str) or not isinstance(positions, Sequence):
            raise InputError(f"{name}: positions must be a list of names, not {quote(positions)}")
        names = tuple(check_name(each, f"{name}: the name of a position") for each in positions)
        if names and (len(names) != rules.length or len(set(names)) < len(names)):
            raise InputError(f"{name}: {rules.length} positions need as many different names")
        for field, value in (("name", name), ("vocabulary", words), ("grammar", rules), ("positions", names)):
            object.__setattr__(self, field, value)

    @classmethod
    def from_rows(
        cls, name: str, rows: Sequence[Sequence[Any]], positions: Sequence[str] = ()
    ) -> "WordSpace":
        """The space of exactly the strings that a table lists.

        Args:
          name: what it is called.
          rows: the T words of each of the N strings; numbers are words too.
          positions: what the columns are called.

        Returns:
          The space. Its vocabulary has the words of the first column in the order in which they first
          appear, then the new ones of the second column, and so on.

        Raises:
          InputError: as for any space; or rows differ in length, or the table is too large.
        """
        words = [[as_word(value, f"{name}: row {n}") for value in row] for n, row in enumerate(rows, 1)]
        lengths = {len(row) for row in words}
        if len(lengths) != 1 or 0 in lengths:
            said = f"not {min(lengths)} to {max(lengths)}" if lengths else "but there are none"
            raise InputError(f"{name}: all rows must have the same number of words, at least one, {said}")
        vocabulary = tuple(dict.fromkeys(itertools.chain(*zip(*words, strict=True))))
        number = {word: v for v, word in enumerate(vocabulary)}
        strings = np.array([[number[word] for word in row] for row in words])
        try:
            grammar = Grammar.from_strings(strings, len(vocabulary))
        except ValueError as error:
            raise InputError(f"{name}: {len(rows):,} rows are too many for a list of strings") from error
        return cls(name, vocabulary=vocabulary, grammar=grammar, positions=positions)

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The words that may stand at each position, after some prefix at least."""
        positions = range(self.length)
        possible = [np.flatnonzero(self.grammar.legal[t].any(axis=0)).tolist() for t in positions]
        return tuple(tuple(self.vocabulary[v] for v in tokens) for tokens in possible)

    def graph(self, architecture: Architecture) -> Graph:
        """A chain, whose nodes are called what their positions are."""
        return chain([self.vocabulary[token] for token in architecture.tokens], self.positions)

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study, and what `from_configuration` makes it from."""
        names = {"positions": list(self.positions)} if self.positions else {}
        if WordSpace(self.name, self.choices, positions=self.positions) == self:
            return {"space": self.name, "choices": [list(words) for words in self.choices], **names}
        transitions = self.grammar.transitions
        return {"space": self.name, "vocabulary": list(self.vocabulary), "grammar": transitions, **names}

    @classmethod
    def from_configuration(cls, c: Mapping[str, Json]) -> "WordSpace":
        """The space with this configuration."""
        if "choices" in c:
            return cls(c["space"], c["choices"], positions=c.get("positions", ()))
        grammar = Grammar.from_transitions(c["grammar"], len(c["vocabulary"]))
        return cls(c["space"], vocabulary=c["vocabulary"], grammar=grammar, positions=c.get("positions", ()))


def _from_choices(name: str, choices: Sequence[Sequence[Any]]) -> tuple[tuple[str, ...], Grammar]:
    """The vocabulary and the grammar of a space in which positions do not depend on each other."""
    if isinstance(choices, str) or not isinstance(choices, Sequence | np.ndarray) or len(choices) == 0:
        raise InputError(f"{name}: choices must be a list with the words of each position: {quote(choices)}")
    words = [as_words(each, f"{name}: the choices of position {t}") for t, each in enumerate(choices, 1)]
    vocabulary = tuple(dict.fromkeys(itertools.chain(*words)))
    legal = np.array([[word in each for word in vocabulary] for each in words])
    legal.setflags(write=False)
    return vocabulary, Grammar.from_positions(legal)
