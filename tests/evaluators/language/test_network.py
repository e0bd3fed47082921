"""The language model around a cell: its losses, its dropout, and how many parameters it has."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.evaluators.language import LanguageChild
from nao.evaluators.language.cost import count_cost
from nao.evaluators.language.dropout import Masks, draw_masks
from nao.evaluators.language.gated import GatedCell
from nao.evaluators.language.network import Network, initialise_weights, read
from nao.evaluators.language.tree import TreeCell
from nao.spaces import RNNTreeSpace
from nao.spaces.zoo import zoo
from tests.evaluators.language.small import GATED, TREE, TYPES

H, T, N = 6, 4, 3
NETWORKS = {"gated": Network(GatedCell(GATED, H), TYPES), "tree": Network(TreeCell(TREE, H), TYPES)}
network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
reading = jax.jit(read, static_argnums=0)


@functools.cache
def drawn(network):
    """(weights, an architecture as data)."""
    (architecture,) = network.cell.space.sample(np.random.default_rng(1), 1)
    weights = initialise_weights(network, jax.random.key(3))
    # Larger embeddings than fresh ones, so that what a word does is seen.
    return weights._replace(embedding=10 * weights.embedding), network.cell.encode(
        np.array(architecture.tokens)
    )


def windows(rng, times=T):
    return rng.integers(0, TYPES, (2, times, N)).astype(np.int32)


@network
def test_without_weights_every_word_is_equally_likely(network, rng):
    weights, architecture = drawn(network)
    nothing = jax.tree.map(jnp.zeros_like, weights)
    found = reading(network, nothing, architecture, Masks(), network.zero_state(N), *windows(rng))
    np.testing.assert_allclose(np.exp(found.losses), TYPES, rtol=1e-5)


@network
def test_losses_are_those_of_a_softmax_over_the_embedding(network, rng):
    weights, architecture = drawn(network)
    weights = weights._replace(bias=jnp.asarray(rng.normal(size=TYPES), jnp.float32))
    x, y = windows(rng)
    found = reading(network, weights, architecture, Masks(), network.zero_state(N), x, y)
    logits = np.asarray(found.states) @ np.asarray(weights.embedding).T + np.asarray(weights.bias)
    likely = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = -np.log(np.take_along_axis(likely, y[:, :, None], axis=-1)[:, :, 0])
    np.testing.assert_allclose(found.losses, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(found.state[0], found.states[-1])


@network
def test_two_windows_with_the_state_carried_are_one_long_window(network, rng):
    weights, architecture = drawn(network)
    x, y = windows(rng, 2 * T)
    state = network.zero_state(N)
    whole = reading(network, weights, architecture, Masks(), state, x, y)
    losses = []
    for part in (slice(T), slice(T, None)):
        found = reading(network, weights, architecture, Masks(), state, x[part], y[part])
        losses.append(found.losses)
        state = found.state
    np.testing.assert_allclose(np.concatenate(losses), whole.losses, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state[0], whole.state[0], rtol=1e-4, atol=1e-5)
    fresh = reading(network, weights, architecture, Masks(), network.zero_state(N), x[T:], y[T:])
    assert np.abs(fresh.losses[0] - whole.losses[T]).max() > 1e-3


@network
def test_the_future_and_other_streams_change_nothing(network, rng):
    weights, architecture = drawn(network)
    x, y = windows(rng)
    state = network.zero_state(N)
    one = reading(network, weights, architecture, Masks(), state, x, y).losses
    changed = x.copy()
    changed[2:, 0] = (changed[2:, 0] + 1) % TYPES
    other = reading(network, weights, architecture, Masks(), state, changed, y).losses
    np.testing.assert_allclose(one[:2], other[:2], rtol=1e-5)
    np.testing.assert_allclose(one[:, 1:], other[:, 1:], rtol=1e-5)
    assert (np.abs(one[2:, 0] - other[2:, 0]) > 1e-6).any()


class TestDropout:
    NETWORK = NETWORKS["gated"]

    def test_masks_keep_the_expectation(self):
        child = LanguageChild(units=50, batch=200, drop_words=0.5, drop_input=0.25, drop_hidden=0.9)
        masks = draw_masks(child, 1000, jax.random.key(0))
        assert (masks.embedding, masks.output) == (None, None)
        for mask, rate, size in (
            (masks.words, 0.5, 1000),
            (masks.input, 0.25, 10_000),
            (masks.hidden, 0.9, 10_000),
        ):
            assert np.size(mask) == size
            np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - rate)], rtol=1e-5)
            deviation = math.sqrt(rate / (1 - rate) / size)
            assert abs(np.mean(mask) - 1) < 4 * deviation

    def test_each_place_has_a_mask_of_its_own(self):
        child = LanguageChild(batch=20, drop_embedding=0.5, drop_input=0.5, drop_hidden=0.5, drop_output=0.5)
        masks = draw_masks(child, TYPES, jax.random.key(0))[1:]
        assert len({np.asarray(mask).tobytes() for mask in masks}) == 4

    @pytest.mark.parametrize("place", Masks._fields)
    def test_a_mask_of_ones_changes_nothing_and_another_does(self, place, rng):
        weights, architecture = drawn(self.NETWORK)
        shape = (TYPES,) if place == "words" else (N, H)
        x, y = windows(rng)
        state = (jnp.asarray(rng.normal(size=(N, H)), jnp.float32),)
        without, ones, halves = (
            reading(self.NETWORK, weights, architecture, masks, state, x, y).losses
            for masks in (Masks(), *(Masks(**{place: jnp.full(shape, value)}) for value in (1.0, 0.5)))
        )
        np.testing.assert_allclose(ones, without, rtol=1e-5)
        assert np.abs(halves - without).max() > 1e-4

    def test_a_dropped_word_is_left_out_everywhere_but_still_predicted(self, rng):
        weights, architecture = drawn(self.NETWORK)
        x, y = windows(rng)
        x[:, 0] = 2
        mask = Masks(words=jnp.ones(TYPES).at[2].set(0))
        state = self.NETWORK.zero_state(N)
        found = reading(self.NETWORK, weights, architecture, mask, state, x, y)
        # It is as if nothing were read.
        blank = weights._replace(cell=weights.cell._replace(x=jnp.zeros_like(weights.cell.x)))
        nothing = reading(self.NETWORK, blank, architecture, Masks(), state, x, y)
        np.testing.assert_allclose(found.losses[:, 0], nothing.losses[:, 0], rtol=1e-5)
        assert np.abs(found.losses[:, 1:] - nothing.losses[:, 1:]).max() > 1e-3

    def test_outputs_alone_are_dropped_at_the_end(self, rng):
        weights, architecture = drawn(self.NETWORK)
        mask = jnp.asarray(rng.integers(0, 2, (N, H)), jnp.float32)
        found = reading(
            self.NETWORK, weights, architecture, Masks(output=mask), self.NETWORK.zero_state(N), *windows(rng)
        )
        np.testing.assert_array_equal(found.outputs, np.asarray(found.states) * np.asarray(mask))
        assert (np.asarray(found.states)[:, np.asarray(mask) == 0] != 0).any()


@network
def test_fresh_weights(network):
    weights = initialise_weights(network, jax.random.key(0))
    assert 0.08 < np.abs(weights.embedding).max() <= 0.1
    assert not weights.bias.any()
    for matrix in jax.tree.leaves(weights.cell):
        assert 0.7 / math.sqrt(H) < np.abs(matrix).max() <= 1 / math.sqrt(H)
    assert sum(leaf.size for leaf in jax.tree.leaves(weights)) == network.parameters


class TestCost:
    @pytest.mark.parametrize("published", zoo(), ids=lambda each: each.name)
    def test_published_counts(self, published):
        for each in published.networks:
            words = each.sizes["words"]
            cost = count_cost(Network(GatedCell(published.space, each.sizes["units"]), words))
            assert cost.parameters == each.parameters
            assert cost.flops == 2 * (each.parameters - words)

    def test_a_tree(self):
        h, V = 30, 500
        assert count_cost(Network(TreeCell(RNNTreeSpace(base=8), h), V)).parameters == V * h + V + 16 * h * h
