"""One cell of a child network, with its architecture as data.

A compiled cell serves every architecture of the space: the B blocks are a scan over their 2B branches,
each of which reads its input by index and picks its operation with a switch, so that only the operation
chosen is executed (also under `pmap`; under `vmap` every one would be).

The gradient is written by hand. Differentiating the scan would keep the intermediate results of every
operation for every branch, and would touch all states for each branch that reads one of them. Here the
backward scan recomputes the one operation that ran and adds its gradient to the one state it read.

Axis letters: C channels, H, W height and width, N batch, B blocks, P slot of weights, M normalisations;
the 2B branches are in the order of the string: block by block, first and second.
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

from nao.evaluators import operations
from nao.evaluators.operations import Operation
from nao.evaluators.primitives import Primitives

AnyArray = Array | np.ndarray  # data that begins on the host and is traced later
Branch = Callable[[Array, Array, Array, Array | None], tuple[Array, Array]]


@dataclasses.dataclass(frozen=True)
class Kind:
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

    @property
    def normalisations(self) -> int:
        """M, how many normalisations a branch may have."""
        return operations.normalisations(self.operations)


class Choices(NamedTuple):
    """The architecture of one cell, as data.

    Attributes:
      inputs: `[2B]` 0 and 1 are the previous cells but one and the previous cell, i + 2 is block i.
      operations: `[2B]` index of the operation.
    """

    inputs: Int[AnyArray, "*n branches"]
    operations: Int[AnyArray, "*n branches"]


def _branches(kind: Kind) -> list[Branch]:
    """What the switch picks from: every operation on a block's state, then on a previous cell's output."""

    def branch(op: Operation, stride: int) -> Branch:
        def run(state: Array, entry: Array, slot: Array, statistics: Array | None) -> tuple[Array, Array]:
            x = entry if stride > 1 else state
            count = kind.normalisations
            y, used = operations.apply(op, kind.primitives, x, slot, statistics, stride, count)
            return y, used

        return run

    strides = (1, kind.stride) if kind.stride > 1 else (1,)
    return [branch(op, stride) for stride in strides for op in kind.operations]


def _selected(kind: Kind, choices: Choices) -> Int[AnyArray, " branches"]:
    """`[2B]` which of `_branches` each branch runs."""
    strided = (choices.inputs < 2) & (kind.stride > 1)
    return choices.operations + len(kind.operations) * strided


def _entries(kind: Kind, entries: Array, like: Array, index: AnyArray) -> Array:
    """The previous cell's output that a strided branch reads; unused otherwise."""
    return entries[jnp.minimum(index, 1)] if kind.stride > 1 else like


def _run(
    kind: Kind, slots: Array, choices: Choices, entries: Array, statistics: Array | None
) -> tuple[Array, Array]:
    blocks = slots.shape[0] // 2
    _, c, h, w, n = entries.shape
    shape = (c, -(-h // kind.stride), -(-w // kind.stride), n)
    # Rows 0 and 1 are the previous cells; in a reduction cell nothing reads them from here.
    first = entries if kind.stride == 1 else jnp.zeros((2, *shape), entries.dtype)
    states = jnp.concatenate([first, jnp.zeros((blocks, *shape), entries.dtype)])

    def step(states: Array, branch: tuple[Array, ...]) -> tuple[Array, Array]:
        block, index, which, slot, *rest = branch
        x = states[index]
        y, used = lax.switch(
            which, _branches(kind), x, _entries(kind, entries, x, index), slot, rest[0] if rest else None
        )
        return states.at[block].add(y), used

    given = () if statistics is None else (statistics,)
    block = 2 + jnp.arange(2 * blocks) // 2
    return lax.scan(step, states, (block, choices.inputs, _selected(kind, choices), slots, *given))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _train(kind: Kind, slots: Array, choices: Choices, entries: Array) -> tuple[Array, Array]:
    states, used = _run(kind, slots, choices, entries, None)
    return states[2:], used


def _train_forward(
    kind: Kind, slots: Array, choices: Choices, entries: Array
) -> tuple[tuple[Array, Array], tuple[Array, Choices, Array, Array]]:
    states, used = _run(kind, slots, choices, entries, None)
    return (states[2:], used), (slots, choices, entries, states)


def _train_backward(
    kind: Kind, saved: tuple[Array, Choices, Array, Array], gradients: tuple[Array, Array]
) -> tuple[Array, None, Array]:
    slots, choices, entries, states = saved
    d_states = jnp.concatenate([jnp.zeros_like(states[:2]), gradients[0]])
    d_entries = jnp.zeros_like(entries)

    def gradient(run: Branch) -> Callable[..., tuple[Array, ...]]:
        def pull(x: Array, entry: Array, slot: Array, g: Array) -> tuple[Array, ...]:
            def without_statistics(x: Array, entry: Array, slot: Array) -> tuple[Array, Array]:
                return run(x, entry, slot, None)

            _, pullback, _ = jax.vjp(without_statistics, x, entry, slot, has_aux=True)
            return tuple(pullback(g))

        return pull

    pulls = [gradient(run) for run in _branches(kind)]

    def step(
        carry: tuple[Array, Array], branch: tuple[Array, AnyArray, AnyArray, Array]
    ) -> tuple[tuple[Array, Array], Array]:
        d_states, d_entries = carry
        block, index, which, slot = branch
        x = states[index]
        operands = (x, _entries(kind, entries, x, index), slot, d_states[block])
        d_x, d_entry, d_slot = lax.switch(which, pulls, *operands)
        if kind.stride > 1:
            d_entries = d_entries.at[jnp.minimum(index, 1)].add(d_entry)
        return (d_states.at[index].add(d_x), d_entries), d_slot

    block = 2 + jnp.arange(slots.shape[0]) // 2
    branches = (block, choices.inputs, _selected(kind, choices), slots)
    (d_states, d_entries), d_slots = lax.scan(step, (d_states, d_entries), branches, reverse=True)
    return d_slots, None, d_states[:2] if kind.stride == 1 else d_entries


_train.defvjp(_train_forward, _train_backward)


def loose_ends(choices: Choices) -> Float[Array, " B"]:
    """1 for each block `[B]` that no other block reads, else 0."""
    blocks = choices.inputs.shape[0] // 2
    read = (choices.inputs[:, None] == 2 + jnp.arange(blocks)[None, :]).any(axis=0)
    return jnp.where(read, 0.0, 1.0)


def cell(
    kind: Kind,
    slots: Float[Array, "branches P"],
    choices: Choices,
    entries: Float[Array, "2 C H W N"],
    statistics: Float[Array, "branches M 2 C"] | None,
) -> tuple[Float[Array, "BC _ _ N"], Float[Array, "branches M 2 C"]]:
    """The output of a cell: its loose ends, concatenated.

    Args:
      kind: what was compiled.
      slots: `[2B, P]` the weights of each branch.
      choices: the architecture.
      entries: `[2, C, H, W, N]` the outputs of the two previous cells, brought to C channels.
      statistics: `[2B, M, 2, C]` for the normalisations; None in training.

    Returns:
      `[B*C, H', W', N]` the blocks' outputs, those that another block reads set to zero: what follows is
      linear in them, so this is the concatenation of the loose ends in a shape that is always the same;
      and the statistics `[2B, M, 2, C]` of the batch.
    """
    if kind.training:
        states, used = _train(kind, slots, choices, entries)
    else:
        states, used = _run(kind, slots, choices, entries, statistics)
        states = states[2:]
    loose = loose_ends(choices)[:, None, None, None, None] * states
    return loose.reshape(-1, *states.shape[2:]), used
