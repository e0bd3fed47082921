"""Known scores as an evaluator: nothing is trained, every answer is looked up."""

import dataclasses
import functools
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from nao.core import Architecture, Cost, Json, Request, Result, SearchSpace
from nao.evaluators.tables.row import Row

DEVICE = "table"  # what results say instead of a device


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A `nao.core.Evaluator` that answers from a table. Tables are equal when their configurations are.

    Attributes:
      space: the space whose architectures have rows.
      rows: the row of each architecture: by its tokens, or by its canonical key.
      by_string: rows are found by tokens, because strings that mean the same were measured one by one.
      source: the file and the columns that were read. Its `path` says where the file is and is not compared.
      noisy: false, as an architecture has one score.
    """

    noisy: ClassVar[bool] = False
    space: SearchSpace
    rows: Mapping[Any, Row] = dataclasses.field(repr=False)
    by_string: bool
    source: Mapping[str, Json]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Table) and self._identity == other._identity)

    def __hash__(self) -> int:
        return hash(self._identity)

    @functools.cached_property
    def _identity(self) -> str:
        """What is compared."""
        compared = {name: value for name, value in self.configuration().items() if name != "path"}
        return json.dumps(compared, sort_keys=True)

    @functools.cached_property
    def optimum(self) -> float:
        """The best score that a search is sure to reach, if it goes on for long enough.

        That is the best score in the table, or a little less where the best string is one of several that
        mean the same: a search asks for one of them, and then that architecture is known.
        """
        return self.optimum_within({})

    def optimum_within(self, bounds: Mapping[str, float]) -> float:
        """The same of a search that proposes nothing above some bounds of costs (see `nao.limits`)."""
        sure: dict[Any, float] = {}
        for place, row in self.rows.items():
            if all(_cost(row).named()[name] <= bound for name, bound in bounds.items()):
                key = self.space.canonical(Architecture(place, self.space)) if self.by_string else place
                sure[key] = min(row.score, sure.get(key, row.score))
        return max(sure.values())

    def _key(self, architecture: Architecture) -> Hashable:
        """Where the row of an architecture is."""
        return architecture.tokens if self.by_string else self.space.canonical(architecture)

    def prepare(self) -> Iterator[str]:
        """Yields nothing: there is nothing to make ready."""
        return iter(())

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """Looks every architecture up, in order. The seed and the fidelity of a request change nothing.

        Yields:
          the results: a failed one where the table has no row.
        """
        for request in requests:
            row = self.rows.get(self._key(request.architecture))
            if row is None:
                reason = f"the table has no row for {request.architecture}"
                yield Result(request, status="failed", reason=reason, device=DEVICE)
                continue
            yield Result(
                request,
                row.score,
                test_score=row.test_score,
                cost=_cost(row),
                seconds=row.seconds,
                device=DEVICE,
            )

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """What the table says of each network; 0 where it says nothing."""
        rows = [self.rows.get(self._key(architecture)) for architecture in architectures]
        return [_cost(row) if row else Cost() for row in rows]

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the measurement in a study, and what `nao.evaluators.tables.make` reads again."""
        return {"table": self.space.name, "space": dict(self.space.configuration()), **self.source}


def _cost(row: Row) -> Cost:
    """What a row says of the cost."""
    return Cost(row.parameters, row.flops, row.costs)
