"""Learning rates as programs have them: the number of steps is traced."""

import functools

import jax
import jax.numpy as jnp


def rates(make_optimiser, child, steps, length):
    """The rate of each of so many updates `[length]` of an optimiser that is made for a number of steps."""

    @functools.partial(jax.jit, static_argnums=2)
    def scanned(steps, gradient, length):
        optimiser = make_optimiser(child, steps)

        def step(state, _):
            update, state = optimiser.update(gradient, state, gradient)
            return state, -update

        return jax.lax.scan(step, optimiser.init(gradient), length=length)[1]

    return scanned(steps, jnp.float32(1), length)
