"""Operations of a cell, and how they are written.

Axis letters: O operations.
"""

import dataclasses
from collections.abc import Collection

from nao.core import InputError
from nao.spaces.text import as_word, quote


@dataclasses.dataclass(frozen=True)
class Operation:
    """What a branch does to its input.

    Attributes:
      words: how it is written, one token each: `("conv", "3x3")`.
    """

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The words in one string: `conv 3x3`."""
        return " ".join(self.words)


def operations(*names: str) -> tuple[Operation, ...]:
    """Operations by their names, whose words become their tokens: `operations("conv 3x3", "conv 5x5")`."""
    return tuple(Operation(tuple(name.split())) for name in names)


def check_operations(operations: Collection[Operation], reserved: Collection[str]) -> None:
    """Checks that a string can tell the O operations apart.

    Args:
      operations: each must have the same number of words, and differ from the others in one at least.
      reserved: words that mean something else.

    Raises:
      InputError: it cannot.
    """
    lengths = {len(operation.words) for operation in operations}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError("operations are needed, each written in the same number of words, at least one")
    if len(set(operations)) < len(operations):
        raise InputError("every operation must be written differently, but two are the same")
    for operation in operations:
        for word in operation.words:
            if as_word(word, "operations") in reserved:
                raise InputError(
                    f"{quote(word)} cannot be a word of an operation: it is the name of an input"
                )
