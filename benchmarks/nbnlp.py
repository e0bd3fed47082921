"""Which recurrent cells of NAS-Bench-NLP can our spaces express, and do we rank those as published?

    python benchmarks/nbnlp.py FILE [--train 40] [--steps 1000] [--seeds 3] [...]

FILE is a JSON list of runs of the benchmark: the `cell` (see `nbnlp_cells.py`) and its `wt2_val_losses` on
WikiText-2 by epoch, the least of which is published. Cells are distinct up to names and order. Biases, which
our cells lack, are left out, and so are nodes that never reach the output. A string of ours counts as

- exact: it and the cell can be the same functions of x_1 ... x_t, each with all its matrices free and none of
  them zero; sums and products of free matrices are free matrices;
- contained: it is the cell once matrices of the string are zero, tied to others, or have the identity added.
  Leaves that contribute nothing fill a tree and empty its memory;
- with relu: it is contained if leaky relu (slope 0.01) counts as relu.

A tree has no matrix after its leaves and none on its memory. Bases are powers of two, to 256. In `rnn-cell`,
exact are nested blends as of its nodes. Contained are sums of a linear map and of activations of multiples of
it: gates of zero matrices stand half open, and nodes with the identity scale and subtract (first activation
searched, loose ends averaged); what else it contains is not known. Every conversion is evaluated with the
weights of the cell, by the code that trains children. Trained is the smallest tree that contains a cell, with
all its matrices free, so that cells which differ in what is tied are one string; a failed training counts as
the worst.
"""

import argparse
import collections
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from nbnlp_cells import Array, Cell, are_free, form, key, live, obstacles, random_weights, run_cell
from nbnlp_strings import Converted, as_gated, as_tree, blends
from scipy.stats import kendalltau, spearmanr

from nao.core import InputError, Request
from nao.data import Text, as_text, load
from nao.evaluators.devices import set_up_devices
from nao.evaluators.language import LanguageChild, LanguageProgram
from nao.evaluators.pool import DevicePool

DEPTHS = range(1, 9)  # of trees: bases 2 to 256
KINDS = ("exact", "contained", "with relu")
UNITS, STEPS, TOLERANCE = 5, 8, 1e-5  # of the numerical comparison
RESAMPLED = 2000


class Found(NamedTuple):
    """A cell, and what contains it if leaky relu counts as relu.

    Attributes:
      cell: as in the file, what never reaches the output left out.
      published: the least loss on WikiText-2, the mean of all runs that did not fail; nan if all did.
      obstacles: why no tree contains it.
      name: its form.
      exact: whether a tree of any base, a tree of base 8, and `rnn-cell` are exactly that cell.
      strings: the smallest tree, the tree of base 8, and the string of `rnn-cell` that contain it.
    """

    cell: Cell
    published: float
    obstacles: set[str]
    name: str = ""
    exact: Sequence[bool] = (False, False, False)
    strings: Sequence[Converted | None] = (None, None, None)


def read(path: Path) -> list[Found]:
    """The distinct cells of a file of runs."""
    runs = collections.defaultdict(list)
    try:
        for run in json.loads(path.read_text()):
            runs[key(live(run["cell"]))].append(run)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no JSON list of runs of NAS-Bench-NLP: {error!r}") from None
    if not runs:
        raise InputError(f"{path} has no runs")
    return [convert(live(same[0]["cell"]), published(same)) for same in runs.values()]


def published(runs: Sequence[Mapping[str, Any]]) -> float:
    losses = [min(run["wt2_val_losses"]) for run in runs if run["status"] == "OK"]
    return float(np.mean(losses)) if losses else float("nan")


def convert(cell: Cell, loss: float) -> Found:
    """Looks for strings, and checks each of them."""
    obstructed = obstacles(cell)
    nested = blends(cell) >= 2  # a cell has at least two nodes
    if not obstructed <= {"leaky relu"}:
        return Found(cell, loss, obstructed, exact=(False, False, nested))
    weights = random_weights(cell, UNITS)
    f = form(cell, weights, UNITS)
    free = not obstructed and are_free(cell)
    exact = [depth for depth in DEPTHS if free and as_tree(f, depth, exact=True)]
    contained = [tree for depth in DEPTHS if (tree := as_tree(f, depth, exact=False))]
    eight = next((tree for tree in contained if tree.string.space.base == 8), None)
    strings = (next(iter(contained), None), eight, as_gated(f))
    xs = np.random.default_rng(1).normal(size=(STEPS, UNITS))
    checked = [*(string for string in strings if string), *(as_tree(f, depth, exact=True) for depth in exact)]
    for string in checked:
        assert string is not None
        np.testing.assert_allclose(
            string.run(xs), run_cell(cell, weights, xs), rtol=TOLERANCE, atol=TOLERANCE
        )
    return Found(cell, loss, obstructed, str(f), (bool(exact), 3 in exact, nested), strings)


def report(found: Sequence[Found]) -> None:
    """Prints the share of the cells, and what the others have that a tree lacks."""
    print(f"{len(found)} distinct cells\n\n{'space':20}" + "".join(f"{kind:>16}" for kind in KINDS))
    for i, space in enumerate(("rnn-tree, any base", "rnn-tree, base 8", "rnn-cell, any nodes")):
        relu = [each for each in found if each.strings[i] or each.exact[i]]
        exact = sum(each.exact[i] for each in found)
        contained = sum(each.exact[i] or not each.obstacles for each in relu)  # obstacles are those of trees
        counts = (exact, contained, len(relu))
        print(f"{space:20}" + "".join(f"{count:8d} ({count / len(found):4.1%})" for count in counts))
    print(f"\n{'why no tree contains a cell':42}{'cells':>6}{'alone':>7}")
    for reason in sorted({reason for each in found for reason in each.obstacles}):
        having = [each.obstacles for each in found if reason in each.obstacles]
        print(f"{reason:42}{len(having):6d}{sum(len(all_of) == 1 for all_of in having):7d}")


def train(found: Sequence[Found], text: Text, child: LanguageChild, seeds: int) -> None:
    """Trains the smallest trees, and prints our losses beside the published ones, by base."""
    by_base = collections.defaultdict(list)
    for each in found:
        if tree := each.strings[0]:
            by_base[tree.string.space].append((each, tree.string))
    for space, cells in sorted(by_base.items(), key=lambda item: item[0].base):
        pool = DevicePool(LanguageProgram(space, text, child), 1)
        strings = {string.tokens: string for _, string in cells}
        requests = [Request(string, seed) for string in strings.values() for seed in range(1, seeds + 1)]
        losses = collections.defaultdict(list)
        for result in pool.evaluate(requests):
            loss = result.metrics["valid_loss"] if result.status == "ok" else np.inf  # the last rank
            losses[result.request.architecture.tokens].append(loss)
        print(f"\nbase {space.base}: {len(cells)} cells, {len(strings)} strings of ours, {seeds} seeds each;")
        print(f"the loss of {text.name} by frequencies alone is {text.unigram_entropy:.3f}")
        print("published    ours  least    most  cell")
        for each, string in cells:
            row = losses[string.tokens]
            print(f"{each.published:9.3f}{np.mean(row):8.3f}{min(row):7.3f}{max(row):8.3f}  {each.name}")
        known = [
            (cell.published, np.mean(losses[s.tokens])) for cell, s in cells if np.isfinite(cell.published)
        ]
        correlate(np.array(known))


def correlate(pairs: Array) -> None:
    """Prints rank correlations of pairs `[n, 2]`, each with a 95% interval of the bootstrap over cells."""
    n = len(pairs)
    if n < 4:
        print(f"{n} cells are too few for a correlation")
        return
    again = [pairs[rows] for rows in np.random.default_rng(0).integers(n, size=(RESAMPLED, n))]
    again = [each for each in again if all(len(set(column)) > 1 for column in each.T.tolist())]
    for name, correlation in (("Spearman", spearmanr), ("Kendall", kendalltau)):
        low, high = np.quantile([correlation(*each.T).statistic for each in again], (0.025, 0.975))
        print(f"{name} {correlation(*pairs.T).statistic:.2f}, n = {n}, 95% interval {low:.2f} to {high:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--train", type=int, default=40, help="at most so many cells; 0 for none")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--units", type=int, default=LanguageChild().units)
    parser.add_argument("--learning-rate", type=float, default=LanguageChild().learning_rate)
    parser.add_argument("--data", default="text")
    options = parser.parse_args()
    set_up_devices()
    found = read(options.file)
    report(found)
    trained = [each for each in found if each.strings[0]][: options.train]
    if trained:
        child = LanguageChild(steps=options.steps, units=options.units, learning_rate=options.learning_rate)
        train(trained, as_text(load(options.data)), child, options.seeds)


if __name__ == "__main__":
    main()
