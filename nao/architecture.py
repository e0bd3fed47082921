"""Architectures, and the protocol of the spaces that they are strings of.

Axis letters: B batch of architectures, F features, T tokens of an architecture, V vocabulary.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.grammar import Grammar
from nao.graph import Graph
from nao.inputs import Json


@dataclasses.dataclass(frozen=True)
class Architecture:
    """One string of choices of a search space.

    Attributes:
      tokens: T token numbers.
      space: the space whose string this is; `str()` asks it for the readable form.
    """

    tokens: tuple[int, ...]
    space: "SearchSpace" = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return self.space.format(self.tokens)

    def _repr_svg_(self) -> str | None:
        """The drawing that a notebook shows; none where only the strings of a space are known."""
        graph = getattr(self.space, "graph", None)
        if graph is None:
            return None
        from nao.report.drawing import svg  # which draws what imports this

        return svg(graph(self))


@runtime_checkable
class SearchSpace(Protocol):
    """A set of strings of choices. Nothing but this is needed to search something new.

    `nao.spaces.defaults.SpaceDefaults` has all of it but the name, the vocabulary and the grammar.

    Attributes:
      name: what the command line calls it.
      vocabulary: V token names; a string is written as T of them.
      grammar: which token may follow which (see `Grammar`).
      group: tokens that make one step of the encoder, for instance the tokens of one branch; divides T.
    """

    def __hash__(self) -> int:
        """A space is a value: what is computed for one can be kept for an equal one."""

    @property
    def name(self) -> str: ...

    @property
    def vocabulary(self) -> tuple[str, ...]: ...

    @property
    def grammar(self) -> Grammar: ...

    @property
    def group(self) -> int: ...

    @property
    def length(self) -> int:
        """T, the number of tokens in every string."""

    @property
    def size(self) -> int:
        """The number of strings; those that mean the same count separately."""

    def legal(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a prefix."""

    def sample(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n strings uniformly, with replacement."""

    def parse(self, text: str) -> Architecture:
        """Reads what `format` writes. Raises `InputError` with the position and what was legal there."""

    def format(self, tokens: Sequence[int]) -> str:
        """The readable string."""

    def augment(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Replaces each string `[B, T]` by a random one that means the same.

        These are the symmetric architectures with which Luo et al. 2018 (section 3.3) augment their data.
        """

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the strings that mean the same."""

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A random neighbour: one choice is replaced by another legal one."""

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every string that `mutate` can make of this one, each once."""

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """What strings mean, as numbers `[B, F]` for a predictor: equal for strings that mean the same.

        For a graph, they say which sequences of operations lead from its input to its output (the path
        encoding of White, Neiswanger and Savani 2021).
        """

    def graph(self, architecture: Architecture) -> Graph:
        """The cells of the architecture, with their nodes and edges, as the string has them."""

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study. `nao.spaces.make` turns it back into an equal space."""
