"""Search spaces: what can be written, and which of it means the same.

A map of this room:

- `space("cnn-cell")` finds a space by the name that the command line knows it by; `SPACES` has them all.
- `nao.spaces.cells`: `CellSpace`, the cells of a convolutional network, for any operations, number of
  blocks and kinds of cell. `CellSpace("mine", operations=operations("conv 3x3", "conv 5x5"))` is a new one.
- `nao.spaces.operations`: the operations of a cell, and how they are written.
- `nao.spaces.canonical`: when two cells are the same graph.
- `nao.spaces.nasbench101`, `nasbench201`, `nasbench_graph`, `nasbench_macro`: the spaces of benchmarks
  whose scores are known (`nao.evaluators.tables`).
- `nao.spaces.listed`: spaces with so few strings that all of them are listed.
- `nao.spaces.dag`: graphs written column by column. `nao.spaces.edits`: one token replaced.
- `nao.spaces.text`: reading and writing strings, what is said about a malformed one, and `Worded`, the part
  of a space that follows from its words and grammar.

What a space must offer is the protocol `nao.core.SearchSpace`.
"""

import dataclasses
from typing import overload

from nao.core import InputError, SearchSpace
from nao.spaces.cells import CellSpace
from nao.spaces.nasbench101 import NASBENCH101
from nao.spaces.nasbench201 import NASBENCH201
from nao.spaces.nasbench_graph import NASBENCH_GRAPH
from nao.spaces.nasbench_macro import NASBENCH_MACRO
from nao.spaces.operations import operations

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

SPACES: dict[str, SearchSpace] = {
    each.name: each
    for each in (CNN_CELL, CNN_CELL_SMALL, NASBENCH101, NASBENCH201, NASBENCH_MACRO, NASBENCH_GRAPH)
}
"""Every space that has a name on the command line."""


@overload
def space(name: str) -> SearchSpace: ...


@overload
def space(name: str, *, blocks: int) -> CellSpace: ...


def space(name: str, *, blocks: int | None = None) -> SearchSpace:
    """The space of that name.

    Args:
      name: a key of `SPACES`.
      blocks: B, the blocks of each cell, for a `CellSpace`. They have 5 unless told otherwise.

    Raises:
      InputError: there is no such space, it has no blocks, or blocks is below 1.
    """
    if name not in SPACES:
        raise InputError(f"there is no space {name[:40]!r}; the spaces are {', '.join(SPACES)}")
    found = SPACES[name]
    if blocks is None:
        return found
    if not isinstance(found, CellSpace):
        cells = ", ".join(name for name, each in SPACES.items() if isinstance(each, CellSpace))
        raise InputError(
            f"{name} has no blocks and no child network, only known scores: give a table of them,"
            f" or one of the spaces {cells}"
        )
    return dataclasses.replace(found, blocks=blocks)
