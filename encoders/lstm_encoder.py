"""The encoder, predictor and decoder as the rest of the project sees them: fit, predict, improve, embed.

Everything here is NumPy outside and fixed array sizes inside, so that nothing is compiled twice.

Axis letters: B, N strings, K members, R rows of one member, A strings that mean the same,
T tokens, S steps of the encoder, d hidden units, D = K d.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from nao.analysis.ranking import hamming, kendall_tau, pairwise_accuracy
from nao.core import Quality, SearchSpace
from nao.encoders.ascent import ascend, value
from nao.encoders.checks import check_scores
from nao.encoders.configuration import Configuration, Configured
from nao.encoders.decode import Rules, greedy
from nao.encoders.fit import Data, Weights, fit, structure
from nao.encoders.networks import Networks, Sizes, pooled
from nao.encoders.rows import padded, padded_rows
from nao.encoders.targets import Targets

# Unlabelled strings that a fit draws from.
UNLABELLED = 4096
REDRAWS = 8  # strings of one architecture over which its predicted score is averaged


@functools.partial(jax.jit, static_argnames=("configuration", "sizes"))
def _embed(
    weights: Weights, tokens: Int[Array, "B T"], *, configuration: Configuration, sizes: Sizes
) -> tuple[Float[Array, "K B"], Float[Array, "K B d"], Float[Array, "K B S d"]]:
    """f(e_x), mean embedding and all hidden states, by every member."""

    def member(weights: Weights) -> tuple[Array, Array, Array]:
        networks = nnx.merge(structure(configuration, sizes), weights)
        h = networks.encoder(tokens)
        return value(networks, configuration, h), pooled(h, configuration), h

    return jax.vmap(member)(weights)


@functools.partial(jax.jit, static_argnames=("configuration", "sizes"))
def _improve(
    weights: Weights,
    tokens: Int[Array, "K R T"],
    eta: Float[Array, ""],
    rules: Rules,
    *,
    configuration: Configuration,
    sizes: Sizes,
) -> tuple[Int[Array, "K R T"], Float[Array, "K R"]]:
    """X' and f(e_x'), each member with its own strings."""

    def member(weights: Weights, tokens: Array) -> tuple[Array, Array]:
        networks = nnx.merge(structure(configuration, sizes), weights)
        f = functools.partial(value, networks, configuration)
        h = ascend(f, configuration, networks.encoder(tokens), eta)
        decoded = greedy(networks.decoder, h, pooled(h, configuration), rules)
        return decoded, value(networks, configuration, h)

    return jax.vmap(member)(weights, tokens)


@dataclasses.dataclass(frozen=True)
class LSTMEncoder(Configured):
    """E, f and D of Luo et al. 2018, not yet fitted."""

    def fit(
        self,
        space: SearchSpace,
        tokens: Int[np.ndarray, "N T"],
        scores: Float[np.ndarray, " N"],
        *,
        seed: int,
    ) -> "FittedLSTMEncoder":
        """Fits E, f and D jointly (Eqn. 1 of Luo et al. 2018) and measures them on what was held out.

        Args:
          space: whose strings these are.
          tokens: `[N, T]` distinct architectures.
          scores: `[N]` their scores, higher is better.
          seed: the same seed and data give the same fit.

        Raises:
          InputError: fewer than 2 architectures, another length than the space's, a score that is not finite.
        """
        check_scores(space, tokens, scores)
        configuration, rng = self.choices, np.random.default_rng(seed)
        n, group = len(tokens), space.group if configuration.branches else 1
        sizes = Sizes(space.length, len(space.vocabulary), group)
        targets = Targets.of(configuration.targets, scores)
        folds = _folds(n, configuration, rng)
        fitted_rows = [np.setdiff1d(np.arange(n), fold) for fold in folds]

        size = padded(n, 1024)
        data = Data(
            jnp.asarray(padded_rows(_variants(space, tokens, configuration.variants, rng), size)),
            jnp.asarray(padded_rows(targets.encode(scores), size), jnp.float32),
            jnp.asarray(_unlabelled(space, tokens, configuration, rng)),
        )
        one_pass = -(-max(map(len, fitted_rows)) // configuration.batch)
        updates = max(configuration.updates, configuration.epochs * one_pass)
        start = [nnx.state(Networks(configuration, sizes, rng)) for _ in range(configuration.members)]
        weights, losses = fit(
            jax.tree.map(lambda *leaves: jnp.stack(leaves), *start),
            jax.random.split(jax.random.key(seed), configuration.members),
            data,
            Rules.of(space.grammar),
            jnp.asarray(np.stack([padded_rows(rows, size) for rows in fitted_rows])),
            jnp.asarray([len(rows) for rows in fitted_rows]),
            jnp.asarray(updates),
            configuration=configuration,
            sizes=sizes,
        )
        rules = Rules.of(space.grammar)
        fitted = FittedLSTMEncoder(space, configuration, sizes, rules, weights, targets, _UNKNOWN)
        l_pp, l_rec = np.asarray(losses).mean(axis=0)
        quality = _quality(fitted, tokens, scores, folds, {"L_pp": float(l_pp), "L_rec": float(l_rec)})
        return dataclasses.replace(fitted, quality=quality)


@dataclasses.dataclass(frozen=True)
class FittedLSTMEncoder:
    """E, f and D fitted to one set of scored architectures.

    Attributes:
      space: whose strings these are.
      choices: the configuration.
      sizes: of the space.
      rules: of the space.
      weights: of E, f and D, with a leading axis K.
      targets: between scores and what f learnt.
      quality: measured on held-out architectures, each by the member that was not fitted to it.
    """

    space: SearchSpace
    choices: Configuration
    sizes: Sizes
    rules: Rules
    weights: Weights
    targets: Targets
    quality: Quality

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """f(E(x)) `[B]`, in the units of the scores it was fitted to; the mean of the members."""
        by_member = self._embed(tokens)[0].astype(np.float64)
        return self.targets.decode(by_member.mean(axis=0))

    def embed(
        self, tokens: Int[np.ndarray, "B T"]
    ) -> tuple[Float[np.ndarray, "B D"], Float[np.ndarray, "B S D"]]:
        """The continuous space, for analysis: mean embedding and all hidden states.

        The embedding spaces of the members stand side by side, so D = K d.
        """
        _, e, h = self._embed(tokens)
        return np.concatenate(list(e), axis=-1), np.concatenate(list(h), axis=-1)

    def choose(
        self, tokens: Int[np.ndarray, "B T"], n: int
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The n strings with the highest f(E(x)), averaged over random strings that mean the same.

        Unlike f(e_x') at the end of the ascent, it is a prediction for what was decoded.

        Returns:
          their places among the B, at most n; equal ones in their order; and `[n]` their predicted scores.
        """
        rng = np.random.default_rng(REDRAWS)
        predicted = np.mean([self.predict(self.space.redraw(tokens, rng)) for _ in range(REDRAWS)], axis=0)
        chosen = np.argsort(-predicted, kind="stable")[:n]
        return chosen, predicted[chosen]

    def improve(
        self, tokens: Int[np.ndarray, "B T"], step: float
    ) -> tuple[Int[np.ndarray, "B T"], Float[np.ndarray, " B"]]:
        """Moves each e_x up the gradient of f and decodes it (Eqn. 2 of Luo et al. 2018).

        Seed i is taken through E, f and D of member i mod K.

        Args:
          tokens: `[B, T]` the seed architectures.
          step: the step length eta; at 0 a string is only encoded and decoded.

        Returns:
          `[B, T]` decoded legal strings, row i from seed i, and `[B]` f(e_x') in the units of the scores.
        """
        members = np.arange(len(tokens)) % self.choices.members
        decoded, predicted = self._improve(tokens, members, step)
        return decoded, self.targets.decode(predicted)

    def _embed(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = jnp.asarray(padded_rows(tokens, padded(len(tokens), 64)))
        s, e, h = _embed(self.weights, rows, configuration=self.choices, sizes=self.sizes)
        n = len(tokens)
        return np.asarray(s)[:, :n], np.asarray(e)[:, :n], np.asarray(h)[:, :n]

    def _improve(self, tokens: np.ndarray, members: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
        """Decoded strings `[B, T]` and predicted targets `[B]`, row i by member `members[i]`."""
        own = [np.flatnonzero(members == k) for k in range(self.choices.members)]
        size = padded(max(map(len, own)), 64)
        decoded, predicted = _improve(
            self.weights,
            jnp.asarray(np.stack([padded_rows(tokens[rows], size) for rows in own])),
            jnp.float32(step),
            self.rules,
            configuration=self.choices,
            sizes=self.sizes,
        )
        strings, values = np.empty_like(tokens), np.empty(len(tokens))
        for k, rows in enumerate(own):
            strings[rows] = np.asarray(decoded[k])[: len(rows)]
            values[rows] = np.asarray(predicted[k])[: len(rows)]
        return strings, values


_UNKNOWN = Quality(0, float("nan"), float("nan"), float("nan"))


def _quality(
    fitted: FittedLSTMEncoder,
    tokens: Int[np.ndarray, "N T"],
    scores: Float[np.ndarray, " N"],
    folds: list[np.ndarray],
    losses: Mapping[str, float],
) -> Quality:
    """Quality on what was held out; pairs are formed within a fold, where one f judges both."""
    rows = np.concatenate(folds)
    members = np.repeat(np.arange(len(folds)), [len(fold) for fold in folds])
    decoded, predicted = fitted._improve(tokens[rows], members, 0.0)
    pairs = np.array([len(fold) * (len(fold) - 1) for fold in folds], float)

    def mean(measure: Callable[[np.ndarray, np.ndarray], float]) -> float:
        values = np.array([measure(predicted[members == k], scores[fold]) for k, fold in enumerate(folds)])
        known = np.isfinite(values)
        return float(np.average(values[known], weights=pairs[known])) if known.any() else float("nan")

    return Quality(
        held_out=len(rows),
        pairwise_accuracy=mean(pairwise_accuracy),
        kendall_tau=mean(kendall_tau),
        hamming=hamming(decoded, tokens[rows]),
        metrics=losses,
    )


def _folds(n: int, configuration: Configuration, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows that each member is not fitted to: disjoint random shares, of which small n leaves some empty."""
    held_out = max(1, round(n * configuration.held_out * configuration.members))
    return np.array_split(rng.permutation(n)[:held_out], configuration.members)


def _variants(space: SearchSpace, tokens: np.ndarray, variants: int, rng: np.random.Generator) -> np.ndarray:
    """`[N, A, T]` random strings that mean the same as each architecture, the first as it is given."""
    drawn = [space.redraw(tokens, rng) for _ in range(variants - 1)]
    return np.stack([tokens, *drawn], axis=1).astype(np.int32)


def _unlabelled(
    space: SearchSpace, tokens: np.ndarray, configuration: Configuration, rng: np.random.Generator
) -> np.ndarray:
    """`[U, T]` random legal strings; none of the given ones, which have to be held out."""
    if not configuration.unlabelled:
        return np.zeros((0, space.length), np.int32)
    drawn = space.grammar.sample(rng, UNLABELLED)
    known = {row.tobytes() for row in tokens.astype(np.int32)}
    new = np.array([row for row in drawn.astype(np.int32) if row.tobytes() not in known])
    # Where every string is known, the space is so small that the held-out ones are all there is.
    return np.resize(new if len(new) else drawn.astype(np.int32), (UNLABELLED, space.length))
