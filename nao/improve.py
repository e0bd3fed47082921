"""Improving architectures: x' = D(e_x'), where Eqn. (2) moves e_x to e_x' up what f believes.

Axis letters: K seed architectures, R >= K rows with padding, T tokens, S steps of the encoder, d hidden
units.
"""

import functools
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from nao.acquisition import Acquisition, expected_improvement, log_improvement
from nao.ascent import AscentConfig, ascend
from nao.core import Model
from nao.embedding import Embedding
from nao.probe import Penalty
from nao.pytree import bucket_size, pad_rows

Improved = tuple[float, Int[np.ndarray, "K T"], Float[np.ndarray, " K"]]


def improve(
    model: Model,
    X_seed: Int[np.ndarray, "K T"],
    ascent: AscentConfig,
    seed: Sequence[int],
    acquisition: Acquisition | None = None,
    penalties: tuple[Penalty, ...] = (),
) -> Iterator[Improved]:
    """Moves the embeddings of seed architectures uphill and decodes them, with one step size after another.

    Args:
      model: E, f and D.
      X_seed: `[K, T]` where to start.
      ascent: the step sizes, and how to move.
      seed: of the random directions.
      acquisition: what to climb, from the posterior of f: by default the expected improvement. With penalties
        it stands for the log of what to climb: by default that of the expected improvement.
      penalties: the logs of chances by which it is multiplied.

    Yields:
      a step size eta; `[K, T]` the decoded strings, row i from seed i; `[K]` f(e_x') in the units of the
      scores.
    """
    if acquisition is None:
        acquisition = log_improvement if penalties else expected_improvement
    K = len(X_seed)
    e_x = jax.tree.map(lambda rows: pad_rows(rows, bucket_size(K, 32)), model.embed(X_seed))
    # To the device once, for all step sizes.
    compiled, e_x, penalties = jax.device_put((model, e_x, penalties))
    for eta in ascent.step_sizes:
        rng = np.random.default_rng([*seed, K, round(1e6 * eta)])
        noise = random_directions(rng, K, e_x.states.shape) * ascent.noise if ascent.noise else None
        tokens, values = ascend_and_decode(
            compiled,
            e_x,
            np.float32(eta),
            noise,
            penalties,
            acquisition=acquisition,
            num_steps=ascent.num_steps,
            normalize=ascent.normalize,
            unit_length=ascent.unit_length,
        )
        yield eta, np.asarray(tokens)[:K], model.to_scores(np.asarray(values, np.float64)[:K])


@functools.partial(jax.jit, static_argnames=("acquisition", "num_steps", "normalize", "unit_length"))
def ascend_and_decode(
    model: Model,
    e_x: Embedding,
    eta: Float[Array, ""],
    noise: Float[Array, "R S d"] | None,
    penalties: tuple[Penalty, ...] = (),
    *,
    acquisition: Acquisition,
    num_steps: int,
    normalize: bool,
    unit_length: bool,
) -> tuple[Int[Array, "R T"], Float[Array, " R"]]:
    """The strings x' = D(e_x') and their f(e_x'), in one compiled program."""

    def objective(e: Embedding) -> Float[Array, " R"]:
        mean, std = model.posterior(e)
        climbed = acquisition(mean, std, model.best)
        for log_chance in penalties:
            climbed = climbed + log_chance(e)
        return climbed

    e_moved = ascend(
        objective, e_x, eta, num_steps=num_steps, normalize=normalize, noise=noise, unit_length=unit_length
    )
    return model.decode(e_moved), model.value(e_moved)


def random_directions(rng: np.random.Generator, K: int, shape: tuple[int, ...]) -> Float[np.ndarray, "R S d"]:
    """A direction of length 1 for each of K embeddings, and 0 for the rows of padding."""
    noise = rng.normal(size=(K, *shape[1:]))
    noise /= np.sqrt((noise**2).sum(axis=(1, 2), keepdims=True))
    return pad_rows(noise, shape[0]).astype(np.float32)
