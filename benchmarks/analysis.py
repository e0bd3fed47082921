r"""What questions to an embedding cost: CPU-seconds on one core, after everything is compiled.

    taskset -c 0 python benchmarks/analysis.py [--strings 10000] [--scores 400]

`default` is fitted to random scores of `cnn-cell-small`, whose strings have 40 tokens, and asked about other
ones: for the embedding of E alone; for what f reads beside it, too, which is counted on the host; for what f
expects; for what D writes; for two principal components of 2,000 embeddings, and edit distances of graphs.
"""

import argparse
import time
from collections.abc import Callable

import jax
import numpy as np

from nao import analysis
from nao.core import Architecture
from nao.encoders.presets import DEFAULT
from nao.spaces import space


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--strings", type=int, default=10_000)
    parser.add_argument("--scores", type=int, default=400)
    given = parser.parse_args()
    where, rng = space("cnn-cell-small"), np.random.default_rng(0)
    seen = where.grammar.sample(rng, given.scores).astype(np.int32)
    model = DEFAULT.fit(where, seen, rng.normal(size=len(seen)) + (seen == 3).sum(axis=1), seed=0).member(0)
    tokens = where.grammar.sample(rng, given.strings).astype(np.int32)
    blend = jax.nn.one_hot(tokens, len(where.vocabulary))
    few = analysis.vectors(analysis.embed(model, tokens[:2000]))
    graphs = [where.graph(Architecture(tuple(x), where)) for x in tokens[:100].tolist()]
    questions: dict[str, Callable[[], object]] = {
        "E alone": lambda: model.blend(blend),
        "embed": lambda: analysis.embed(model, tokens),
        "predict": lambda: analysis.predict(model, tokens),
        "reconstruct": lambda: analysis.reconstruct(model, tokens),
        "two components of 2,000": lambda: analysis.pca(few, 2),
        "edit distances of 100": lambda: analysis.edit_distances(graphs),
    }
    print(
        f"{type(model).__name__}, {given.strings:,} strings\n\n| question | CPU s | clock s |\n|---|---|---|"
    )
    for name, ask in questions.items():
        jax.block_until_ready(ask())
        began, clock = time.process_time(), time.monotonic()
        jax.block_until_ready(ask())
        print(f"| {name} | {time.process_time() - began:.2f} | {time.monotonic() - clock:.2f} |", flush=True)


if __name__ == "__main__":
    main()
