"""The cell of `rnn-tree`: cells that have a name, and random ones written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.language.tree import TreeCell
from nao.spaces import RNNTreeSpace

H, N = 3, 2
ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "identity": lambda x: x,
}
COMBINERS = {"add": np.add, "multiply": np.multiply, "maximum": np.maximum}


@pytest.fixture
def inputs(rng):
    """x_t, h_{t-1} and c_{t-1}, each `[N, H]`."""
    return rng.normal(size=(3, N, H)).astype(np.float32)


def leaves(space, rng, used=None):
    """Two matrices for each leaf `[2, F, H, H]`; zero for leaves that are not used."""
    matrices = rng.normal(size=(2, space.base, H, H)).astype(np.float32)
    if used is not None:
        matrices[:, [i for i in range(space.base) if i not in used]] = 0
    return matrices


step = jax.jit(TreeCell.step, static_argnums=0)  # compiled once for all cells of a space


def run(space, matrices, words, x, h, c, drop=None):
    """(h_t, c_t) of the cell under test."""
    cell = TreeCell(space, H)
    weights = cell.assemble([jnp.asarray(np.concatenate(list(each), axis=1)) for each in matrices])
    encoded = cell.encode(np.array(space.parse(words).tokens))
    projected = cell.project(weights, jnp.asarray(x)[None])[0]
    return step(cell, weights, encoded, drop, (h, c), projected)


def test_a_plain_tanh_cell(rng, inputs):
    """h_t = tanh(x W + h U); the second leaf has no weights, and multiplies what was in the memory by 0."""
    space = RNNTreeSpace(base=2)
    matrices = leaves(space, rng, used=[0])
    words = "add tanh add identity add identity multiply identity node0 node1"
    x, h, c = inputs
    new, memory = run(space, matrices, words, x, h, c)
    inside = x @ matrices[0, 0] + h @ matrices[1, 0]
    np.testing.assert_allclose(new, np.tanh(inside), rtol=1e-5)
    np.testing.assert_allclose(memory, inside, rtol=1e-4, atol=1e-6)


def test_an_lstm(rng, inputs):
    """c_t = f c_{t-1} + i g and h_t = o tanh(c_t); the other leaves have no weights."""
    space = RNNTreeSpace(base=8)
    i, g, f, o = 0, 1, 2, 4
    matrices = leaves(space, rng, used=[i, g, f, o])
    kinds = ["add identity"] * 15
    kinds[i] = kinds[f] = kinds[o] = "add sigmoid"
    kinds[g] = "add tanh"
    kinds[8] = "multiply identity"  # i g
    kinds[12] = "add tanh"  # tanh(i g + f c)
    kinds[14] = "multiply identity"  # and, times o, the root
    words = " ".join([*kinds, "multiply identity", "node12", f"node{f}"])
    x, h, c = inputs
    inside = {leaf: x @ matrices[0, leaf] + h @ matrices[1, leaf] for leaf in (i, g, f, o)}
    sigmoid = ACTIVATIONS["sigmoid"]
    memory = sigmoid(inside[f]) * c + sigmoid(inside[i]) * np.tanh(inside[g])
    new = sigmoid(inside[o]) * np.tanh(memory)
    found = run(space, matrices, words, x, h, c)
    np.testing.assert_allclose(found[0], new, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], memory, rtol=1e-4, atol=1e-6)


def test_the_example_of_the_paper(rng, inputs):
    """Figure 5 of Zoph and Le 2017."""
    space = RNNTreeSpace(base=2)
    matrices = leaves(space, rng)
    words = "add tanh multiply relu multiply sigmoid add relu node1 node0"
    x, h, c = inputs
    W1, W3, W2, W4 = *matrices[0], *matrices[1]
    a0 = np.maximum(np.tanh(x @ W1 + h @ W2) + c, 0)
    memory = (x @ W3) * (h @ W4)
    new, found = run(space, matrices, words, x, h, c)
    np.testing.assert_allclose(new, 1 / (1 + np.exp(-a0 * np.maximum(memory, 0))), rtol=1e-5)
    np.testing.assert_allclose(found, memory, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("base", [2, 3])
def test_it_is_the_cell_written_out(base, rng, inputs):
    space = RNNTreeSpace(base=base, combiners=("add", "multiply", "maximum"))
    matrices = leaves(space, rng)
    x, h, c = inputs
    drop = jnp.asarray(rng.integers(0, 2, (N, H)) * 2, jnp.float32)
    for architecture in space.sample(rng, 6):
        words = str(architecture).split()
        take, inject = (int(word.removeprefix("node")) for word in words[-2:])
        results, before = [], []
        for i in range(2 * base - 1):
            combiner, activation = words[2 * i : 2 * i + 2]
            k = 2 * (i - base)
            read = (x @ matrices[0, i], (h * drop) @ matrices[1, i]) if i < base else results[k : k + 2]
            before.append(COMBINERS[combiner](*read))
            a = ACTIVATIONS[activation](before[-1])
            if i == inject:
                a = ACTIVATIONS[words[-3]](COMBINERS[words[-4]](a, c))
            results.append(a)
        found = run(space, matrices, str(architecture), x, h, c, drop)
        np.testing.assert_allclose(found[0], results[-1], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found[1], before[take], rtol=1e-3, atol=1e-4)


def test_a_combiner_that_is_not_known():
    with pytest.raises(InputError, match="no language model knows the combiner 'concat'; it knows add"):
        TreeCell(RNNTreeSpace(combiners=("add", "concat")), H)
