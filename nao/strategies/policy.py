"""An LSTM that writes strings token by token, and learns from rewards: the controller of NAS.

    J(θ) = E_{P(a_{1:T}; θ)}[R],    ∇J = Σ_t E[∇ log P(a_t | a_{(t-1):1}; θ) (R - b)]

(Zoph and Le 2017, section 3.2). Several epochs on the same strings, under the clipped objective of PPO
(Schulman et al. 2017, eqn. 7), are the choice of NASNet (Zoph et al. 2018); the first of them is REINFORCE.
This module imports JAX, so it is imported only where there is a policy.

Axis letters: B strings of a batch, N strings, T tokens, S states of the grammar, V vocabulary, d hidden
units, G = 4 d gates.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from nao.grammar import Grammar, GrammarArrays

INITIAL_RANGE = 0.08  # weights are drawn uniformly from -0.08 to 0.08 (Zoph and Le 2017)
ADAM = optax.scale_by_adam()


class Weights(NamedTuple):
    """θ. The embedding of a token and the input weights of the LSTM are one table.

    Attributes:
      inputs: `[V + 1, 4d]` what the token before adds to the gates; the last row is for the first token.
      recurrent: `[d, 4d]` weights from the hidden state to the gates.
      readout: `[T, d, V]` weights of the softmax of each position.
      bias: `[T, V]` its biases.
    """

    inputs: Float[Array, "V1 G"]
    recurrent: Float[Array, "d G"]
    readout: Float[Array, "T d V"]
    bias: Float[Array, "T V"]


class UpdateRule(NamedTuple):
    """How a policy learns from a batch of strings.

    Attributes:
      learning_rate: of Adam.
      epochs: updates on each batch: 1 is REINFORCE, more are PPO.
      clip: how far PPO lets the probability of a string move from 1 times what it was.
      entropy: β, the weight of the policy's entropy beside the reward.
      decay: of the moving average b.
    """

    learning_rate: float
    epochs: int
    clip: float
    entropy: float
    decay: float


class Learner(NamedTuple):
    """What changes while a policy learns.

    Attributes:
      weights: θ.
      adam: the state of the optimiser.
      baseline: b; NaN before the first batch, whose own mean it then is.
    """

    weights: Weights
    adam: optax.OptState
    baseline: Float[Array, ""]


Carry = tuple[Array, Array, Array, Array]  # h [B, d], c [B, d], the token before [B], the grammar's state [B]


def initial_carry(weights: Weights, strings: int) -> Carry:
    """What the LSTM begins with."""
    zero = jnp.zeros((strings, weights.recurrent.shape[0]))
    before = jnp.full(strings, weights.inputs.shape[0] - 1)
    return zero, zero, before, jnp.zeros(strings, jnp.int32)


def step(
    weights: Weights, carry: Carry, legal: Array, readout: Array, bias: Array
) -> tuple[Array, Array, Float[Array, "B V"]]:
    """One step of the LSTM: its new h and c, and log P(a_t | a_{(t-1):1}), minus infinity if not legal."""
    h, c, before, state = carry
    i, f, o, g = jnp.split(weights.inputs[before] + h @ weights.recurrent, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    logits = jnp.where(legal[state], h @ readout + bias[None], -jnp.inf)
    return h, c, jax.nn.log_softmax(logits)


@jax.jit
def log_probability(
    weights: Weights, grammar: GrammarArrays, tokens: Int[Array, "B T"]
) -> Float[Array, " B"]:
    """The logarithm of P(a_{1:T}; θ) `[B]` for legal strings `[B, T]`."""

    def position(carry: Carry, now: tuple[Array, ...]) -> tuple[Carry, Array]:
        legal, following, readout, bias, token = now
        h, c, log_p = step(weights, carry, legal, readout, bias)
        chosen = jnp.take_along_axis(log_p, token[:, None], axis=-1)[:, 0]
        return (h, c, token, following[carry[3], token]), chosen

    along = (grammar.viable, grammar.following, weights.readout, weights.bias, tokens.T)
    _, chosen = jax.lax.scan(position, initial_carry(weights, tokens.shape[0]), along)
    return jnp.sum(chosen, axis=0)


@functools.partial(jax.jit, static_argnames="strings")
def sample(
    weights: Weights, grammar: GrammarArrays, key: Key[Array, ""], *, strings: int
) -> Int[Array, "B T"]:
    """Writes strings `[B, T]`, each with its probability P(a_{1:T}; θ)."""

    def position(carry: Carry, now: tuple[Array, ...]) -> tuple[Carry, Array]:
        legal, following, readout, bias, key = now
        h, c, log_p = step(weights, carry, legal, readout, bias)
        token = jax.random.categorical(key, log_p)
        return (h, c, token, following[carry[3], token]), token

    keys = jax.random.split(key, grammar.viable.shape[0])
    along = (grammar.viable, grammar.following, weights.readout, weights.bias, keys)
    return jax.lax.scan(position, initial_carry(weights, strings), along)[1].T


def objective(
    weights: Weights,
    grammar: GrammarArrays,
    tokens: Int[Array, "B T"],
    old: Float[Array, " B"],
    advantages: Float[Array, " B"],
    present: Float[Array, " B"],
    clip: float | Array,
) -> Float[Array, ""]:
    """L^CLIP of PPO, the mean over strings; where θ is still the old one, its gradient is that of REINFORCE.

    Args:
      weights: θ.
      grammar: of the space.
      tokens: `[B, T]` strings that were written by the old θ.
      old: `[B]` log P of them under the old θ.
      advantages: `[B]` R - b.
      present: `[B]` 1 for a string, 0 for padding.
      clip: the ε of PPO.
    """
    ratio = jnp.exp(log_probability(weights, grammar, tokens) - old)
    clipped = jnp.clip(ratio, 1 - clip, 1 + clip)
    gains = jnp.minimum(ratio * advantages, clipped * advantages)
    return jnp.sum(present * gains) / jnp.sum(present)


@jax.jit
def update(
    learner: Learner,
    grammar: GrammarArrays,
    tokens: Int[Array, "B T"],
    old: Float[Array, " B"],
    rewards: Float[Array, " B"],
    present: Float[Array, " B"],
    rule: UpdateRule,
) -> Learner:
    """Moves θ up the gradient of J + β H, H being the entropy of the policy.

    The entropy is a part of the reward: E[R - β log P] = J + β H, and both have the same gradient.

    Args:
      learner: before the update.
      grammar: of the space.
      tokens: `[B, T]` strings.
      old: `[B]` log P of them under the θ that wrote them.
      rewards: `[B]` R.
      present: `[B]` 1 for a string, 0 for padding.
      rule: how it learns.
    """
    returns = rewards - rule.entropy * old
    mean = jnp.sum(present * returns) / jnp.sum(present)
    b = jnp.where(jnp.isnan(learner.baseline), mean, learner.baseline)

    def epoch(_: Array, carry: tuple[Weights, optax.OptState]) -> tuple[Weights, optax.OptState]:
        weights, adam = carry
        gradient = jax.grad(objective)(weights, grammar, tokens, old, returns - b, present, rule.clip)
        direction, adam = ADAM.update(gradient, adam)
        weights = jax.tree.map(lambda w, d: w + rule.learning_rate * d, weights, direction)
        return weights, adam

    weights, adam = jax.lax.fori_loop(0, rule.epochs, epoch, (learner.weights, learner.adam))
    return Learner(weights, adam, rule.decay * b + (1 - rule.decay) * mean)


class Policy:
    """A policy for the strings of a grammar.

    Args:
      grammar: which strings there are.
      units: d, the width of the LSTM.
      batch: B; the compiled programs work on this many strings at a time.
      rule: how it learns.
      seed: of the first weights and of what is written.
    """

    def __init__(self, grammar: Grammar, *, units: int, batch: int, rule: UpdateRule, seed: int):
        T, _, V = grammar.legal.shape
        rng = np.random.default_rng(seed)

        def uniform(*shape: int) -> Array:
            return jnp.asarray(rng.uniform(-INITIAL_RANGE, INITIAL_RANGE, shape), jnp.float32)

        weights = Weights(
            uniform(V + 1, 4 * units), uniform(units, 4 * units), uniform(T, units, V), uniform(T, V)
        )
        self._grammar = jax.tree.map(jnp.asarray, grammar.arrays())
        self._learner = Learner(weights, ADAM.init(weights), jnp.asarray(jnp.nan))
        self._batch = batch
        self._rule = rule
        self._key = jax.random.key(seed)
        self._written = 0

    def write(self) -> Int[np.ndarray, "B T"]:
        """Writes one batch of strings `[B, T]`."""
        key = jax.random.fold_in(self._key, self._written)
        self._written += 1
        return np.asarray(sample(self._learner.weights, self._grammar, key, strings=self._batch))

    def learn(self, tokens: Int[np.ndarray, "N T"], rewards: Float[np.ndarray, " N"]) -> None:
        """Learns from strings `[N, T]` and their rewards `[N]`, a batch at a time.

        All of them count as written by the θ before the first batch.
        """
        first = self._learner.weights
        for i in range(0, len(tokens), self._batch):
            rows = np.arange(i, i + self._batch)
            present = (rows < len(tokens)).astype(np.float32)
            rows = np.minimum(rows, len(tokens) - 1)
            strings = jnp.asarray(tokens[rows], jnp.int32)
            self._learner = update(
                self._learner,
                self._grammar,
                strings,
                log_probability(first, self._grammar, strings),
                jnp.asarray(rewards[rows], jnp.float32),
                jnp.asarray(present),
                self._rule,
            )
