"""Ways through the embedding space, with what f expects and D writes at every point of them.

Axis letters: P points of a way, B ways, T tokens, S steps of the encoder, d hidden units, F features.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nao.acquisition import Acquisition
from nao.analysis.given import Tokens, strings
from nao.ascent import AscentConfig, ascent_step
from nao.core import InputError, Model
from nao.embedding import Embedding
from nao.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class Way:
    """B ways through the embedding space of one member.

    Attributes:
      states: `[P, B, S, d]` the hidden states at every point.
      values: `[P, B]` f: the predicted targets; `model.to_scores(...)` gives scores.
      tokens: `[P, B, T]` what D writes there.
    """

    states: Float[Array, "P B S d"]
    values: Float[Array, "P B"]
    tokens: Int[Array, "P B T"]


def interpolate(
    model: Model,
    start: Tokens,
    end: Tokens,
    *,
    points: int = 11,
    how: str = "linear",
) -> Way:
    """The ways between the embeddings of pairs of architectures.

    Args:
      model: E, f and D.
      start: `[B, T]` where each begins.
      end: `[B, T]` where each ends.
      points: P, both ends among them.
      how: along the straight line, or along the great circle (Shoemake 1985), on which the length of an
        embedding does not drop in between. Features, which f may read, change along the line.

    Raises:
      InputError: there is no such way, or it has fewer than 2 points.
    """
    one = model.member(0)
    if how not in ("linear", "spherical") or points < 2:
        raise InputError(f"a way is linear or spherical and has at least 2 points, not {how!r} and {points}")
    ends = (one.embed(strings(model.space, tokens)) for tokens in (start, end))
    way: Way = _interpolate(one, *ends, points=points, how=how)
    return way


@functools.partial(jax.jit, static_argnames=("points", "how"))
def _interpolate(model: Model, start: Embedding, end: Embedding, *, points: int, how: str) -> Way:
    share = jnp.linspace(0.0, 1.0, points)[:, None]  # [P, 1]
    a, b = jnp.asarray(start.states), jnp.asarray(end.states)
    if how == "linear":
        to_a, to_b = 1 - share, share
    else:
        to_a, to_b = _great_circle(a, b, share)
    states = to_a[..., None, None] * a[None] + to_b[..., None, None] * b[None]
    first, last = (jnp.asarray(e.features)[None] for e in (start, end))
    features = (1 - share)[..., None] * first + share[..., None] * last
    return _look(model, states, features)


def _great_circle(
    a: Float[Array, "B S d"], b: Float[Array, "B S d"], share: Float[Array, "P 1"]
) -> tuple[Float[Array, "P B"], Float[Array, "P B"]]:
    """The weights of both ends; where they have one direction, those of the line."""
    product, a_square, b_square = (jnp.sum(x, axis=(1, 2)) for x in (a * b, a * a, b * b))
    cosine = product / jnp.maximum(jnp.sqrt(a_square * b_square), 1e-12)
    angle = jnp.arccos(jnp.clip(cosine, -1.0, 1.0))[None]  # [1, B]
    sine = jnp.sin(angle)
    flat = sine < 1e-4
    sine = jnp.where(flat, 1.0, sine)
    to_a = jnp.where(flat, 1 - share, jnp.sin((1 - share) * angle) / sine)
    return to_a, jnp.where(flat, share, jnp.sin(share * angle) / sine)


def climb(
    model: Model,
    tokens: Tokens,
    ascent: AscentConfig,
    eta: float,
    *,
    acquisition: Acquisition | None = None,
) -> Way:
    """Eqn. (2) step by step: the ways on which the ascent leads architectures uphill.

    Args:
      model: E, f and D.
      tokens: `[B, T]` where to start.
      ascent: how embeddings are moved; its random directions are left out. `encoder.ascent` is that of a
        search.
      eta: the step size of the whole way.
      acquisition: what is climbed, from mean, standard deviation and the best target; None for f itself.

    Returns:
      the ways, with P = `ascent.num_steps` + 1 points; the first is the start.
    """
    one = model.member(0)
    way: Way = _climb(
        one,
        one.embed(strings(model.space, tokens)),
        jnp.float32(eta),
        acquisition=acquisition,
        num_steps=ascent.num_steps,
        normalize=ascent.normalize,
        unit_length=ascent.unit_length,
    )
    return way


@functools.partial(jax.jit, static_argnames=("acquisition", "num_steps", "normalize", "unit_length"))
def _climb(
    model: Model,
    e: Embedding,
    eta: Float[Array, ""],
    *,
    acquisition: Acquisition | None,
    num_steps: int,
    normalize: bool,
    unit_length: bool,
) -> Way:
    def objective(e: Embedding) -> Float[Array, " B"]:
        return model.value(e) if acquisition is None else acquisition(*model.posterior(e), model.best)

    step = ascent_step(objective, e, eta, num_steps=num_steps, normalize=normalize, unit_length=unit_length)
    start = jnp.asarray(e.states)
    _, states = jax.lax.scan(lambda h, _: (step(h),) * 2, start, None, length=num_steps)
    features = jnp.broadcast_to(e.features, (num_steps + 1, *e.features.shape))
    return _look(model, jnp.concatenate([start[None], states]), features)


def _look(model: Model, states: Float[Array, "P B S d"], features: Float[Array, "P B F"]) -> Way:
    """What f and D make of every point."""
    P, B = states.shape[:2]
    e = Embedding(states.reshape(P * B, *states.shape[2:]), features.reshape(P * B, features.shape[2]))
    tokens = model.decode(e)
    return Way(states, model.value(e).reshape(P, B), tokens.reshape(P, B, tokens.shape[1]))
