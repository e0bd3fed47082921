"""A cell whose architecture is data equals the same cell written out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.evaluators.images.cell import CellConfig, CellGenotype, apply_cell, find_loose_ends
from nao.evaluators.images.operations import apply_operation, count_norms, count_parameters, parse_operation
from nao.evaluators.images.shifted import SHIFTED
from nao.spaces import CellSpace
from nao.spaces import operations as named

NAMES = ("sep-conv-3x3", "max-pooling-3x3", "identity")
SPACE = CellSpace("test", named(*NAMES), blocks=3)
OPS = tuple(parse_operation(name) for name in NAMES)
CHANNELS, SIZE, BATCH = 2, 5, 3

pytestmark = pytest.mark.xdist_group("cell")  # what one test compiles serves the others


def encode(branches):
    """`[B, 2, 2]` (input, operation) of each branch, as data."""
    flat = branches.reshape(-1, 2)
    return CellGenotype(jnp.asarray(flat[:, 0]), jnp.asarray(flat[:, 1]))


def written_out(config, branches, parameters, h):
    """The cell of one architecture, block by block."""
    states, read = [h[0], h[1]], set(branches[:, :, 0].ravel().tolist())
    for b, block in enumerate(branches.tolist()):
        total = 0
        for k, (index, op) in enumerate(block):
            stride, flat = config.stride if index < 2 else 1, parameters[2 * b + k]
            count = count_norms(OPS)
            total += apply_operation(OPS[op], SHIFTED, states[index], flat, None, stride, count)[0]
        states.append(total)
    blocks = [state * (b + 2 not in read) for b, state in enumerate(states[2:])]
    return jnp.concatenate(blocks)


@functools.partial(jax.jit, static_argnums=0)
def compiled(config, genotype, parameters, h, gradient):
    """(output, gradients of parameters and h) of the cell under test."""

    def output(parameters, h):
        return apply_cell(config, parameters, genotype, h, None)[0]

    value, pull = jax.vjp(output, parameters, h)
    return value, pull(gradient)


def expected(config, branches, parameters, h, gradient):
    """The same of the cell written out. Each operation is compiled by itself, and serves every cell."""
    value, pull = jax.vjp(functools.partial(written_out, config, branches), parameters, h)
    return value, pull(gradient)


@pytest.fixture(scope="module")
def sample():
    """Random cells `[n, B, 2, 2]`, and one that reads a single input and a single block."""
    drawn = SPACE.sample(np.random.default_rng(1), 2)
    chain = np.array([[[0, 0], [0, 2]], [[2, 2], [2, 2]], [[3, 0], [3, 1]]], np.int32)
    return [*(SPACE.branches(np.array(a.tokens))[0] for a in drawn), chain]


@pytest.mark.parametrize("stride", [1, 2])
class TestCell:
    @pytest.fixture
    def config(self, stride):
        return CellConfig(OPS, SHIFTED, stride, training=True)

    @pytest.fixture
    def parameters(self, stride, rng):
        size = max(count_parameters(op, CHANNELS, s) for op in OPS for s in (1, stride))
        return jnp.asarray(rng.normal(size=(2 * SPACE.blocks, size)), jnp.float32)

    @pytest.fixture
    def h(self, rng):
        return jnp.asarray(rng.normal(size=(2, CHANNELS, SIZE, SIZE, BATCH)), jnp.float32)

    def test_values_and_gradients_are_those_of_the_cell_written_out(
        self, sample, config, parameters, h, stride, rng
    ):
        small = -(-SIZE // stride)
        gradient = jnp.asarray(rng.normal(size=(SPACE.blocks * CHANNELS, small, small, BATCH)), jnp.float32)
        for branches in sample:
            value, pulled = compiled(config, encode(branches), parameters, h, gradient)
            reference, gradients = expected(config, branches, parameters, h, gradient)
            np.testing.assert_allclose(value, reference, rtol=1e-4, atol=1e-5)
            for ours, theirs in zip(pulled, gradients, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())

    def test_one_program_serves_them_all(self, sample, config, parameters, h, stride):
        small = -(-SIZE // stride)
        gradient = jnp.ones((SPACE.blocks * CHANNELS, small, small, BATCH))
        for branches in sample:
            compiled(config, encode(branches), parameters, h, gradient)
        assert compiled._cache_size() <= 2  # one for each stride

    def test_blocks_that_are_read_give_nothing(self, sample, config, parameters, h, stride):
        small = -(-SIZE // stride)
        gradient = jnp.ones((SPACE.blocks * CHANNELS, small, small, BATCH))
        for branches in sample:
            value, _ = compiled(config, encode(branches), parameters, h, gradient)
            given = np.abs(value).reshape(SPACE.blocks, -1).max(axis=1) > 0
            assert given.tolist() == SPACE.loose_ends(branches[None])[0].tolist()

    def test_evaluation_with_the_statistics_of_the_batch_equals_training(
        self, sample, config, parameters, h, stride
    ):
        evaluate = CellConfig(OPS, SHIFTED, stride, training=False)
        run = jax.jit(apply_cell, static_argnums=0)
        trained, used = run(config, parameters, encode(sample[0]), h, None)
        evaluated, given = run(evaluate, parameters, encode(sample[0]), h, used)
        np.testing.assert_allclose(evaluated, trained, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(given, used)
        other, _ = run(evaluate, parameters, encode(sample[0]), h, 2 * used + 1)
        assert not np.allclose(other, trained, atol=1e-2)


def test_loose_ends_are_those_of_the_space():
    for architecture in SPACE.sample(np.random.default_rng(2), 50):
        for branches in SPACE.branches(np.array(architecture.tokens)):
            expected = SPACE.loose_ends(branches[None])[0]
            np.testing.assert_array_equal(find_loose_ends(encode(branches)), expected)
