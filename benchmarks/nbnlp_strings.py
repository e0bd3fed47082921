"""The cells of NAS-Bench-NLP as strings of our spaces, and what such strings compute. A part of `nbnlp.py`.

Axis letters: T steps, U units.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float
from nbnlp_cells import Array, Cell, Form, linear_parts, op

from nao.core import Architecture
from nao.evaluators.language.gated import GatedCell
from nao.evaluators.language.tree import TreeCell
from nao.spaces import RNNCellSpace, RNNTreeSpace

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")


class Spot(NamedTuple):
    """A node of a tree, and the matrices of x and h at a leaf."""

    combiner: str
    activation: str
    x: Array = np.zeros((0, 0))
    h: Array = np.zeros((0, 0))


class Converted(NamedTuple):
    """A string, and the matrices with which the cell that is trained equals one of the benchmark."""

    string: Architecture
    cell: TreeCell | GatedCell
    matrices: Sequence[Array]

    def run(self, xs: Float[Array, "T U"]) -> Float[Array, "T U"]:
        """The outputs `[T, U]` in float64, from an empty state."""
        with jax.enable_x64(True), jax.disable_jit():  # the trees are large, and each is run only once
            weights = self.cell.assemble([jnp.asarray(each) for each in self.matrices])
            architecture = jax.tree.map(jnp.asarray, self.cell.encode(np.array(self.string.tokens)))

            def step(state: Any, projected: jax.Array) -> tuple[Any, jax.Array]:
                state = self.cell.step(weights, architecture, None, state, projected)
                return state, state[0]

            empty = (jnp.zeros((1, self.cell.units)),) * self.cell.arrays
            _, outputs = lax.scan(step, empty, self.cell.project(weights, jnp.asarray(xs)[:, None]))
            return np.asarray(outputs[:, 0])


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


def as_tree(f: Form, depth: int, exact: bool) -> Converted | None:
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
    string = space.parse(" ".join([*words, "add", inject, f"node{source}", f"node{leaf}"]))
    leaves = spots[: space.base]
    matrices = [np.concatenate(each, axis=1) for each in zip(*(spot[2:] for spot in leaves), strict=True)]
    return Converted(string, TreeCell(space, len(leaves[0].x)), matrices)


def as_gated(f: Form) -> Converted | None:
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
    given = [np.concatenate([each.x, each.h]) for each in (*(term.parts[0] for term in curved), *linear)]
    maps = [np.linalg.lstsq(given[0], each)[0] for each in given]
    if not all(np.allclose(given[0] @ m, each) for m, each in zip(maps, given, strict=True)):
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
    matrices = [np.concatenate([0 * each, each], axis=1) for each in (2 * first.x, *nodes)]
    return Converted(Architecture(tuple(tokens.tolist()), space), GatedCell(space, len(one)), matrices)


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
