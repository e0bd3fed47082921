"""E, f and D fitted together to scored architectures, as in the paper.

Axis letters: N scored architectures, K members of an ensemble, A strings of one architecture, U strings
without a score, T tokens.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from nao.core import Quality, SearchSpace
from nao.encoders.batches import Data
from nao.encoders.decode import to_device
from nao.encoders.fit import FitConfig, fit_networks
from nao.encoders.loss import Networks
from nao.encoders.members import predict_targets, reconstruct
from nao.encoders.model import HeldOut, Model
from nao.encoders.networks import NetworksConfig
from nao.encoders.predictors.mlp import MLPConfig
from nao.encoders.strings import STRINGS, Autoencoder, unseen_strings
from nao.metrics import hamming, kendall_tau, pairwise_accuracy
from nao.pytree import bucket_size, pad_rows
from nao.surrogates.score_transform import ScoreTransform


def fit_jointly(
    networks: NetworksConfig,
    predictor: MLPConfig,
    config: FitConfig,
    space: SearchSpace,
    tokens: Int[np.ndarray, "N T"],
    scores: Float[np.ndarray, " N"],
    seed: int,
    learned: Autoencoder | None = None,
) -> tuple[Model, HeldOut]:
    """Fits E, f and D by minimising Eqn. (1), and measures them on what was held out.

    Args:
      networks: E and D.
      predictor: f.
      config: how they are fitted, and how many members.
      space: whose strings these are.
      tokens: `[N, T]` architectures.
      scores: `[N]` of each.
      seed: of all that is random.
      learned: E and D to begin with, for every member; else they are drawn.
    """
    rng, K = np.random.default_rng(seed), config.ensemble_size
    transform = ScoreTransform.fit(predictor.targets, scores)
    targets = transform.forward(scores)
    grammar = to_device(space.grammar)
    folds = draw_folds(len(tokens), config, rng)
    rows = [np.setdiff1d(np.arange(len(tokens)), fold) for fold in folds]
    size = bucket_size(len(tokens), 1024)
    data = Data(
        strings=jnp.asarray(pad_rows(augment(space, tokens, config.num_augmentations, rng), size)),
        features=jnp.asarray(pad_rows(predictor.read(space, tokens), size), jnp.float32),
        targets=jnp.asarray(pad_rows(targets, size), jnp.float32),
        unlabelled=jnp.asarray(draw_unlabelled(space, tokens, config, rng)),
        rows=jnp.asarray(np.stack([pad_rows(own, size) for own in rows])),
        counts=jnp.asarray([len(own) for own in rows]),
    )
    first = [Networks.create(networks, predictor, space, rng) for _ in range(K)]
    if learned is not None:
        first = [Networks(learned.decoder, learned.encoder, own.predictor) for own in first]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *first)
    fitted, losses = fit_networks(stacked, jax.random.key(seed), data, grammar, config)
    if K == 1:
        fitted = jax.tree.map(lambda x: x[0], fitted)
    encoder, f, decoder = fitted.encoder, fitted.predictor, fitted.decoder
    assert f is not None
    l_pp, l_rec = np.asarray(losses).mean(axis=0)

    # Row i is member i mod K's: what it held out, in the order of the folds, the longest of which are first.
    held_out = np.array([fold[j] for j in range(len(folds[0])) for fold in folds if j < len(fold)])
    predicted = predict_targets(encoder, f, space, tokens[held_out], K)
    written = reconstruct(encoder, decoder, grammar, tokens[held_out], K)
    by_fold = [(predicted[k::K], scores[held_out[k::K]]) for k in range(K)]
    quality = Quality(
        held_out=len(held_out),
        pairwise_accuracy=mean_over_folds(pairwise_accuracy, by_fold),
        kendall_tau=mean_over_folds(kendall_tau, by_fold),
        hamming=hamming(written, tokens[held_out]),
        metrics={"L_pp": float(l_pp), "L_rec": float(l_rec)},
    )
    model = Model(
        encoder=encoder,
        predictor=f,
        decoder=decoder,
        grammar=grammar,
        transform=transform.pad(bucket_size(len(transform.scores), 64)),
        best=float(targets.max()),
        quality=quality,
        space=space,
        ensemble_size=K,
    )
    return model, HeldOut(held_out, predicted)


def augment(
    space: SearchSpace, tokens: Int[np.ndarray, "N T"], A: int, rng: np.random.Generator
) -> Int[np.ndarray, "N A T"]:
    """Symmetric augmentation: A strings that mean each architecture, the first as it is given."""
    drawn = [space.augment(tokens, rng) for _ in range(A - 1)]
    return np.stack([tokens, *drawn], axis=1).astype(np.int32)


def draw_folds(n: int, config: FitConfig, rng: np.random.Generator) -> list[Int[np.ndarray, " _"]]:
    """Rows that each member is not fitted to: disjoint random shares, of which small n leaves some empty."""
    held_out = max(1, round(n * config.held_out * config.ensemble_size))
    return np.array_split(rng.permutation(n)[:held_out], config.ensemble_size)


def draw_unlabelled(
    space: SearchSpace, tokens: Int[np.ndarray, "N T"], config: FitConfig, rng: np.random.Generator
) -> Int[np.ndarray, "U T"]:
    """Random legal strings; none of the scored ones, some of which are held out."""
    if not config.num_unlabelled:
        return np.zeros((0, space.length), np.int32)
    return np.resize(unseen_strings(space, tokens, rng), (STRINGS, space.length))


def mean_over_folds(
    measure: Callable[[np.ndarray, np.ndarray], float], folds: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    """A measure of (predicted, true), weighted by pairs within a fold, where one f judges both of a pair."""
    pairs = np.array([len(true) * (len(true) - 1) for _, true in folds], float)
    values = np.array([measure(predicted, true) for predicted, true in folds])
    known = np.isfinite(values)
    return float(np.average(values[known], weights=pairs[known])) if known.any() else float("nan")
