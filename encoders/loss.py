"""Eqn. (1): the loss that E, f and D are fitted to, L = lambda L_pp + (1 - lambda) L_rec.

Axis letters: B strings, T tokens, S encoder steps, G tokens per step, V vocabulary.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from nao.encoders.configuration import Configuration
from nao.encoders.networks import Networks, pooled


def reconstruction(
    logits: Float[Array, "T B V"], tokens: Int[Array, "B T"], legal: Bool[Array, "T B V"]
) -> Float[Array, ""]:
    """L_rec: minus the log-likelihood of the strings, normalised over the legal vocabulary V_t.

    Slide: -sum_t log [exp W_{x_t} / sum_{x' in V_t} exp W_{x'}]. Code: over the whole vocabulary, and the
    mean over t instead of the sum. Here: over V_t as the slide says, and the mean as the code's lambda needs.
    """
    log_p = jax.nn.log_softmax(jnp.where(legal, logits, -1e9), axis=-1)
    chosen = jax.nn.one_hot(tokens.T, logits.shape[-1])
    return -jnp.mean(jnp.sum(log_p * chosen, axis=-1))


def loss(
    networks: Networks,
    configuration: Configuration,
    tokens: Int[Array, "B T"],
    legal: Bool[Array, "T B V"],
    targets: Float[Array, " L"],
    key: Key[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, " 2"]]:
    """Eqn. (1) on one batch.

    Args:
      networks: E, f and D.
      configuration: their configuration.
      tokens: `[B, T]` what E sees and D writes back.
      legal: `[T, B, V]` V_t of each string.
      targets: `[L]` targets of the first L strings; the others have no score and count in L_rec alone.
      key: for dropout.

    Returns:
      L, and `[2]` L_pp and L_rec.
    """
    h = networks.encoder(tokens)
    e = pooled(h, configuration)
    L = targets.shape[0]
    l_pp = jnp.mean((targets - networks.predictor(e[:L], key)) ** 2) if L else jnp.zeros(())
    l_rec = reconstruction(networks.decoder(h, e, tokens), tokens, legal)
    share = configuration.trade_off
    return share * l_pp + (1 - share) * l_rec, jnp.stack([l_pp, l_rec])
