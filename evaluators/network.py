"""The child network: cells stacked as in NASNet (Zoph et al. 2018) and NAO (Luo et al. 2018).

    images -> stem -> N normal -> reduction -> N normal -> reduction -> N normal -> mean -> linear

Each cell reads the outputs of the two cells before it, brought to its own number of channels (and its
size) by a pointwise convolution. A reduction cell halves the image and doubles the channels. The
architecture, that is the choices of the normal and of the reduction cell, is data: nothing here is
compiled for one architecture.

Where the sources differ: the loose ends that a cell concatenates are its unused blocks (Luo et al.), not
an unused previous cell (which the published code adds); the auxiliary head and drop path of the
600-epoch recipe have no place in a short training and are left out.

Axis letters: C channels, H, W height and width, N batch, B blocks, P slot of weights, M normalisations,
G cells of the network, L classes, O output channels.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from nao.evaluators import operations
from nao.evaluators.cell import Choices, Kind, cell, loose_ends
from nao.evaluators.operations import Operation, normalise
from nao.evaluators.primitives import Maps, Primitives

STEM = 3  # the stem has three times as many channels as the first cell, as in the published code


@dataclasses.dataclass(frozen=True)
class Plan:
    """One cell's place in the network.

    Attributes:
      channels: C, of every block.
      stride: 2 for a reduction cell.
      sources: channels of the two outputs it reads: `STEM * F`, or B times an earlier cell's C.
      from_stem: for each of the two, whether it is the stem's output.
      halve: whether the output before the previous one is still twice as large.
    """

    channels: int
    stride: int
    sources: tuple[int, int]
    from_stem: tuple[bool, bool]
    halve: bool


@dataclasses.dataclass(frozen=True)
class Network:
    """What is fixed when child networks are compiled.

    Attributes:
      operations: the operations of the space.
      blocks: B.
      cells: N, normal cells before, between and after the two reductions.
      channels: F, channels of the first cells.
      image: (H, W, channels) of the images.
      classes: L.
      primitives: the convolutions to use.
    """

    operations: tuple[Operation, ...]
    blocks: int
    cells: int
    channels: int
    image: tuple[int, int, int]
    classes: int
    primitives: Primitives

    @functools.cached_property
    def plans(self) -> list[Plan]:
        """The cells in order."""
        strides = ([1] * self.cells + [2]) * 2 + [1] * self.cells
        plans, channels = [], self.channels
        outputs = [(STEM * self.channels, 0), (STEM * self.channels, 0)]  # (channels, reductions so far)
        for i, stride in enumerate(strides):
            channels *= stride
            (before, depth), (previous, current) = outputs
            stem = (i < 2, i < 1)
            plans.append(Plan(channels, stride, (before, previous), stem, halve=depth < current))
            outputs = [outputs[1], (self.blocks * channels, current + stride - 1)]
        return plans


class CellWeights(NamedTuple):
    """Weights of one cell.

    Attributes:
      before: `[C, sources[0]]` pointwise weights for the output before the previous one.
      previous: `[C, sources[1]]` the same for the previous output.
      norms: `[2, 2, C]` gamma and beta after each of the two.
      slots: `[2B, P]` the branches.
    """

    before: Array
    previous: Array
    norms: Array
    slots: Array


class Weights(NamedTuple):
    """Everything that is trained.

    Attributes:
      stem: `[S, channels, 3, 3]`.
      stem_norm: `[2, S]` gamma and beta.
      cells: G of them.
      head: `[L, B*C]`.
      bias: `[L]`.
    """

    stem: Array
    stem_norm: Array
    cells: tuple[CellWeights, ...]
    head: Array
    bias: Array


class Statistics(NamedTuple):
    """Mean and variance of every batch normalisation.

    Attributes:
      stem: `[2, S]`.
      entries: G arrays `[2, 2, C]`, one row for each of the two outputs that a cell reads.
      branches: G arrays `[2B, M, 2, C]`.
    """

    stem: Array
    entries: tuple[Array, ...]
    branches: tuple[Array, ...]


class Architecture(NamedTuple):
    """The two cells of an architecture, as data."""

    normal: Choices
    reduction: Choices


def _choices(plan: Plan, architecture: Architecture) -> Choices:
    return architecture.normal if plan.stride == 1 else architecture.reduction


def _loose(network: Network, architecture: Architecture) -> list[Array]:
    """`[B]` loose ends of each of the G cells."""
    return [loose_ends(_choices(plan, architecture)) for plan in network.plans]


def initial_weights(network: Network, architecture: Architecture, key: PRNGKeyArray) -> Weights:
    """Fresh weights of one child; those of operations and blocks that it does not use are zero and stay so.

    Args:
      network: what was compiled.
      architecture: as data.
      key: JAX key, consumed.
    """
    loose = _loose(network, architecture)
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
        slots = _initial_slots(network, plan, _choices(plan, architecture), next(noise))
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


def _pointwise(network: Network, x: Maps, w: Float[Array, "O C"], halve: bool) -> Float[Array, "O _ _ N"]:
    """ReLU and a pointwise convolution; the factorised reduction where the image must be halved."""
    convolve = network.primitives.convolve
    x, w = jax.nn.relu(x), w[:, :, None, None]
    if not halve:
        return convolve(x, w, 1)
    half = w.shape[0] // 2
    shifted = jnp.pad(x[:, 1:, 1:], ((0, 0), (0, 1), (0, 1), (0, 0)))
    return jnp.concatenate([convolve(x, w[:half], 2), convolve(shifted, w[half:], 2)])


def forward(
    network: Network,
    weights: Weights,
    statistics: Statistics | None,
    architecture: Architecture,
    images: Maps,
) -> tuple[Float[Array, "N L"], Statistics]:
    """Logits of a batch.

    Args:
      network: what was compiled.
      weights: the child's weights.
      statistics: for the normalisations; None in training, which uses those of the batch.
      architecture: as data.
      images: `[channels, H, W, N]`.

    Returns:
      Logits `[N, L]`, and the statistics used.
    """
    training = statistics is None
    x = network.primitives.convolve(images, weights.stem, 1)
    gamma, beta = weights.stem_norm
    x, stem = normalise(x, gamma, beta, None if statistics is None else statistics.stem)
    before, previous, entry_statistics, branch_statistics = x, x, [], []
    for i, (plan, w) in enumerate(zip(network.plans, weights.cells, strict=True)):
        entries, used = [], []
        for j, (source, matrix, halve) in enumerate(
            ((before, w.before, plan.halve), (previous, w.previous, False))
        ):
            y = _pointwise(network, source, matrix, halve)
            gamma, beta = w.norms[j]
            y, u = normalise(y, gamma, beta, None if statistics is None else statistics.entries[i][j])
            entries.append(y)
            used.append(u)
        kind = Kind(network.operations, network.primitives, plan.stride, training)
        given = None if statistics is None else statistics.branches[i]
        output, branches = cell(kind, w.slots, _choices(plan, architecture), jnp.stack(entries), given)
        before, previous = previous, output
        entry_statistics.append(jnp.stack(used))
        branch_statistics.append(branches)
    pooled = jnp.mean(jax.nn.relu(previous), axis=(1, 2))  # [B*C, N]
    logits = (weights.head @ pooled).T + weights.bias[None, :]
    found = Statistics(stem, tuple(entry_statistics), tuple(branch_statistics))
    return logits, lax.stop_gradient(found)
