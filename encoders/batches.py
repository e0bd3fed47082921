"""What a fit is fitted to, and the strings of one update.

Axis letters: K members, N architectures (padded), A strings of one architecture, T tokens, U unlabelled
strings, B strings of a batch, L of them with a score, F features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key


class Data(NamedTuple):
    """What a fit is fitted to.

    Attributes:
      strings: `[N, A, T]` strings that mean the same as each architecture.
      features: `[N, F]` what f reads of them beside their embeddings.
      targets: `[N]` what f learns.
      unlabelled: `[U, T]` legal strings without a score.
      rows: `[K, N]` the rows that each member is fitted to, then padding.
      counts: `[K]` how many of them are real.
    """

    strings: Int[Array, "N A T"]
    features: Float[Array, "N F"]
    targets: Float[Array, " N"]
    unlabelled: Int[Array, "U T"]
    rows: Int[Array, "K N"]
    counts: Int[Array, " K"]


def draw_batch(
    key: Key[Array, ""],
    step: Int[Array, ""],
    data: Data,
    rows: Int[Array, " N"],
    count: Int[Array, ""],
    batch_size: int,
    num_unlabelled: int,
) -> tuple[Int[Array, "B T"], Float[Array, "L F"], Float[Array, " L"]]:
    """What one update is made from: passes over the rows in random order, and unlabelled strings.

    Symmetric augmentation: an architecture enters each time as a random one of the strings that mean it.
    """
    key_of_pass, key_of_step = jax.random.split(key)
    draw = jax.random.uniform(jax.random.fold_in(key_of_step, step), (batch_size + num_unlabelled,))
    unlabelled = (draw[batch_size:] * data.unlabelled.shape[0]).astype(jnp.int32)
    if not batch_size:
        return data.unlabelled[unlabelled], data.features[:0], data.targets[:0]

    batches = (count + batch_size - 1) // batch_size
    epoch, place = step // batches, step % batches
    order = jax.random.uniform(jax.random.fold_in(key_of_pass, epoch), rows.shape)
    order = jnp.argsort(jnp.where(jnp.arange(rows.shape[0]) < count, order, 2.0))
    chosen = rows[order[(place * batch_size + jnp.arange(batch_size)) % count]]
    augmentation = (draw[:batch_size] * data.strings.shape[1]).astype(jnp.int32)
    tokens = data.strings[chosen, augmentation]
    if num_unlabelled:
        tokens = jnp.concatenate([tokens, data.unlabelled[unlabelled]])
    return tokens, data.features[chosen], data.targets[chosen]
