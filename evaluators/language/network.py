"""The language model around a recurrent cell: embedding, dropout, and the softmax over the vocabulary.

The embedding is also the matrix of the softmax (Inan et al. 2017; Press & Wolf 2017).

Axis letters: T words of a window, N streams, H units, V vocabulary, P numbers that a word contributes.
"""

import dataclasses
import math
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from nao.evaluators.language.dropout import Masks, drop
from nao.evaluators.program import PyTree

EMBEDDED = 0.1  # embeddings begin uniformly within +-0.1, as in AWD-LSTM; within 0.04 in NAO and DARTS

State = tuple[Float[Array, "N H"], ...]


@runtime_checkable
class Cell(Protocol):
    """A recurrent cell that takes its architecture as data.

    Attributes:
      units: H.
      arrays: how many arrays `[N, H]` its state has; the first is what it gives.
      shapes: of the matrices that `assemble` makes its weights of.
    """

    @property
    def units(self) -> int: ...

    @property
    def arrays(self) -> int: ...

    @property
    def shapes(self) -> list[tuple[int, int]]: ...

    def assemble(self, matrices: Any) -> Any:
        """Weights of these matrices."""

    def encode(self, tokens: Any) -> Any:
        """Strings as data."""

    def project(self, weights: Any, x: Any) -> Any:
        """What inputs `[T, N, H]` contribute, `[T, N, P]`."""

    def step(self, weights: Any, architecture: Any, mask: Any, state: Any, projected: Any) -> Any:
        """The state after one more word, which contributes `[N, P]`."""


@dataclasses.dataclass(frozen=True)
class Network:
    """What is fixed when language models are compiled.

    Attributes:
      cell: the cell.
      types: V.
    """

    cell: Cell
    types: int

    @property
    def parameters(self) -> int:
        """How many numbers are trained, which is the same for every architecture."""
        matrices = sum(math.prod(shape) for shape in self.cell.shapes)
        return self.types * self.cell.units + self.types + matrices

    def zero_state(self, batch: int) -> State:
        """The state before the first word, of N streams."""
        return (jnp.zeros((batch, self.cell.units)),) * self.cell.arrays


class Weights(NamedTuple):
    """Everything that is trained.

    Attributes:
      embedding: `[V, H]`.
      bias: `[V]` of the softmax.
      cell: of the cell.
    """

    embedding: Float[Array, "V H"]
    bias: Float[Array, " V"]
    cell: PyTree


class Read(NamedTuple):
    """What a network gives for a window.

    Attributes:
      states: `[T, N, H]` outputs of the cell.
      outputs: `[T, N, H]` the same after dropout.
      losses: `[T, N]` negative log likelihood of each word, in nats.
      state: after the last word.
    """

    states: Float[Array, "T N H"]
    outputs: Float[Array, "T N H"]
    losses: Float[Array, "T N"]
    state: State


def initialise_weights(network: Network, key: PRNGKeyArray) -> Weights:
    """Fresh weights: uniform, those of the cell within +-1/sqrt(H), and no bias.

    Args:
      network: what was compiled.
      key: JAX key, consumed.
    """
    shapes = [(network.types, network.cell.units), *network.cell.shapes]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    # One draw, which is cut: many draws take long to compile.
    noise = jax.random.uniform(key, (int(ends[-1]),), minval=-1.0)
    parts = jnp.split(noise, ends[:-1])
    embedding, *matrices = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    within = 1 / math.sqrt(network.cell.units)
    cell = network.cell.assemble([within * matrix for matrix in matrices])
    return Weights(EMBEDDED * embedding, jnp.zeros(network.types), cell)


def read(
    network: Network,
    weights: Weights,
    architecture: PyTree,
    masks: Masks,
    state: State,
    x: Int[Array, "T N"],
    y: Int[Array, "T N"],
) -> Read:
    """Reads a window, predicting each next word.

    Args:
      network: what was compiled.
      weights: of the network.
      architecture: of the cell, as data.
      masks: of dropout.
      state: before the first word.
      x: `[T, N]` the words.
      y: `[T, N]` the words to predict.
    """
    embedded = weights.embedding[x]
    if masks.words is not None:
        embedded *= masks.words[x][:, :, None]
    embedded = drop(drop(embedded, masks.embedding), masks.input)
    cell, projected = network.cell, network.cell.project(weights.cell, embedded)

    # What a step needs again is computed again: to keep it for all words takes longer.
    @jax.checkpoint
    def step(state: State, projected: Array) -> tuple[State, Array]:
        state = cell.step(weights.cell, architecture, masks.hidden, state, projected)
        return state, state[0]

    state, states = lax.scan(step, state, projected)
    outputs = drop(states, masks.output)
    logits = outputs @ weights.embedding.T + weights.bias[None, None, :]
    losses = jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, y[:, :, None], axis=-1)[:, :, 0]
    return Read(states, outputs, losses, state)
