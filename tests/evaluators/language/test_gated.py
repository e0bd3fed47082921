"""The cell of `rnn-cell`: against the cell written out, and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.language.gated import GatedCell, GatedWeights
from nao.spaces import RNNCellSpace
from nao.spaces.zoo import zoo

H, N = 3, 2
FUNCTIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "identity": lambda x: x,
}


def weights_of(cell, rng, low=-1.0):
    matrices = [jnp.asarray(rng.uniform(low, 1, shape), jnp.float32) for shape in cell.shapes]
    return cell.assemble(matrices)


step = jax.jit(GatedCell.step, static_argnums=0)  # compiled once for all cells of a space


def run(cell, weights, architecture, h, x, drop=None):
    """The new state after one word `[N, H]`."""
    encoded = cell.encode(np.array(architecture.tokens))
    projected = cell.project(weights, jnp.asarray(x)[None])[0]
    (new,) = step(cell, weights, encoded, drop, (h,), projected)
    return np.asarray(new)


def written_out(space, weights, architecture, h, x, drop=1):
    """The same, read off the words of the string."""
    words = str(architecture).split()
    first = [words.pop(0)] if len(words) % 2 else ["tanh"]
    reads, names = [int(word.removeprefix("node")) for word in words[::2]], first + words[1::2]
    states = []
    for k, name in enumerate(names):
        s = states[reads[k - 1]] if k else h
        c, g = np.split((s * drop) @ np.asarray(weights.nodes[k]), 2, axis=1)
        if k == 0:
            c, g = (
                a + b for a, b in zip((c, g), np.split(x @ np.asarray(weights.x), 2, axis=1), strict=True)
            )
        states.append(s + FUNCTIONS["sigmoid"](c) * (FUNCTIONS[name](g) - s))
    unread = [k for k in range(len(names)) if k not in reads]
    averaged = {"all": range(len(names)), "searched": range(1, len(names)), "loose": unread}[space.averaged]
    return np.mean([states[k] for k in averaged], axis=0)


@pytest.mark.parametrize("averaged", ["all", "searched", "loose"])
@pytest.mark.parametrize("first", ["fixed", "searched"])
def test_it_is_the_cell_written_out(averaged, first, rng):
    space = RNNCellSpace(nodes=6, averaged=averaged, first_activation=first)
    cell = GatedCell(space, H)
    weights = weights_of(cell, rng)
    for architecture in space.sample(rng, 8):
        h, x = rng.normal(size=(2, N, H)).astype(np.float32)
        drop = jnp.asarray(rng.integers(0, 2, (N, H)) * 2, jnp.float32)
        found = run(cell, weights, architecture, h, x, drop)
        expected = written_out(space, weights, architecture, h, x, drop)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_open_gates_and_identities_are_a_product_of_matrices(rng):
    """States stay positive, so that a large weight opens every gate."""
    space = RNNCellSpace(nodes=5, averaged="loose", first_activation="searched")
    cell = GatedCell(space, H)
    parts = [np.asarray(rng.uniform(0.1, 1, (H, H)), np.float32) for _ in cell.shapes]
    wide = cell.assemble(
        [jnp.asarray(np.hstack([np.full((H, H), 1e4), part]), jnp.float32) for part in parts]
    )
    chain = space.parse("identity node0 identity node1 identity node2 identity node3 identity")
    h, x = rng.uniform(0.1, 1, (2, N, H)).astype(np.float32)
    expected = (x @ parts[0] + h @ parts[1]) @ parts[2] @ parts[3] @ parts[4] @ parts[5]
    np.testing.assert_allclose(run(cell, wide, chain, h, x), expected, rtol=1e-5)


@pytest.mark.parametrize("averaged", ["all", "searched", "loose"])
def test_closed_gates_keep_the_state(averaged, rng):
    cell = GatedCell(RNNCellSpace(nodes=5, averaged=averaged), H)
    shut = [np.hstack([np.full((H, H), -1e4), np.ones((H, H))]) for _ in cell.shapes]
    weights = cell.assemble([jnp.asarray(matrix, jnp.float32) for matrix in shut])
    h, x = rng.uniform(0.1, 1, (2, N, H)).astype(np.float32)
    for architecture in cell.space.sample(rng, 3):
        np.testing.assert_allclose(run(cell, weights, architecture, h, x), h, rtol=1e-6)


def test_the_mean_is_over_the_nodes_that_are_averaged(rng):
    """A star: every other node reads node 0, so that what is averaged differs by node 0 alone."""
    star = "node0 relu node0 sigmoid node0 identity"
    cells = {
        name: GatedCell(RNNCellSpace(nodes=4, averaged=name), H) for name in ("all", "searched", "loose")
    }
    weights = weights_of(cells["all"], rng)
    h, x = rng.normal(size=(2, N, H)).astype(np.float32)
    new = {name: run(cell, weights, cell.space.parse(star), h, x) for name, cell in cells.items()}
    np.testing.assert_array_equal(new["searched"], new["loose"])
    # With weights of zero, a node of relu halves what it reads: the mean of both is 3/4 of node 0.
    pair = GatedCell(RNNCellSpace(nodes=2), H)
    halved = run(
        pair,
        GatedWeights(weights.x, (weights.nodes[0], jnp.zeros((H, 2 * H)))),
        pair.space.parse("node0 relu"),
        h,
        x,
    )
    node0 = halved / 0.75
    np.testing.assert_allclose(4 * new["all"] - 3 * new["searched"], node0, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("published", zoo(), ids=lambda each: each.name)
def test_published_cells_are_the_cells_written_out(published, rng):
    space = published.space
    cell = GatedCell(space, H)
    weights = weights_of(cell, rng)
    h, x = rng.normal(size=(2, N, H)).astype(np.float32)
    found = run(cell, weights, published.architecture, h, x)
    expected = written_out(space, weights, published.architecture, h, x)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_an_activation_that_is_not_known():
    with pytest.raises(InputError, match="no language model knows the activation 'swish'; it knows tanh"):
        GatedCell(RNNCellSpace(activations=("tanh", "swish")), H)
