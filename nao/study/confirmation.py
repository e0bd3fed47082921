"""The confirmation of an answer: which trials are trained again with new seeds, and what comes of it.

The highest of many noisy scores is a lucky one. So those that are believed to be the best, the candidates,
are trained r times each with new seeds, and the one with the highest mean is the answer. That mean is the
highest of several, and lucky too, if less so. The answer is therefore trained r times more, and the mean of
these alone is its score: no training has a part both in choosing it and in saying how good it is.

All of it follows from the candidates and the results there are, so a confirmation that was stopped goes on
with what is missing.
"""

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence

from nao.records import JOULES, Request, Result, Trial


@dataclasses.dataclass(frozen=True)
class Repeated:
    """What came of several trainings of one architecture, each with its own seed.

    Attributes:
      trainings: how many of them succeeded, 1 or more.
      score: the mean of their scores.
      std: the sample standard deviation of their scores, that of one training; None of a single one.
      test_score: the mean of their test scores, if those were measured.
      metrics: the means of what else was measured of the network in each of them, by name.
    """

    trainings: int
    score: float
    std: float | None
    test_score: float | None
    metrics: Mapping[str, float]

    @classmethod
    def of(cls, results: Iterable[Result]) -> "Repeated | None":
        """The means of the results that did not fail; None where all of them did."""
        scored = [result for result in results if result.score is not None]
        if not scored:
            return None
        scores = [result.score for result in scored if result.score is not None]
        tests = [result.test_score for result in scored if result.test_score is not None]
        measured = [name for name in scored[0].metrics if name not in JOULES.values()]
        return cls(
            len(scores),
            statistics.fmean(scores),
            statistics.stdev(scores) if len(scores) > 1 else None,
            statistics.fmean(tests) if tests else None,
            {
                name: statistics.fmean(result.metrics[name] for result in scored)
                for name in measured
                if all(name in result.metrics for result in scored)
            },
        )


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """What was chosen to be trained again, and how often.

    Attributes:
      evaluated: how many trials of the search had been evaluated by then. Once there are more, another
        confirmation is needed.
      most: k, how many candidates were wanted.
      repeats: r, how often a candidate is trained to choose the answer, and the answer to score it.
      candidates: the ids of their trials, what was believed to be the best first; k, or all there are.
      seconds: time spent on it so far, fitting and training; interruptions do not count.
    """

    evaluated: int
    most: int
    repeats: int
    candidates: tuple[int, ...]
    seconds: float = 0.0

    def missing(self, trials: Sequence[Trial]) -> list[tuple[Trial, Request]]:
        """The trainings to make next, of all that are needed; none once it is over.

        Args:
          trials: those of the search, by their ids.
        """
        return self.to_choose(trials) or self._to_score(trials)

    def to_choose(self, trials: Sequence[Trial]) -> list[tuple[Trial, Request]]:
        """The trainings that are missing to choose the answer: none where there is but one candidate."""
        if len(self.candidates) == 1:
            return []
        return _unanswered((trials[i], x) for i in self.candidates for x in self._choosing(trials[i]))

    def _to_score(self, trials: Sequence[Trial]) -> list[tuple[Trial, Request]]:
        """The trainings that are missing to score the answer, once that is chosen."""
        for trial in self._by_mean([trials[i] for i in self.candidates]):
            if missing := _unanswered([(trial, x) for x in self._scoring(trial)]):
                return missing
            if self.score(trial):
                break  # the answer; had all of its trainings failed, the next best would be it
        return []

    def answer(self, trials: Sequence[Trial]) -> Trial | None:
        """The candidate with the highest mean that can be trained; None when every one failed.

        Args:
          trials: those of the search, once nothing is missing.
        """
        candidates = self._by_mean([trials[i] for i in self.candidates])
        return next((trial for trial in candidates if self.score(trial)), None)

    def choice(self, trial: Trial) -> Repeated | None:
        """The mean by which a candidate was compared with the others; None where there is none."""
        return Repeated.of(_answered(trial, self._choosing(trial)))

    def score(self, trial: Trial) -> Repeated | None:
        """The mean that is no part of any choice, of the answer; None of the other candidates."""
        return Repeated.of(_answered(trial, self._scoring(trial)))

    def _by_mean(self, candidates: Sequence[Trial]) -> list[Trial]:
        """The candidates that did not fail, the highest mean first; of equal ones the one believed best."""
        if len(candidates) == 1:
            return list(candidates)
        found = [(choice.score, trial) for trial in candidates if (choice := self.choice(trial))]
        return [trial for _, trial in sorted(found, key=lambda pair: -pair[0])]

    def _choosing(self, trial: Trial) -> list[Request]:
        return [trial.request(repeat=i) for i in range(1, self.repeats + 1)]

    def _scoring(self, trial: Trial) -> list[Request]:
        return [trial.request(repeat=i) for i in range(self.repeats + 1, 2 * self.repeats + 1)]


def _answered(trial: Trial, requests: Iterable[Request]) -> list[Result]:
    """The results of some of the repeats, where they are there."""
    results = {result.request: result for result in trial.repeats}
    return [results[request] for request in requests if request in results]


def _unanswered(wanted: Iterable[tuple[Trial, Request]]) -> list[tuple[Trial, Request]]:
    """Those that have no result yet."""
    return [(trial, x) for trial, x in wanted if all(result.request != x for result in trial.repeats)]
