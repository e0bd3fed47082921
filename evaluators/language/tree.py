"""The recurrent cell of `rnn-tree` as data (Zoph & Le 2017, 3.4): a tree over the input and the state.

    b_i = (x_t W_i) comb_i (h_{t-1} U_i)    at a leaf
    b_i = a_j comb_i a_k                    where i joins j and k
    a_i = act_i(b_i), and at one node then act(a_i comb c_{t-1})

h_t is a of the root, and c_t is b of one of the nodes.

Axis letters: n architectures (`*n`: any leading axes), L tokens of a string, F leaves, T words of a window,
N streams, H units, FH = F H.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.evaluators.language.choices import ACTIVATIONS, COMBINERS, Function, choose, find, take
from nao.evaluators.language.dropout import drop
from nao.spaces import RNNTreeSpace
from nao.spaces.rnn_tree import RNNTree


class TreeWeights(NamedTuple):
    """What is trained in a cell.

    Attributes:
      x: `[H, F*H]` W of each leaf, side by side.
      h: `[H, F*H]` U of each leaf.
    """

    x: Float[Array, "H FH"]
    h: Float[Array, "H FH"]


@dataclasses.dataclass(frozen=True)
class TreeCell:
    """A cell of any architecture of a space (a `nao.evaluators.language.network.Cell`).

    Attributes:
      space: of the architectures.
      units: H.

    Raises:
      InputError: a combiner or an activation of the space is not known.
    """

    space: RNNTreeSpace
    units: int

    def __post_init__(self) -> None:
        _ = self._activations, self._combiners

    @functools.cached_property
    def _activations(self) -> list[Function]:
        return find("activation", self.space.activations, ACTIVATIONS)

    @functools.cached_property
    def _combiners(self) -> list[Function]:
        return find("combiner", self.space.combiners, COMBINERS)

    @property
    def arrays(self) -> int:
        """The state is h and c."""
        return 2

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of the matrices that `assemble` takes."""
        return [(self.units, self.space.base * self.units)] * 2

    def assemble(self, matrices: Sequence[Array]) -> TreeWeights:
        """Weights of these matrices."""
        return TreeWeights(*matrices)

    def encode(self, tokens: Int[np.ndarray, "*n L"]) -> RNNTree:
        """Strings `[..., L]` as data."""
        return self.space.parts(tokens)

    def project(self, weights: TreeWeights, x: Float[Array, "T N H"]) -> Float[Array, "T N FH"]:
        """What the inputs `[T, N, H]` of all times contribute, in one product."""
        return x @ weights.x

    def step(
        self,
        weights: TreeWeights,
        architecture: Any,
        mask: Float[Array, "N H"] | None,
        state: tuple[Float[Array, "N H"], ...],
        projected: Float[Array, "N FH"],
    ) -> tuple[Float[Array, "N H"], ...]:
        """The state after one more word.

        Args:
          weights: of the cell.
          architecture: of the cell, as `encode` has it.
          mask: of the state that is multiplied by weights, `[N, H]`, if any.
          state: h and c, both `[N, H]`.
          projected: `[N, F*H]` what the word contributes.
        """
        h, c = state
        joined: list[Array] = []  # b
        results: list[Array] = []  # a
        recurrent = drop(h, mask) @ weights.h
        leaves = zip(*(jnp.split(y, self.space.base, axis=1) for y in (projected, recurrent)), strict=True)

        def inject(a: Array, c: Array) -> Array:
            together = choose(architecture.inject_combiner, self._combiners, a, c)
            return choose(architecture.inject_activation, self._activations, together)

        for i, (j, k) in enumerate(self.space.tree().tolist()):
            read = next(leaves) if j < 0 else (results[j], results[k])
            b = choose(architecture.combiners[i], self._combiners, *read)
            a = choose(architecture.activations[i], self._activations, b)
            here = jnp.asarray(architecture.inject_at == i, jnp.int32)
            joined.append(b)
            results.append(choose(here, [lambda a, c: a, inject], a, c))
        return results[-1], take(architecture.cell_from, joined)
