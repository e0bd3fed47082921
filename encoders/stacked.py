"""The process and the paper's own model in one: f = (1 - w) f_process + w f_joint (stacking, Wolpert 1992).

E and D are fitted to strings, and the process to all scores (`nao.encoders.strings`). From these E and D
begin K members, which are fitted to scores by Eqn. (1) together with a feed-forward f, each to other
architectures (`nao.encoders.joint`). What a member predicts of architectures that it was not fitted to says
how much of it f takes: w is the weight with the least squared error. Where the process is right by itself w
is 0, and the model is the process.

The embedding of a string is what both have of it, side by side, so that the gradient of f moves both; D
writes with the likelihoods of both, weighted as f is.

Axis letters: N scored architectures, M <= N of them that members are fitted to, B strings, W beams of each,
T tokens, V vocabulary, K members, S steps of the encoder, d hidden units of either.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.core import Quality, SearchSpace
from nao.embedding import Embedding
from nao.encoders.decode import Writer, decode_by_beam, decode_greedily
from nao.encoders.fit import FitConfig
from nao.encoders.joint import fit_jointly
from nao.encoders.members import by_member, predict_by_members
from nao.encoders.model import HeldOut, Model, by_name, describe
from nao.encoders.networks import NetworksConfig
from nao.encoders.predictors.mlp import MLP
from nao.encoders.predictors.stacked import StackedConfig
from nao.encoders.strings import fit_process, fit_strings
from nao.metrics import kendall_tau, pairwise_accuracy
from nao.pytree import pytree, replace
from nao.surrogates.gaussian_process import Posterior


@pytree
@dataclasses.dataclass(frozen=True)
class Stacked:
    """E, f and D of a process and of members that were fitted jointly (see `nao.core.Model`).

    Attributes:
      process: E and D of strings, f a Gaussian process.
      members: K of E, f and D, fitted jointly.
      weight: w, from 0 to 1.
      scale: `[2]` from what the members predict to targets of the process: a shift and a factor.
      best: the highest target so far.
      quality: measured on held-out architectures.
    """

    process: Model
    members: Model
    weight: float
    scale: Float[np.ndarray, " 2"]
    best: float
    quality: Quality

    @property
    def space(self) -> SearchSpace:
        """Whose strings it reads and writes."""
        return self.process.space

    @property
    def ensemble_size(self) -> int:
        """K. Row i of strings or embeddings is member i mod K's."""
        return self.members.ensemble_size

    def embed(self, tokens: Int[Array | np.ndarray, "B T"]) -> Embedding:
        """E: the hidden states of both side by side, and the features."""
        own = self.process.embed(tokens)
        join = np.concatenate if isinstance(tokens, np.ndarray) else jnp.concatenate
        return Embedding(join([own.states, self.members.states(tokens)], axis=2), own.features)

    @jax.jit
    def value(self, e: Embedding) -> Float[Array, " B"]:
        """f: the predicted targets of embeddings."""
        mean: Array = self.posterior(e)[0]
        return mean

    @jax.jit
    def posterior(self, e: Embedding) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
        """Mean of f at embeddings, and the standard deviation of the process."""
        own, theirs = self._apart(e)
        mean, std = self.process.posterior(own)
        return self._mix(mean, self.members.value(theirs)), std

    @jax.jit
    def blend(self, shares: Float[Array, "B T V"]) -> Float[Array, "B S d"]:
        """The hidden states of both E for mixtures of tokens."""
        return jnp.concatenate([self.process.blend(shares), self.members.blend(shares)], axis=2)

    @jax.jit
    def decode(self, e: Embedding, noise: Float[Array, "B T V"] | None = None) -> Int[Array, "B T"]:
        """D: at each step the most likely legal token; with Gumbel noise, a sample."""

        def member(networks: Any, rows: tuple[Embedding, Array | None]) -> Array:
            e, noise = rows
            return decode_greedily(self.process.grammar, *self._writers(networks, e), noise=noise)

        networks = self.members.encoder, self.members.decoder
        return by_member(member, self.ensemble_size, networks, (e, noise))

    @functools.partial(jax.jit, static_argnames="width")
    def beam(self, e: Embedding, width: int) -> tuple[Int[Array, "B W T"], Float[Array, "B W"]]:
        """D by beam search: W strings, the most likely first, and their log-likelihoods."""

        def member(networks: Any, e: Embedding) -> tuple[Array, Array]:
            return decode_by_beam(self.process.grammar, width, *self._writers(networks, e))

        return by_member(member, self.ensemble_size, (self.members.encoder, self.members.decoder), e)

    def member(self, k: int) -> "Stacked":
        """The process with one of the K members."""
        return replace(self, members=self.members.member(k))

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """f(E(x)), in the units of the scores; the mean over the members."""
        return self.to_scores(self.joint_posterior(tokens).mean)

    def joint_posterior(self, tokens: Int[np.ndarray, "B T"]) -> Posterior:
        """The joint distribution of the targets of strings: that of the process about the mean of f."""
        posterior = self.process.joint_posterior(tokens)
        assert posterior is not None
        mean = self._mix(posterior.mean, predict_by_mean(self.members, tokens))
        return dataclasses.replace(posterior, mean=mean)

    def to_scores(self, targets: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Targets in the units of the scores."""
        return self.process.to_scores(targets)

    def to_targets(self, scores: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Scores as what f learns."""
        return self.process.to_targets(scores)

    def score_noise(self) -> float:
        """The standard deviation of one score's noise, as the process believes, in targets."""
        return self.process.score_noise()

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was fitted, by name."""
        return {"space": describe(self.space), **by_name(self.learned())}

    def learned(self) -> dict[str, Any]:
        """The parts that `arrays` keeps."""
        parts = {"process": self.process.learned(), "members": self.members.learned()}
        return parts | {name: getattr(self, name) for name in ("weight", "scale", "best", "quality")}

    def _writers(self, networks: Any, e: Embedding) -> tuple[Writer, Writer]:
        """D of the process and of one member, with as much say as they have in f."""
        (encoder, decoder), (own, theirs), w = networks, self._apart(e), self.weight
        h, h_k = jnp.asarray(own.states), jnp.asarray(theirs.states)
        first = Writer(self.process.decoder, h, self.process.encoder.mean_pool(h), 1 - w)
        return first, Writer(decoder, h_k, encoder.mean_pool(h_k), w)

    def _apart(self, e: Embedding) -> tuple[Embedding, Embedding]:
        own, theirs = jnp.split(jnp.asarray(e.states), 2, axis=2)
        return Embedding(own, e.features), Embedding(theirs, e.features)

    def _mix(self, own: Any, theirs: Any) -> Any:
        """The mean of both predictions, that of the members in targets of the process."""
        return (1 - self.weight) * own + self.weight * (self.scale[0] + self.scale[1] * theirs)


def fit_stacked(
    networks: NetworksConfig,
    config: StackedConfig,
    training: FitConfig,
    space: SearchSpace,
    tokens: Int[np.ndarray, "N T"],
    scores: Float[np.ndarray, " N"],
    seed: int,
) -> Model | Stacked:
    """Fits the process to all scores, the members to the first M of them, and the weight of the members.

    Returns:
      the two in one model; the process alone, if w is 0 or there are too few scores for members.
    """
    learned = fit_strings(space, networks, training, seed)
    process, (_, own) = fit_process(learned, config.process, space, tokens, scores)
    M = config.fitted_to(len(tokens))
    if M == 0:
        return process
    key = tokens[:M].astype(np.int32).tobytes(), scores[:M].astype(np.float64).tobytes()
    members, held_out = _fit_members(networks, config, training, space, M, key, seed)
    targets = process.transform.forward(scores)
    predicted = np.empty(len(tokens))
    predicted[held_out.rows] = held_out.predicted
    others = np.setdiff1d(np.arange(len(tokens)), held_out.rows)  # what no member held out
    if len(others):
        predicted[others] = predict_by_mean(members, tokens[others])
    scale = line(predicted, targets)
    theirs = scale[0] + scale[1] * predicted
    w = stacking_weight(own, theirs, targets)
    if w == 0:
        return process
    mixed = (1 - w) * own + w * theirs
    quality = dataclasses.replace(
        process.quality,
        pairwise_accuracy=pairwise_accuracy(mixed, scores),
        kendall_tau=kendall_tau(mixed, scores),
        metrics={**process.quality.metrics, **members.quality.metrics, "weight": w},
    )
    return Stacked(process, members, w, scale, process.best, quality)


@functools.lru_cache(maxsize=1)
def _fit_members(
    networks: NetworksConfig,
    config: StackedConfig,
    training: FitConfig,
    space: SearchSpace,
    M: int,
    key: tuple[bytes, bytes],
    seed: int,
) -> tuple[Model, HeldOut]:
    """The members, which are the same until there are scores enough for other ones."""
    tokens = np.frombuffer(key[0], np.int32).reshape(M, -1)
    scores = np.frombuffer(key[1], np.float64)
    learned = fit_strings(space, networks, training, seed)
    return fit_jointly(networks, config.mlp, config.joint, space, tokens, scores, seed, learned)


def predict_by_mean(members: Model, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
    """The targets that the members predict, in their mean."""
    assert isinstance(members.predictor, MLP)
    networks = members.encoder, members.predictor
    each = predict_by_members(*networks, members.space, tokens, members.ensemble_size)
    return np.asarray(each.mean(axis=1))


def line(x: Float[np.ndarray, " N"], y: Float[np.ndarray, " N"]) -> Float[np.ndarray, " 2"]:
    """Shift and factor of the line through (x, y) with the least squared error; flat for a constant x."""
    spread = x.var()
    factor = ((x - x.mean()) * (y - y.mean())).mean() / spread if spread > 0 else 0.0
    return np.array([y.mean() - factor * x.mean(), factor])


def stacking_weight(
    own: Float[np.ndarray, " N"], theirs: Float[np.ndarray, " N"], targets: Float[np.ndarray, " N"]
) -> float:
    """Stacking: the w in [0, 1] for which (1 - w) own + w theirs has the least squared error.

    Both are predictions of targets that were held out. A weight within its standard error is none.
    """
    difference, error = theirs - own, targets - own
    square = float((difference**2).sum())
    if square == 0:
        return 0.0
    w = float((difference * error).sum()) / square
    standard_error = float(np.sqrt(((error - w * difference) ** 2).mean() / square))
    return min(w, 1.0) if w > standard_error else 0.0
