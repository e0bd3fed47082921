"""The recurrent cell of `rnn-cell` as data: nodes that each move one earlier state through a gate.

    c_0, g_0 = x_t X + h_{t-1} W_0    s_0 = h_{t-1} + sigma(c_0) (act_0(g_0) - h_{t-1})
    c_k, g_k = s_p W_k                s_k = s_p + sigma(c_k) (act_k(g_k) - s_p)
    h_t = sum over k of m_k s_k

The W_0 of the paper, which multiplies [x_t, h_{t-1}], is X above W_0 here.

Axis letters: n architectures (`*n`: any leading axes), L tokens of a string, K nodes, T words of a window,
N streams, H units, HH = 2H.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from nao.evaluators.language.choices import ACTIVATIONS, AnyArray, Function, choose, find, take
from nao.evaluators.language.dropout import drop
from nao.spaces import RNNCellSpace


class Gated(NamedTuple):
    """An architecture as data.

    Attributes:
      parents: `[K]` the node that each node reads; that of node 0 is not used.
      activations: `[K]` numbers of activations.
      mean: `[K]` m, the weights of the nodes in the new state.
    """

    parents: Integer[AnyArray, "*n K"]
    activations: Integer[AnyArray, "*n K"]
    mean: Float[AnyArray, "*n K"]


class GatedWeights(NamedTuple):
    """What is trained in a cell.

    Attributes:
      x: `[H, 2H]` X; its first half is for the gate.
      nodes: K matrices `[H, 2H]` W, likewise.
    """

    x: Float[Array, "H HH"]
    nodes: tuple[Float[Array, "H HH"], ...]


@dataclasses.dataclass(frozen=True)
class GatedCell:
    """A cell of any architecture of a space (a `nao.evaluators.language.network.Cell`).

    Attributes:
      space: of the architectures.
      units: H.

    Raises:
      InputError: an activation of the space is not known.
    """

    space: RNNCellSpace
    units: int

    def __post_init__(self) -> None:
        _ = self._activations

    @functools.cached_property
    def _activations(self) -> list[Function]:
        return find("activation", self.space.activations, ACTIVATIONS)

    @property
    def arrays(self) -> int:
        """The state is h alone."""
        return 1

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of the matrices that `assemble` takes."""
        return [(self.units, 2 * self.units)] * (1 + self.space.nodes)

    def assemble(self, matrices: Sequence[Array]) -> GatedWeights:
        """Weights of these matrices."""
        return GatedWeights(matrices[0], tuple(matrices[1:]))

    def encode(self, tokens: Int[np.ndarray, "*n L"]) -> Gated:
        """Strings `[..., L]` as data."""
        space = self.space
        return Gated(space.parents(tokens), space.activation_ids(tokens), space.mean_weights(tokens))

    def project(self, weights: GatedWeights, x: Float[Array, "T N H"]) -> Float[Array, "T N HH"]:
        """What the inputs `[T, N, H]` of all times contribute, in one product."""
        return x @ weights.x

    def step(
        self,
        weights: GatedWeights,
        architecture: Gated,
        mask: Float[Array, "N H"] | None,
        state: tuple[Float[Array, "N H"], ...],
        projected: Float[Array, "N HH"],
    ) -> tuple[Float[Array, "N H"], ...]:
        """The state after one more word.

        Args:
          weights: of the cell.
          architecture: of the cell.
          mask: of the states that are multiplied by weights, `[N, H]`, if any.
          state: h `[N, H]`.
          projected: `[N, 2H]` what the word contributes.
        """
        (h,) = state
        states: list[Array] = []
        for k, W in enumerate(weights.nodes):
            s = take(architecture.parents[k], states) if k else h
            both = drop(s, mask) @ W if k else drop(s, mask) @ W + projected
            a = choose(architecture.activations[k], self._activations, both[:, self.units :])
            states.append(s + jax.nn.sigmoid(both[:, : self.units]) * (a - s))
        return (sum((m * s for m, s in zip(architecture.mean, states, strict=True)), jnp.zeros_like(h)),)
