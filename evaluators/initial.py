"""Fresh weights and statistics of a child network.

Axis letters: C channels, B blocks, P slot of weights.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from nao.evaluators import operations
from nao.evaluators.cell import Choices, loose_ends
from nao.evaluators.network import (
    STEM,
    Architecture,
    CellWeights,
    Network,
    Plan,
    Statistics,
    Weights,
    choices_of,
)


def initial_weights(network: Network, architecture: Architecture, key: PRNGKeyArray) -> Weights:
    """Fresh weights of one child; those of operations and blocks that it does not use are zero and stay so.

    Args:
      network: what was compiled.
      architecture: as data.
      key: JAX key, consumed.
    """
    loose = [loose_ends(choices_of(plan, architecture)) for plan in network.plans]  # [B] of each cell
    stem, colours, last = STEM * network.channels, network.image[2], network.plans[-1].channels
    shapes: list[tuple[int, ...]] = [(stem, colours, 3, 3), (network.classes, network.blocks * last)]
    for plan in network.plans:
        shapes += [(plan.channels, width) for width in plan.sources]
        shapes.append((2 * network.blocks, _slot(network, plan)))
    noise = iter(_normal(key, shapes))
    first, head = next(noise) * math.sqrt(2 / (9 * colours)), next(noise)
    cells = []
    for i, plan in enumerate(network.plans):
        before, previous = (
            next(noise) * (_scale(loose[i - back], width) if i >= back else math.sqrt(2 / width))
            for back, width in zip((2, 1), plan.sources, strict=True)
        )
        norms = jnp.broadcast_to(_unit(plan.channels), (2, 2, plan.channels))
        slots = _initial_slots(network, plan, choices_of(plan, architecture), next(noise))
        cells.append(CellWeights(before, previous, norms, slots))
    head = head * _scale(loose[-1], network.blocks * last)
    return Weights(first, _unit(stem), tuple(cells), head, jnp.zeros(network.classes))


def _normal(key: PRNGKeyArray, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Standard normal arrays of these shapes, cut from one draw: many draws take seconds to compile."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    flat = jax.random.normal(key, (int(ends[-1]),))
    return [part.reshape(shape) for part, shape in zip(jnp.split(flat, ends[:-1]), shapes, strict=True)]


def _unit(channels: int) -> Float[Array, "2 C"]:
    """Fresh gamma and beta: 1 and 0."""
    return jnp.stack([jnp.ones(channels), jnp.zeros(channels)])


def _scale(loose: Float[Array, " B"], width: int) -> Float[Array, "1 BC"]:
    """He's deviation for weights that read a cell's output: only its loose ends count, the rest is zero."""
    channels = width // loose.shape[0]
    rows: Array = jnp.repeat(loose, channels)[None, :]
    return rows * jnp.sqrt(2 / (jnp.sum(loose) * channels))


def _slot(network: Network, plan: Plan) -> int:
    """P, the length of a cell's slots."""
    return operations.slot_size(network.operations, plan.channels, (1, plan.stride))


def _initial_slots(network: Network, plan: Plan, choices: Choices, noise: Array) -> Array:
    """`[2B, P]` fresh weights of a cell's branches, from standard normal ones."""
    strides, size = (1, plan.stride), _slot(network, plan)
    tables = [[operations.initial(op, plan.channels, s) for op in network.operations] for s in strides]
    longest = max(len(stretches) for row in tables for stretches in row)
    beyond = [(size, 0.0, 0.0)] * longest
    table = jnp.asarray([[(stretches + beyond)[:longest] for stretches in row] for row in tables])
    # [2B, stretches, 3]: where each stretch of a slot begins, and the mean and deviation of its weights.
    stretches = table[jnp.where(choices.inputs < 2, 1, 0), choices.operations]
    begun = stretches[:, :, :1] <= jnp.arange(size)[None, None, :]
    last = jnp.sum(begun, axis=1) - 1  # [2B, P] the stretch that a weight lies in
    mean, deviation = (jnp.take_along_axis(stretches[:, :, i], last, axis=1) for i in (1, 2))
    return mean + deviation * noise


def initial_statistics(network: Network) -> Statistics:
    """Mean 0 and variance 1 everywhere."""

    def units(channels: int, *lead: int) -> Array:
        unit = jnp.stack([jnp.zeros(channels), jnp.ones(channels)])
        return jnp.broadcast_to(unit, (*lead, 2, channels))

    count = operations.normalisations(network.operations)
    return Statistics(
        units(STEM * network.channels),
        tuple(units(plan.channels, 2) for plan in network.plans),
        tuple(units(plan.channels, 2 * network.blocks, count) for plan in network.plans),
    )
