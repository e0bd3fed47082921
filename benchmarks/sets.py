"""Are decoded architectures better than the seeds they come from, when all of them are trained anew?

    python benchmarks/sets.py RUN [RUN ...] [--choices predicted,believed] [--trainings 1] [--new 100]

RUN is the folder of a finished `nao optimize`. Each of its iterations is decided anew: the strategy is told
the scores that there were before it, and each of `--choices` proposes `--new` architectures. Then the sets
are trained, with seeds that no search has used: the highest score of many was luck, in part.

    seeds as scored      the architectures with the highest scores, as many as the strategy starts from
    seeds as believed    those with the highest posterior mean of f
    mutated              one mutation of each of the seeds as scored
    predicted, believed  what was decoded, from seeds as scored and from seeds as believed

A row has the mean score that is known or predicted of the set, that of its new trainings, and what it has
more of these than the seeds as scored; intervals are bootstrapped over runs and iterations.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from shared import evaluator, interval

import nao
from nao.compare.tables import estimates
from nao.core import Architecture, Evaluator, Request, Result
from nao.strategies import NAO
from nao.strategies.choices import believe

UNUSED = 1_000_000_000  # seeds of trainings that no search asks for
Sets = dict[str, tuple[list[Architecture], float]]
"""The architectures of each set, and what their mean score is believed to be."""


def decided_anew(run: nao.Run, iteration: int, choices: list[str], new: int, seed: int) -> Sets:
    """The sets of one iteration of a run."""
    known = [t for t in run.history.trials if t.iteration < iteration and t.score is not None]
    results = [Result(trial.request(), trial.score) for trial in known]
    found: Sets = {}
    for choose in choices:
        settings = NAO.Settings(initial=1, proposals=new, choose=choose)
        strategy = NAO(run.space, run.encoder, settings, seed=seed)
        strategy.tell(results)
        proposals = [p for p in strategy.ask(new) if p.origin == "ascent"]
        found[choose] = [p.architecture for p in proposals], float(np.mean([p.predicted for p in proposals]))
    X, S = (np.array(part) for part in zip(*((t.architecture.tokens, t.score) for t in known), strict=True))
    model = run.encoder.fit(run.space, X.astype(np.int32), S, seed=seed)
    believed = believe(model, X.astype(np.int32))
    K = (min(strategy.settings.seeds, 2 * len(S)) + 1) // 2
    for name, by in (("seeds as scored", S), ("seeds as believed", believed)):
        top = np.argsort(-by, kind="stable")[:K]
        found[name] = [known[i].architecture for i in top], float(by[top].mean())
    rng = np.random.default_rng([seed, iteration])
    found["mutated"] = [run.space.mutate(x, rng) for x in found["seeds as scored"][0]], float("nan")
    return found


def trained(where: Evaluator, sets: list[list[Architecture]], trainings: int) -> Iterator[float]:
    """The mean score of each set over new trainings."""
    seeds = itertools.count(UNUSED)
    asked = [[Request(x, next(seeds)) for x in each for _ in range(trainings)] for each in sets]
    score = {r.request: r.score for r in where.evaluate(list(itertools.chain(*asked)))}
    for requests in asked:
        yield float(np.nanmean([np.nan if score[r] is None else score[r] for r in requests]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--choices", default="predicted,believed")
    parser.add_argument("--trainings", type=int, default=1)
    parser.add_argument("--new", type=int, default=100)
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--data", default="digits")
    given = parser.parse_args()
    given.table = None
    where, rows = evaluator(given), []
    for _ in where.prepare() or ():
        pass
    for folder in given.runs:
        run = nao.load(folder)
        for iteration in range(1, run.history.iterations[-1].number + 1):
            sets = decided_anew(run, iteration, given.choices.split(","), given.new, seed=len(rows))
            anew = list(trained(where, [each for each, _ in sets.values()], given.trainings))
            rows.append([[believed, score] for (_, believed), score in zip(sets.values(), anew, strict=True)])
            line = " ".join(f"{name} {b:.4f} {a:.4f};" for name, (b, a) in zip(sets, rows[-1], strict=True))
            print(folder, iteration, line, flush=True)
    said, anew = np.moveaxis(np.array(rows), 2, 0)  # [iterations, sets]
    first = list(sets).index("seeds as scored")
    print("\n| set | known or predicted | trained anew | more than the seeds as scored |\n|---|---|---|---|")
    for i, name in enumerate(sets):
        more = interval(estimates((anew[:, i] - anew[:, first])[:, None]), 0, 4, "+")
        print(
            f"| {name} | {said[:, i].mean():.4f} | {interval(estimates(anew[:, i : i + 1]), 0, 4)} | {more} |"
        )


if __name__ == "__main__":
    main()
