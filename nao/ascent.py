"""Eqn. (2) of Luo et al. 2018: moving embeddings uphill. Nothing here knows what is climbed.

"Paper" is Luo et al. 2018 (Neural Architecture Optimization), "slide" the talk the project follows, "code"
the PyTorch program that the authors released.

Axis letters: B embeddings, S steps of the encoder, d hidden units.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nao.embedding import Embedding, l2_normalize
from nao.settings import at_least, check

Objective = Callable[[Embedding], Float[Array, " B"]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AscentConfig:
    """How embeddings are moved, and which of the strings decoded from them are taken.

    Attributes:
      step_sizes: the step sizes eta, in the order in which they are tried.
      num_steps: gradient steps that share one eta.
      normalize: eta is the length of the whole move as a share of the length of the embedding; the gradient
        gives only the direction. Otherwise eta multiplies the gradient.
      noise: with `normalize`, the length of a random direction that is added to a gradient of length 1.
      unit_length: every h_t is scaled to length 1 after each step, as the encoder itself does it.
      choose: where to start, and which of the decoded architectures are proposed (see
        `nao.strategies.choices.CHOICES`). `auto` is `believed` where scores are noisy, else `predicted`.
    """

    # Paper and slide: one step of a given eta. Code: 1, 2, 3, ... up to 50 (elsewhere 100) until enough
    # strings are new. K = 100 seeds is the strategy's choice (paper: 200).
    step_sizes: tuple[float, ...] = tuple(float(eta) for eta in range(1, 51))
    num_steps: int = 1
    normalize: bool = False
    noise: float = 0.0
    # Slide and paper: h_t as it comes. Code: length 1.
    unit_length: bool = True
    choose: Literal["first", "predicted", "believed", "auto"] = "first"

    def __post_init__(self) -> None:
        check(self, "encoder.ascent", num_steps=at_least(1), noise=at_least(0))


def ascend(
    objective: Objective,
    e: Embedding,
    eta: Float[Array, ""] | float,
    *,
    num_steps: int = 1,
    normalize: bool = False,
    noise: Float[Array, "B S d"] | None = None,
    unit_length: bool = False,
) -> Embedding:
    """Eqn. (2): h'_t = h_t + eta * d objective / d h_t, for every hidden state h_t of every embedding.

    Args:
      objective: what to climb: a value for each embedding, which depends on that embedding alone.
      e: where to start.
      eta: the step size.
      num_steps: gradient steps of eta / num_steps each.
      normalize: steps of one length, eta / num_steps times that of the embedding, along the gradient.
      noise: with `normalize`, `[B, S, d]` what is added to the gradient of length 1 before a step.
      unit_length: scale every h_t to length 1 after each step.

    Returns:
      The embeddings after the last step, with the features of `e`.
    """
    step = ascent_step(
        objective, e, eta, num_steps=num_steps, normalize=normalize, noise=noise, unit_length=unit_length
    )
    h, _ = jax.lax.scan(lambda h, _: (step(h), None), jnp.asarray(e.states), None, length=num_steps)
    return Embedding(h, e.features)


def ascent_step(
    objective: Objective,
    e: Embedding,
    eta: Float[Array, ""] | float,
    *,
    num_steps: int = 1,
    normalize: bool = False,
    noise: Float[Array, "B S d"] | None = None,
    unit_length: bool = False,
) -> Callable[[Float[Array, "B S d"]], Float[Array, "B S d"]]:
    """One step of `ascend`, from hidden states to hidden states."""
    length = _length(jnp.asarray(e.states))

    def gradient(h: Array) -> Array:
        slope: Array = jax.grad(lambda h: jnp.sum(objective(Embedding(h, e.features))))(h)
        return slope

    def direction(h: Array) -> Array:
        if not normalize:
            return gradient(h)
        uphill = _normalize(gradient(h))
        return length * (uphill if noise is None else _normalize(uphill + noise))

    def step(h: Array) -> Array:
        h = h + eta / num_steps * direction(h)
        return l2_normalize(h) if unit_length else h

    return step


def _normalize(h: Float[Array, "B S d"]) -> Float[Array, "B S d"]:
    """Every embedding scaled to length 1."""
    return h / (_length(h) + 1e-12)


def _length(h: Float[Array, "B S d"]) -> Float[Array, "B 1 1"]:
    return jnp.sqrt(jnp.sum(h * h, axis=(1, 2), keepdims=True))
