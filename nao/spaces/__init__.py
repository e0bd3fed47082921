"""Search spaces: what can be written, and which of it means the same.

A map of this room:

- `space("cnn-cell")` finds a space by the name that the command line knows it by; `SPACES` has them all.
  `make` turns a configuration back into the space.
- `nao.spaces.words`: `WordSpace`, anything that is a string of choices.
  `WordSpace("mine", [("relu", "tanh"), (64, 128)])` is a new one.
- `nao.spaces.cells`: `CellSpace`, the cells of a convolutional network, for any operations, number of
  blocks and kinds of cell. `CellSpace("mine", operations=operations("conv 3x3", "conv 5x5"))` is a new one.
- `nao.spaces.rnn_cell`: `RNNCellSpace`, recurrent cells as trees of gated steps (ENAS, NAO, DARTS).
- `nao.spaces.rnn_tree`: `RNNTreeSpace`, recurrent cells as trees over the input and the state (NAS).
- `nao.spaces.zoo`: published cells, each in the space that it is of.
- `nao.spaces.operations`: the operations of a cell, and how they are written.
- `nao.spaces.canonical`: when two cells are the same graph.
- `nao.spaces.nasbench101`, `nasbench201`, `nasbench_graph`, `nasbench_macro`: the spaces of benchmarks
  whose scores are known (`nao.evaluators.tables`).
- `nao.spaces.listed`: spaces with so few strings that all of them are listed.
- `nao.spaces.dag`: graphs written column by column. `nao.spaces.full_tree`: trees that join two by two.
- `nao.spaces.defaults`: `SpaceDefaults`, all of a space that follows from its vocabulary and grammar. A class
  of your own inherits it. `nao.spaces.edits`: its neighbours. `nao.spaces.text`: its words.

What a space must offer is the protocol `nao.core.SearchSpace`.
"""

from collections.abc import Mapping
from typing import overload

from nao.configuration import dumps, plain
from nao.core import InputError, Json, SearchSpace
from nao.spaces.cells import CellSpace
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.nasbench101 import NASBENCH101, NASBench101Space
from nao.spaces.nasbench201 import NASBENCH201
from nao.spaces.nasbench_graph import NASBENCH_GRAPH, NASBenchGraphSpace
from nao.spaces.nasbench_macro import NASBENCH_MACRO
from nao.spaces.operations import Operation, operations
from nao.spaces.rnn_cell import RNNCellSpace
from nao.spaces.rnn_tree import RNNTreeSpace
from nao.spaces.text import quote
from nao.spaces.words import WordSpace

__all__ = [
    "SPACES",
    "CellSpace",
    "Operation",
    "RNNCellSpace",
    "RNNTreeSpace",
    "RecurrentSpace",
    "SpaceDefaults",
    "WordSpace",
    "make",
    "operations",
    "space",
]

CNN_CELL = CellSpace(
    "cnn-cell",
    operations(
        "identity 1x1",
        "conv 1x1",
        "conv 3x3",
        "conv 1x3+3x1",
        "conv 1x7+7x1",
        "max-pooling 2x2",
        "max-pooling 3x3",
        "max-pooling 5x5",
        "avg-pooling 2x2",
        "avg-pooling 3x3",
        "avg-pooling 5x5",
    ),
)
"""The 11 operations of NAONet (Luo et al. 2018), each written as kind and size: 60 tokens."""

CNN_CELL_SMALL = CellSpace(
    "cnn-cell-small",
    operations("sep-conv-3x3", "sep-conv-5x5", "avg-pooling-3x3", "max-pooling-3x3", "identity"),
)
"""The 5 operations of NAONet-WS (Luo et al. 2018) and ENAS, each written as one token: 40 tokens."""

RNN_CELL = RNNCellSpace("rnn-cell")
"""The recurrent cells of NAO (Luo et al. 2018): 12 nodes, 22 tokens."""

RNN_TREE = RNNTreeSpace("rnn-tree")
"""The recurrent cells of NAS with base 8 (Zoph and Le 2017): 34 tokens."""

SPACES: dict[str, SearchSpace] = {
    each.name: each
    for each in (
        *(CNN_CELL, CNN_CELL_SMALL),
        *(RNN_CELL, RNN_TREE),
        *(NASBENCH101, NASBENCH201, NASBENCH_MACRO, NASBENCH_GRAPH),
    )
}
"""Every space that has a name on the command line."""

KINDS = (
    (CellSpace, {"operations", "cells", "blocks"}),
    (RNNCellSpace, {"nodes", "activations", "first_activation", "averaged"}),
    (RNNTreeSpace, {"base", "combiners", "activations"}),
    (NASBench101Space, {"operations", "vertices", "edges"}),
    (NASBenchGraphSpace, {"operations"}),
    (WordSpace, {"choices"}),
    (WordSpace, {"vocabulary", "grammar"}),
)
"""The classes that a space can be made of, and the keys by which their configurations are known."""


RecurrentSpace = RNNCellSpace | RNNTreeSpace
"""Spaces whose children are language models."""


@overload
def space(name: str, /, *, blocks: int, **parameters: Json) -> CellSpace: ...


@overload
def space(name: str, /, **parameters: Json) -> SearchSpace: ...


def space(name: str, /, **parameters: Json) -> SearchSpace:
    """The space of that name.

    Args:
      name: a key of `SPACES`.
      **parameters: of it that are to be others than usual, by their names in its configuration: for instance
        `blocks=7` of a `CellSpace`, or `nodes=9, averaged="searched"` of an `RNNCellSpace`.

    Raises:
      InputError: there is no such space, it has no such parameter, or a value is out of range.
    """
    if not isinstance(name, str) or name not in SPACES:
        raise InputError(f"there is no space {quote(name)}; the spaces are {', '.join(SPACES)}")
    known, usual, given = parameters_of(name), SPACES[name].configuration(), plain(parameters)
    for key, value in given.items():
        if key not in known:
            has = f"only {', '.join(known)}" if known else "and nothing else to be set"
            others = ", ".join(each for each in SPACES if key in parameters_of(each))
            raise InputError(f"{name} has no {key[:40]}, {has}" + (f"; {key} are of {others}" * bool(others)))
        if isinstance(usual[key], list) and not _are_words(value):
            raise InputError(
                f"{name}: {key} must be a list of words, such as {dumps(usual[key][:2])}, not {quote(value)}"
            )
    return make({**usual, **given}) if given else SPACES[name]


def _are_words(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def parameters_of(name: str) -> tuple[str, ...]:
    """The parameters that a space of `SPACES` can be given."""
    found = SPACES[name]
    if not isinstance(found, CellSpace | RecurrentSpace):  # a benchmark's is what was measured
        return ()
    return tuple(key for key in found.configuration() if key != "space")


def make(configuration: Json) -> SearchSpace:
    """The space with a configuration: `make(space.configuration()) == space` for every space of this room.

    Args:
      configuration: what a space's `configuration()` returns, or the same read from JSON.

    Raises:
      InputError: no space has this configuration, or it is one of a class of your own.
    """
    if not isinstance(configuration, Mapping) or not isinstance(configuration.get("space"), str):
        raise InputError(
            f"the configuration of a space names it as `space`, but this is {quote(configuration)}"
        )
    name = quote(configuration["space"])
    named = SPACES.get(configuration["space"])
    if named is not None and named.configuration() == configuration:
        return named
    if "class" in configuration:
        own = quote(configuration["class"])
        raise InputError(f"the space {name} is of a class of your own, {own}: hand the space itself over")
    kind = next((kind for kind, keys in KINDS if keys <= set(configuration)), None)
    if kind is None:
        raise InputError(f"no space has the configuration {quote(configuration)}")
    try:
        found = kind.from_configuration(configuration)
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        raise InputError(
            f"the configuration of the space {name} is malformed: {quote(configuration)}"
        ) from error
    if found.configuration() != configuration:
        raise InputError(f"the configuration of the space {name} is malformed: {quote(configuration)}")
    return found
