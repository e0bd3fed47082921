"""What is chosen by a number, on a CPU and elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.language.choices import ACTIVATIONS, COMBINERS, choose, find, take

X, Y = jnp.array([[-2.0, 0.0, 0.5]]), jnp.array([[3.0, -1.0, 0.25]])


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize("known", [ACTIVATIONS, COMBINERS])
def test_the_one_of_that_number(monkeypatch, backend, known):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    operands = (X,) if known is ACTIVATIONS else (X, Y)
    functions = find("function", tuple(known), known)
    for i, function in enumerate(known.values()):
        np.testing.assert_array_equal(choose(jnp.int32(i), functions, *operands), function(*operands))
        value, other = (
            jax.grad(lambda x, f=f: jnp.sum(f(x, *operands[1:])))(X)
            for f in (function, lambda *x, i=i: choose(jnp.int32(i), functions, *x))
        )
        np.testing.assert_allclose(value, other, rtol=1e-6)


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_one_of_some_arrays(monkeypatch, backend):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert [float(take(jnp.int32(i), [X, Y, X + Y])[0, 0]) for i in range(3)] == [-2, 3, 1]
    assert float(take(jnp.int32(0), [X])[0, 0]) == -2


def test_one_that_is_not_known():
    with pytest.raises(InputError, match="no language model knows the activation 'elu'; it knows tanh, relu"):
        find("activation", ("tanh", "elu"), ACTIVATIONS)
