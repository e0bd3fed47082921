"""What the reinforcement learners share: rewards, and how they continue after a stop."""

import bisect
import math

from nao.core import Architecture, Json, Result, SearchSpace, Strategy
from nao.limits import Limits
from nao.strategies.archive import canonical_keys


class Rewards:
    """The scores so far, and what each architecture is worth as a reward between 0 and 1.

    The reward is the share of scored architectures that are worse, where an equal one counts 1/2. The
    published searches take the accuracy itself. The share means the same for an accuracy in percent, a
    fraction or a negative loss, it spreads out good architectures where their accuracies are close, and it
    is 1/2 on average for random architectures. A failed architecture is worse than all that have a score, and
    so is one beyond the limits, which is never evaluated.

    Args:
      space: where the architectures come from.
      limits: what they may cost, if that is limited.
    """

    def __init__(self, space: SearchSpace, limits: Limits | None = None):
        self._limits = limits
        self._key = canonical_keys(space)
        self._scores: dict[str, float] = {}
        self._ascending: list[float] = []

    def add(self, result: Result) -> float:
        """Adds a result. Returns its score, minus infinity if it failed."""
        score = -math.inf if result.score is None else result.score
        self._scores[self._key(result.architecture.tokens)] = score
        bisect.insort(self._ascending, score)
        return score

    def score(self, architecture: Architecture) -> float | None:
        """The score of any string of an architecture: minus infinity if it failed, None if unknown.

        That of a string beyond the limits is known to be minus infinity.
        """
        if self._limits is not None and architecture not in self._limits:
            return -math.inf
        return self._scores.get(self._key(architecture.tokens))

    def reward(self, score: float) -> float:
        """The reward of a score that was added, or of minus infinity."""
        worse = bisect.bisect_left(self._ascending, score)
        not_better = bisect.bisect_right(self._ascending, score)
        return (worse + not_better) / (2 * max(len(self._ascending), 1))


class Transcript:
    """The results that a learner was told and when it was asked, from which another can learn the same.

    What a reinforcement learner knows depends also on the known architectures that it wrote again, and no
    study has these. Playing the search again takes the strategy's own time, but no evaluation.

    Attributes:
      results: all that was told, in order.
    """

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._asked: list[list[int]] = []  # runs of equal asks: results told since the ask before, n, times
        self._told = 0  # results at the last ask

    def ask(self, n: int) -> None:
        """Writes down that the strategy is asked for n proposals."""
        since, self._told = len(self.results) - self._told, len(self.results)
        if self._asked and self._asked[-1][:2] == [since, n]:
            self._asked[-1][2] += 1
        else:
            self._asked.append([since, n, 1])

    def state(self) -> Json:
        """The state of the strategy. It grows only when the asks change."""
        return {"asked": [list(run) for run in self._asked]}

    def replay(self, strategy: Strategy, state: Json) -> None:
        """Plays the search again up to a `state()`, and tells all results.

        Args:
          strategy: one that was told and asked nothing yet.
          state: of a transcript with the first of these results.
        """
        done = 0
        for since, n, times in state["asked"]:
            for _ in range(times):
                strategy.tell(self.results[done : done + since])
                strategy.ask(n)
                done += since
        strategy.tell(self.results[done:])
