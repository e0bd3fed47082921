"""The encoders that have a name, with what each costs and achieves.

"Slide" is the talk the project follows, "paper" Luo et al. 2018 (Neural Architecture Optimization), "code"
the PyTorch program that the authors released.
"""

import dataclasses
from collections.abc import Mapping

from nao.ascent import AscentConfig
from nao.encoders.encoder import NeuralEncoder
from nao.encoders.fit import FitConfig
from nao.encoders.networks import NetworksConfig
from nao.encoders.predictors.gaussian_process import GaussianProcessConfig
from nao.encoders.predictors.mlp import MLPConfig

PUBLISHED = NeuralEncoder(name="published")
"""The paper and its code: one model, 1000 passes. Its choices are the defaults of every configuration.

At 0.033 CPU-seconds an update, 600 strings of 40 tokens should take about 200 CPU-seconds.
"""

SMALL = NetworksConfig(
    hidden_size=64,
    # h_t keeps its length.
    l2_normalize=False,
    # Copying is the first thing D can do, instead of the last it learns.
    attention_prior=4.0,
    initial_bound=None,
)

JOINT = NeuralEncoder(
    name="joint",
    networks=SMALL,
    predictor=MLPConfig(
        hidden=(200,),
        # No sigmoid that would flatten the slope of f at the top.
        sigmoid=False,
        # A few failures, or many good scores close together, must not decide what f attends to.
        targets="normal",
    ),
    training=FitConfig(
        # Cross-fitting: each architecture is held out once, and none is wasted.
        ensemble_size=4,
        held_out=0.25,
        batch_size=64,
        num_unlabelled=32,
        epochs=16,
        min_updates=150,
        learning_rate=4e-3,
        warmup_cosine=True,
        weight_decay=0.0,
        max_grad_norm=1.0,
    ),
    ascent=AscentConfig(
        # Beyond its own length from a seed f is believed too easily: of 400 scored cells on the digits, what
        # was picked from steps up to 1 scored 0.83 when trained, from steps up to 3 only 0.78 (seeds 0.79).
        step_sizes=tuple(round(0.05 * n, 2) for n in range(1, 21)),
        num_steps=4,
        normalize=True,
        unit_length=False,
        choose="predicted",
    ),
)
"""What measured better in a small comparison: two synthetic targets on 40 tokens, one fit each.

600 updates (four members of 150) fit 600 strings of 40 tokens in about 11 CPU-seconds; of 60 tokens, in
17. Held-out strings come back with 0.00 wrong tokens of 40, and 0.06 of 60 (`benchmarks/fit.py`). Twice
the updates overfitted f, weight decay of 1e-3 and half the `attention_prior` made D worse (0.5 and 0.1 wrong
tokens of 40); other values of lambda, one more layer of f, other batches and more or fewer steps of the
ascent stayed within the noise.
"""

PROCESS = NeuralEncoder(
    name="process",
    # E and D are fitted to strings alone; f is a process, which needs no ensemble to know how sure it is.
    networks=SMALL,
    predictor=GaussianProcessConfig(inputs=("mean", "states", "features")),
    training=FitConfig(
        trade_off=0.0,
        held_out=0.0,
        num_augmentations=1,
        batch_size=0,
        num_unlabelled=96,
        epochs=0,
        min_updates=600,
        learning_rate=4e-3,
        warmup_cosine=True,
        weight_decay=0.0,
        max_grad_norm=1.0,
    ),
    ascent=AscentConfig(
        # Many lengths and a direction of each seed's own: f filters what is decoded before any of it is
        # scored, so that it should be many different architectures. Without noise they were 22 at a time.
        step_sizes=tuple(round(0.3 * n, 2) for n in range(1, 11)),
        num_steps=10,
        normalize=True,
        noise=1.0,
        unit_length=False,
        choose="predicted",
    ),
)
"""What needed the fewest queries to find the best architecture of a table (docs/results.md).

The strings are learned in a few CPU-seconds, once for a search; each fit of f to 200 scores takes a fraction
of a second.
"""

DEFAULT = dataclasses.replace(PROCESS, name="default", predictor=GaussianProcessConfig(correlation="matern"))
"""`process`, whose f reads the features of the graph too, and is rougher.

It ranks better. On NAS-Bench-201, by the protocol of papers, tau is .826 / .863 / .874 at 156 / 469 / 781
labels, that of `process` .784 / .827 / .844; on cells trained on the digits .48 / .54 / .56 at 100 / 400 /
700, that of `process` .45 / .51 / .54. In the queries to the best of a table the two are level
(docs/results.md).
"""

PRESETS: Mapping[str, NeuralEncoder] = {
    preset.name: preset for preset in (DEFAULT, PROCESS, JOINT, PUBLISHED)
}
