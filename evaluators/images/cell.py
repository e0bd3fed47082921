"""One cell of a child network, with its architecture as data.

A compiled cell serves every architecture of the space: the B blocks are a scan over their 2B branches,
each of which reads its input by index and picks its operation with a switch, so that only the operation
chosen is executed (also under `pmap`; under `vmap` every one would be).

The gradient is written by hand. Differentiating the scan would keep the intermediate results of every
operation for every branch, and would touch all states for each branch that reads one of them. Here the
backward scan recomputes the one operation that ran and adds its gradient to the one state it read.

Axis letters: C channels, H, W height and width, N batch, B blocks, P parameters of a branch, M
normalisations of a branch; the 2B branches are in the order of the string: block by block, first and second.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from nao.evaluators.images.operations import Operation, apply_operation, count_norms
from nao.evaluators.images.primitives import Primitives

AnyArray = Array | np.ndarray  # data that begins on the host and is traced later
Branch = Callable[[Array, Array, Array, Array | None], tuple[Array, Array]]


@dataclasses.dataclass(frozen=True)
class CellConfig:
    """What is fixed when a cell is compiled.

    Attributes:
      operations: the operations a branch chooses from.
      primitives: the convolutions to use.
      stride: 1 for a normal cell; 2 for a reduction cell, whose branches stride where they read a
        previous cell, and only there.
      training: normalise with the statistics of the batch; otherwise with those that are given.
    """

    operations: tuple[Operation, ...]
    primitives: Primitives
    stride: int
    training: bool


class CellGenotype(NamedTuple):
    """The architecture of one cell, as data.

    Attributes:
      inputs: `[2B]` what each branch reads: 0 is h[i-2], 1 is h[i-1], b + 2 is block b.
      operations: `[2B]` index of the operation of each branch.
    """

    inputs: Int[AnyArray, "*n branches"]
    operations: Int[AnyArray, "*n branches"]


def apply_cell(
    config: CellConfig,
    parameters: Float[Array, "branches P"],
    genotype: CellGenotype,
    h: Float[Array, "2 C H W N"],
    statistics: Float[Array, "branches M 2 C"] | None,
) -> tuple[Float[Array, "BC _ _ N"], Float[Array, "branches M 2 C"]]:
    """The output of a cell: its loose ends, concatenated.

    Args:
      config: what was compiled.
      parameters: `[2B, P]` of the branches.
      genotype: the architecture.
      h: `[2, C, H, W, N]` the outputs h[i-2] and h[i-1] of the two previous cells, brought to C channels.
      statistics: `[2B, M, 2, C]` for the normalisations; None in training.

    Returns:
      `[B*C, H', W', N]` the outputs of the blocks, where those that another block reads are set to zero:
      what follows is linear in them, so this is the concatenation of the loose ends in a shape that is the
      same for every architecture. And the statistics `[2B, M, 2, C]` that were used.
    """
    if config.training:
        states, used = _train(config, parameters, genotype, h)
    else:
        states, used = _run(config, parameters, genotype, h, statistics)
        states = states[2:]
    loose = find_loose_ends(genotype)[:, None, None, None, None] * states
    return loose.reshape(-1, *states.shape[2:]), used


def find_loose_ends(genotype: CellGenotype) -> Float[Array, " B"]:
    """1 for each block `[B]` that no other block reads, else 0."""
    blocks = genotype.inputs.shape[0] // 2
    read = (genotype.inputs[:, None] == 2 + jnp.arange(blocks)[None, :]).any(axis=0)
    return jnp.where(read, 0.0, 1.0)


def _list_branches(config: CellConfig) -> list[Branch]:
    """What the switch picks from: every operation on a block's state, then on a previous cell's output."""

    def make(op: Operation, stride: int) -> Branch:
        def run(state: Array, h: Array, parameters: Array, statistics: Array | None) -> tuple[Array, Array]:
            x = h if stride > 1 else state
            num_norms = count_norms(config.operations)
            y, used = apply_operation(op, config.primitives, x, parameters, statistics, stride, num_norms)
            return y, used

        return run

    strides = (1, config.stride) if config.stride > 1 else (1,)
    return [make(op, stride) for stride in strides for op in config.operations]


def _pick_branches(config: CellConfig, genotype: CellGenotype) -> Int[AnyArray, " branches"]:
    """`[2B]` which of `_list_branches` each branch runs."""
    strided = (genotype.inputs < 2) & (config.stride > 1)
    return genotype.operations + len(config.operations) * strided


def _read_previous(config: CellConfig, h: Array, like: Array, index: AnyArray) -> Array:
    """The previous cell's output that a strided branch reads; unused otherwise."""
    return h[jnp.minimum(index, 1)] if config.stride > 1 else like


def _run(
    config: CellConfig, parameters: Array, genotype: CellGenotype, h: Array, statistics: Array | None
) -> tuple[Array, Array]:
    """The states `[2 + B, C, H', W', N]`, and the statistics that were used.

    States 0 and 1 are the previous cells; in a reduction cell, where nothing reads them from here, zeros.
    """
    blocks = parameters.shape[0] // 2
    _, c, height, width, n = h.shape
    shape = (c, -(-height // config.stride), -(-width // config.stride), n)
    first = h if config.stride == 1 else jnp.zeros((2, *shape), h.dtype)
    states = jnp.concatenate([first, jnp.zeros((blocks, *shape), h.dtype)])

    def step(states: Array, branch: tuple[Array, ...]) -> tuple[Array, Array]:
        block, index, which, own, *rest = branch
        x = states[index]
        operands = (x, _read_previous(config, h, x, index), own, rest[0] if rest else None)
        y, used = lax.switch(which, _list_branches(config), *operands)
        return states.at[block].add(y), used

    given = () if statistics is None else (statistics,)
    block = 2 + jnp.arange(2 * blocks) // 2
    which = _pick_branches(config, genotype)
    return lax.scan(step, states, (block, genotype.inputs, which, parameters, *given))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _train(config: CellConfig, parameters: Array, genotype: CellGenotype, h: Array) -> tuple[Array, Array]:
    states, used = _run(config, parameters, genotype, h, None)
    return states[2:], used


def _train_forward(
    config: CellConfig, parameters: Array, genotype: CellGenotype, h: Array
) -> tuple[tuple[Array, Array], tuple[Array, CellGenotype, Array, Array]]:
    states, used = _run(config, parameters, genotype, h, None)
    return (states[2:], used), (parameters, genotype, h, states)


def _train_backward(
    config: CellConfig, saved: tuple[Array, CellGenotype, Array, Array], gradients: tuple[Array, Array]
) -> tuple[Array, None, Array]:
    parameters, genotype, h, states = saved
    d_states = jnp.concatenate([jnp.zeros_like(states[:2]), gradients[0]])
    d_h = jnp.zeros_like(h)
    pullbacks = [_differentiate(run) for run in _list_branches(config)]

    def step(
        carry: tuple[Array, Array], branch: tuple[Array, AnyArray, AnyArray, Array]
    ) -> tuple[tuple[Array, Array], Array]:
        d_states, d_h = carry
        block, index, which, own = branch
        x = states[index]
        operands = (x, _read_previous(config, h, x, index), own, d_states[block])
        d_x, d_previous, d_own = lax.switch(which, pullbacks, *operands)
        if config.stride > 1:
            d_h = d_h.at[jnp.minimum(index, 1)].add(d_previous)
        return (d_states.at[index].add(d_x), d_h), d_own

    block = 2 + jnp.arange(parameters.shape[0]) // 2
    branches = (block, genotype.inputs, _pick_branches(config, genotype), parameters)
    (d_states, d_h), d_parameters = lax.scan(step, (d_states, d_h), branches, reverse=True)
    return d_parameters, None, d_states[:2] if config.stride == 1 else d_h


def _differentiate(run: Branch) -> Callable[..., tuple[Array, ...]]:
    """The gradient of a branch: from (state, h, parameters, gradient of the output) to that of each."""

    def pull_back(x: Array, h: Array, parameters: Array, g: Array) -> tuple[Array, ...]:
        def without_statistics(x: Array, h: Array, parameters: Array) -> tuple[Array, Array]:
            return run(x, h, parameters, None)

        _, pullback, _ = jax.vjp(without_statistics, x, h, parameters, has_aux=True)
        return tuple(pullback(g))

    return pull_back


_train.defvjp(_train_forward, _train_backward)
