"""Spaces with few enough strings to list them all, as those of tabular benchmarks are.

What makes such a space is handed over: its words, how a string is read and written, and what a string
means. Everything else is looked up in tables of all strings, which are made once, when first needed.

Axis letters: B strings, T tokens of a string, V vocabulary, S all V^T strings, C classes of strings that
mean the same, F features.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.core import Architecture, Json
from nao.grammar import Grammar
from nao.spaces import edits
from nao.spaces.text import read

Tokens = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ListedSpace:
    """All strings of T words, each of which may be any of the V; a `nao.core.SearchSpace`.

    Attributes:
      name: what the command line calls it.
      vocabulary: the V words.
      length: T.
      key: what a string means, from its tokens: equal exactly for the strings that mean the same.
      describe: the F features of a string, from its tokens; equal where the keys are equal.
      join: the T words as the publisher writes them.
      split: the text that a user wrote as words, separated by white space. Raises `InputError`.
    """

    name: str
    vocabulary: tuple[str, ...]
    length: int
    key: Callable[[Tokens], str]
    describe: Callable[[Tokens], Sequence[float]]
    join: Callable[[Sequence[str]], str]
    split: Callable[[str], str]

    def __reduce__(self) -> tuple[type["ListedSpace"], tuple[object, ...]]:
        """Pickles what defines the space, and none of the tables that follow from it."""
        return type(self), tuple(getattr(self, field.name) for field in dataclasses.fields(self))

    @property
    def group(self) -> int:
        """Every token is a step of the encoder."""
        return 1

    @functools.cached_property
    def grammar(self) -> Grammar:
        """Every word may stand everywhere."""
        legal = np.ones((self.length, len(self.vocabulary)), np.bool_)
        legal.setflags(write=False)
        return Grammar.from_positions(legal)

    @property
    def size(self) -> int:
        """S, the number of strings; those that mean the same count separately."""
        return self.grammar.size

    def strings(self) -> Iterator[Tokens]:
        """All S strings in lexicographic order."""
        return itertools.product(range(len(self.vocabulary)), repeat=self.length)

    @functools.cached_property
    def _keys(self) -> dict[Tokens, str]:
        """The key of each string, in lexicographic order of the strings."""
        return {tokens: self.key(tokens) for tokens in self.strings()}

    @functools.cached_property
    def _classes(self) -> dict[str, list[Tokens]]:
        """The strings of each key."""
        classes: dict[str, list[Tokens]] = {}
        for tokens, key in self._keys.items():
            classes.setdefault(key, []).append(tokens)
        return classes

    @functools.cached_property
    def _members(self) -> Int[np.ndarray, "S T"]:
        """All strings, class after class."""
        return np.array(list(itertools.chain.from_iterable(self._classes.values())), np.int32)

    @functools.cached_property
    def _spans(self) -> Int[np.ndarray, "S 2"]:
        """For each string, where in `_members` its class begins, and how many are in it."""
        spans, begin = {}, 0
        for key, members in self._classes.items():
            spans[key] = (begin, len(members))
            begin += len(members)
        return np.array([spans[key] for key in self._keys.values()])

    @functools.cached_property
    def _features(self) -> Float[np.ndarray, "S F"]:
        """The features of every string."""
        return np.array([self.describe(tokens) for tokens in self.strings()], np.float64)

    def _place(self, tokens: Int[np.ndarray, "B T"]) -> Int[np.ndarray, " B"]:
        """The place `[B]` of each string `[B, T]` among all S."""
        place: Int[np.ndarray, " B"] = tokens @ len(self.vocabulary) ** np.arange(self.length)[::-1]
        return place

    def legal(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a prefix of fewer than T tokens: all."""
        return self.grammar.after(prefix)

    def sample(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n strings uniformly, with replacement."""
        return [Architecture(tuple(tokens), self) for tokens in self.grammar.sample(rng, n).tolist()]

    def parse(self, text: str) -> Architecture:
        """Reads a string as the publisher writes it, or the T words separated by any white space.

        Raises:
          InputError: with the position of the first wrong word and what is legal there.
        """
        return Architecture(read(self.split(text), self.name, self.vocabulary, self.grammar), self)

    def format(self, tokens: Sequence[int]) -> str:
        """The string as the publisher writes it."""
        return self.join([self.vocabulary[token] for token in tokens])

    def symmetric(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every other string that means the same, each once, in lexicographic order."""
        tokens = architecture.tokens
        return (Architecture(x, self) for x in self._classes[self._keys[tokens]] if x != tokens)

    def redraw(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Replaces each string `[B, T]` by one that means the same, each of those equally likely."""
        begin, count = self._spans[self._place(tokens)].T
        redrawn: Int[np.ndarray, "B T"] = self._members[begin + rng.integers(count)]
        return redrawn.astype(tokens.dtype)

    def canonical(self, architecture: Architecture) -> str:
        """What the string means: the same key exactly for the strings that mean the same."""
        return self._keys[architecture.tokens]

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour: one word, each equally likely, becomes another one, each equally likely."""
        return edits.mutate(architecture, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """All T (V - 1) strings that differ in one word."""
        return edits.neighbours(architecture)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """What the strings `[B, T]` mean, as numbers `[B, F]`; equal for strings that mean the same."""
        rows: Float[np.ndarray, "B F"] = self._features[self._place(tokens)]
        return rows

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study."""
        return {"space": self.name, "vocabulary": list(self.vocabulary), "length": self.length}
