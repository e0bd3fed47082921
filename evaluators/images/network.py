"""The child network: cells stacked as in NASNet (Zoph et al. 2018) and NAO (Luo et al. 2018).

    images -> stem -> N normal -> reduction -> N normal -> reduction -> N normal -> mean -> linear

Cell i reads the outputs h[i-2] and h[i-1] of the two cells before it, each brought to its own number of
channels (and its size) by a pointwise convolution. A reduction cell halves the image and doubles the
channels. The architecture is data: nothing here is compiled for one architecture.

Where the sources differ: the loose ends that a cell concatenates are its unused blocks (Luo et al.), not
an unused previous cell (which the published code adds). The auxiliary head and the drop path of the
600-epoch recipe have no place in a short training and are left out.

Axis letters: C channels, H, W height and width, N batch, B blocks, P parameters of a branch, M
normalisations of a branch, S channels of the stem, G cells of the network, L classes, O output channels.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from nao.evaluators.images.cell import CellConfig, CellGenotype, apply_cell
from nao.evaluators.images.operations import Operation, batch_norm
from nao.evaluators.images.primitives import Maps, Primitives
from nao.evaluators.images.stages import reduce_factorised

STEM = 3  # the stem has three times as many channels as the first cell, as in the published code


@dataclasses.dataclass(frozen=True)
class CellPlan:
    """One cell's place in the network.

    Attributes:
      channels: C, of every block.
      stride: 2 for a reduction cell.
      in_channels: of h[i-2] and of h[i-1].
      halve: whether h[i-2] is still twice as large as h[i-1].
    """

    channels: int
    stride: int
    in_channels: tuple[int, int]
    halve: bool


@dataclasses.dataclass(frozen=True)
class Network:
    """What is fixed when child networks are compiled.

    Attributes:
      operations: the operations of the space.
      blocks: B.
      cells: normal cells before, between and after the two reductions.
      channels: C of the first cells.
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
    def plans(self) -> list[CellPlan]:
        """The cells in order."""
        strides = ([1] * self.cells + [2]) * 2 + [1] * self.cells
        plans, channels = [], self.channels
        outputs = [(STEM * self.channels, 0)] * 2  # (channels, reductions so far) of h[i-2] and h[i-1]
        for stride in strides:
            channels *= stride
            (before, depth), (previous, current) = outputs
            plans.append(CellPlan(channels, stride, (before, previous), halve=depth < current))
            outputs = [outputs[1], (self.blocks * channels, current + stride - 1)]
        return plans


class CellWeights(NamedTuple):
    """Weights of one cell.

    Attributes:
      projections: `[C, in_channels]` pointwise weights for h[i-2], and the same for h[i-1].
      norms: `[2, 2, C]` gamma and beta after each of the two.
      branches: `[2B, P]` the parameters of each branch.
    """

    projections: tuple[Array, Array]
    norms: Array
    branches: Array


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
      projections: G arrays `[2, 2, C]`, one row for h[i-2] and one for h[i-1].
      branches: G arrays `[2B, M, 2, C]`.
    """

    stem: Array
    projections: tuple[Array, ...]
    branches: tuple[Array, ...]


class Genotype(NamedTuple):
    """An architecture as data: its two cells."""

    normal: CellGenotype
    reduction: CellGenotype

    def cell(self, plan: CellPlan) -> CellGenotype:
        """The cell that stands at a place of the network."""
        return self.normal if plan.stride == 1 else self.reduction


def forward(
    network: Network,
    weights: Weights,
    statistics: Statistics | None,
    genotype: Genotype,
    images: Maps,
) -> tuple[Float[Array, "N L"], Statistics]:
    """Logits of a batch.

    Args:
      network: what was compiled.
      weights: the child's weights.
      statistics: for the normalisations; None in training, which uses those of the batch.
      genotype: the architecture.
      images: `[channels, H, W, N]`.

    Returns:
      Logits `[N, L]`, and the statistics used.
    """
    stem = network.primitives.convolve(images, weights.stem, 1)
    x, stem_statistics = batch_norm(stem, *weights.stem_norm, None if statistics is None else statistics.stem)
    h, projection_statistics, branch_statistics = [x, x], [], []
    for i, (plan, w) in enumerate(zip(network.plans, weights.cells, strict=True)):
        projected, used = [], []
        for j, halve in enumerate((plan.halve, False)):
            y = _project(network, h[j - 2], w.projections[j], halve)
            given = None if statistics is None else statistics.projections[i][j]
            y, moments = batch_norm(y, *w.norms[j], given)
            projected.append(y)
            used.append(moments)
        config = CellConfig(network.operations, network.primitives, plan.stride, statistics is None)
        given = None if statistics is None else statistics.branches[i]
        output, branches = apply_cell(config, w.branches, genotype.cell(plan), jnp.stack(projected), given)
        h.append(output)
        projection_statistics.append(jnp.stack(used))
        branch_statistics.append(branches)
    pooled = jnp.mean(jax.nn.relu(h[-1]), axis=(1, 2))  # [B*C, N]
    logits = (weights.head @ pooled).T + weights.bias[None, :]
    found = Statistics(stem_statistics, tuple(projection_statistics), tuple(branch_statistics))
    return logits, lax.stop_gradient(found)


def _project(network: Network, x: Maps, w: Float[Array, "O C"], halve: bool) -> Float[Array, "O _ _ N"]:
    """ReLU and a pointwise convolution; the factorised reduction where the image must be halved."""
    x, w = jax.nn.relu(x), w[:, :, None, None]
    if not halve:
        return network.primitives.convolve(x, w, 1)
    half = w.shape[0] // 2
    return reduce_factorised(network.primitives, x, w[:half], w[half:])
