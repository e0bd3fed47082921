"""Fitting E, f and D: the whole fit of every member of an ensemble is one compiled program.

Rows are padded to a few fixed numbers. How many of them are real, how many updates to make and the rates are
arguments of the program: a study that grows, or another learning rate, compiles nothing.

Axis letters: K members.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key

from nao.encoders.batches import Data, draw_batch
from nao.encoders.decode import legal_vocabulary
from nao.encoders.loss import Networks, joint_loss
from nao.grammar import GrammarArrays
from nao.settings import above, at_least, check

Carry = tuple[Array, optax.OptState, Array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How E, f and D are fitted. Slide, paper, code: see `nao.encoders.networks`.

    Attributes:
      trade_off: lambda of Eqn. (1). With 0 E and D are fitted to random strings alone, before any is scored.
      ensemble_size: K, how many E, f, D are fitted at once, each to other architectures.
      held_out: share of the architectures that each member is not fitted to; no two members share any.
      num_augmentations: strings that mean the same (A), drawn for each architecture, of which E sees a
        random one each time.
      batch_size: scored architectures in one update.
      num_unlabelled: random legal strings, without a score, in one update: they train E and D alone.
      epochs: passes over the architectures, each of so many updates as it takes batches.
      min_updates: at least so many updates in all.
      learning_rate: of Adam.
      warmup_cosine: the learning rate warms up over a tenth of the updates and then falls to 0 as a cosine.
      weight_decay: added to the gradient times the weight (as Adam in the code does).
      max_grad_norm: largest norm of the gradient.
    """

    # Code: 0.8, with L_rec the MEAN over the T tokens (slide: the sum). Paper: 0.9. As the code, see loss.py.
    trade_off: float = 0.8
    ensemble_size: int = 1
    # Code: measures its predictor on architectures that it was fitted to. Here a tenth is really held out.
    held_out: float = 0.1
    # Slide: "add an additional pair". Code: a random swap each time a string is read; here, one of A drawn.
    num_augmentations: int = 16
    batch_size: int = 100
    num_unlabelled: int = 0
    epochs: int = 1000
    min_updates: int = 0
    # Code: Adam 1e-3, weight decay 1e-4, clip 5, constant rate. The slide does not say.
    learning_rate: float = 1e-3
    warmup_cosine: bool = False
    weight_decay: float = 1e-4
    max_grad_norm: float = 5.0

    def __post_init__(self) -> None:
        check(
            self,
            "encoder.training",
            trade_off=at_least(0, at_most=1),
            ensemble_size=at_least(1),
            held_out=at_least(0, at_most=0.5),
            num_augmentations=at_least(1),
            batch_size=at_least(0),
            num_unlabelled=at_least(0 if self.batch_size else 1),  # an update needs strings
            epochs=at_least(0),
            min_updates=at_least(0),
            learning_rate=above(0),
            weight_decay=at_least(0),
            max_grad_norm=above(0),
        )

    def updates(self, architectures: int) -> int:
        """Updates of one member that is fitted to so many architectures."""
        batches = -(-architectures // self.batch_size) if self.batch_size else 0
        return max(self.min_updates, self.epochs * batches)


class Rates(NamedTuple):
    """The numbers of a `FitConfig` that are no constants of the program."""

    learning_rate: Float[Array, ""]
    weight_decay: Float[Array, ""]
    max_grad_norm: Float[Array, ""]


def fit_networks(
    networks: Networks, key: Key[Array, ""], data: Data, grammar: GrammarArrays, config: FitConfig
) -> tuple[Networks, Float[Array, "K 2"]]:
    """Fits K members to their own rows of the data by minimising Eqn. (1).

    Args:
      networks: first weights of the members, with a leading axis K.
      key: of everything random.
      data: the architectures, padded.
      grammar: of the space.
      config: how.

    Returns:
      fitted networks, and `[K, 2]` running means of L_pp and L_rec at the end.
    """
    rates = Rates(
        learning_rate=jnp.float32(config.learning_rate),
        weight_decay=jnp.float32(config.weight_decay),
        max_grad_norm=jnp.float32(config.max_grad_norm),
    )
    updates = config.updates(int(data.counts.max()))
    fitted: tuple[Networks, Array] = fit_members(
        networks,
        jax.random.split(key, len(data.counts)),
        data,
        grammar,
        jnp.asarray(updates),
        rates,
        trade_off=config.trade_off,
        batch_size=config.batch_size,
        num_unlabelled=config.num_unlabelled,
        warmup_cosine=config.warmup_cosine,
    )
    return fitted


@functools.partial(jax.jit, static_argnames=("trade_off", "batch_size", "num_unlabelled", "warmup_cosine"))
def fit_members(
    networks: Networks,
    keys: Key[Array, " K"],
    data: Data,
    grammar: GrammarArrays,
    updates: Int[Array, ""],
    rates: Rates,
    *,
    trade_off: float,
    batch_size: int,
    num_unlabelled: int,
    warmup_cosine: bool,
) -> tuple[Networks, Float[Array, "K 2"]]:
    """The compiled part of `fit_networks`."""
    # Adam works on one long vector: the same arithmetic, and far less to compile and to start.
    optimizer = optax.chain(
        optax.clip_by_global_norm(rates.max_grad_norm),
        optax.add_decayed_weights(rates.weight_decay),
        optax.scale_by_adam(),
    )

    def fit_member(member: tuple[Networks, Array, Array, Array]) -> tuple[Networks, Array]:
        start, key, rows, count = member
        batch_key, dropout_key = jax.random.split(key)
        weights, unravel = ravel_pytree(start)

        def update(step: Array, carry: Carry) -> Carry:
            weights, state, losses = carry
            batch = draw_batch(batch_key, step, data, rows, count, batch_size, num_unlabelled)
            tokens, features, targets = batch
            legal = legal_vocabulary(grammar, tokens)

            def objective(weights: Array) -> tuple[Array, Array]:
                key = jax.random.fold_in(dropout_key, step)
                return joint_loss(unravel(weights), tokens, legal, features, targets, trade_off, key)

            gradient, parts = jax.grad(objective, has_aux=True)(weights)
            direction, state = optimizer.update(gradient, state, weights)
            rate = rates.learning_rate
            rate = decay(rate, step, updates) if warmup_cosine else rate
            weights = weights - rate * direction
            return weights, state, losses + (parts - losses) * jnp.maximum(0.02, 1 / (step + 1))

        carry = (weights, optimizer.init(weights), jnp.zeros(2))
        weights, _, losses = jax.lax.fori_loop(0, updates, update, carry)
        fitted: Networks = unravel(weights)
        return fitted, losses

    # All members at once on an accelerator; one after the other on a CPU, whose caches hold only one.
    at_once = 1 if jax.default_backend() == "cpu" else len(keys)
    members = networks, keys, data.rows, data.counts
    fitted: tuple[Networks, Array] = jax.lax.map(fit_member, members, batch_size=at_once)
    return fitted


def decay(rate: Float[Array, ""], step: Int[Array, ""], updates: Int[Array, ""]) -> Float[Array, ""]:
    """The learning rate of one update: warm-up over a tenth of them to `rate`, then a cosine to 0."""
    done = step / updates
    warm = jnp.minimum(1.0, 10 * (done + 1 / updates))
    return rate * warm * 0.5 * (1 + jnp.cos(jnp.pi * done))
