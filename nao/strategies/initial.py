"""The initial design: the architectures with which strategies begin.

They are random ones, the same under one seed for every strategy, so that strategies can be compared in pairs.
Architectures that a user gives come before them, and take the places of the last of them.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from nao.core import Architecture, InputError, Proposal, SearchSpace
from nao.limits import Limits
from nao.strategies.archive import Archive

Starts = Sequence[Architecture]


def check_starts(
    starts: Starts, space: SearchSpace, limits: Limits | None, most: int | None
) -> tuple[Architecture, ...]:
    """Checks the architectures that a search is given to begin with.

    Args:
      starts: what was given.
      space: what is searched.
      limits: what an architecture may cost, if that is limited.
      most: with how many architectures the search begins; None for any number.

    Returns:
      Them, of those that mean the same the first alone.

    Raises:
      InputError: one of them is none of the space, or beyond the limits; or they are too many.
    """
    for x in starts:
        if not isinstance(x, Architecture) or x.space != space:
            raise InputError(
                f"a search in {space.name} can start with its architectures, not with {x!s:.100}"
            )
        if len(x.tokens) != space.length or space.grammar.fault(x.tokens) is not None:
            raise InputError(f"{x.tokens!s:.100} are no tokens of an architecture of {space.name}")
        if limits is not None and x not in limits:
            bounds = ", ".join(f"{name} <= {bound:,g}" for name, bound in limits.bounds.items())
            raise InputError(f"the start {x!s:.200} is beyond the limits of the search, {bounds}")
    different = Archive(space).add_new(starts, len(starts))
    if most is not None and len(different) > most:
        raise InputError(
            f"{len(different)} different architectures to start with are more than the {most} that the search"
            " begins with; give fewer, or let it begin with more"
        )
    return tuple(different)


def initial_sequence(
    space: SearchSpace, seed: int, limits: Limits | None = None, starts: Starts = ()
) -> Iterator[Architecture]:
    """The given architectures, then different ones (within limits) drawn under a seed."""
    archive = Archive(space, limits)
    yield from archive.add_new(starts, len(starts))
    yield from archive.draws(np.random.default_rng([seed, 0]))


def initial_design(
    space: SearchSpace, seed: int, n: int, limits: Limits | None = None, starts: Starts = ()
) -> list[Architecture]:
    """The first n of that sequence; fewer if there are fewer."""
    return list(itertools.islice(initial_sequence(space, seed, limits, starts), n))


class InitialDesign:
    """The initial design of one strategy, which gives out each of its architectures once.

    Args:
      space: what is searched.
      seed: the strategy's.
      n: how many architectures.
      limits: what they may cost, if that is limited.
      starts: those that were given, at most n.

    Attributes:
      num_given: how many were given out, or left out because they were known. This is all its state.
    """

    def __init__(
        self, space: SearchSpace, seed: int, n: int, limits: Limits | None = None, starts: Starts = ()
    ):
        self._space, self._seed, self._n, self._limits, self._starts = space, seed, n, limits, starts
        self.num_given = 0

    @functools.cached_property
    def _architectures(self) -> list[Architecture]:
        return initial_design(self._space, self._seed, self._n, self._limits, self._starts)

    @property
    def left(self) -> int:
        """How many are still to be given out."""
        return len(self._architectures) - self.num_given

    def take(self, n: int, archive: Archive) -> list[Proposal]:
        """The next n that are not in an archive, to which they are added; or all that are left."""
        proposals: list[Proposal] = []
        while self.left and len(proposals) < n:
            architecture = self._architectures[self.num_given]
            origin = origin_of(self.num_given, self._starts)
            self.num_given += 1
            if archive.add(architecture):
                proposals.append(Proposal(architecture, origin))
        return proposals


def origin_of(i: int, starts: Starts) -> str:
    """The origin of number i of the sequence: the starts come first."""
    return "start" if i < len(starts) else "random"
