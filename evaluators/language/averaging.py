"""Averaged SGD: the mean of the weights after each of the last steps, which is evaluated in their place.

Over which steps is either said beforehand, as a share of them (Polyak & Juditsky 1992), or found while
training (Merity et al. 2018, NT-ASGD): averaging begins when the validation loss has not been below what it
was n epochs ago, that is, after the first epoch with

    v_t > min(v_1, ..., v_{t-n-1})

Axis letters: n epochs.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from nao.evaluators.language.child import LanguageChild

NEVER = 2**31 - 1  # steps


class Averaging(NamedTuple):
    """What is averaged so far, and what decides when that begins.

    Attributes:
      mean: of the weights after each step since it began; before that, the weights themselves.
      begun: the number of steps that do not count; `NEVER` while it is not known.
      lowest: the lowest validation loss of the epochs before those of `recent`; infinite without one.
      recent: `[n]` the validation losses of the last n epochs, the oldest first; infinite without one.
    """

    mean: Any
    begun: Int[Array, ""]
    lowest: Float[Array, ""]
    recent: Float[Array, " n"]

    @property
    def waits(self) -> Bool[Array, ""]:
        """Whether it is still to be found when to begin."""
        return self.begun == NEVER


def begin(child: LanguageChild, weights: Any, steps: Int[Array, ""]) -> Averaging | None:
    """What a training of so many steps begins with; None where its last weights are evaluated."""
    if not (child.average or child.nonmonotone):
        return None
    begun = jnp.floor((1 - child.average) * steps).astype(jnp.int32) if child.average else jnp.int32(NEVER)
    return Averaging(weights, begun, jnp.float32(jnp.inf), jnp.full(child.nonmonotone, jnp.inf))


def add(averaging: Averaging, weights: Any, step: Int[Array, ""]) -> Averaging:
    """Counts the weights after so many steps."""
    share = 1 / jnp.maximum(step - averaging.begun, 1)
    mean = jax.tree.map(lambda old, new: old + share * (new - old), averaging.mean, weights)
    return averaging._replace(mean=mean)


def judge(averaging: Averaging, loss: Float[Array, ""], step: Int[Array, ""]) -> Averaging:
    """Begins after so many steps, or not, by the validation loss of the epoch that ended there."""
    lowest = jnp.minimum(averaging.lowest, averaging.recent[0])
    recent = jnp.append(averaging.recent[1:], loss)
    begun = jnp.where(averaging.waits & (loss > averaging.lowest), step, averaging.begun)
    return Averaging(averaging.mean, begun, lowest, recent)
