"""E and D fitted to strings alone: a continuous space of architectures before any of them is scored.

This is Eqn. (1) with lambda = 0, on strings that cost nothing. It is done once for a search. What the scores
teach is f alone, a Gaussian process on that space: there are too few scores to shape the hidden units, and
enough strings that are free.

Axis letters: N scored architectures, U strings without a score, T tokens, S steps of the encoder, d hidden
units.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from nao.core import Quality, SearchSpace
from nao.encoders.batches import Data
from nao.encoders.decode import to_device
from nao.encoders.fit import FitConfig, fit_networks
from nao.encoders.loss import Networks
from nao.encoders.members import process_inputs, reconstruct
from nao.encoders.model import HeldOut, Model
from nao.encoders.networks import DecoderLSTM, EncoderLSTM, NetworksConfig
from nao.encoders.predictors.gaussian_process import GaussianProcess, GaussianProcessConfig
from nao.encoders.predictors.mlp import MLPConfig
from nao.grammar import GrammarArrays
from nao.metrics import hamming, kendall_tau, pairwise_accuracy
from nao.pytree import bucket_size
from nao.surrogates.inducing_points import fit
from nao.surrogates.score_transform import ScoreTransform

STRINGS = 4096  # that E and D are fitted to
UNSEEN = 256  # others, on which D is measured


@dataclasses.dataclass(frozen=True)
class Autoencoder:
    """E and D of a space.

    Attributes:
      encoder: E.
      decoder: D.
      grammar: of the space.
      hamming: mean number of the T tokens that D gets wrong, on strings that they were not fitted to.
    """

    encoder: EncoderLSTM
    decoder: DecoderLSTM
    grammar: GrammarArrays
    hamming: float


@functools.lru_cache(maxsize=2)
def fit_strings(space: SearchSpace, networks: NetworksConfig, config: FitConfig, seed: int) -> Autoencoder:
    """Fits E and D to random strings of a space. The same seed gives the same."""
    rng = np.random.default_rng([seed, 1])
    grammar = to_device(space.grammar)
    strings = space.grammar.sample(rng, STRINGS).astype(np.int32)
    data = Data(
        strings=jnp.zeros((1, 1, space.length), jnp.int32),  # none has a score
        features=jnp.zeros((1, 0)),
        targets=jnp.zeros(1),
        unlabelled=jnp.asarray(strings),
        rows=jnp.zeros((1, 1), jnp.int32),
        counts=jnp.zeros(1, jnp.int32),
    )
    # An f is drawn too, and dropped: E and D begin with the weights they have beside an f.
    first = Networks.create(networks, MLPConfig(hidden=(200,)), space, rng)
    first = Networks(first.decoder, first.encoder, None)
    stacked = jax.tree.map(lambda x: x[None], first)
    fitted, _ = fit_networks(stacked, jax.random.key(seed), data, grammar, config)
    encoder, decoder = jax.tree.map(lambda x: x[0], (fitted.encoder, fitted.decoder))
    unseen = unseen_strings(space, strings, rng)[:UNSEEN]
    wrong = hamming(reconstruct(encoder, decoder, grammar, unseen), unseen)
    return Autoencoder(encoder, decoder, grammar, wrong)


def unseen_strings(
    space: SearchSpace, known: Int[np.ndarray, "N T"], rng: np.random.Generator
) -> Int[np.ndarray, "U T"]:
    """Random legal strings that are not among the known ones; of a space that has no others, any."""
    drawn = space.grammar.sample(rng, STRINGS).astype(np.int32)
    keys = {x.tobytes() for x in known.astype(np.int32)}
    new = [x for x in drawn if x.tobytes() not in keys]
    return np.array(new or drawn, np.int32)


def fit_process(
    learned: Autoencoder,
    config: GaussianProcessConfig,
    space: SearchSpace,
    tokens: Int[np.ndarray, "N T"],
    scores: Float[np.ndarray, " N"],
) -> tuple[Model, HeldOut]:
    """Fits f to the scores, in the space that E and D have made of strings."""
    transform = ScoreTransform.fit(config.targets, scores)
    targets = transform.forward(scores)
    inputs = process_inputs(learned.encoder, space, tokens, config.inputs)
    regression = fit(inputs, targets, config.correlation)
    predicted = regression.leave_one_out()
    quality = Quality(
        held_out=len(scores),
        pairwise_accuracy=pairwise_accuracy(predicted, scores),
        kendall_tau=kendall_tau(predicted, scores),
        hamming=learned.hamming,
        metrics={"noise": regression.kernel.noise},
    )
    model = Model(
        encoder=learned.encoder,
        predictor=GaussianProcess.condition(regression, tokens, config.inputs),
        decoder=learned.decoder,
        grammar=learned.grammar,
        transform=transform.pad(bucket_size(len(transform.scores), 64)),
        best=float(targets.max()),
        quality=quality,
        space=space,
        ensemble_size=1,
    )
    return model, HeldOut(np.arange(len(scores)), predicted)
