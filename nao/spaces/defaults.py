"""What a space has when it says no more than its name, its vocabulary and its grammar.

A class that inherits from `SpaceDefaults` is a `nao.core.SearchSpace`, in which every string is an
architecture of its own. It overrides what it knows better: a space whose strings can mean the same brings
`canonical`, `augment` and `features`.

Axis letters: B strings, T tokens of a string, F features, V vocabulary.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.core import Architecture, Json
from nao.grammar import Grammar
from nao.graph import Graph, chain
from nao.graph_features import graph_features
from nao.spaces import edits
from nao.spaces.text import parse_words


class SpaceDefaults:
    """A mixin: everything of a search space that follows from `name`, `vocabulary` and `grammar`."""

    if TYPE_CHECKING:  # not at run time, where a dataclass would take a property for the default of its field

        @property
        def name(self) -> str: ...

        @property
        def vocabulary(self) -> tuple[str, ...]: ...

        @property
        def grammar(self) -> Grammar: ...

    def __getstate__(self) -> Mapping[str, Any]:
        """Pickles what defines the space, and none of the tables that were computed from it."""
        kept = [field.name for field in dataclasses.fields(self)] if dataclasses.is_dataclass(self) else None
        return {name: value for name, value in vars(self).items() if kept is None or name in kept}

    @property
    def group(self) -> int:
        """Every token is a step of the encoder."""
        return 1

    @functools.cached_property
    def length(self) -> int:
        """T, the number of tokens in every string."""
        return self.grammar.length

    @property
    def size(self) -> int:
        """The exact number of strings; those that mean the same count separately."""
        return self.grammar.size

    def legal(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a legal prefix of fewer than T tokens."""
        return self.grammar.after(prefix)

    def sample(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n strings uniformly, with replacement."""
        return [Architecture(tuple(tokens), self) for tokens in self.grammar.sample(rng, n).tolist()]

    def parse(self, text: str) -> Architecture:
        """Reads T words separated by any white space.

        Raises:
          InputError: with the position of the first wrong word and what is legal there.
        """
        return Architecture(parse_words(text, self.name, self.vocabulary, self.grammar), self)

    def format(self, tokens: Sequence[int]) -> str:
        """The T words, separated by single spaces."""
        return " ".join([self.vocabulary[token] for token in tokens])

    def canonical(self, architecture: Architecture) -> str:
        """The string itself: no other one means the same."""
        return self.format(architecture.tokens)

    def augment(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """The strings `[B, T]` as they are: no other ones mean the same. Draws nothing from `rng`."""
        return tokens

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour: one token, each equally likely, becomes another one that is legal."""
        return edits.mutate(architecture, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every string that `mutate` can make of this one, each once."""
        return edits.neighbours(architecture)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """One-hot tokens `[B, F]`: for each position, one feature for each token that may stand there."""
        possible = self.grammar.legal.any(axis=1)  # [T, V]
        one_hot: Float[np.ndarray, "B F"] = np.eye(len(self.vocabulary))[tokens][:, possible]
        return one_hot

    def graph_features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """Numbers `[B, F]` that say what the graphs of strings are like (`nao.graph_features`)."""
        return graph_features(self, tokens)

    def graph(self, architecture: Architecture) -> Graph:
        """A chain: every word is an operation on the result of the one before it."""
        return chain([self.vocabulary[token] for token in architecture.tokens])

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study: its words, and a fingerprint of its grammar.

        Only this room's own spaces can be made again from their configurations (`nao.spaces.make`), so the
        class of another one is named in it.
        """
        return {
            "space": self.name,
            "class": type(self).__qualname__,
            "vocabulary": list(self.vocabulary),
            "grammar": self.grammar.digest,
        }
