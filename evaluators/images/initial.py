"""Fresh weights and statistics of a child network.

Axis letters: C channels, B blocks, P parameters of a branch.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from nao.evaluators.images.cell import CellGenotype, find_loose_ends
from nao.evaluators.images.network import STEM, CellPlan, CellWeights, Genotype, Network, Statistics, Weights
from nao.evaluators.images.operations import Segment, count_norms, count_parameters, initial_segments


def initialise_weights(network: Network, genotype: Genotype, key: PRNGKeyArray) -> Weights:
    """Fresh weights of one child; those of operations and blocks that it does not use are zero and stay so.

    Args:
      network: what was compiled.
      genotype: the architecture.
      key: JAX key, consumed.
    """
    loose = [find_loose_ends(genotype.cell(plan)) for plan in network.plans]  # [B] of each cell
    stem, channels, last = STEM * network.channels, network.image[2], network.plans[-1].channels
    shapes: list[tuple[int, ...]] = [(stem, channels, 3, 3), (network.classes, network.blocks * last)]
    for plan in network.plans:
        shapes += [(plan.channels, width) for width in plan.in_channels]
        shapes.append((2 * network.blocks, _count_branch_parameters(network, plan)))
    noise = iter(_draw_normal(key, shapes))
    first, head = next(noise) * math.sqrt(2 / (9 * channels)), next(noise)
    cells = []
    for i, plan in enumerate(network.plans):
        before, previous = (
            next(noise) * (_scale(loose[i - back], width) if i >= back else math.sqrt(2 / width))
            for back, width in zip((2, 1), plan.in_channels, strict=True)
        )
        norms = jnp.broadcast_to(_fresh_norm(plan.channels), (2, 2, plan.channels))
        branches = _initialise_branches(network, plan, genotype.cell(plan), next(noise))
        cells.append(CellWeights((before, previous), norms, branches))
    head = head * _scale(loose[-1], network.blocks * last)
    return Weights(first, _fresh_norm(stem), tuple(cells), head, jnp.zeros(network.classes))


def initialise_statistics(network: Network) -> Statistics:
    """Mean 0 and variance 1 everywhere."""

    def fresh(channels: int, *lead: int) -> Array:
        unit = jnp.stack([jnp.zeros(channels), jnp.ones(channels)])
        return jnp.broadcast_to(unit, (*lead, 2, channels))

    count = count_norms(network.operations)
    return Statistics(
        fresh(STEM * network.channels),
        tuple(fresh(plan.channels, 2) for plan in network.plans),
        tuple(fresh(plan.channels, 2 * network.blocks, count) for plan in network.plans),
    )


def _count_branch_parameters(network: Network, plan: CellPlan) -> int:
    """P of a cell: the parameters of its largest operation, with or without the stride."""
    strides = (1, plan.stride)
    return max(count_parameters(op, plan.channels, s) for op in network.operations for s in strides)


def _draw_normal(key: PRNGKeyArray, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Standard normal arrays of these shapes, cut from one draw: many draws take seconds to compile."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    flat = jax.random.normal(key, (int(ends[-1]),))
    return [part.reshape(shape) for part, shape in zip(jnp.split(flat, ends[:-1]), shapes, strict=True)]


def _fresh_norm(channels: int) -> Float[Array, "2 C"]:
    """Gamma 1 and beta 0."""
    return jnp.stack([jnp.ones(channels), jnp.zeros(channels)])


def _scale(loose: Float[Array, " B"], width: int) -> Float[Array, "1 BC"]:
    """He's deviation for weights that read a cell's output: only its loose ends count, the rest is zero."""
    channels = width // loose.shape[0]
    rows: Array = jnp.repeat(loose, channels)[None, :]
    return rows * jnp.sqrt(2 / (jnp.sum(loose) * channels))


def _initialise_branches(
    network: Network, plan: CellPlan, genotype: CellGenotype, noise: Float[Array, "branches P"]
) -> Float[Array, "branches P"]:
    """Fresh parameters `[2B, P]` of a cell's branches, from standard normal ones."""
    size = noise.shape[1]
    segments = [
        [initial_segments(op, plan.channels, stride) for op in network.operations]
        for stride in (1, plan.stride)
    ]
    longest = max(len(row) for rows in segments for row in rows)
    beyond = [Segment(size, 0.0, 0.0)] * longest
    table = jnp.asarray([[(row + beyond)[:longest] for row in rows] for rows in segments])
    # [2B, segments, 3]: where each segment of a branch starts, and the mean and deviation of its weights.
    chosen = table[jnp.where(genotype.inputs < 2, 1, 0), genotype.operations]
    begun = chosen[:, :, :1] <= jnp.arange(size)[None, None, :]
    last = jnp.sum(begun, axis=1) - 1  # [2B, P] the segment that a parameter lies in
    mean, std = (jnp.take_along_axis(chosen[:, :, i], last, axis=1) for i in (1, 2))
    return mean + std * noise
