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
from nao.encoders.predictors.stacked import StackedConfig

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

DEFAULT = dataclasses.replace(
    PROCESS,
    name="default",
    ascent=dataclasses.replace(PROCESS.ascent, choose="auto"),
    predictor=StackedConfig(
        process=GaussianProcessConfig(correlation="matern"),
        mlp=MLPConfig(hidden=(200,), dropout=0.3, features=True, sigmoid=False, targets="normal"),
        joint=FitConfig(
            trade_off=0.6,
            # Cross-fitting: each architecture is held out once, and none is wasted.
            ensemble_size=4,
            held_out=0.25,
            batch_size=64,
            num_unlabelled=32,
            epochs=0,
            min_updates=150,
            learning_rate=1e-3,
            warmup_cosine=True,
            weight_decay=0.0,
            max_grad_norm=1.0,
        ),
    ),
)
"""The method: E, f and D fitted jointly, with a process for what that leaves over and for how sure f is.

The process is that of `process`, but reads the features of the graph too, and is rougher. It ranks better:
on NAS-Bench-201, by the protocol of papers, tau is .826 / .863 / .874 at 156 / 469 / 781 labels, that of
`process` .784 / .827 / .844.

Members are fitted to 100 scores and more. On cells trained on the digits they have a weight of about a fifth
and raise tau by .0045 [.0018, .0072] at 400 scores and by .0038 [.0021, .0055] at 700; on NAS-Bench-201 and
NAS-Bench-Macro their weight is 0 as a rule, and f is the process. A fit of the four to strings of 40 tokens
takes about 15 CPU-seconds. More than 150 updates, two layers, 400 units or three times the learning rate
added less; with E as it begins the members rank worse by .010 (docs/results.md).
"""

PRESETS: Mapping[str, NeuralEncoder] = {preset.name: preset for preset in (DEFAULT, PROCESS, PUBLISHED)}
