"""Are decoded architectures better than the seeds they come from, when these are trained anew?

    python benchmarks/sets.py RUN [RUN ...] [--choices predicted,believed] [--trainings 1]

RUN is the folder of a finished `nao optimize` on children. For each of its iterations, from the scores that
there were before it:

    decoded              the set of the run, as it was predicted and as it scored, once, in the run
    seeds as scored      the architectures with the highest scores, as many as the strategy starts from
    seeds as believed    those with the highest f
    mutated              one mutation of each of the seeds as scored

All but the first are trained, with seeds that no search has used: the highest score of many was luck, in
part. With `--choices` the iteration is decided again in each of these ways, and what is then decoded is
trained too. A row has the mean score that is known or predicted of the set, that of its new trainings, what
`decoded` has more of these, and how many trainings failed, which are in no mean; intervals are bootstrapped
over runs and iterations.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from shared import add_children, child_pool, interval, mean_known

import nao
from nao.compare.tables import estimates
from nao.core import Architecture, Evaluator, Request, Result, Trial
from nao.strategies import NAO
from nao.strategies.choices import believe

UNUSED = 1_000_000_000  # seeds of trainings that no search asks for
Sets = dict[str, tuple[list[Architecture], float]]
"""The architectures of each set, and what their mean score is known or predicted to be."""


def seeds_of(run: nao.Run, known: list[Trial], iteration: int) -> Sets:
    """What an iteration may have begun with, and mutations of that."""
    X = np.array([trial.architecture.tokens for trial in known], np.int32)
    S = np.array([trial.score for trial in known])
    settings = run.history.configuration["strategy"]
    f = run.encoder.fit(run.space, X, S, seed=settings["seed"])
    K, found = (settings["seeds"] + 1) // 2, {}
    for name, by in (("seeds as scored", S), ("seeds as believed", believe(f, X))):
        top = np.argsort(-by, kind="stable")[:K]
        found[name] = [known[i].architecture for i in top], float(by[top].mean())
    rng = np.random.default_rng(iteration)
    found["mutated"] = [run.space.mutate(x, rng) for x in found["seeds as scored"][0]], float("nan")
    return found


def decided(run: nao.Run, known: list[Trial], choose: str, new: int, seed: int) -> Sets:
    """What would have been decoded of these scores."""
    strategy = NAO(run.space, run.encoder, NAO.Settings(initial=1, proposals=new, choose=choose), seed=seed)
    strategy.tell([Result(trial.request(), trial.score) for trial in known])
    proposals = [p for p in strategy.ask(new) if p.origin == "ascent"]
    return {choose: ([p.architecture for p in proposals], float(np.mean([p.predicted for p in proposals])))}


def trained(where: Evaluator, sets: list[list[Architecture]], trainings: int) -> Iterator[list[float | None]]:
    """The scores of new trainings of each set; None of those that failed."""
    seeds = itertools.count(UNUSED)
    asked = [[Request(x, next(seeds)) for x in each for _ in range(trainings)] for each in sets]
    score = {r.request: r.score for r in where.evaluate(list(itertools.chain(*asked)))}
    for requests in asked:
        yield [score[r] for r in requests]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--choices", default="")
    parser.add_argument("--trainings", type=int, default=1)
    add_children(parser)
    given = parser.parse_args()
    where, rows, names = child_pool(given), [], []
    for _ in where.prepare() or ():
        pass
    for folder in given.runs:
        run = nao.load(folder)
        for iteration in range(1, run.history.iterations[-1].number + 1):
            decoded = [t for t in run.history.of(iteration) if t.proposal.origin == "ascent"]
            known = [t for t in run.history.trials if t.iteration < iteration and t.score is not None]
            sets = seeds_of(run, known, iteration)
            for choose in filter(None, given.choices.split(",")):
                sets |= decided(run, known, choose, len(decoded), seed=iteration)
            names = ["decoded", *sets]
            said = [mean_known(t.proposal.predicted for t in decoded), *(said for _, said in sets.values())]
            anew = trained(where, [each for each, _ in sets.values()], given.trainings)
            scores = [[t.score for t in decoded], *anew]
            means, failed, asked = zip(*((mean_known(x), x.count(None), len(x)) for x in scores), strict=True)
            rows.append([said, means, failed, asked])
            of_sets = zip(names, *rows[-1], strict=True)
            line = " ".join(f"{name} {b:.4f} {a:.4f}, failed {n} / {m};" for name, b, a, n, m in of_sets)
            print(folder, iteration, line, flush=True)
    said, anew, failed, asked = np.moveaxis(np.array(rows), 1, 0)  # [iterations, sets]
    print("\n| set | known or predicted | trained anew | `decoded` minus it | failed |\n|" + "---|" * 5)
    for i, name in enumerate(names):
        mean = interval(estimates(anew[:, i : i + 1]), 0, 4)
        more = interval(estimates((anew[:, 0] - anew[:, i])[:, None]), 0, 4, "+") if i else ""
        count = f"{failed[:, i].sum():.0f} / {asked[:, i].sum():.0f}"
        print(f"| {name} | {said[:, i].mean():.4f} | {mean} | {more} | {count} |")


if __name__ == "__main__":
    main()
