"""When are two cells the same graph?

Two strings mean the same cell if one becomes the other by swapping the two branches of blocks and by
writing the blocks in another order (which renumbers them). Of all those ways to write a cell, the smallest
in lexicographic order stands for the cell.

Blocks are written as in the released NAO code: a branch is (input, operation), inputs 0 and 1 are the
outputs of the two previous cells, and input i + 2 is block i.
"""

from collections.abc import Sequence

Branch = tuple[int, int]  # (input, operation)
Block = tuple[Branch, Branch]


def find_smallest(blocks: Sequence[Block]) -> list[Block]:
    """Finds the lexicographically smallest way to write a cell; exact.

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
    sorted_readers = [tuple(sorted(r)) for r in readers]
    return _write_rest(blocks, sorted_readers, {0: 0, 1: 1}, list(range(len(blocks))))


def _write_rest(
    blocks: Sequence[Block],
    readers: Sequence[tuple[Branch, ...]],
    number: dict[int, int],
    left: list[int],
) -> list[Block]:
    """The smallest way to write the blocks that are left.

    Args:
      blocks: all blocks of the cell.
      readers: which blocks read each block, and through which operation.
      number: the new number of every input and block that is already written; new blocks are added.
      left: the blocks that are not written yet; it is emptied.
    """
    written: list[Block] = []
    while left:
        best, tied = _find_next(blocks, number, left)
        # Two equal blocks with the same readers can change places without a trace: one of them is enough.
        tied = list({readers[b]: b for b in tied}.values())
        written.append(best)
        if len(tied) > 1:
            return written + min(
                _write_rest(blocks, readers, {**number, b + 2: len(number)}, [x for x in left if x != b])
                for b in tied
            )
        number[tied[0] + 2] = len(number)
        left.remove(tied[0])
    return written


def _find_next(blocks: Sequence[Block], number: dict[int, int], left: list[int]) -> tuple[Block, list[int]]:
    """Finds the smallest block that can be written next, and which of the blocks `left` look like it."""
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
