"""Activations and combiners, chosen by their numbers: what is chosen is data, not part of the program.

Axis letters: none.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Integer

from nao.core import InputError

AnyArray = Any  # of JAX or of NumPy; jaxtyping has no better word for both
Function = Callable[..., Array]

ACTIVATIONS: dict[str, Function] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "identity": lambda x: x,
    "sin": jnp.sin,
}
COMBINERS: dict[str, Function] = {"add": jnp.add, "multiply": jnp.multiply, "maximum": jnp.maximum}


def find(word: str, names: Sequence[str], known: dict[str, Function]) -> list[Function]:
    """The functions of these names.

    Raises:
      InputError: one is not known; the message calls it by the word.
    """
    for name in names:
        if name not in known:
            raise InputError(f"no language model knows the {word} {name!r:.40}; it knows {', '.join(known)}")
    return [known[name] for name in names]


def choose(index: Integer[Array, ""], functions: Sequence[Function], *operands: AnyArray) -> Array:
    """What one of some functions gives, whose results have the same shape.

    A CPU computes that one alone. Elsewhere all are computed, as a branch makes an accelerator wait.

    Args:
      index: which one.
      functions: of the operands.
      *operands: arrays.
    """
    if jax.default_backend() == "cpu":
        chosen: Array = lax.switch(index, functions, *operands)
    else:
        chosen = lax.select_n(index, *(function(*operands) for function in functions))
    return chosen


def take(index: Integer[Array, ""], values: Sequence[Float[Array, "*shape"]]) -> Float[Array, "*shape"]:
    """One of some arrays of the same shape. Each stays where it is: stacking them would copy all."""
    return choose(index, [lambda *each, i=i: each[i] for i in range(len(values))], *values)
