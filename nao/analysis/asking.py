"""What a model makes of architectures: where E puts them, what f expects of them, what D writes.

A model with several members has an embedding space for each. Everything here that is about one space uses
member 0; hand over `model.member(k)` for another.

Axis letters: B strings, T tokens, V vocabulary, W beams, S steps of the encoder, d hidden units, D numbers of
an embedding in all (S d), F features, N known architectures, k neighbours.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from scipy import special

from nao.analysis.given import Tokens, checked_count, compiled, distances_from, host_strings, strings
from nao.core import InputError, Model
from nao.embedding import Embedding

CHUNK = 2048  # strings whose joint posterior is asked for at a time: its size grows with their number


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What f expects of B architectures, and how sure it is. Targets are what f learned (`nao.core.Model`).

    Attributes:
      score: `[B]` the expected score, in the units of the scores.
      mean: `[B]` the same as a target.
      std: `[B]` the standard deviation of f about the mean, of targets; 0 where f does not know it.
      noise: the standard deviation of one more score about f, of targets.
    """

    score: Float[np.ndarray, " B"]
    mean: Float[np.ndarray, " B"]
    std: Float[np.ndarray, " B"]
    noise: float

    @property
    def spread(self) -> Float[np.ndarray, " B"]:
        """The standard deviation `[B]` of a score about its mean, of targets: of f and of the noise."""
        return np.asarray(np.sqrt(self.std**2 + self.noise**2))


def embed(model: Model, tokens: Tokens) -> Embedding:
    """E: the embeddings of strings, all in the space of one member."""
    return model.member(0).embed(strings(model.space, tokens))


def vectors(e: Embedding) -> Float[Array, "B D"]:
    """The hidden states of every embedding, one after the other: a point of the space in which they move."""
    states = jnp.asarray(e.states)
    B, S, d = states.shape
    return states.reshape(B, S * d)


def predict(model: Model, tokens: Tokens) -> Prediction:
    """f: expected scores with their spread, over all members.

    On the host, in double precision, as a search asks. `model.posterior(embed(model, tokens))` is the same
    for one member, for programs.
    """
    tokens = host_strings(model.space, tokens)
    means, stds = [np.zeros(0)], [np.zeros(0)]
    for i in range(0, len(tokens), CHUNK):
        some = tokens[i : i + CHUNK]
        posterior = model.joint_posterior(some)
        means.append(model.to_targets(model.predict(some)) if posterior is None else posterior.mean)
        stds.append(np.zeros(len(some)) if posterior is None else np.sqrt(posterior.variance))
    mean, std = np.concatenate(means), np.concatenate(stds)
    return Prediction(model.to_scores(mean), mean, std, model.score_noise())


def probability_integral_transform(
    model: Model, tokens: Tokens, scores: Float[Array | np.ndarray, " B"] | Sequence[float]
) -> Float[np.ndarray, " B"]:
    """Where each score lies in what f expected of it: uniform on [0, 1] if f is right about how sure it is.

    Dawid (1984). The model must not have seen the scores. nan where a score is.

    Raises:
      InputError: f does not know how sure it is.
    """
    expected = predict(model, tokens)
    if not (expected.spread > 0).all():
        raise InputError("this model does not say how sure it is: its predictor must be a Gaussian process")
    z = (model.to_targets(np.asarray(scores, np.float64)) - expected.mean) / expected.spread
    return np.asarray(special.ndtr(z))


def reconstruct(model: Model, tokens: Tokens) -> Int[Array, "B T"]:
    """D(E(x)): what D writes when nothing was moved."""
    one = model.member(0)
    return one.decode(one.embed(strings(model.space, tokens)))


def decode(model: Model, e: Embedding) -> Int[Array, "B T"]:
    """D, greedily: at each step the most likely legal token."""
    return model.member(0).decode(e)


def sample(
    model: Model, e: Embedding, key: Key[Array, ""], *, temperature: float | Float[Array, ""] = 1.0
) -> Int[Array, "B T"]:
    """D, at random: each token is drawn with its likelihood, to the power of 1 / temperature.

    Args:
      model: D and the space.
      e: what to decode.
      key: decides the draws.
      temperature: 0 is greedy; 1 draws as D believes.
    """
    space = model.space
    shape = (jnp.asarray(e.states).shape[0], space.length, len(space.vocabulary))
    return model.member(0).decode(e, temperature * jax.random.gumbel(key, shape))


def beam(model: Model, e: Embedding, width: int) -> tuple[Int[Array, "B W T"], Float[Array, "B W"]]:
    """D by beam search.

    Returns:
      `[B, W, T]` strings, the most likely first; `[B, W]` their log-likelihoods, -inf where there are fewer.

    Raises:
      InputError: the width is below 1.
    """
    if width < 1:
        raise InputError(f"the width of a beam must be at least 1, not {width}")
    return model.member(0).beam(e, width)


@compiled("k")
def neighbours(
    points: Float[Array | np.ndarray, "B D"], known: Float[Array | np.ndarray, "N D"], k: int
) -> tuple[Int[Array, "B k"], Float[Array, "B k"]]:
    """The k known points that are nearest to each point, by Euclidean distance.

    Returns:
      `[B, k]` their rows among the known ones, the nearest first, and of equally near ones the first; and
      `[B, k]` their distances.

    Raises:
      InputError: there are not so many.
    """
    k = checked_count(k, len(known), "the number of known points")

    def nearest(point: Array) -> tuple[Array, Array]:
        nearness, rows = jax.lax.top_k(-distances_from(point, jnp.asarray(known)), k)
        return rows, -nearness

    found: tuple[Array, Array] = jax.lax.map(nearest, jnp.asarray(points))
    return found


def nearest_known(
    model: Model, e: Embedding, known: Tokens
) -> tuple[Int[np.ndarray, " B"], Float[np.ndarray, " B"]]:
    """For each embedding the row of the known architecture whose own embedding is nearest, and how far.

    Raises:
      InputError: no architecture is known.
    """
    if not len(known):
        raise InputError("there is no known architecture to be near to")
    rows, distance = neighbours(vectors(e), vectors(embed(model, known)), 1)
    return np.asarray(rows)[:, 0], np.asarray(distance)[:, 0]
