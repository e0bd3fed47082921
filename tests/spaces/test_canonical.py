"""The canonical key is equal exactly for the strings of the same graph."""

import itertools
import math

import numpy as np
import pytest

from nao.core import Architecture
from nao.spaces import CNN_CELL_SMALL
from nao.spaces.canonical import find_smallest
from nao.spaces.cells import CellSpace
from nao.spaces.operations import operations


def moves(cell):
    """Every string one elementary step away: one block's branches, or two neighbouring blocks, swapped."""
    for b, (first, second) in enumerate(cell):
        yield (*cell[:b], (second, first), *cell[b + 1 :])
    for b in range(len(cell) - 1):
        if all(i != b + 2 for i, _ in cell[b + 1]):
            number = {b + 2: b + 3, b + 3: b + 2}
            later = tuple(tuple((number.get(i, i), o) for i, o in block) for block in cell[b + 2 :])
            yield (*cell[:b], cell[b + 1], cell[b], *later)


def orbits(cells):
    """Which cells mean the same: the connected components of `moves`, by flood filling."""
    orbit = {}
    for start in cells:
        if start in orbit:
            continue
        orbit[start], frontier = start, [start]
        while frontier:
            for other in moves(frontier.pop()):
                if other not in orbit:
                    orbit[other] = start
                    frontier.append(other)
    return orbit


def every_cell(space):
    """All its cells as (input, operation) pairs, and the string of each."""
    branches = [
        list(itertools.product(range(b + 2), range(len(space.operations)))) for b in range(space.blocks)
    ]
    cells = list(itertools.product(*(itertools.product(each, each) for each in branches)))
    strings = space.tokens_of(np.array(cells, np.int32)[:, None]).tolist()
    assert all(space.grammar.fault(x) is None for x in strings[::17])
    return {cell: Architecture(tuple(x), space) for cell, x in zip(cells, strings, strict=True)}


@pytest.mark.parametrize(
    ("names", "blocks"),
    [(("a", "b"), 2), (("a x", "a y", "b x"), 2), (("a",), 3), (("a", "b"), 3), (("a",), 4)],
)
def test_keys_are_exactly_the_orbits(names, blocks):
    """By brute force over a whole space. Four blocks of one operation have twins with different readers."""
    space = CellSpace("small", operations(*names), cells=("cell",), blocks=blocks)
    cells = every_cell(space)
    assert len(cells) == space.size == math.factorial(blocks + 1) ** 2 * len(names) ** (2 * blocks)
    orbit = orbits(cells)
    assert orbit.keys() == cells.keys()
    keys = {cell: space.canonical(architecture) for cell, architecture in cells.items()}
    pairs = {(orbit[cell], keys[cell]) for cell in cells}
    assert len(pairs) == len(set(orbit.values())) == len(set(keys.values()))


@pytest.mark.parametrize(("names", "blocks"), [(("a", "b"), 2), (("a",), 3)])
def test_the_smallest_is_the_smallest_of_its_orbit(names, blocks):
    space = CellSpace("small", operations(*names), cells=("cell",), blocks=blocks)
    orbit = orbits(every_cell(space))
    least = {}
    for cell, start in orbit.items():
        least[start] = min(cell, least.get(start, cell))
    for cell, start in orbit.items():
        assert tuple(find_smallest(cell)) == least[start]


def test_one_block_of_eight_operations_has_136_keys():
    """PNAS, level 1 (Liu et al. 2018): 256 strings, of which 136 differ."""
    eight = operations(*"abcdefgh")
    space = CellSpace("pnas", eight, cells=("cell",), blocks=1)
    architectures = every_cell(space).values()
    assert space.size == len(architectures) == 256
    assert len({space.canonical(a) for a in architectures}) == 136


def test_twin_blocks_stay_two_nodes():
    """A block that reads one of two equal blocks twice is not one that reads each of them once."""
    twin, other = ((0, 0), (1, 0)), ((0, 1), (0, 1))
    both = find_smallest([twin, twin, ((2, 0), (3, 0)), other])
    same = find_smallest([twin, twin, ((2, 0), (2, 0)), other])
    assert both != same
    assert find_smallest([twin, other, twin, ((2, 0), (4, 0))]) == both
    assert find_smallest([other, twin, twin, ((4, 0), (4, 0))]) == same


def test_twins_are_ordered_by_what_reads_them():
    """Twins tie when they are written; which of them comes first shows only later."""
    twin = ((0, 0), (1, 0))
    reads_first = [twin, twin, ((0, 2), (2, 1)), ((0, 1), (3, 0))]
    reads_second = [twin, twin, ((0, 2), (3, 1)), ((0, 1), (2, 0))]
    assert find_smallest(reads_first) == find_smallest(reads_second)
    # One twin that is read by both is another graph.
    assert find_smallest([twin, twin, ((0, 2), (2, 1)), ((0, 1), (2, 0))]) != find_smallest(reads_first)


def test_many_equal_blocks_are_no_work():
    """Blocks that can change places without a trace are tried once: 12 of them are not 12! orders."""
    twin = ((0, 0), (1, 0))
    assert find_smallest([twin] * 12) == [twin] * 12


def test_cells_keep_their_places(rng):
    """The normal and the reduction cell do not trade places."""
    space = CNN_CELL_SMALL
    branches = space.branches(space.grammar.sample(rng, 50))
    for tokens, exchanged in zip(
        space.tokens_of(branches).tolist(), space.tokens_of(branches[:, ::-1]).tolist(), strict=True
    ):
        key = space.canonical(Architecture(tuple(tokens), space))
        other = space.canonical(Architecture(tuple(exchanged), space))
        assert other.split("|") == key.split("|")[::-1]
        assert other != key
