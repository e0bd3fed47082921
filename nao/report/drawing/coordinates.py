"""Where the items of each layer stand, once their order is known.

What Gansner, Koutsofios, North and Vo (1993) minimise is minimised here: the sum of how far edges stray from
going straight, with the items of a layer at least some distance apart. That is a linear program.

Axis letters: none.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

BALANCE = 0.1  # what it costs that a node is not at the mean of its neighbours: it decides between equals


@dataclasses.dataclass(frozen=True)
class Pull:
    """What it costs if an item is not where others want it: weight * |item + offset - mean of the others|."""

    item: int
    others: tuple[int, ...]
    offset: float = 0.0
    weight: float = 1.0


def coordinates(
    order: Sequence[Sequence[int]], apart: Mapping[tuple[int, int], float], pulls: Iterable[Pull]
) -> tuple[list[float], float]:
    """Places every item.

    Args:
      order: the items of each layer, as they stand in it; they are numbered from 0.
      apart: for each two neighbours in a layer, how far their centres are apart at least.
      pulls: what is to be small.

    Returns:
      The centre of each item, and what the pulls cost there.
    """
    items, pulls = sum(map(len, order)), list(pulls)
    rows: list[tuple[float, dict[int, float]]] = []  # of the program: at most so much, and its coefficients
    for layer in order:
        rows += [(-apart[u, v], {u: 1.0, v: -1.0}) for u, v in itertools.pairwise(layer)]
    for number, pull in enumerate(pulls, items):  # the variable |...| is above both signs of it
        inside = {pull.item: 1.0} | dict.fromkeys(pull.others, -1.0 / len(pull.others))
        for sign in (1.0, -1.0):
            row = {item: sign * factor for item, factor in inside.items()}
            rows.append((-sign * pull.offset, {**row, number: -1.0}))
    if not pulls:
        return _side_by_side(order, apart), 0.0
    entries = [(r, column, factor) for r, (_, row) in enumerate(rows) for column, factor in row.items()]
    r, columns, factors = (np.array(each) for each in zip(*entries, strict=True))
    shape = (len(rows), items + len(pulls))
    cost = np.array([0.0] * items + [pull.weight for pull in pulls])
    found = linprog(
        cost,
        A_ub=coo_array((factors, (r, columns)), shape),
        b_ub=np.array([most for most, _ in rows]),
        bounds=[(0, None)] * shape[1],
        method="highs-ipm",
    )
    return found.x[:items].tolist(), float(found.fun)


def _side_by_side(order: Sequence[Sequence[int]], apart: Mapping[tuple[int, int], float]) -> list[float]:
    """The centres where no edge pulls at anything."""
    centres: dict[int, float] = {}
    for layer in order:
        steps = (apart[u, v] for u, v in itertools.pairwise(layer))
        centres |= zip(layer, itertools.accumulate(steps, initial=0.0), strict=False)
    return [centres[item] for item in range(len(centres))]
