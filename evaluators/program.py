"""What a device runs: the protocol between the device pool and the networks that it trains.

Axis letters: n architectures.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from nao.core import STANDARD, Architecture, Cost, Fidelity, InputError, Json, Request, SearchSpace

PyTree = Any  # arrays in nested tuples, lists, mappings and the like


@dataclasses.dataclass(frozen=True)
class Report:
    """What the outcome of one training means; see `nao.core.Result`.

    Attributes:
      score: what the search maximises; None when the training failed.
      test_score: what is reported and never searched by, if it was measured.
      metrics: further numbers.
      reason: why the training failed; empty otherwise.
    """

    score: float | None
    test_score: float | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    reason: str = ""


@runtime_checkable
class Program(Protocol):
    """One way to measure the architectures of a space. Equal programs measure the same.

    It is compiled once for the whole space, so an architecture must be data to it: arrays whose shapes are
    the same for every architecture.

    Attributes:
      space: the space whose architectures it takes.
      data: arrays that every training reads, such as a data set; the pool puts them on each device once.
      memory: bytes that one training takes at least, known from shapes; 0 if that is not known.
    """

    @property
    def space(self) -> SearchSpace: ...

    @property
    def data(self) -> PyTree: ...

    @property
    def memory(self) -> int: ...

    def encode(self, architectures: Sequence[Architecture]) -> PyTree:
        """Architectures as arrays, each of which begins with an axis `[n]`."""

    def count_steps(self, fidelity: Fidelity) -> int:
        """How many steps a training has.

        Raises:
          InputError: it has no such fidelity.
        """

    def train(self, architecture: PyTree, seed: Any, steps: Any, data: PyTree) -> PyTree:
        """Measures one architecture on one device. This function is traced by JAX and compiled.

        Args:
          architecture: one row of what `encode` returns.
          seed: uint32 scalar, of everything random.
          steps: int32 scalar, how many steps to train; 0 when the device has nothing to do, which should
            then take no time.
          data: the arrays of `data`.

        Returns:
          Arrays that `report` understands.
        """

    def report(self, outcome: PyTree) -> Report:
        """What an outcome means. It has the arrays that `train` returned, as NumPy arrays."""

    def cost(self, architecture: Architecture) -> Cost:
        """What the network of an architecture costs, before it is trained."""

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the program in a study, and what it can be made from again."""


class ProgramEvaluator:
    """What an evaluator that runs a program has of it. Those of equal programs are equal, wherever they run.

    Attributes:
      program: what is run.
      noisy: true, as weights and batches of a child are random.
    """

    noisy: ClassVar[bool] = True

    def __init__(self, program: Program):
        """Takes the program."""
        self.program = program

    @property
    def space(self) -> SearchSpace:
        """The space whose architectures the program takes."""
        return self.program.space

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProgramEvaluator) and self.program == other.program

    def configuration(self) -> Mapping[str, Json]:
        """That of the program. Where it runs is no part of it."""
        return self.program.configuration()

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """See `nao.core.Evaluator`."""
        return [self.program.cost(architecture) for architecture in architectures]


def check_requests(program: Program, requests: Sequence[Request]) -> None:
    """Raises InputError unless a program can answer all of these."""
    for request in requests:
        if request.architecture.space != program.space:
            raise InputError(f"{request.architecture} is not of the space {program.space.name}")
        program.count_steps(request.fidelity)


def steps_of(fidelity: Fidelity, most: int) -> int:
    """How many steps a training has: as many as the fidelity says, at most those of the child.

    Raises:
      InputError: it is no fidelity of the child.
    """
    if fidelity == STANDARD:
        return most
    if fidelity.steps is None:
        raise InputError(f"a child has no fidelity {fidelity.name!r}: say how many steps it has")
    if not 1 <= fidelity.steps <= most:
        raise InputError(
            f"the fidelity {fidelity.name!r} must have at least 1 and at most {most} steps, those of the "
            f"child, not {fidelity.steps}"
        )
    return fidelity.steps


def check_parts(configuration: Mapping[str, Json], what: str) -> None:
    """Checks that the configuration of a program of children has its parts.

    Raises:
      InputError: it lacks some.
    """
    missing = [part for part in ("space", "data", "child") if part not in configuration]
    if missing:
        raise InputError(f"the configuration of {what} needs {', '.join(missing)}")
