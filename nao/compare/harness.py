"""`compare`: plays every strategy under the same budget from the same starts, and writes the tables."""

import contextlib
import dataclasses
import math
import pickle
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

from nao import folder as folders
from nao.compare import tables
from nao.compare.curves import Comparison, stacked
from nao.compare.folder import RunFolder, contents, rows_text
from nao.compare.run import Query, run
from nao.compare.workers import play_in_workers
from nao.configuration import plain
from nao.core import MOST_SEED, Evaluator, InputError, Json, SearchSpace, Strategy, check_part
from nao.events import ComparisonBegan, Ended, Job, Observer, Queried, RunFinished, silent
from nao.inputs import real_number, user_path, whole_number
from nao.records import Real, Whole

MOST = 1_000_000  # more labels, repeats or workers are taken to be a mistake

StrategyFactory = Callable[[SearchSpace, int], Strategy]
"""Makes a new strategy for a space, from a seed."""


def compare(
    factories: Mapping[str, StrategyFactory],
    evaluator: Evaluator,
    *,
    budget: Whole = 200,
    repeats: Whole = 30,
    seed: Whole = 0,
    optimum: Real | None = None,
    out: Path | str | None = None,
    durable: bool = False,
    workers: Whole = 1,
    observer: Observer = silent,
) -> Comparison:
    """Plays every strategy `repeats` times, with a budget of `budget` labels each.

    Args:
      factories: what to compare, by the label it is given. The first one is compared to each other one.
      evaluator: scores the architectures; `Result.score` is the signal, and `Result.test_score`, which no
        strategy sees, is reported.
      budget: M, the labels of a run.
      repeats: R, the runs of each strategy.
      seed: of the first repeat; repeat r of every strategy has the seed `seed + r`.
      optimum: the best signal that every run can come to, where that is known.
      out: the folder of the comparison, for its runs and tables. A comparison that was killed goes on
        when it is called again with the same folder. None keeps nothing.
      durable: give every run a study in the folder, which has each result as soon as it arrives.
      workers: how many runs at a time, each in a process of its own. With more than one, the factories and
        the evaluator must be such as can be pickled, and a program guards its main module by
        `if __name__ == "__main__"`.
      observer: is told how it goes on.

    Raises:
      InputError: an argument is out of range, or the folder is not usable or belongs to another
        comparison.
    """
    budget, repeats = _count("budget", budget, 1, MOST), _count("repeats", repeats, 1, MOST)
    seed, workers = _count("seed", seed, 0, MOST_SEED - repeats + 1), _count("workers", workers, 1, MOST)
    known = _known_optimum(optimum)
    _check_labels(factories)
    if durable and (out is None or workers > 1):
        raise InputError("durable runs need a folder, and one process")
    strategies = _configurations(factories, evaluator, seed)
    jobs = [Job(label, r) for r in range(repeats) for label in factories]
    with contextlib.ExitStack() as stack:
        folder = None
        if out is not None:
            path = folders.named(out)
            stack.enter_context(folders.lock(path, folders.COMPARISON))
            common = {"evaluator": plain(evaluator.configuration()), "budget": budget, "seed": seed}
            folder = RunFolder.begin(path, common, strategies, known)
        play = Play(factories, evaluator, budget, seed, folder if durable else None)
        if workers > 1:
            _check_sendable(play)
        runs = _finish_runs(play, jobs, folder, workers, observer)
        found = comparison(strategies, budget, known, runs)
        if folder:
            write_tables(found, folder.path)
        return found


def comparison(
    strategies: Mapping[str, Json],
    budget: int,
    optimum: float | None,
    runs: Mapping[Job, list[Query]],
) -> Comparison:
    """The finished runs as arrays, without the strategies that have none.

    Args:
      strategies: the configuration of each strategy, by its label.
      budget: M.
      optimum: where it is known.
      runs: the queries of each run.
    """
    of_label = {label: [runs[job] for job in sorted(runs) if job.label == label] for label in strategies}
    random = (label for label, made in strategies.items() if made.get("name") == "random" and of_label[label])
    stacks = {label: stacked(queries, budget) for label, queries in of_label.items() if queries}
    return Comparison(budget, optimum, next(random, None), stacks)


def read(path: Path | str) -> Comparison:
    """The finished runs in the folder of a comparison, also while it is running.

    Raises:
      InputError: there is no comparison in it, none of its runs is finished, or a file is damaged.
    """
    path = user_path(path)
    made = contents(path)
    if made is None:
        raise InputError(f"there is no comparison in {path}; name the folder of one")
    budget = whole_number(made["settings"].get("budget"))
    if budget is None or budget < 1:
        raise InputError(f"{path / folders.COMPARISON} is damaged: it has no budget")
    folder = RunFolder(path, budget)
    jobs = [job for label in made["strategies"] for job in folder.jobs(label)]
    runs = {job: queries for job in jobs if (queries := folder.load(job)) is not None}
    if not runs:
        raise InputError(f"no run of the comparison in {path} is finished yet")
    return comparison(made["strategies"], budget, made["optimum"], runs)


def write_tables(found: Comparison, folder: Path) -> None:
    """Writes the tables of a comparison."""
    folders.write(folder / "curves.csv", rows_text(tables.CurvePoint, tables.curve_points(found)))
    folders.write(folder / "summary.csv", rows_text(tables.Summary, tables.summaries(found)))
    folders.write(folder / "paired.csv", rows_text(tables.Paired, tables.pairs(found)))
    folders.write(folder / "top.csv", rows_text(tables.Top, tables.tops(found)))


@dataclasses.dataclass(frozen=True)
class Play:
    """Plays single runs of a comparison; `compare` says what it is made of.

    Attributes:
      factories: the strategies by label.
      evaluator: scores the architectures.
      budget: M.
      seed: of the first repeat.
      studies: the folder for a study of each run; None keeps none.
    """

    factories: Mapping[str, StrategyFactory]
    evaluator: Evaluator
    budget: int
    seed: int
    studies: RunFolder | None

    def __call__(self, job: Job) -> list[Query]:
        """All queries of a run."""
        return list(self.queries(job))

    def queries(self, job: Job) -> Iterator[Query]:
        """Plays a run; yields its queries as they come."""
        strategy = self.factories[job.label](self.evaluator.space, self.seed + job.repeat)
        study = None if self.studies is None else self.studies.study(job)
        return run(strategy, self.evaluator, budget=self.budget, study=study)


def _finish_runs(
    play: Play, jobs: list[Job], folder: RunFolder | None, workers: int, observer: Observer
) -> dict[Job, list[Query]]:
    """Plays the runs that are not stored yet, storing each. Returns all of them."""
    runs = {job: queries for job in jobs if folder and (queries := folder.load(job)) is not None}
    left = [job for job in jobs if job not in runs]
    observer(ComparisonBegan(jobs, {job: _reported(queries) for job, queries in runs.items()}, play.budget))
    try:
        alone = workers == 1 or len(left) < 2
        played = _play_here(play, left, observer) if alone else play_in_workers(play, left, workers)
        with contextlib.closing(played):
            for job, queries in played:
                if folder:
                    folder.save(job, queries)
                runs[job] = queries
                observer(RunFinished(job, _reported(queries)))
    finally:
        observer(Ended())
    return runs


def _play_here(
    play: Play, jobs: list[Job], observer: Observer
) -> Generator[tuple[Job, list[Query]], None, None]:
    """Plays runs in this process, one after the other."""
    for job in jobs:
        queries = []
        for query in play.queries(job):
            queries.append(query)
            observer(Queried(job, query.m))
        yield job, queries


def _reported(queries: list[Query]) -> float | None:
    """The reporting score of the best architecture of a run."""
    scored = [query for query in queries if query.signal is not None]
    return max(scored, key=lambda query: (query.signal, -query.m)).reported if scored else None


def _count(name: str, value: object, least: int, most: int) -> int:
    """A whole number within bounds."""
    count = whole_number(value)
    if count is None or not least <= count <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most:,}, not {value!r:.40}")
    return count


def _known_optimum(value: object) -> float | None:
    """The optimum as a number; None where it is not known."""
    known = None if value is None else real_number(value)
    if value is not None and (known is None or not math.isfinite(known)):
        raise InputError(f"optimum must be a finite number, or None where it is not known, not {value!r:.40}")
    return known


def _configurations(
    factories: Mapping[str, StrategyFactory], evaluator: Evaluator, seed: int
) -> dict[str, Json]:
    """The configuration of each strategy, by its label."""
    check_part(evaluator, Evaluator, "the evaluator")
    made = {label: make(evaluator.space, seed) for label, make in factories.items()}
    for label, strategy in made.items():
        check_part(strategy, Strategy, f"the strategy {label}")
    return {label: plain(strategy.configuration(), label) for label, strategy in made.items()}


def _check_labels(factories: Mapping[str, StrategyFactory]) -> None:
    """Raises InputError unless every label can be a part of file names, and has a function."""
    if not isinstance(factories, Mapping):
        raise InputError(f"the strategies must be a mapping of labels to functions, not {factories!r:.40}")
    if not factories:
        raise InputError("there is no strategy to compare; name at least one")
    for label, make in factories.items():
        if not callable(make):
            raise InputError(
                f"{label} must be a function of a space and a seed that makes a strategy, not {make!r:.40}"
            )
        if not isinstance(label, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{,99}", label):
            raise InputError(f"a label must be of at most 100 letters, digits and . _ + -, not {label!r:.40}")


def _check_sendable(play: Play) -> None:
    """Raises InputError unless the runs can cross to other processes."""
    parts = {**{f"the strategy {label}": make for label, make in play.factories.items()}}
    for name, part in {**parts, "the evaluator": play.evaluator}.items():
        try:
            pickle.dumps(part)
        except Exception as error:  # whatever a user's object raises when it is pickled
            raise InputError(
                f"{name} cannot be sent to another process ({' '.join(str(error).split())}): define it at the"
                " top of a module, or use workers=1"
            ) from error
