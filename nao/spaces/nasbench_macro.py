"""The space of NAS-Bench-Macro (Su et al. 2021): chains of eight layers, such as `22212220`.

A layer is an inverted bottleneck (1: expansion 3, kernel 3; 2: expansion 6, kernel 5) or Identity (0).
The layers come in three stages of two, three and three. The first layer of a stage halves the image, so
its Identity is a layer like any other; after it, an Identity leaves no trace. Which strings are therefore
the same network was read off the published results: they are equal in every digit.

Axis letters: none.
"""

from collections.abc import Sequence

from nao.graph import Graph, chain
from nao.spaces.listed import ListedSpace

LAYERS = ("0", "1", "2")
NAMES = ("identity", "mb3 3x3", "mb6 5x5")  # of the layers
IDENTITY = 0
BLOCKS = (1, 2)
STAGES = (slice(0, 2), slice(2, 5), slice(5, 8))


def split_stages(tokens: Sequence[int]) -> list[list[int]]:
    """The layers of each stage that leave a trace: its first, and those after it that are no Identity."""
    return [[first, *(x for x in rest if x != IDENTITY)] for first, *rest in (tokens[s] for s in STAGES)]


def write_key(tokens: Sequence[int]) -> str:
    """The layers that leave a trace, stage after stage. The 6,561 strings have 3,969 keys."""
    return "|".join("".join(map(str, stage)) for stage in split_stages(tokens))


def describe(tokens: Sequence[int]) -> list[float]:
    """The layers that leave a trace, as numbers.

    Returns:
      For each stage, whether its first, second, ... layer is a 1, is a 2, and how many of both kinds it
      has; then how many of both kinds there are in all: 2 (8 + 3 + 1) numbers.
    """
    numbers: list[float] = []
    left = split_stages(tokens)
    for place, stage in zip(STAGES, left, strict=True):
        padded = stage + [IDENTITY] * (place.stop - place.start - len(stage))
        numbers += [float(layer == kind) for layer in padded for kind in BLOCKS]
        numbers += [float(stage.count(kind)) for kind in BLOCKS]
    return numbers + [float(sum(stage.count(kind) for stage in left)) for kind in BLOCKS]


def draw(tokens: Sequence[int]) -> Graph:
    """The graph of a network: a chain of its eight layers."""
    return chain([NAMES[token] for token in tokens], [f"layer{t}" for t in range(1, len(tokens) + 1)])


def split(text: str) -> str:
    """Splits a string into its eight digits, whether or not they are written apart."""
    return text if len(text.split()) > 1 else " ".join(text.strip())


NASBENCH_MACRO = ListedSpace("nasbench-macro", LAYERS, 8, write_key, describe, draw, "".join, split)
"""3^8 = 6,561 strings, 3,969 of them different."""
