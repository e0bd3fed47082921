"""Shapes, published counts, the loss and the ascent of the networks, before any fit."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nao.encoders.ascent import ascend, gradient, value
from nao.encoders.configuration import JOINT, PUBLISHED
from nao.encoders.decode import Rules, greedy, legal_at
from nao.encoders.loss import reconstruction
from nao.encoders.networks import Networks, Sizes, pooled
from nao.grammar import Grammar

SMALL = [dataclasses.replace(c, width=12, embedding=8, hidden=(16,)) for c in (PUBLISHED, JOINT)]
SIZES = Sizes(length=16, vocabulary=8, group=2)


def networks(configuration, seed=0):
    return Networks(configuration, SIZES, np.random.default_rng(seed))


def f_of(net, configuration):
    """What is climbed, as a function of the embedding."""
    return functools.partial(value, net, configuration)


def test_published_has_the_parameters_of_the_released_program():
    """279,533 there; less what PyTorch holds twice or we need not: see below."""
    ours = nnx.state(Networks(PUBLISHED, Sizes(40, 11, 2), np.random.default_rng(0)))
    count = sum(leaf.size for leaf in jax.tree.leaves(ours))
    second_biases = 2 * 4 * 96  # PyTorch's LSTM has two bias vectors that are only ever added
    start_token = 48 + 96 + 1  # read by E and written by D there, though no architecture holds it
    assert count == 279_533 - second_biases - start_token


def test_masked_softmax_by_hand():
    logits = jnp.log(jnp.array([[[1.0, 2.0, 5.0]], [[4.0, 3.0, 1.0]]]))  # [T=2, B=1, V=3]
    legal = jnp.array([[[True, True, False]], [[True, True, True]]])
    by_hand = -(np.log(2 / 3) + np.log(4 / 8)) / 2
    assert reconstruction(logits, jnp.array([[1, 0]]), legal) == pytest.approx(by_hand, rel=1e-5)


def test_legal_vocabulary_follows_the_automaton():
    """Two states: after token 0 only token 1 may come."""
    legal = np.array([[[1, 1], [0, 0]], [[1, 1], [0, 1]]], bool)  # [T=2, Q=2, V=2]
    following = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 0]]])
    rules = Rules.of(Grammar(legal, following))
    found = legal_at(rules, jnp.array([[0, 1], [1, 0]]))
    np.testing.assert_array_equal(found, [[[1, 1], [1, 1]], [[0, 1], [1, 1]]])


def test_dead_ends_are_not_legal():
    """Token 0 leads to a state in which nothing is legal."""
    legal = np.array([[[1, 1], [0, 0]], [[1, 1], [0, 0]]], bool)
    following = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 0]]])
    np.testing.assert_array_equal(Rules.of(Grammar(legal, following)).legal[0, 0], [False, True])


@pytest.mark.parametrize("configuration", SMALL, ids=lambda c: c.name)
def test_teacher_forcing_and_decoding_agree(configuration, space, rng):
    """Fed with its own greedy string, D finds each of its tokens the most likely legal one."""
    net, rules = networks(configuration), Rules.of(space.grammar)

    @jax.jit
    def both(tokens):
        h = net.encoder(tokens)
        e = pooled(h, configuration)
        decoded = greedy(net.decoder, h, e, rules)
        logits = jnp.where(legal_at(rules, decoded), net.decoder(h, e, decoded), -jnp.inf)
        return decoded, jnp.argmax(logits, axis=-1).T

    decoded, likely = both(jnp.asarray(space.grammar.sample(rng, 9)))
    np.testing.assert_array_equal(likely, decoded)


def climbed(net, configuration, space, rng, eta):
    """Strings that are decoded after a step of length eta."""

    @jax.jit
    def decoded(tokens, eta):
        h = ascend(f_of(net, configuration), configuration, net.encoder(tokens), eta)
        return greedy(net.decoder, h, pooled(h, configuration), Rules.of(space.grammar))

    return decoded(jnp.asarray(space.grammar.sample(rng, 50)), jnp.float32(eta))


@pytest.mark.parametrize("configuration", SMALL, ids=lambda c: c.name)
@pytest.mark.parametrize("eta", [0.0, 1e4])
def test_untrained_networks_write_legal_strings(configuration, eta, space, rng):
    decoded = climbed(networks(configuration), configuration, space, rng, eta)
    assert all(space.grammar.fault(row.tolist()) is None for row in np.asarray(decoded))


@pytest.mark.parametrize("configuration", SMALL, ids=lambda c: c.name)
def test_gradient_agrees_with_central_differences(configuration, rng):
    net = networks(configuration)
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda w: jnp.asarray(w, jnp.float64), nnx.state(net))
        net = nnx.merge(nnx.graphdef(net), exact)
        h = jnp.asarray(rng.normal(size=(6, 8, 12)))
        f = f_of(net, configuration)
        slopes = gradient(f, h)
        for _ in range(5):
            direction = jnp.asarray(rng.normal(size=h.shape))
            up, down = (f(h + sign * 1e-6 * direction) for sign in (1, -1))
            expected = jnp.sum(slopes * direction, axis=(1, 2))
            np.testing.assert_allclose((up - down) / 2e-6, expected, rtol=1e-3, atol=1e-8)


def test_published_makes_one_step_and_goes_back_to_length_one(space, rng):
    """Eqn. (2): h'_t = h_t + eta df/dh_t."""
    published = SMALL[0]
    net = networks(published)
    f = f_of(net, published)
    h = net.encoder(jnp.asarray(space.grammar.sample(rng, 5)))
    moved = h + 3.0 * gradient(f, h)
    expected = moved / jnp.linalg.norm(moved, axis=-1, keepdims=True)
    np.testing.assert_allclose(ascend(f, published, h, jnp.float32(3.0)), expected, atol=1e-6)


def test_a_relative_step_moves_by_a_share_of_the_embedding(space, rng):
    """While the gradient keeps its direction, eta = 0.2 moves an embedding by a fifth of its length."""
    linear = dataclasses.replace(SMALL[1], hidden=())
    net = networks(linear)
    h = net.encoder(jnp.asarray(space.grammar.sample(rng, 5)))
    moved = ascend(f_of(net, linear), linear, h, jnp.float32(0.2)) - h
    shares = jnp.linalg.norm(moved, axis=(1, 2)) / jnp.linalg.norm(h, axis=(1, 2))
    np.testing.assert_allclose(shares, 0.2, rtol=1e-3)
