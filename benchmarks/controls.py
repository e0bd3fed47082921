"""What the gradient is measured against: the same model, its candidates from elsewhere.

A control has the same E, f and D, fitted to the same scores, the same seeds and the same number of strings,
and the same choice among them. Only where the strings come from differs: each is a function that is handed to
`NAO` as its `improve`.

Axis letters: K seed architectures, T tokens, B embeddings.
"""

import functools
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from nao.ascent import AscentConfig
from nao.core import Architecture, Model
from nao.improve import improve

MUTATED = 0.5  # share of the favourites that are one edit away from a seed; the others are drawn at random


def flat(mean: jax.Array, std: jax.Array, best: jax.Array) -> jax.Array:
    """Has no gradient."""
    return 0.0 * mean


random_directions = functools.partial(improve, acquisition=flat)
"""As far as `default` moves, but in a random direction, without any gradient."""


def favourites(
    model: Model, X_seed: np.ndarray, ascent: AscentConfig, seed: Sequence[int]
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """For each seed a random neighbour of it, or a random string: no embedding has a part in them."""
    space, K = model.space, len(X_seed)
    for eta in ascent.step_sizes:
        rng = np.random.default_rng([*seed, K, round(1e6 * eta)])
        found = space.grammar.sample(rng, K).astype(np.int32)
        for i in np.flatnonzero(rng.random(K) < MUTATED):
            x = Architecture(tuple(X_seed[i].tolist()), space)
            found[i] = space.mutate(x, rng).tokens
        yield eta, found, model.predict(found)
