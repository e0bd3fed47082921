"""The neighbours of a string that differ from it in one token, for spaces where that is one choice.

Axis letters: T tokens of a string.
"""

from collections.abc import Iterator

import numpy as np

from nao.core import Architecture


def edited(architecture: Architecture, t: int) -> list[Architecture]:
    """The legal strings that differ from this one at position t (from 0) alone."""
    tokens, space = architecture.tokens, architecture.space
    legal = np.flatnonzero(space.legal(tokens[:t])).tolist()
    others = [(*tokens[:t], token, *tokens[t + 1 :]) for token in legal if token != tokens[t]]
    # Another token here may change what is legal after it.
    return [Architecture(other, space) for other in others if space.grammar.fault(other) is None]


def neighbours(architecture: Architecture) -> Iterator[Architecture]:
    """Every legal string that differs from this one in one token, each once."""
    for t in range(len(architecture.tokens)):
        yield from edited(architecture, t)


def mutate(architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """One of the `neighbours`.

    The position is uniform among those where something else can stand, and so is what then stands there.
    """
    for t in rng.permutation(len(architecture.tokens)).tolist():
        others = edited(architecture, t)
        if others:
            return others[rng.integers(len(others))]
    raise ValueError(f"nothing can be changed in {architecture}")
