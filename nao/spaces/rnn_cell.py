"""Recurrent cells whose nodes each read one node before them (Pham et al. 2018; Luo et al. 2018).

A cell has N nodes. Node 0 reads the input x_t and the state h_{t-1}. Every other node i reads the state s_p
of a node p before it, and moves it through a gate towards an activation of it:

    c_0, g_0 = [x_t, h_{t-1}] W_0    s_0 = h_{t-1} + sigma(c_0) (tanh(g_0) - h_{t-1})
    c_i, g_i = s_p W_i               s_i = s_p + sigma(c_i) (act_i(g_i) - s_p)

The new state h_t is the mean of some of them. A string has two tokens for each node after node 0, the node
that it reads and its activation:

    node0 relu node0 tanh node2 sigmoid ...

What reads what is a tree with node 0 as its root. Numbers of nodes mean nothing beyond it, as every node has
weights of its own.

Axis letters: B strings (`*n`: any leading axes), T tokens, N nodes, A activations, V vocabulary, F features.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

from nao.core import Architecture, InputError, Json
from nao.grammar import Grammar
from nao.graph import Cell, Edge, Graph, Node
from nao.spaces.defaults import SpaceDefaults
from nao.spaces.text import as_count, as_words, check_name, quote

FIRST = ("fixed", "searched")
AVERAGED = ("all", "searched", "loose")
FIXED = "tanh"
MOST_NODES = 1000  # the tables of the grammar grow with the square of the nodes


@dataclasses.dataclass(frozen=True)
class RNNCellSpace(SpaceDefaults):
    """All recurrent cells of N nodes with these activations; a `nao.core.SearchSpace`.

    There are (N - 1)! A^(N - 1) strings, and A times as many where the first activation is searched.

    Publications and code differ in what is averaged: Luo et al. 2018 write of all nodes, the code that
    trained their final cells leaves node 0 out, and ENAS averages what no other node reads.

    No other strings are made of a string by `augment`: NAO used none for recurrent cells, and a tree of 12
    nodes can be numbered in up to 11! ways. `canonical` knows them all.

    Attributes:
      name: what the command line calls it.
      nodes: N, node 0 included.
      activations: the A activations.
      first_activation: `fixed`: that of node 0 is tanh; `searched`: it is the first token of a string.
      averaged: `all` nodes; the `searched` ones, which are all but node 0; or the `loose` ones, which no
        other node reads.

    Raises:
      InputError: nodes is below 2 or above 1000, the activations cannot be words or lack the tanh of node 0,
        or another value is none of those above.
    """

    name: str = "rnn-cell"
    nodes: int = 12
    activations: tuple[str, ...] = ("tanh", "relu", "sigmoid", "identity")
    first_activation: str = "fixed"
    averaged: str = "all"

    def __post_init__(self) -> None:
        check_name(self.name, "the name of a space")
        object.__setattr__(self, "nodes", as_count(self.nodes, f"{self.name}: nodes"))
        if not 2 <= self.nodes <= MOST_NODES:
            raise InputError(f"{self.name}: a cell has 2 to {MOST_NODES} nodes, not {self.nodes}")
        words = as_words(self.activations, f"{self.name}: the activations", reserved=self._readable)
        object.__setattr__(self, "activations", words)
        for field, known in (("first_activation", FIRST), ("averaged", AVERAGED)):
            if (value := getattr(self, field)) not in known:
                raise InputError(f"{self.name}: {field} is one of {', '.join(known)}, not {quote(value)}")
        if self.first_activation == "fixed" and FIXED not in words:
            raise InputError(
                f"{self.name}: the activation of node 0 is {FIXED}, which is not among {', '.join(words)};"
                " add it, or have first_activation searched"
            )

    @functools.cached_property
    def _readable(self) -> tuple[str, ...]:
        """The N - 1 words of the nodes that another one can read."""
        return tuple(f"node{i}" for i in range(self.nodes - 1))

    @property
    def _before(self) -> int:
        """How many tokens stand before those of node 1."""
        return 1 if self.first_activation == "searched" else 0

    @property
    def group(self) -> int:
        """Tokens of a node; one by one where node 0 has only one."""
        return 1 if self._before else 2

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V words: the nodes that can be read, then the activations."""
        return (*self._readable, *self.activations)

    @functools.cached_property
    def grammar(self) -> Grammar:
        """A node reads any node before it."""
        readable = np.arange(len(self.vocabulary)) < np.arange(1, self.nodes)[:, None]  # [N - 1, V]
        activations = np.arange(len(self.vocabulary)) >= self.nodes - 1
        slots = np.stack([readable, np.broadcast_to(activations, readable.shape)], axis=1)
        first = np.broadcast_to(activations, (self._before, len(activations)))
        legal = np.concatenate([first, slots.reshape(-1, len(activations))])
        legal.setflags(write=False)
        return Grammar.from_positions(legal)

    def parents(self, tokens: Int[np.ndarray, "*n T"]) -> Int32[np.ndarray, "*n N"]:
        """The node that each node reads.

        Args:
          tokens: `[..., T]` legal strings.

        Returns:
          `[..., N]`; 0 for node 0, which reads none.
        """
        read = tokens[..., self._before :: 2].astype(np.int32)
        return np.concatenate([np.zeros_like(read[..., :1]), read], axis=-1)

    def activation_ids(self, tokens: Int[np.ndarray, "*n T"]) -> Int32[np.ndarray, "*n N"]:
        """The activation of each node.

        Args:
          tokens: `[..., T]` legal strings.

        Returns:
          `[..., N]` indices into `activations`.
        """
        ids = (tokens[..., 1 - self._before :: 2] - (self.nodes - 1)).astype(np.int32)
        if self._before:
            return ids
        return np.concatenate([np.full_like(ids[..., :1], self.activations.index(FIXED)), ids], axis=-1)

    def tokens_of(
        self, parents: Int[np.ndarray, "*n N"], activation_ids: Int[np.ndarray, "*n N"]
    ) -> Int32[np.ndarray, "*n T"]:
        """The strings of cells; the inverse of `parents` and `activation_ids`.

        Args:
          parents: `[..., N]` the node that each node reads; that of node 0 is ignored.
          activation_ids: `[..., N]` indices into `activations`; that of node 0 is ignored where it is fixed.

        Returns:
          `[..., T]` strings, legal if every node reads one before it.
        """
        slots = np.stack([parents, activation_ids + self.nodes - 1], axis=-1)
        flat = slots.reshape(*slots.shape[:-2], 2 * self.nodes)
        return flat[..., 2 - self._before :].astype(np.int32)

    def are_averaged(self, tokens: Int[np.ndarray, "*n T"]) -> Bool[np.ndarray, "*n N"]:
        """The nodes `[..., N]` of strings `[..., T]` whose mean is the new state."""
        if self.averaged == "loose":
            read = self.parents(tokens)[..., 1:, None] == np.arange(self.nodes)  # [..., N - 1, N]
            return np.asarray(~read.any(axis=-2))
        averaged = np.arange(self.nodes) >= (1 if self.averaged == "searched" else 0)
        return np.broadcast_to(averaged, (*tokens.shape[:-1], self.nodes))

    def mean_weights(self, tokens: Int[np.ndarray, "*n T"]) -> Float32[np.ndarray, "*n N"]:
        """The weights `[..., N]` of the nodes of strings `[..., T]` in the new state, which sum to 1."""
        averaged = self.are_averaged(tokens).astype(np.float32)
        weights: Float32[np.ndarray, "*n N"] = averaged / averaged.sum(axis=-1, keepdims=True)
        return weights

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the strings whose cells differ in the numbers of nodes alone.

        It is the tree of activations, by their numbers, each with its readers in brackets: `0(1 3(2 2))`.
        What is averaged follows from the tree.
        """
        tokens = np.array(architecture.tokens)
        readers: list[list[str]] = [[] for _ in range(self.nodes)]
        key = ""
        for parent, activation, read_by in zip(
            self.parents(tokens).tolist()[::-1],
            self.activation_ids(tokens).tolist()[::-1],
            readers[::-1],
            strict=True,
        ):
            key = f"{activation}({' '.join(sorted(read_by))})" if read_by else f"{activation}"
            readers[parent].append(key)
        return key  # of node 0, which comes last

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """Counts over the tree `[B, F]`.

        How often each activation stands at each depth of the tree (N A numbers), how often one reads another
        (A^2), and how often each is in a loose end (A).
        """
        parents, activations = self.parents(tokens), self.activation_ids(tokens)
        B, A, rows = len(tokens), len(self.activations), np.arange(len(tokens))
        depth = np.zeros_like(parents)
        depths, reads = np.zeros((B, self.nodes, A)), np.zeros((B, A, A))
        depths[rows, 0, activations[:, 0]] = 1
        for i in range(1, self.nodes):
            p = parents[:, i]
            depth[:, i] = depth[rows, p] + 1
            depths[rows, depth[:, i], activations[:, i]] += 1
            reads[rows, activations[rows, p], activations[:, i]] += 1
        loose = dataclasses.replace(self, averaged="loose").are_averaged(tokens)
        ends = (np.eye(A)[activations] * loose[..., None]).sum(axis=1)
        return np.concatenate([depths.reshape(B, self.nodes * A), reads.reshape(B, A * A), ends], axis=1)

    def graph(self, architecture: Architecture) -> Graph:
        """The cell: activations are at the nodes, and gates are left out."""
        tokens = np.array(architecture.tokens)
        names = [self.activations[a] for a in self.activation_ids(tokens)]
        inner = [Node(f"node{i}", name) for i, name in enumerate(names)]
        nodes = (Node("x"), Node("h"), *inner, Node("output", combiner="mean"))
        edges = [Edge(0, 2), Edge(1, 2)]
        edges += [Edge(2 + p, 2 + i) for i, p in enumerate(self.parents(tokens).tolist()) if i]
        averaged = np.flatnonzero(self.are_averaged(tokens)).tolist()
        edges += [Edge(2 + i, 2 + self.nodes) for i in averaged]
        return Graph((Cell("", nodes, tuple(edges), inputs=2),))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study, and what `from_configuration` makes it from."""
        return {
            "space": self.name,
            "nodes": self.nodes,
            "activations": list(self.activations),
            "first_activation": self.first_activation,
            "averaged": self.averaged,
        }

    @classmethod
    def from_configuration(cls, c: Mapping[str, Json]) -> "RNNCellSpace":
        """The space with this configuration."""
        activations = tuple(c["activations"])
        return cls(c["space"], c["nodes"], activations, c["first_activation"], c["averaged"])
