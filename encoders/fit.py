"""Fitting E, f and D: the whole fit of every member is one compiled program.

Rows are padded to a few fixed numbers, and how many of them are real, and how many updates to make, are
arguments of the program: a study that grows is fitted by the program that is already there.

Axis letters: K members, N architectures (padded), A strings that mean the same, T tokens, U unlabelled
strings, B strings of a batch, L of them with a score.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key

from nao.encoders.configuration import Configuration
from nao.encoders.decode import Rules, legal_at
from nao.encoders.loss import loss
from nao.encoders.networks import Networks, Sizes

Weights = nnx.State[Any, Any]  # the parameters of E, f and D
Carry = tuple[Array, optax.OptState, Array]


class Data(NamedTuple):
    """What a fit is fitted to.

    Attributes:
      strings: `[N, A, T]` strings that mean the same as each architecture.
      targets: `[N]` what f learns.
      unlabelled: `[U, T]` legal strings without a score.
    """

    strings: Int[Array, "N A T"]
    targets: Float[Array, " N"]
    unlabelled: Int[Array, "U T"]


@functools.cache
def structure(configuration: Configuration, sizes: Sizes) -> nnx.GraphDef[Networks]:
    """What `nnx.merge` needs, beside the weights, to make the networks."""
    return nnx.graphdef(Networks(configuration, sizes, np.random.default_rng(0)))


@functools.partial(jax.jit, static_argnames=("configuration", "sizes"))
def fit(
    weights: Weights,
    keys: Key[Array, " K"],
    data: Data,
    rules: Rules,
    rows: Int[Array, "K N"],
    counts: Int[Array, " K"],
    updates: Int[Array, ""],
    *,
    configuration: Configuration,
    sizes: Sizes,
) -> tuple[Weights, Float[Array, "K 2"]]:
    """Fits K members to their own rows of the data by minimising Eqn. (1).

    Args:
      weights: first weights of the members, with a leading axis K.
      keys: `[K]` random keys.
      data: the architectures, padded.
      rules: of the space.
      rows: `[K, N]` the rows that each member is fitted to, then padding.
      counts: `[K]` how many of them are real.
      updates: optimiser steps.
      configuration: of the networks and the fit.
      sizes: of the space.

    Returns:
      fitted weights, and `[K, 2]` running means of L_pp and L_rec at the end.
    """
    graph = structure(configuration, sizes)
    # Adam works on one long vector: the same arithmetic, and far less to compile and to start.
    optimiser = optax.chain(
        optax.clip_by_global_norm(configuration.clip),
        optax.add_decayed_weights(configuration.weight_decay),
        optax.scale_by_adam(),
    )

    def member(its: tuple[Weights, Array, Array, Array]) -> tuple[Weights, Array]:
        start, key, rows, count = its
        batches, noise = jax.random.split(key)
        weights, unravel = ravel_pytree(start)

        def update(step: Array, carry: Carry) -> Carry:
            weights, state, losses = carry
            tokens, targets = _batch(batches, step, data, rows, count, configuration)
            legal = legal_at(rules, tokens)

            def objective(weights: Array) -> tuple[Array, Array]:
                networks = nnx.merge(graph, unravel(weights))
                return loss(networks, configuration, tokens, legal, targets, jax.random.fold_in(noise, step))

            gradient, parts = jax.grad(objective, has_aux=True)(weights)
            direction, state = optimiser.update(gradient, state, weights)
            weights = weights - _rate(step, updates, configuration) * direction
            return weights, state, losses + (parts - losses) * jnp.maximum(0.02, 1 / (step + 1))

        carry = (weights, optimiser.init(weights), jnp.zeros(2))
        weights, _, losses = jax.lax.fori_loop(0, updates, update, carry)
        fitted: Weights = unravel(weights)
        return fitted, losses

    # All members at once on an accelerator; one after the other on a CPU, whose caches hold only one.
    at_once = 1 if jax.default_backend() == "cpu" else configuration.members
    fitted: tuple[Weights, Array] = jax.lax.map(member, (weights, keys, rows, counts), batch_size=at_once)
    return fitted


def _rate(step: Array, updates: Array, configuration: Configuration) -> Array:
    """The learning rate of one update."""
    if not configuration.annealed:
        return jnp.asarray(configuration.learning_rate)
    done = step / updates
    warm = jnp.minimum(1.0, 10 * (done + 1 / updates))
    return configuration.learning_rate * warm * 0.5 * (1 + jnp.cos(jnp.pi * done))


def _batch(
    key: Array, step: Array, data: Data, rows: Array, count: Array, configuration: Configuration
) -> tuple[Int[Array, "B T"], Float[Array, " L"]]:
    """The strings and targets of one update: passes over the rows in random order; unlabelled strings."""
    batch, unlabelled = configuration.batch, configuration.unlabelled
    of_pass, of_step = jax.random.split(key)
    draw = jax.random.uniform(jax.random.fold_in(of_step, step), (batch + unlabelled,))
    extra = (draw[batch:] * data.unlabelled.shape[0]).astype(jnp.int32)
    if not batch:
        return data.unlabelled[extra], data.targets[:0]

    epoch_length = (count + batch - 1) // batch
    epoch, place = step // epoch_length, step % epoch_length
    order = jax.random.uniform(jax.random.fold_in(of_pass, epoch), rows.shape)
    order = jnp.argsort(jnp.where(jnp.arange(rows.shape[0]) < count, order, 2.0))
    chosen = rows[order[(place * batch + jnp.arange(batch)) % count]]
    variant = (draw[:batch] * data.strings.shape[1]).astype(jnp.int32)
    tokens = data.strings[chosen, variant]
    if unlabelled:
        tokens = jnp.concatenate([tokens, data.unlabelled[extra]])
    return tokens, data.targets[chosen]
