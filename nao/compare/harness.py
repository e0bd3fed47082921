"""`compare`: plays every strategy under the same budget from the same starts, and writes the tables."""

import contextlib
import dataclasses
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

from nao import database
from nao.compare import tables
from nao.compare.curves import Comparison, stacked
from nao.compare.durable import run_in
from nao.compare.folder import Folder, rows_text, write
from nao.compare.observer import Job, Observer, Silent
from nao.compare.run import Query, run
from nao.compare.workers import play_in_workers
from nao.core import MOST_SEED, Evaluator, InputError, SearchSpace, Strategy
from nao.study import Study

MOST = 1_000_000  # more labels, repeats or workers are taken to be a mistake

Maker = Callable[[SearchSpace, int], Strategy]
"""Makes a new strategy for a space, from a seed."""


def compare(
    makers: Mapping[str, Maker],
    evaluator: Evaluator,
    *,
    budget: int = 200,
    repeats: int = 30,
    seed: int = 0,
    optimum: float | None = None,
    out: Path | str | None = None,
    durable: bool = False,
    workers: int = 1,
    observer: Observer | None = None,
) -> Comparison:
    """Plays every strategy `repeats` times, with a budget of `budget` labels each.

    Args:
      makers: what to compare, by the label it is given. The first one is compared to each other one.
      evaluator: scores the architectures; `Result.score` is the signal, and the metric `test_score`,
        which no strategy sees, is reported.
      budget: M, the labels of a run.
      repeats: R, the runs of each strategy.
      seed: of the first repeat; repeat r of every strategy has the seed `seed + r`.
      optimum: the best signal that every run can come to, where that is known.
      out: the folder of the comparison, for its runs and tables. A comparison that was killed goes on
        when it is called again with the same folder. None keeps nothing.
      durable: give every run a study in the folder, which has each result as soon as it arrives.
      workers: how many runs at a time, each in a process of its own. With more than one, the makers and
        the evaluator must be such as can be pickled, and a program guards its main module by
        `if __name__ == "__main__"`.
      observer: is told how it goes on.

    Raises:
      InputError: an argument is out of range, or the folder is not usable or belongs to another
        comparison.
    """
    _check(makers, budget, repeats, seed, workers)
    if durable and (out is None or workers > 1):
        raise InputError("durable runs need a folder, and one process")
    made = {label: make(evaluator.space, seed).configuration() for label, make in makers.items()}
    jobs = [Job(label, r) for r in range(repeats) for label in makers]
    with contextlib.ExitStack() as stack:
        folder = None
        if out is not None:
            stack.enter_context(database.locked(Path(out), database.COMPARISON))
            common = {
                "space": dict(evaluator.space.configuration()),
                "evaluator": dict(evaluator.configuration()),
                "budget": budget,
                "seed": seed,
            }
            folder = Folder(Path(out), common, {label: dict(made[label]) for label in made})
        play = Play(makers, evaluator, budget, seed, folder if durable else None)
        runs = _finished(play, jobs, folder, workers, observer or Silent())
        found = Comparison(
            budget,
            optimum,
            next((label for label in made if made[label].get("name") == "random"), None),
            {label: stacked([runs[Job(label, r)] for r in range(repeats)], budget) for label in makers},
        )
        if folder:
            write_tables(found, folder.path)
        return found


def write_tables(found: Comparison, folder: Path) -> None:
    """Writes the tables of a comparison."""
    write(folder / "curves.csv", rows_text(tables.CurvePoint, tables.curve_points(found)))
    write(folder / "summary.csv", rows_text(tables.Summary, tables.summaries(found)))
    write(folder / "paired.csv", rows_text(tables.Paired, tables.pairs(found)))
    write(folder / "top.csv", rows_text(tables.Top, tables.tops(found)))


@dataclasses.dataclass(frozen=True)
class Play:
    """Plays single runs of a comparison; `compare` says what it is made of.

    Attributes:
      makers: the strategies by label.
      evaluator: scores the architectures.
      budget: M.
      seed: of the first repeat.
      studies: the folder for a study of each run; None keeps none.
    """

    makers: Mapping[str, Maker]
    evaluator: Evaluator
    budget: int
    seed: int
    studies: Folder | None

    def __call__(self, job: Job) -> list[Query]:
        """All queries of a run."""
        return list(self.queries(job))

    def queries(self, job: Job) -> Iterator[Query]:
        """Plays a run; yields its queries as they come."""
        seed = self.seed + job.repeat
        strategy = self.makers[job.label](self.evaluator.space, seed)
        if self.studies is None:
            yield from run(strategy, self.evaluator, budget=self.budget, seed=seed)
            return
        configuration = {
            "space": dict(self.evaluator.space.configuration()),
            "strategy": dict(strategy.configuration()),
            "evaluator": dict(self.evaluator.configuration()),
            "budget": self.budget,
            "seed": seed,
        }
        with Study(self.studies.study(job), configuration) as study:
            yield from run_in(study, strategy, self.evaluator, budget=self.budget, seed=seed)


def _finished(
    play: Play, jobs: list[Job], folder: Folder | None, workers: int, observer: Observer
) -> dict[Job, list[Query]]:
    """Plays the runs that are not stored yet, storing each. Returns all of them."""
    runs = {job: queries for job in jobs if folder and (queries := folder.load(job)) is not None}
    left = [job for job in jobs if job not in runs]
    observer.begin(jobs, {job: _reported(queries) for job, queries in runs.items()}, play.budget)
    try:
        alone = workers == 1 or len(left) < 2
        played = _here(play, left, observer) if alone else play_in_workers(play, left, workers)
        with contextlib.closing(played):
            for job, queries in played:
                if folder:
                    folder.save(job, queries)
                runs[job] = queries
                observer.finished(job, _reported(queries))
    finally:
        observer.end()
    return runs


def _here(play: Play, jobs: list[Job], observer: Observer) -> Generator[tuple[Job, list[Query]], None, None]:
    """Plays runs in this process, one after the other."""
    for job in jobs:
        queries = []
        for query in play.queries(job):
            queries.append(query)
            observer.queried(job, query.m)
        yield job, queries


def _reported(queries: list[Query]) -> float | None:
    """The reporting score of the best architecture of a run."""
    scored = [query for query in queries if query.signal is not None]
    return max(scored, key=lambda query: (query.signal, -query.m)).reported if scored else None


def _check(makers: Mapping[str, Maker], budget: int, repeats: int, seed: int, workers: int) -> None:
    for name, value, least, most in (
        ("budget", budget, 1, MOST),
        ("repeats", repeats, 1, MOST),
        ("seed", seed, 0, MOST_SEED),
        ("workers", workers, 1, MOST),
    ):
        if not least <= value <= most:
            raise InputError(f"{name} must be at least {least} and at most {most:,}, not {value}")
    if not makers:
        raise InputError("there is no strategy to compare; name at least one")
    for label in makers:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{,99}", label):  # a part of file names
            raise InputError(
                f"a label must be of at most 100 letters, digits and . _ + -, not {label[:40]!r}"
            )
