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
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from nao.evaluators.cell import Choices, Kind, cell
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


def choices_of(plan: Plan, architecture: Architecture) -> Choices:
    """The choices of the kind of cell that a place in the network has."""
    return architecture.normal if plan.stride == 1 else architecture.reduction


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
        output, branches = cell(kind, w.slots, choices_of(plan, architecture), jnp.stack(entries), given)
        before, previous = previous, output
        entry_statistics.append(jnp.stack(used))
        branch_statistics.append(branches)
    pooled = jnp.mean(jax.nn.relu(previous), axis=(1, 2))  # [B*C, N]
    logits = (weights.head @ pooled).T + weights.bias[None, :]
    found = Statistics(stem, tuple(entry_statistics), tuple(branch_statistics))
    return logits, lax.stop_gradient(found)
