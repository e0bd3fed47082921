"""Means of weights, and when they begin."""

import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.language import LanguageChild
from nao.evaluators.language.averaging import NEVER, add, begin, judge


@pytest.mark.parametrize(("share", "counted"), [(1.0, 10), (0.3, 3), (0.25, 3), (0.01, 1)])
def test_the_mean_of_the_last_weights(share, counted, rng):
    steps, values = 10, rng.normal(size=10).astype(np.float32)
    averaging = begin(LanguageChild(average=share), jnp.float32(100), jnp.int32(steps))
    for step, value in enumerate(values):
        averaging = add(averaging, jnp.float32(value), jnp.int32(step + 1))
    np.testing.assert_allclose(averaging.mean, values[-counted:].mean(), rtol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_it_begins_after_the_epoch_that_the_paper_says(n, seed):
    losses = np.cumsum(np.random.default_rng(seed).normal(-0.3, 1, size=25)).astype(np.float32)
    # As the rule is written in the paper, over the whole history.
    expected = next((t for t in range(n + 1, 25) if losses[t] > losses[: t - n].min()), None)
    averaging = begin(LanguageChild(nonmonotone=n), jnp.zeros(2), jnp.int32(1000))
    for t, loss in enumerate(losses):
        averaging = judge(averaging, jnp.float32(loss), jnp.int32(10 * (t + 1)))
    assert int(averaging.begun) == (NEVER if expected is None else 10 * (expected + 1))


def test_until_it_begins_the_mean_is_the_last_weights():
    averaging = begin(LanguageChild(nonmonotone=3), jnp.zeros(2), jnp.int32(1000))
    for step in range(1, 5):
        averaging = add(averaging, jnp.full(2, float(step)), jnp.int32(step))
    np.testing.assert_array_equal(averaging.mean, [4, 4])
    assert averaging.waits


def test_without_it_there_is_none():
    assert begin(LanguageChild(), jnp.zeros(2), jnp.int32(10)) is None
    with pytest.raises(InputError, match="give average or nonmonotone, not both"):
        LanguageChild(average=0.5, nonmonotone=5)
