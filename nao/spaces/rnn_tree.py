"""Recurrent cells that are a tree over the input and the last state (Zoph and Le 2017, section 3.4).

A tree of base N has N leaves, nodes 0 ... N - 1, each of which reads the input x_t and the state h_{t-1}
through weights of its own. Node N + k joins nodes 2k and 2k + 1, up to the root, node 2N - 2; such inner
nodes have no weights. Every node has a combiner for what it reads, and an activation:

    a_i = act_i((x_t W_i) comb_i (h_{t-1} U_i))    at a leaf
    a_i = act_i(a_j comb_i a_k)                    where i joins j and k

A cell also has a memory c. What was in it is injected at one node, whose result becomes
act(a_i comb c_{t-1}); what comes into it is what a node has combined, before its activation. The new state
h_t is the result of the root. A string has two tokens for each of the 2N - 1 nodes, two for the injection,
and two nodes: the one that c_t is taken from, then the one where c_{t-1} is injected. The paper's example:

    add tanh multiply relu multiply sigmoid add relu node1 node0

is of base 2: a_0 = tanh(x W_0 + h U_0), then relu(a_0 + c_{t-1}); a_1 = relu(c_t) with c_t = (x W_1)(h U_1).

Axis letters: B strings (`*n`: any leading axes), T tokens, N base, M = 2N - 1 nodes, V vocabulary, F
features; C combiners and A activations, O = C A kinds of nodes, D levels of the tree.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int32

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.graph import Cell, Edge, Graph, Node
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.full_tree import FullTree
from nao.spaces.text import as_count, as_words, check_name

MOST_LEAVES = 256  # the tables of the grammar grow with the square of the leaves


class RNNTree(NamedTuple):
    """Cells as data.

    Attributes:
      combiners: `[..., M]` of each node, indices into the combiners of the space.
      activations: `[..., M]` of each node, indices into its activations.
      inject_combiner: `[...]` how c_{t-1} is injected.
      inject_activation: `[...]` what follows.
      inject_at: `[...]` the node at whose result.
      cell_from: `[...]` the node whose value before its activation becomes c_t.
    """

    combiners: Int32[np.ndarray, "*n M"]
    activations: Int32[np.ndarray, "*n M"]
    inject_combiner: Int32[np.ndarray, "*n"]
    inject_activation: Int32[np.ndarray, "*n"]
    inject_at: Int32[np.ndarray, "*n"]
    cell_from: Int32[np.ndarray, "*n"]


@dataclasses.dataclass(frozen=True)
class RNNTreeSpace(SpaceDefaults):
    """All cells over a tree of this base; a `nao.core.SearchSpace`.

    There are (C A)^(2N) (2N - 1)^2 strings. Two of them mean the same if one becomes the other by swapping
    what nodes join: every combiner must be commutative.

    Attributes:
      name: what the command line calls it.
      base: N, the number of leaves.
      combiners: the C ways to join two values.
      activations: the A activations.

    Raises:
      InputError: base is below 2 or above 256, or the combiners and activations cannot be words, or not told
        apart.
    """

    name: str = "rnn-tree"
    base: int = 8
    combiners: tuple[str, ...] = ("add", "multiply")
    activations: tuple[str, ...] = ("tanh", "relu", "sigmoid", "identity")

    def __post_init__(self) -> None:
        check_name(self.name, "the name of a space")
        object.__setattr__(self, "base", as_count(self.base, f"{self.name}: base"))
        if not 2 <= self.base <= MOST_LEAVES:
            raise InputError(f"{self.name}: a tree has a base of 2 to {MOST_LEAVES}, not {self.base}")
        combiners = as_words(self.combiners, f"{self.name}: the combiners", reserved=self._names)
        object.__setattr__(self, "combiners", combiners)
        reserved = (*self._names, *combiners)
        activations = as_words(self.activations, f"{self.name}: the activations", reserved=reserved)
        object.__setattr__(self, "activations", activations)

    @functools.cached_property
    def _tree(self) -> FullTree:
        return FullTree(self.base)

    @property
    def nodes(self) -> int:
        """M = 2N - 1, the nodes of the tree."""
        return self._tree.nodes

    @functools.cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"node{i}" for i in range(self.nodes))

    @property
    def _first(self) -> int:
        """The token of node 0."""
        return len(self.combiners) + len(self.activations)

    @property
    def group(self) -> int:
        """Tokens of a node, of the injection, and of where the memory is."""
        return 2

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: the combiners, the activations, the nodes."""
        return (*self.combiners, *self.activations, *self._names)

    @functools.cached_property
    def grammar(self) -> Grammar:
        """A combiner and an activation M + 1 times, then two nodes."""
        kinds = (len(self.combiners), len(self.activations), self.nodes)
        combiner, activation, node = np.repeat(np.eye(3, dtype=np.bool_), kinds, axis=1)
        legal = np.stack([*[combiner, activation] * (self.nodes + 1), node, node])
        legal.setflags(write=False)
        return Grammar.from_positions(legal)

    def tree(self) -> Int32[np.ndarray, "M 2"]:
        """The two nodes `[M, 2]` that each node joins: -1 for the N leaves, which come first."""
        return self._tree.joined

    def parts(self, tokens: Int[np.ndarray, "*n T"]) -> RNNTree:
        """Strings `[..., T]` as data, for a child network."""
        tokens = tokens.astype(np.int32)
        combiners, activations = tokens[..., :-2:2], tokens[..., 1:-2:2] - len(self.combiners)
        return RNNTree(
            combiners=combiners[..., :-1],
            activations=activations[..., :-1],
            inject_combiner=combiners[..., -1],
            inject_activation=activations[..., -1],
            inject_at=tokens[..., -1] - self._first,
            cell_from=tokens[..., -2] - self._first,
        )

    def augment(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Swaps what each node joins, with all that is below, with probability 1/2 each.

        Args:
          tokens: `[B, T]` legal strings.
          rng: NumPy generator; it is advanced.

        Returns:
          `[B, T]` strings that mean the same. Each one that can come of a string is equally likely.
        """
        order = self._tree.reorder(rng, len(tokens))
        kinds = tokens[:, : 2 * self.nodes].reshape(-1, self.nodes, 2)
        moved = np.take_along_axis(kinds, order[..., None], axis=1).reshape(-1, 2 * self.nodes)
        place = np.take_along_axis(np.argsort(order), tokens[:, -2:] - self._first, axis=1) + self._first
        return np.concatenate([moved, tokens[:, -4:-2], place.astype(tokens.dtype)], axis=1)

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the strings that differ in such swaps alone.

        It is the tree of pairs of combiner and activation, by their numbers; `+` marks the node of the
        injection, which comes first, and `*` the node that c_t is taken from.
        """
        parts = self.parts(np.array(architecture.tokens))
        combiners, activations = parts.combiners.tolist(), parts.activations.tolist()
        keys: list[str] = []
        for i, joined in enumerate(self.tree().tolist()):
            marks = "+" * int(i == parts.inject_at) + "*" * int(i == parts.cell_from)
            below = "" if i < self.base else f"({' '.join(sorted(keys[j] for j in joined))})"
            keys.append(f"{combiners[i]}.{activations[i]}{marks}{below}")
        return f"{parts.inject_combiner}.{parts.inject_activation} {keys[-1]}"

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """Pieces of the tree `[B, F]`.

        How often each kind of node stands on each level (D O numbers), and joins another kind (O^2); the
        kind of the injection; the kind and level of the two nodes of the memory; and whether the injection
        is at the node that c_t is taken from, below it, or above it.
        """
        parts, rows = self.parts(tokens), np.arange(len(tokens))
        kind = np.eye(len(self.combiners) * len(self.activations))  # [O, O]
        level = np.eye(self._tree.levels.max() + 1)[self._tree.levels]  # [M, D]
        kinds = kind[parts.combiners * len(self.activations) + parts.activations]  # [B, M, O]
        inject = kind[parts.inject_combiner * len(self.activations) + parts.inject_activation]
        standing = np.einsum("bmo,md->bdo", kinds, level)
        joins = np.einsum("bmo,bmcp->bop", kinds[:, self.base :], kinds[:, self.tree()[self.base :]])
        at, source, below = parts.inject_at, parts.cell_from, self._tree.below
        memory = [at == source, below[at, source], below[source, at]]
        of_tree = [each.reshape(len(tokens), math.prod(each.shape[1:])) for each in (standing, joins)]
        of_memory = [inject, kinds[rows, at], level[at], kinds[rows, source], level[source]]
        return np.concatenate([*of_tree, *of_memory, np.stack(memory, axis=1)], axis=1)

    def graph(self, architecture: Architecture) -> Graph:
        """The cell: combiners and activations are at the nodes, and the output is h_t and c_t.

        A node `cell` stands for the value that becomes c_t, a node `inject` for the injection.
        """
        parts = self.parts(np.array(architecture.tokens))
        nodes: list[Node] = [Node("x"), Node("h"), Node("c")]
        edges: list[Edge] = []
        result: list[int] = []  # the place of the node that holds the result of each node of the tree
        cell = 0

        def add(node: Node, reads: Sequence[int]) -> int:
            edges.extend(Edge(source, len(nodes)) for source in reads)
            nodes.append(node)
            return len(nodes) - 1

        for i, joined in enumerate(self.tree().tolist()):
            combiner, activation = self.combiners[parts.combiners[i]], self.activations[parts.activations[i]]
            reads = [0, 1] if i < self.base else [result[j] for j in joined]
            if i == parts.cell_from:
                cell = add(Node("cell", combiner=combiner), reads)
                done = add(Node(f"node{i}", activation), [cell])
            else:
                done = add(Node(f"node{i}", activation, combiner), reads)
            if i == parts.inject_at:
                combiner = self.combiners[parts.inject_combiner]
                done = add(Node("inject", self.activations[parts.inject_activation], combiner), [done, 2])
            result.append(done)
        add(Node("output", combiner="concat"), [result[-1], cell])
        return Graph((Cell("", tuple(nodes), tuple(edges), inputs=3),))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study, and what `from_configuration` makes it from."""
        return {
            "space": self.name,
            "base": self.base,
            "combiners": list(self.combiners),
            "activations": list(self.activations),
        }

    @classmethod
    def from_configuration(cls, c: Mapping[str, Json]) -> "RNNTreeSpace":
        """The space with this configuration."""
        return cls(c["space"], c["base"], tuple(c["combiners"]), tuple(c["activations"]))
