"""What the reinforcement learners share: rewards, the tokens they may write, and going on after a stop.

Axis letters: B strings, T tokens, S states of the grammar, V vocabulary.
"""

import bisect
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from nao.core import Architecture, Result, SearchSpace, Strategy
from nao.grammar import Grammar
from nao.strategies.known import finite_score


class Rewards:
    """The scores so far, and what each architecture is worth as a reward between 0 and 1.

    The reward is the share of scored architectures that are worse, equal ones counted by half. The published
    searches take the accuracy itself; its share means the same for an accuracy in percent, a fraction or
    a negative loss, spreads the good ones out where accuracies crowd together, and is 1/2 on average for
    random architectures. A failed one is worse than all that have a score.

    Args:
      space: where the architectures come from.
    """

    def __init__(self, space: SearchSpace):
        self._space = space
        self._scores: dict[str, float] = {}
        self._ascending: list[float] = []

    def add(self, result: Result) -> float:
        """Takes a result in. Returns its score, minus infinity if it failed."""
        finite = finite_score(result)
        score = -math.inf if finite is None else finite
        self._scores[self._space.canonical(result.architecture)] = score
        bisect.insort(self._ascending, score)
        return score

    def score(self, architecture: Architecture) -> float | None:
        """The score of any string of an architecture: minus infinity if it failed, None if unknown."""
        return self._scores.get(self._space.canonical(architecture))

    def reward(self, score: float) -> float:
        """The reward of a score that was taken in."""
        worse = bisect.bisect_left(self._ascending, score)
        not_better = bisect.bisect_right(self._ascending, score)
        return (worse + not_better) / (2 * len(self._ascending))


def finishing(grammar: Grammar) -> Bool[np.ndarray, "T S V"]:
    """The legal tokens `[T, S, V]` after which the string can still be finished."""
    live = np.array([[ways > 0 for ways in row] for row in grammar.completions])  # [T + 1, S]
    after = live[1:][np.arange(grammar.length)[:, None, None], grammar.following]
    allowed: Bool[np.ndarray, "T S V"] = grammar.legal & after
    return allowed


def replay(strategy: Strategy, results: Sequence[Result], asked: Sequence[Sequence[int]]) -> None:
    """Plays a search again, so that a new strategy learns what the one before had learned.

    What such a learner knows depends on the known architectures that it drew again, and these are in no
    study. To draw them once more takes the strategy's own time, but no evaluation.

    Args:
      strategy: one that was told and asked nothing yet.
      results: all that was told, in order.
      asked: how many results had been told, and how many proposals were asked for, at each `ask`.
    """
    done = 0
    for told, n in asked:
        strategy.tell(results[done:told])
        strategy.ask(n)
        done = told
    strategy.tell(results[done:])
