"""Spaces with few enough strings to list them all, as those of tabular benchmarks are.

What is special about such a space is handed over as functions: how a string is read and written, and what
it means. Everything else is looked up in tables of all strings, which are made once, when first needed.

Axis letters: B strings, T tokens, V vocabulary, S all V^T strings, F features. A class is a set of strings
that mean the same.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, Json
from nao.grammar import Grammar
from nao.graph import Graph
from nao.graph_features import graph_features
from nao.spaces.defaults import SpaceDefaults

Tokens = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ListedSpace(SpaceDefaults):
    """All strings of T words, each of which may be any of the V; a `nao.core.SearchSpace`.

    Attributes:
      name: what the command line calls it.
      vocabulary: the V words.
      length: T.
      key: the key of a string, from its tokens: equal exactly for the strings that mean the same.
      describe: the F features of a string, from its tokens; equal where the keys are equal.
      draw: the graph of a string, from its tokens.
      join: the T words as the publisher writes them.
      split: the text that a user wrote as words, separated by white space. Raises `InputError`.
    """

    name: str
    vocabulary: tuple[str, ...]
    length: int = dataclasses.field()  # without `field()`, the inherited `length` would be its default
    key: Callable[[Tokens], str]
    describe: Callable[[Tokens], Sequence[float]]
    draw: Callable[[Tokens], Graph]
    join: Callable[[Sequence[str]], str]
    split: Callable[[str], str]

    @functools.cached_property
    def grammar(self) -> Grammar:
        """Every word may stand everywhere."""
        legal = np.ones((self.length, len(self.vocabulary)), np.bool_)
        legal.setflags(write=False)
        return Grammar.from_positions(legal)

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
        """For each string, where in `_members` its class begins, and how many strings the class has."""
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

    def parse(self, text: str) -> Architecture:
        """Reads a string as the publisher writes it, or the T words separated by any white space.

        Raises:
          InputError: with the position of the first wrong word and what is legal there.
        """
        return super().parse(self.split(text))

    def format(self, tokens: Sequence[int]) -> str:
        """The string as the publisher writes it."""
        return self.join([self.vocabulary[token] for token in tokens])

    def augment(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Replaces each string `[B, T]` by one of its class, each of those equally likely."""
        begin, count = self._spans[self._place(tokens)].T
        augmented: Int[np.ndarray, "B T"] = self._members[begin + rng.integers(count)]
        return augmented.astype(tokens.dtype)

    def canonical(self, architecture: Architecture) -> str:
        """The key of the string."""
        return self._keys[architecture.tokens]

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """The features `[B, F]` of strings `[B, T]`."""
        rows: Float[np.ndarray, "B F"] = self._features[self._place(tokens)]
        return rows

    @functools.cached_property
    def _graph_features(self) -> Float[np.ndarray, "S F"]:
        """The features of the graphs of every string, their mean over its class."""
        begins = np.cumsum([0, *(len(members) for members in self._classes.values())])
        sums = np.add.reduceat(graph_features(self, self._members), begins[:-1])
        means = sums / np.diff(begins)[:, None]
        return means[np.searchsorted(begins, self._spans[:, 0])]

    def graph_features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """The features `[B, F]` of the graphs of strings `[B, T]` and of all that mean the same: their mean.

        The graphs of strings that mean the same can differ, by operations that do nothing.
        """
        rows: Float[np.ndarray, "B F"] = self._graph_features[self._place(tokens)]
        return rows

    def graph(self, architecture: Architecture) -> Graph:
        """The graph of the string."""
        return self.draw(architecture.tokens)

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study; the functions go with the name."""
        return {"space": self.name, "vocabulary": list(self.vocabulary), "length": self.length}
