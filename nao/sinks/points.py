"""The curves of a search, from its events: numbers by name, each at a step.

The step is M, how many trainings are over, failed ones and those of a confirmation included.

With every result: `search/score` if it has one, `search/best` so far, `search/evaluations` (M), and
`search/failed` so far.

With every iteration, of its scores: `iteration/number`, `iteration/mean`, `iteration/best`,
`iteration/failed`, `iteration/seconds`. What was expected of it: `iteration/predicted`, the mean that f
expected, and `iteration/seeds_mean`, that of the scores of its seeds. Of E, f and D, on held-out
architectures: `iteration/pairwise_accuracy`, `iteration/kendall_tau`, `iteration/hamming`.

In a confirmation: `search/evaluations`, `search/failed` and `confirmation/score` with every training. At its
end, of the answer: `confirmation/mean`, `confirmation/std`, `confirmation/test_score`.

Axis letters: none.
"""

from collections.abc import Iterator, Mapping

from nao.core import Result
from nao.events import Confirmed, Event, Recorded, Repeated, SearchBegan, Told
from nao.study.history import History

Point = tuple[int, Mapping[str, float]]
"""A step, and the values of some curves there."""

OF_ITERATION = (
    *("mean", "best", "seconds", "predicted", "seeds_mean"),
    *("pairwise_accuracy", "kendall_tau", "hamming"),
)
"""Keys of `History.decoded_set` that have a curve."""


class Points:
    """Makes the points of one search from its events, in the order of their steps."""

    def __init__(self) -> None:
        self._evaluations = 0  # M
        self._failed = 0
        self._best: float | None = None
        self._told = 0  # iterations whose points were made

    def of(self, event: Event) -> Iterator[Point]:
        """The points that an event adds.

        A search that goes on begins with all points of what is there already: the results of an iteration in
        the order of their proposals, and those of confirmations after all others.
        """
        match event:
            case SearchBegan(history=history):
                yield from self._so_far(history)
            case Recorded(trial) if trial.result:
                yield self._evaluated(trial.result)
            case Told(number, history) if number >= self._told:
                yield self._iteration(number, history)
            case Repeated(result):
                yield self._repeated(result)
            case Confirmed(history) if history.confirmed:
                found = history.confirmed
                values = {"mean": found.score, "std": found.std, "test_score": found.test_score}
                yield self._point("confirmation", values)

    def _so_far(self, history: History) -> Iterator[Point]:
        """The points of a search that goes on."""
        for iteration in history.iterations:
            trials = history.of(iteration.number)
            for trial in trials:
                yield from map(self._evaluated, trial.results)
            if trials and all(trial.results for trial in trials):
                yield self._iteration(iteration.number, history)
        for trial in history.trials:
            yield from map(self._repeated, trial.repeats)

    def _evaluated(self, result: Result) -> Point:
        if result.score is not None:
            self._best = result.score if self._best is None else max(self._best, result.score)
        counted = self._counted(result)
        return self._point("search", {"score": result.score, "best": self._best, **counted})

    def _iteration(self, number: int, history: History) -> Point:
        self._told = number + 1
        found = history.decoded_set(history.iterations[number])
        failed = sum(trial.status == "failed" for trial in history.of(number))
        known = {key: found[key] for key in OF_ITERATION}
        return self._point("iteration", {"number": number, "failed": failed, **known})

    def _repeated(self, result: Result) -> Point:
        _, counted = self._point("search", self._counted(result))
        step, score = self._point("confirmation", {"score": result.score})
        return step, {**counted, **score}

    def _counted(self, result: Result) -> dict[str, int]:
        """Counts a result."""
        self._evaluations += 1
        self._failed += result.score is None
        return {"evaluations": self._evaluations, "failed": self._failed}

    def _point(self, group: str, values: Mapping[str, float | int | None]) -> Point:
        """The values there are, by their names, at this step."""
        named = {f"{group}/{name}": float(x) for name, x in values.items() if x is not None}
        return self._evaluations, named
