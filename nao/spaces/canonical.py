"""When are two cells the same graph?

Two strings mean the same cell if one becomes the other by swapping the two branches of blocks and by
writing the blocks in another order (which renumbers them). The smallest of all those ways to write a
cell, in lexicographic order, stands for all of them.

Blocks are written as in the released NAO code: a branch is (input, operation), inputs 0 and 1 are the
outputs of the two previous cells, and input i + 2 is block i.
"""

from collections.abc import Sequence

Branch = tuple[int, int]  # (input, operation)
Block = tuple[Branch, Branch]


def smallest(blocks: Sequence[Block]) -> list[Block]:
    """The lexicographically smallest way to write a cell; exact.

    Two equal blocks stay two blocks: they are two nodes of the graph, with weights of their own.

    Args:
      blocks: the cell's blocks, each after the blocks that it reads.

    Returns:
      The same graph, with branches and blocks in the order that makes the list smallest.
    """
    readers: list[list[Branch]] = [[] for _ in blocks]
    for reader, block in enumerate(blocks):
        for i, operation in block:
            if i >= 2:
                readers[i - 2].append((reader, operation))
    twins = [tuple(sorted(r)) for r in readers]
    return _continued(blocks, twins, {0: 0, 1: 1}, list(range(len(blocks))))


def _continued(
    blocks: Sequence[Block],
    readers: Sequence[tuple[Branch, ...]],
    number: dict[int, int],
    left: list[int],
) -> list[Block]:
    """The smallest way to write the blocks `left`, after those that already have their new `number`."""
    written: list[Block] = []
    while left:
        best, tied = _next(blocks, number, left)
        # Equal blocks that are read alike can change places without a trace: try one of each sort.
        tied = list({readers[b]: b for b in tied}.values())
        written.append(best)
        if len(tied) > 1:
            return written + min(
                _continued(blocks, readers, {**number, b + 2: len(number)}, [x for x in left if x != b])
                for b in tied
            )
        number[tied[0] + 2] = len(number)
        left.remove(tied[0])
    return written


def _next(blocks: Sequence[Block], number: dict[int, int], left: list[int]) -> tuple[Block, list[int]]:
    """The smallest block that can be written next, and which of the blocks `left` are written so."""
    best: Block | None = None
    tied: list[int] = []
    for b in left:
        (i, p), (j, q) = blocks[b]
        if i in number and j in number:
            first, second = (number[i], p), (number[j], q)
            block = (first, second) if first <= second else (second, first)
            if best is None or block < best:
                best, tied = block, [b]
            elif block == best:
                tied.append(b)
    assert best is not None, "some block reads a block that comes after it"
    return best, tied
