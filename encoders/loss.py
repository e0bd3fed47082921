"""Eqn. (1): the loss that E, f and D are fitted to, L = lambda L_pp + (1 - lambda) L_rec.

Axis letters: B strings, L of them with a score, T tokens, S encoder steps, d hidden units, F
features, V vocabulary.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from nao.core import SearchSpace
from nao.encoders.decode import log_likelihood
from nao.encoders.networks import DecoderLSTM, EncoderLSTM, Initializer, NetworksConfig
from nao.encoders.predictors.mlp import MLP, MLPConfig
from nao.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class Networks:
    """The networks that are fitted by gradient descent: D, E and, unless it is of another kind, f."""

    decoder: DecoderLSTM
    encoder: EncoderLSTM
    predictor: MLP | None

    @classmethod
    def create(
        cls, config: NetworksConfig, predictor: MLPConfig, space: SearchSpace, rng: np.random.Generator
    ) -> "Networks":
        """First weights: of E, then of f, then of D."""
        draw = Initializer(config.initial_bound, rng)
        encoder = EncoderLSTM.create(config, space, draw)
        f = MLP.create(predictor, config.hidden_size, space, draw)
        return cls(DecoderLSTM.create(config, space, draw), encoder, f)


def prediction_loss(
    predictor: MLP,
    mean: Float[Array, "L d"],
    features: Float[Array, "L F"],
    targets: Float[Array, " L"],
    key: Key[Array, ""],
) -> Float[Array, ""]:
    """L_pp: the squared error of f, (s_x - f(e_x))^2, its mean over the strings. The key is for dropout."""
    return jnp.mean((targets - predictor(mean, features, key)) ** 2)


def reconstruction_loss(
    logits: Float[Array, "T B V"], tokens: Int[Array, "B T"], legal: Bool[Array, "T B V"]
) -> Float[Array, ""]:
    """L_rec: minus the log-likelihood of the strings, normalised over the legal vocabulary V_t.

    Slide: -sum_t log [exp W_{x_t} / sum_{x' in V_t} exp W_{x'}]. Code: over the whole vocabulary, and the
    mean over t instead of the sum. Here: over V_t as the slide says, and the mean as the code's lambda needs.
    """
    log_p = log_likelihood(logits, legal)
    chosen = jax.nn.one_hot(tokens.T, logits.shape[-1])
    return -jnp.mean(jnp.sum(log_p * chosen, axis=-1))


def joint_loss(
    networks: Networks,
    tokens: Int[Array, "B T"],
    legal: Bool[Array, "T B V"],
    features: Float[Array, "L F"],
    targets: Float[Array, " L"],
    trade_off: float,
    key: Key[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, " 2"]]:
    """Eqn. (1) on one batch.

    Args:
      networks: E, f and D.
      tokens: `[B, T]` what E sees and D writes back.
      legal: `[T, B, V]` V_t of each string.
      features: `[L, F]` what f reads of the first L strings beside their embeddings.
      targets: `[L]` their targets; the other strings have no score and count in L_rec alone.
      trade_off: lambda.
      key: for dropout.

    Returns:
      L, and `[2]` L_pp and L_rec.
    """
    encoder, f, decoder = networks.encoder, networks.predictor, networks.decoder
    h = encoder(tokens)
    mean, L = encoder.mean_pool(h), len(targets)
    l_pp = prediction_loss(f, mean[:L], features, targets, key) if f is not None and L else jnp.zeros(())
    l_rec = reconstruction_loss(decoder(h, mean, tokens), tokens, legal)
    return trade_off * l_pp + (1 - trade_off) * l_rec, jnp.stack([l_pp, l_rec])
