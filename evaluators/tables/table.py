"""Known scores as an evaluator: nothing is trained, labels are looked up and counted."""

import dataclasses
import functools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from nao.core import Architecture, Cost, Json, Request, Result, SearchSpace
from nao.evaluators.tables.row import Row


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A `nao.core.Evaluator` that answers from a table. `dataclasses.replace(table)` counts from zero.

    Attributes:
      space: the space whose architectures have rows.
      rows: what is known of them: by their tokens, or by their canonical keys.
      by_string: strings that mean the same were measured one by one, and rows are found by tokens.
      source: what identifies the table in a study: its file, and the columns that were read.
    """

    space: SearchSpace
    rows: Mapping[Any, Row] = dataclasses.field(repr=False)
    by_string: bool
    source: Mapping[str, Json]
    _counted: list[int] = dataclasses.field(default_factory=lambda: [0], init=False, repr=False)

    @property
    def devices(self) -> int:
        """As many as there are rows: whatever a strategy proposes is one batch."""
        return len(self.rows)

    @property
    def queries(self) -> int:
        """How many labels have been read, each time they were; an architecture without a row counts."""
        return self._counted[0]

    @functools.cached_property
    def optimum(self) -> float:
        """The best score that a search is sure to come to, if it goes on for long enough.

        That is the best score in the table, or a little less where the best string is one of several that
        mean the same: a search asks for one of them, and then that architecture is known.
        """
        if not self.by_string:
            return max(row.score for row in self.rows.values())
        sure: dict[str, float] = {}
        for tokens, row in self.rows.items():
            key = self.space.canonical(Architecture(tokens, self.space))
            sure[key] = min(row.score, sure.get(key, row.score))
        return max(sure.values())

    @functools.cached_property
    def best_report(self) -> float:
        """The best test score in the table; often not that of the architecture with the best score."""
        return max(row.test_score for row in self.rows.values())

    def _key(self, architecture: Architecture) -> Hashable:
        """Where the row of an architecture is."""
        return architecture.tokens if self.by_string else self.space.canonical(architecture)

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """Looks every architecture up, in order. The seeds change nothing.

        Yields:
          the results: a failed one where the table has no row.
        """
        for request in requests:
            self._counted[0] += 1
            row = self.rows.get(self._key(request.architecture))
            if row is None:
                reason = f"the table has no row for {request.architecture}"
                yield Result(request, status="failed", reason=reason, device="table")
                continue
            yield Result(
                request,
                row.score,
                test_score=row.test_score,
                cost=Cost(row.parameters, row.flops),
                seconds=row.seconds,
                device="table",
            )

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """What the table says of each network; 0 where it says nothing."""
        rows = [self.rows.get(self._key(architecture)) for architecture in architectures]
        return [Cost(row.parameters, row.flops) if row else Cost() for row in rows]

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the measurement in a study."""
        return {"table": self.space.name, **self.source}
