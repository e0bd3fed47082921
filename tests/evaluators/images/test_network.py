"""The child network: what an architecture means, what it costs, and that one program serves them all."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.images import operations
from nao.evaluators.images.cost import count_cost
from nao.evaluators.images.initial import initialise_statistics, initialise_weights
from nao.evaluators.images.network import Network, forward
from nao.evaluators.images.operations import parse_operation
from nao.evaluators.images.program import encode_branches
from nao.evaluators.images.shifted import SHIFTED
from nao.spaces import CellSpace, space
from nao.spaces import operations as named

BLOCKS, CLASSES, BATCH = 3, 4, 8

pytestmark = pytest.mark.xdist_group("network")  # what one test compiles serves the others
SPACE = CellSpace("test", named("sep-conv-3x3", "identity"), blocks=BLOCKS)


def network(space, **options):
    fixed = {"cells": 1, "channels": 2, "image": (8, 8, 1), "classes": CLASSES, "primitives": SHIFTED}
    ops = tuple(parse_operation(op.name) for op in space.operations)
    return Network(operations=ops, blocks=space.blocks, **fixed | options)


NETWORK = network(SPACE)


@jax.jit
def run(weights, architecture, images):
    """(logits, gradient of all weights) in training."""

    def loss(weights):
        logits, _ = forward(NETWORK, weights, None, architecture, images)
        return -jax.nn.log_softmax(logits)[:, 0].mean() + (logits**2).mean(), logits

    gradient, logits = jax.grad(loss, has_aux=True)(weights)
    return logits, gradient


compiled_weights = jax.jit(initialise_weights, static_argnums=0)


def fresh(network, architecture, key):
    """Initial weights, in NumPy."""
    return jax.device_get(compiled_weights(network, architecture, key))


@pytest.fixture(scope="module")
def images():
    return jnp.asarray(np.random.default_rng(0).normal(size=(1, 8, 8, BATCH)), jnp.float32)


@pytest.fixture(scope="module")
def sample():
    """Architectures `[n, 2, B, 2, 2]` in which both cells read both of their inputs."""
    drawn = SPACE.sample(np.random.default_rng(3), 40)
    branches = [SPACE.branches(np.array(a.tokens)) for a in drawn]
    return [b for b in branches if all({0, 1} <= set(cell[:, :, 0].ravel()) for cell in b)][:8]


def kinds(network):
    return [plan.stride - 1 for plan in network.plans]  # 0 for a normal, 1 for a reduction cell


def matched(weights, blocks, swapped):
    """The weights of an architecture that is written differently.

    Args:
      weights: of the architecture.
      blocks: `[2, B]` for each cell, the old place of each block.
      swapped: `[2, B]` whether the branches of each old block are swapped.
    """

    def chunks(rows, order):  # rows [..., B*C], or [..., 3F] from the stem
        parts = rows.reshape(rows.shape[0], BLOCKS, -1)
        return parts[:, order].reshape(rows.shape)

    cells, kind = [], kinds(NETWORK)
    for i, w in enumerate(weights.cells):
        own = w.branches.reshape(BLOCKS, 2, -1)
        own = np.where(swapped[kind[i]][:, None, None], own[:, ::-1], own)[blocks[kind[i]]]
        projections = tuple(
            matrix if i < back else chunks(matrix, blocks[kind[i - back]])
            for back, matrix in zip((2, 1), w.projections, strict=True)
        )
        cells.append(w._replace(branches=own.reshape(w.branches.shape), projections=projections))
    return weights._replace(cells=tuple(cells), head=chunks(weights.head, blocks[kind[-1]]))


class TestForward:
    def test_swapping_branches_changes_nothing(self, sample, images):
        architecture = SPACE.sample(np.random.default_rng(5), 1)[0]
        branches = SPACE.branches(np.array(architecture.tokens))
        weights = fresh(NETWORK, encode_branches(branches), jax.random.key(0))
        logits, _ = run(weights, encode_branches(branches), images)
        order = np.tile(np.arange(BLOCKS), (2, 1))
        for ways in itertools.product((False, True), repeat=2 * BLOCKS):
            swapped = np.reshape(ways, (2, BLOCKS))
            written = np.where(swapped[..., None, None], branches[..., ::-1, :], branches)
            same, _ = run(matched(weights, order, swapped), encode_branches(written), images)
            np.testing.assert_allclose(same, logits, rtol=1e-4, atol=1e-4)
            unmatched, _ = run(weights, encode_branches(written), images)
        assert not np.allclose(unmatched, logits, atol=1e-2)

    def test_renumbering_blocks_changes_nothing(self, images):
        # Blocks 0 and 1 read the cell's inputs only, so they can change places; block 2 reads one of them.
        cell = np.array([[[0, 0], [1, 1]], [[1, 0], [1, 1]], [[2, 0], [0, 1]]], np.int32)
        renumbered = cell[[1, 0, 2]]
        renumbered[2, 0, 0] = 3
        branches, written = np.stack([cell, cell]), np.stack([renumbered, cell])
        weights = fresh(NETWORK, encode_branches(branches), jax.random.key(1))
        logits, _ = run(weights, encode_branches(branches), images)
        blocks = np.array([[1, 0, 2], [0, 1, 2]])
        same, _ = run(matched(weights, blocks, np.zeros((2, BLOCKS), bool)), encode_branches(written), images)
        np.testing.assert_allclose(same, logits, rtol=1e-4, atol=1e-4)
        unmatched, _ = run(weights, encode_branches(written), images)
        assert not np.allclose(unmatched, logits, atol=1e-2)

    def test_one_program_serves_every_architecture(self, images):
        for i, architecture in enumerate(SPACE.sample(np.random.default_rng(7), 20)):
            data = encode_branches(SPACE.branches(np.array(architecture.tokens)))
            logits, _ = run(fresh(NETWORK, data, jax.random.key(i)), data, images)
            assert logits.shape == (BATCH, CLASSES)
            assert np.isfinite(logits).all()
            assert np.std(logits, axis=0).min() > 1e-3
        assert run._cache_size() == 1

    @pytest.mark.parametrize(("height", "width", "channels"), [(5, 7, 3), (4, 4, 1), (9, 6, 2)])
    def test_other_images(self, height, width, channels, sample):
        net = network(SPACE, image=(height, width, channels))
        data = jax.tree.map(jnp.asarray, encode_branches(sample[0]))

        def evaluate(key):
            x = jnp.ones((channels, height, width, 2))
            return forward(net, initialise_weights(net, data, key), initialise_statistics(net), data, x)

        logits, statistics = jax.eval_shape(evaluate, jax.random.key(0))
        assert logits.shape == (2, CLASSES)
        given = jax.eval_shape(lambda: initialise_statistics(net))
        assert jax.tree.map(jnp.shape, statistics) == jax.tree.map(jnp.shape, given)


class TestPlans:
    def test_channels_double_where_the_image_is_halved(self):
        plans = network(SPACE, cells=2, channels=4).plans
        assert [plan.stride for plan in plans] == [1, 1, 2, 1, 1, 2, 1, 1]
        assert [plan.channels for plan in plans] == [4, 4, 8, 8, 8, 16, 16, 16]
        assert [plan.halve for plan in plans] == [False, False, False, True, False, False, True, False]

    def test_a_cell_reads_the_two_outputs_before_it(self):
        plans = network(SPACE, channels=4).plans
        assert [plan.in_channels for plan in plans] == [(12, 12), (12, 12), (12, 24), (24, 24), (24, 48)]


def unused(branches):
    """The weights of a child that its architecture does not use, written out: 1 where unused."""
    shapes = jax.eval_shape(lambda: initialise_weights(NETWORK, encode_branches(branches), jax.random.key(0)))
    mask, kind = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes), kinds(NETWORK)
    read = [[b + 2 in cell[:, :, 0] for b in range(BLOCKS)] for cell in branches]
    for i, (plan, w) in enumerate(zip(NETWORK.plans, mask.cells, strict=True)):
        for back, matrix in zip((2, 1), w.projections, strict=True):
            if i >= back:
                matrix.reshape(plan.channels, BLOCKS, -1)[:, read[kind[i - back]]] = 1
        for flat, (index, op) in zip(w.branches, branches[kind[i]].reshape(-1, 2), strict=True):
            stride = plan.stride if index < 2 else 1
            flat[operations.count_parameters(NETWORK.operations[op], plan.channels, stride) :] = 1
    mask.head.reshape(CLASSES, BLOCKS, -1)[:, read[0]] = 1
    return mask


class TestWeights:
    def test_those_that_are_not_used_are_zero_and_stay_zero(self, sample, images):
        for i, branches in enumerate(sample[:4]):
            data = encode_branches(branches)
            weights = fresh(NETWORK, data, jax.random.key(i))
            gradient = jax.device_get(run(weights, data, images)[1])
            trained = jax.tree.map(lambda w, g: w - 0.1 * (g + 5e-4 * w), weights, gradient)
            for tree in (weights, gradient, trained):
                jax.tree.map(
                    lambda leaf, mask: np.testing.assert_array_equal(leaf * mask, 0), tree, unused(branches)
                )

    def test_the_number_of_those_that_are_used_is_what_cost_counts(self, sample, images):
        for branches in sample:
            data, used = encode_branches(branches), []
            for seed in range(3):  # a gradient can be zero by chance
                weights = fresh(NETWORK, data, jax.random.key(seed))
                _, gradient = run(weights, data, images)
                used.append(jax.tree.map(lambda w, g: (w != 0) | (g != 0), weights, gradient))
            ever = jax.tree.map(lambda *masks: np.any(masks, axis=0).sum(), *used)
            assert count_cost(NETWORK, branches).parameters == sum(jax.tree.leaves(ever))

    @pytest.mark.parametrize("name", ["cnn-cell", "cnn-cell-small"])
    def test_fresh_ones_are_as_many_as_cost_counts_and_keep_the_variance(self, name):
        where = space(name)
        net = network(where, channels=4, image=(8, 8, 3), classes=10)
        for i, architecture in enumerate(where.sample(np.random.default_rng(0), 5)):
            branches = where.branches(np.array(architecture.tokens))
            weights = fresh(net, encode_branches(branches), jax.random.key(i))
            leaves = jax.tree.leaves(weights)
            # What is 1 is a gamma, which has a beta of 0; the biases of the classes are 0 too.
            count = sum(np.sum(leaf != 0) + np.sum(leaf == 1) for leaf in map(np.asarray, leaves))
            assert count_cost(net, branches).parameters == count + 10
            # He et al.: fan-in times variance is 2, counting only the channels of loose ends.
            matrix = np.asarray(weights.cells[-1].projections[1])
            inputs = (matrix != 0).any(axis=0)
            assert inputs.sum() == where.loose_ends(branches)[1].sum() * net.plans[-2].channels
            assert np.var(matrix[:, inputs]) * inputs.sum() == pytest.approx(2, rel=0.3)


def test_flops_of_a_network_counted_by_hand():
    one = CellSpace("one", named("conv-3x3", "identity", "sep-conv-3x3"), blocks=1)
    net = network(one, image=(4, 4, 1), classes=3)  # F = 2, so a stem of 6 channels
    normal, reduction = [[[0, 0], [1, 1]]], [[[0, 1], [1, 2]]]
    multiply_adds = (
        *(9 * 1 * 6 * 16,),  # stem, 4x4
        *(2 * 2 * 6 * 16, 9 * 2 * 2 * 16),  # normal, C = 2: two pointwise entries, conv 3x3
        *(4 * (6 + 2) * 16, 4 * 4 * 4, 2 * (9 * 4 + 4 * 4) * 4),  # reduction, C = 4, to 2x2: skip, sep-conv
        *(4 * (2 + 4) * 4, 9 * 4 * 4 * 4),  # normal, C = 4: the first entry is halved
        *(8 * (4 + 4) * 4, 8 * 8 * 1, 2 * (9 * 8 + 8 * 8) * 1),  # reduction, C = 8, to 1x1
        *(8 * (4 + 8) * 1, 9 * 8 * 8 * 1),  # normal, C = 8
        *(3 * 8,),  # linear
    )
    assert count_cost(net, np.array([normal, reduction], np.int32)).flops == 2 * sum(multiply_adds)


class TestOperations:
    def test_names(self):
        assert parse_operation("sep-conv-3x3") == parse_operation("sep-conv 3x3")
        assert [stage.window for stage in parse_operation("conv 1x7+7x1")] == [(1, 7), (7, 1)]
        assert len(parse_operation("sep-conv-5x5")) == 2
        assert parse_operation("max-pooling 2x2")[0].kind == "max"
        assert parse_operation("identity") == parse_operation("identity 1x1")

    @pytest.mark.parametrize(
        "name", ["convolution 3x3", "conv", "conv 3", "sep-conv", "max-pooling 3x3x3", "", "3x3", "conv 0x3"]
    )
    def test_a_name_that_means_nothing(self, name):
        with pytest.raises(InputError, match="no child network knows the operation"):
            parse_operation(name)

    def test_normalisation(self, rng):
        x = jnp.asarray(rng.normal(3, 2, size=(2, 4, 4, 8)), jnp.float32)
        scale, offset = jnp.array([2.0, 1.0]), jnp.array([0.0, -1.0])
        y, statistics = operations.batch_norm(x, scale, offset, None)
        np.testing.assert_allclose(y.mean((1, 2, 3)), offset, atol=1e-5)
        np.testing.assert_allclose(y.std((1, 2, 3)), scale, rtol=1e-4)
        np.testing.assert_allclose(statistics, [x.mean((1, 2, 3)), x.var((1, 2, 3))], rtol=1e-4)
        again, _ = operations.batch_norm(x, scale, offset, statistics)
        np.testing.assert_allclose(again, y, atol=1e-5)
