"""The fitted model: E, f and D, the three functions of Luo et al. 2018, as one pytree.

Axis letters: B strings, W beams of each, T tokens, V vocabulary, K members of an ensemble, S steps of the
encoder, d hidden units, F features, H architectures held out.
"""

import dataclasses
import functools
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.core import InputError, Quality, SearchSpace
from nao.embedding import Embedding
from nao.encoders.decode import Writer, decode_by_beam, decode_greedily
from nao.encoders.members import by_member, encode, predict_by_members, process_inputs
from nao.encoders.networks import DecoderLSTM, EncoderLSTM
from nao.encoders.predictors.gaussian_process import GaussianProcess
from nao.encoders.predictors.mlp import MLP
from nao.grammar import GrammarArrays
from nao.pytree import STATIC, pytree, replace
from nao.surrogates.gaussian_process import Posterior
from nao.surrogates.score_transform import ScoreTransform

pytree(ScoreTransform)


@pytree
@dataclasses.dataclass(frozen=True)
class Model:
    """E, f and D, fitted to one set of scored architectures (see `nao.core.Model`).

    Attributes:
      encoder: E; with several members, its arrays have a leading axis K, as those of D and of f.
      predictor: f.
      decoder: D.
      grammar: of the space.
      transform: from scores to the targets that f learned.
      best: the highest target so far.
      quality: measured on held-out architectures.
      space: whose strings it reads and writes.
      ensemble_size: K. Row i of strings or embeddings is member i mod K's.
    """

    encoder: EncoderLSTM
    predictor: MLP | GaussianProcess
    decoder: DecoderLSTM
    grammar: GrammarArrays
    transform: ScoreTransform
    best: float
    quality: Quality
    space: SearchSpace = dataclasses.field(metadata=STATIC)
    ensemble_size: int = dataclasses.field(metadata=STATIC)

    def embed(self, tokens: Int[Array | np.ndarray, "B T"]) -> Embedding:
        """E: the hidden states of strings, and their features if f reads them.

        Arrays of NumPy give arrays of NumPy. Inside a compiled program the host is called for the features.
        """
        states = self.states(tokens)
        if isinstance(tokens, np.ndarray):
            return Embedding(states, self.predictor.read(self.space, tokens))
        size = (len(tokens), self.predictor.num_features)

        def read(tokens: Array) -> np.ndarray:
            return self.predictor.read(self.space, np.asarray(tokens)).astype(np.float32)

        wanted = jax.eval_shape(lambda: jnp.zeros(size))
        return Embedding(states, jax.pure_callback(read, wanted, tokens, vmap_method="sequential"))

    def states(self, tokens: Int[Array | np.ndarray, "B T"]) -> Float[Array | np.ndarray, "B S d"]:
        """The hidden states h_1, ..., h_S of E alone."""
        if isinstance(tokens, np.ndarray):
            return encode(self.encoder, tokens, self.ensemble_size)
        states: Array = by_member(lambda encoder, x: encoder(x), self.ensemble_size, self.encoder, tokens)
        return states

    @jax.jit
    def value(self, e: Embedding) -> Float[Array, " B"]:
        """f: the predicted targets of embeddings."""
        mean: Array = self.posterior(e)[0]
        return mean

    @jax.jit
    def posterior(self, e: Embedding) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
        """Mean and standard deviation of f at embeddings; 0 where f does not know its own."""

        def member(networks: Any, e: Embedding) -> tuple[Array, Array]:
            encoder, f = networks
            mean, std = f.posterior(encoder.mean_pool(e.states), e.states, e.features)
            return mean, std

        return by_member(member, self.ensemble_size, (self.encoder, self.predictor), e)

    @jax.jit
    def blend(self, shares: Float[Array, "B T V"]) -> Float[Array, "B S d"]:
        """The hidden states of E for mixtures of tokens, through which gradients reach the tokens."""
        states: Array = by_member(
            lambda encoder, x: encoder.blend(x), self.ensemble_size, self.encoder, shares
        )
        return states

    @jax.jit
    def decode(self, e: Embedding, noise: Float[Array, "B T V"] | None = None) -> Int[Array, "B T"]:
        """D: at each step the most likely legal token; with Gumbel noise, a sample."""

        def member(networks: Any, rows: tuple[Array, Array | None]) -> Array:
            (encoder, decoder), (h, noise) = networks, rows
            return decode_greedily(self.grammar, Writer(decoder, h, encoder.mean_pool(h)), noise=noise)

        networks = self.encoder, self.decoder
        return by_member(member, self.ensemble_size, networks, (jnp.asarray(e.states), noise))

    @functools.partial(jax.jit, static_argnames="width")
    def beam(self, e: Embedding, width: int) -> tuple[Int[Array, "B W T"], Float[Array, "B W"]]:
        """D by beam search: W strings, the most likely first, and their log-likelihoods."""

        def member(networks: Any, h: Array) -> tuple[Array, Array]:
            encoder, decoder = networks
            return decode_by_beam(self.grammar, width, Writer(decoder, h, encoder.mean_pool(h)))

        networks = self.encoder, self.decoder
        return by_member(member, self.ensemble_size, networks, jnp.asarray(e.states))

    def member(self, k: int) -> "Model":
        """One of the K members, as a model of its own: all its embeddings are in one space."""
        check_member(k, self.ensemble_size)
        if self.ensemble_size == 1:
            return self
        networks = {name: getattr(self, name) for name in ("encoder", "predictor", "decoder")}
        own: dict[str, Any] = jax.tree.map(lambda x: x[k], networks)
        return replace(self, **own, ensemble_size=1)

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """f(E(x)), in the units of the scores; the mean over the members."""
        posterior = self.joint_posterior(tokens)
        if posterior is not None:
            return self.to_scores(posterior.mean)
        assert isinstance(self.predictor, MLP)
        each = predict_by_members(self.encoder, self.predictor, self.space, tokens, self.ensemble_size)
        return self.to_scores(each.mean(axis=1))

    def joint_posterior(self, tokens: Int[np.ndarray, "B T"]) -> Posterior | None:
        """The joint distribution of the targets of strings, if f is a Gaussian process."""
        if not isinstance(self.predictor, GaussianProcess):
            return None
        f = self.predictor
        return f.regression.posterior(process_inputs(self.encoder, self.space, tokens, f.inputs))

    def to_scores(self, targets: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Targets in the units of the scores."""
        return self.transform.inverse(targets)

    def to_targets(self, scores: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Scores as what f learns."""
        return self.transform.forward(scores)

    def score_noise(self) -> float:
        """The standard deviation of one score's noise in targets, as f believes; 0 without a belief."""
        f = self.predictor
        return float(np.exp(0.5 * f.kernel.log_noise)) if isinstance(f, GaussianProcess) else 0.0

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was fitted, by name; what follows from it is computed again by `nao.encoders.load`."""
        return {"space": describe(self.space), **by_name(self.learned())}

    def learned(self) -> dict[str, Any]:
        """The parts that `arrays` keeps."""
        names = ("encoder", "decoder", "transform", "best", "quality")
        return {"predictor": self.predictor.learned(), **{name: getattr(self, name) for name in names}}


class HeldOut(NamedTuple):
    """What f predicts of architectures that it was not fitted to.

    Attributes:
      rows: `[H]` of the architectures, no two the same.
      predicted: `[H]` their targets.
    """

    rows: Int[np.ndarray, " H"]
    predicted: Float[np.ndarray, " H"]


def check_member(k: int, K: int) -> None:
    """Raises `InputError` when there is no member k of K."""
    if not 0 <= k < K:
        raise InputError(f"the model has the members 0 to {K - 1}, and no {k}")


def by_name(tree: Any) -> dict[str, np.ndarray]:
    """The leaves of a tree as arrays, under the names of the way to each."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(way, simple=True, separator="."): np.asarray(x) for way, x in leaves}


def describe(space: SearchSpace) -> np.ndarray:
    """The configuration of a space, as an array of text without axes."""
    return np.array(json.dumps(space.configuration(), sort_keys=True))
