r"""Does the analysis find what was planted? A target that two tokens decide, and a property of a third.

    python benchmarks/planted.py [--seeds 20] [--scores 200] [--noise 0.1]

Strings have ten positions with four words each. The score of one is what two of its words add, whose
positions and values are drawn anew for every seed, and noise, in standard deviations of the scores.
`default` and `process` are fitted to some of them. A row says in how many of the seeds the two positions are
the first two in the mean size of their attribution, by leaving tokens out and by the gradient; and the least
R^2 over the seeds of a linear probe for whether a certain word stands at a third position.
"""

import argparse
import dataclasses

import numpy as np

from nao import analysis
from nao.encoders.presets import DEFAULT, PROCESS
from nao.spaces.words import WordSpace

SPACE = WordSpace("planted", [tuple("abcd")] * 10)
EMBEDDING_ALONE = dataclasses.replace(
    PROCESS,
    name="process on the embedding alone",
    predictor=dataclasses.replace(PROCESS.predictor, inputs=("mean", "states")),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--scores", type=int, default=200)
    parser.add_argument("--noise", type=float, default=0.1)
    given = parser.parse_args()
    print("| encoder | by leaving out | by the gradient | least R^2 of the probe |\n|---|---|---|---|")
    for encoder in (DEFAULT, PROCESS, EMBEDDING_ALONE):
        found = []
        for seed in range(given.seeds):
            rng = np.random.default_rng(seed)
            tokens = SPACE.grammar.sample(rng, given.scores).astype(np.int32)
            first, second, third = rng.permutation(SPACE.length)[:3].tolist()
            value = rng.normal(size=(2, 4))
            scores = value[0, tokens[:, first]] + value[1, tokens[:, second]]
            scores = scores + given.noise * scores.std() * rng.normal(size=len(scores))
            model = encoder.fit(SPACE, tokens, scores, seed=seed)
            planted = {first, second}
            ranks = []
            for attribute in (analysis.leave_one_out, analysis.gradient_times_embedding):
                size = np.abs(attribute(model, tokens)).mean(axis=0)
                ranks.append({*size.argsort()[-2:].tolist()} == planted)
            points = analysis.vectors(analysis.embed(model, tokens))
            probe = analysis.linear_probe(points, (tokens[:, third] == 1).astype(np.float32))
            found.append((*ranks, float(probe.r2)))
        left_out, gradient, r2 = zip(*found, strict=True)
        print(
            f"| {encoder.name} | {sum(left_out)} of {given.seeds} | {sum(gradient)} | {min(r2):.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
