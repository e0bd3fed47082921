"""The cells of NAS-Bench-NLP as strings of our spaces, and what such strings compute. A part of `nbnlp.py`.

Axis letters: T steps, U units.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from nbnlp_cells import FUNCTIONS, Array, Cell, Form, linear_parts, op

from nao.core import Architecture
from nao.spaces import RNNCellSpace, RNNTreeSpace

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")


class Spot(NamedTuple):
    """A node of a tree, and the matrices of x and h at a leaf."""

    combiner: str
    activation: str
    x: Array = np.zeros((0, 0))
    h: Array = np.zeros((0, 0))


class Tree(NamedTuple):
    """A string, and the matrices that make it equal a cell."""

    space: RNNTreeSpace
    string: Architecture
    leaves: Sequence[Spot]

    def run(self, xs: Float[Array, "T U"]) -> Float[Array, "T U"]:
        """The outputs `[T, U]`, from an empty memory."""
        parts = self.space.parts(np.array(self.string.tokens))
        combine = [FUNCTIONS[self.space.combiners[i]] for i in (*parts.combiners, parts.inject_combiner)]
        act = [FUNCTIONS[self.space.activations[i]] for i in (*parts.activations, parts.inject_activation)]
        h, c, outputs = np.zeros_like(xs[0]), np.zeros_like(xs[0]), []
        for x in xs:
            before, after = [], list[Array]()
            for i, (j, k) in enumerate(self.space.tree().tolist()):
                read = (x @ self.leaves[i].x, h @ self.leaves[i].h) if j < 0 else (after[j], after[k])
                before.append(combine[i](*read))
                a = act[i](before[i])
                after.append(act[-1](combine[-1](a, c)) if i == parts.inject_at else a)
            h, c = after[-1], before[int(parts.cell_from)]
            outputs.append(h)
        return np.array(outputs)


def place(f: Form, depth: int, exact: bool) -> list[list[Spot]] | None:
    """A form as a full tree of this depth, level by level from the leaves; None if it does not fit."""
    activation, g = (f.word, f.parts[0]) if f.word in ACTIVATIONS else ("identity", f)
    if depth == 0:
        return [[Spot("add", activation, g.x, g.h)]] if g.word == "linear" else None
    combiner = "add"
    if g.word in ("add", "multiply"):
        halves = g.parts[: len(g.parts) // 2], g.parts[len(g.parts) // 2 :]
        a, b = (half[0] if len(half) == 1 else Form(g.word, half) for half in halves)
        combiner = g.word
    elif g.word == "linear" and exact:
        a = b = Form("linear", x=g.x / 2, h=g.h / 2)
    elif exact:
        return None
    else:
        zero = np.zeros_like(linear_parts(g)[0].x)
        a, b = g, Form("linear", x=zero, h=zero)
    left, right = place(a, depth - 1, exact), place(b, depth - 1, exact)
    if left is None or right is None:
        return None
    return [*(x + y for x, y in zip(left, right, strict=True)), [Spot(combiner, activation)]]


def as_tree(f: Form, depth: int, exact: bool) -> Tree | None:
    """The tree of this depth that has a form, with a memory that adds nothing to it."""
    levels = place(f, depth, exact)
    if levels is None:
        return None
    spots = [spot for level in levels for spot in level]
    leaf, inject, source = 0, spots[0].activation, len(spots) - 1
    if spots[-1].activation == "identity":  # c is h, and what the first leaf adds of it is in its matrix
        spots[0] = spots[0]._replace(activation="identity", h=spots[0].h - np.eye(len(spots[0].h)))
    else:  # c is always zero
        empty = [i for i, spot in enumerate(levels[0]) if not (spot.x.any() or spot.h.any())]
        if not empty:
            return None
        leaf = source = empty[0]
        inject = "identity"
    words = [word for spot in spots for word in spot[:2]]
    space = RNNTreeSpace(base=2**depth, activations=ACTIVATIONS)
    text = " ".join([*words, "add", inject, f"node{source}", f"node{leaf}"])
    return Tree(space, space.parse(text), spots[: 2**depth])


class Gated(NamedTuple):
    """A string, and the matrices that make it equal a cell, where its gates have zeros."""

    space: RNNCellSpace
    string: Architecture
    x: Array
    nodes: Sequence[Array]

    def run(self, xs: Float[Array, "T U"]) -> Float[Array, "T U"]:
        """The outputs `[T, U]`."""
        tokens = np.array(self.string.tokens)
        parents, mean = self.space.parents(tokens), self.space.mean_weights(tokens)
        act = [FUNCTIONS[self.space.activations[i]] for i in self.space.activation_ids(tokens)]
        h, outputs = np.zeros_like(xs[0]), []
        for x in xs:
            states = [(h + act[0](x @ self.x + h @ self.nodes[0])) / 2]
            for k in range(1, self.space.nodes):
                s = states[parents[k]]
                states.append((s + act[k](s @ self.nodes[k])) / 2)
            h = np.tensordot(mean.astype(np.float64), states, axes=1)
            outputs.append(h)
        return np.array(outputs)


def as_gated(f: Form) -> Gated | None:
    """A cell of gated nodes that has a form; None if none is found.

    Node 0 is the linear map A. Each activation of A V is a node, which is (A + act(A V)) / 2, and one more
    that scales it. A last node adds the linear term, and takes away what those have of A.
    """
    terms = f.parts if f.word == "add" else (f,)
    curved = [term for term in terms if term.word in ACTIVATIONS and term.parts[0].word == "linear"]
    linear = [term for term in terms if term.word == "linear"]
    if not curved or len(curved) + len(linear) < len(terms):
        return None
    first, one, loose = curved[0].parts[0], np.eye(len(curved[0].parts[0].x)), len(curved) + 1
    maps = [np.linalg.solve(first.x, each.x) for each in (*(term.parts[0] for term in curved), *linear)]
    given = [*(term.parts[0] for term in curved), *linear]
    if not all(np.allclose(first.h @ m, each.h) for m, each in zip(maps, given, strict=True)):
        return None
    nodes, parents, words = [2 * first.h - one], [0], ["identity"]
    for term, m in zip(curved, maps, strict=False):
        nodes += [m, (4 * loose - 1) * one]  # the second is 2 loose times the first
        parents += [0, len(parents)]
        words += [term.word, "identity"]
    rest = sum(maps[len(curved) :], 0 * one) - len(curved) * one
    nodes.append(2 * loose * rest - one)
    space = RNNCellSpace("rnn-cell", len(nodes), ACTIVATIONS, "searched", "loose")
    ids = [ACTIVATIONS.index(word) for word in (*words, "identity")]
    tokens = space.tokens_of(np.array([*parents, 0]), np.array(ids))
    return Gated(space, Architecture(tuple(tokens.tolist()), space), 2 * first.x, nodes)


def blends(cell: Cell, name: str = "h_new_0") -> int:
    """How many nodes of `rnn-cell` a node is, one within the other; 0 if it is none.

    Each blends what it reads with an activation of it, by a gate that reads the same.
    """
    if name not in cell or op(cell[name]) != "blend":
        return 0
    gate, *others = cell[name]["input"]
    for act, base in (others, others[::-1]):
        if act not in cell or gate not in cell or op(cell[gate]) != "sigm":
            continue
        if op(cell[act]) not in ("tanh", "sigm", "linear"):
            continue
        maps = [cell[gate]["input"][0], act if op(cell[act]) == "linear" else cell[act]["input"][0]]
        if all(each in cell and op(cell[each]) == "linear" for each in maps):
            read = [set(cell[each]["input"]) for each in maps]
            if base == "h_prev_0" and read == [{"x", "h_prev_0"}] * 2:
                return 1
            if read == [{base}] * 2 and (within := blends(cell, base)):
                return within + 1
    return 0
