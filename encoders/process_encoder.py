"""E and D fitted to strings alone, f a Gaussian process on their embedding: `default`.

What is learnt from the scores is f alone, and that exactly: there are too few of them to shape 64 hidden
units, and enough strings that are free. f knows how sure it is, so what is climbed, and what is chosen
among the decoded strings, is the expected improvement instead of the predicted score.

Axis letters: B, N strings, R rows with padding, T tokens, S steps of the encoder, d hidden units, F features.
"""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from nao.analysis.ranking import kendall_tau, pairwise_accuracy
from nao.analysis.regression import Parts, Process, by_improvement, squared_distances
from nao.core import Quality, SearchSpace
from nao.encoders.ascent import ascend
from nao.encoders.autoencoder import Autoencoder, autoencoder
from nao.encoders.belief import Belief
from nao.encoders.checks import check_scores
from nao.encoders.configuration import PUBLISHED, Configuration, Configured
from nao.encoders.decode import Rules, greedy
from nao.encoders.fit import Weights, structure
from nao.encoders.inputs import features, parts
from nao.encoders.networks import Sizes, pooled
from nao.encoders.rows import padded, padded_rows
from nao.encoders.targets import Targets


@functools.partial(jax.jit, static_argnames=("choices", "sizes"))
def _improve(
    weights: Weights,
    h: Float[Array, "B S d"],
    belief: Belief,
    rules: Rules,
    eta: Float[Array, ""],
    noise: Float[Array, "B S d"],
    *,
    choices: Configuration,
    sizes: Sizes,
) -> tuple[Int[Array, "B T"], Float[Array, " B"]]:
    """X' and f(e_x')."""
    decoder = nnx.merge(structure(choices, sizes), weights).decoder
    f = belief.improvement if choices.acquisition == "improvement" else belief.mean
    h = ascend(f, choices, h, eta, noise)
    return greedy(decoder, h, pooled(h, choices), rules), belief.mean(h)


@dataclasses.dataclass(frozen=True)
class ProcessEncoder(Configured):
    """E, f and D, not yet fitted."""

    def fit(
        self,
        space: SearchSpace,
        tokens: Int[np.ndarray, "N T"],
        scores: Float[np.ndarray, " N"],
        *,
        seed: int,
    ) -> "FittedProcessEncoder":
        """Fits f to the scores, and before it, once for a space and a seed, E and D to strings.

        Raises:
          InputError: fewer than 2 architectures, another length than the space's, a score that is not finite.
        """
        check_scores(space, tokens, scores)
        learnt = autoencoder(space, _of_strings(self.choices), seed)
        targets = Targets.of(self.choices.targets, scores)
        process = Process.fit(parts(self.choices, learnt, tokens), targets.encode(scores))
        quality = _quality(learnt, process, scores)
        return FittedProcessEncoder(self.choices, learnt, process, targets, quality, seed)


@dataclasses.dataclass(frozen=True)
class FittedProcessEncoder:
    """E, f and D fitted to one set of scored architectures.

    Attributes:
      choices: the configuration.
      autoencoder: E and D.
      process: f.
      targets: between scores and what f learnt.
      quality: of f, each architecture left out once; of D, on strings it was not fitted to.
      seed: of the noise on the way up.
    """

    choices: Configuration
    autoencoder: Autoencoder
    process: Process
    targets: Targets
    quality: Quality
    seed: int
    _starts: dict[bytes, tuple[Float[Array, "R S d"], Belief]] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """f(E(x)) `[B]`, in the units of the scores."""
        return self.targets.decode(self.process.posterior(self._parts(tokens)).mean)

    def embed(
        self, tokens: Int[np.ndarray, "B T"]
    ) -> tuple[Float[np.ndarray, "B d"], Float[np.ndarray, "B S d"]]:
        """The continuous space, for analysis: mean embedding and all hidden states of each string."""
        h = self.autoencoder.encode(tokens)
        return h.mean(axis=1), h

    def choose(
        self, tokens: Int[np.ndarray, "B T"], n: int
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The n strings with the highest expected improvement, each as if the others scored as expected.

        Returns:
          their places among the B, at most n, and `[n]` their predicted scores.
        """
        believed = self.process.posterior(self._parts(tokens))
        mean = believed.mean
        if self.choices.acquisition == "mean":
            chosen = np.argsort(-mean, kind="stable")[:n].tolist()
        else:
            chosen = list(itertools.islice(by_improvement(believed, float(self.process.y.max())), n))
        return np.array(chosen, np.int64), self.targets.decode(mean[chosen])

    def improve(
        self, tokens: Int[np.ndarray, "B T"], step: float
    ) -> tuple[Int[np.ndarray, "B T"], Float[np.ndarray, " B"]]:
        """Moves each e_x up the expected improvement and decodes it (Eqn. 2 of Luo et al. 2018).

        Args:
          tokens: `[B, T]` the seed architectures.
          step: the step length eta; at 0 a string is only encoded and decoded.

        Returns:
          `[B, T]` decoded legal strings, row i from seed i, and `[B]` f(e_x') in the units of the scores.
        """
        n = len(tokens)
        h, belief = self._start(tokens)
        # Another one each time that more is known: what was decoded last time is known by now.
        rng = np.random.default_rng([self.seed, len(self.process.y), n, round(1e6 * step)])
        noise = rng.normal(size=h.shape)
        noise /= np.sqrt((noise**2).sum(axis=(1, 2), keepdims=True))
        decoded, values = _improve(
            self.autoencoder.weights,
            h,
            belief,
            self.autoencoder.rules,
            jnp.float32(step),
            jnp.asarray(noise, jnp.float32),
            choices=self.choices,
            sizes=self.autoencoder.sizes,
        )
        return np.asarray(decoded)[:n], self.targets.decode(np.asarray(values, np.float64)[:n])

    def _start(self, tokens: Int[np.ndarray, "B T"]) -> tuple[Float[Array, "R S d"], Belief]:
        """All hidden states of seeds, in R >= B rows, and f around them: the same for every step length.

        Those of the last seeds are kept.
        """
        key = tokens.tobytes()
        if key not in self._starts:
            size = padded(len(tokens), 32)
            given = features(self.choices, self.autoencoder.space, tokens)
            others = np.exp(self.process.theta[-1]) * squared_distances(given, self.process.parts[-1])
            seen = np.array([name in self.choices.inputs for name in ("mean", "states")], np.float64)
            h = jnp.asarray(padded_rows(self.autoencoder.encode(tokens), size))
            self._starts.clear()
            self._starts[key] = h, Belief.of(self.process, padded_rows(others, size), seen)
        return self._starts[key]

    def _parts(self, tokens: Int[np.ndarray, "B T"]) -> Parts:
        return parts(self.choices, self.autoencoder, tokens)


def _of_strings(choices: Configuration) -> Configuration:
    """The choices on which E and D depend, the others as in `PUBLISHED`: what is learnt once serves all."""
    ascent = ("steps", "moves", "relative", "gradient", "noise")
    others = ("name", "targets", "variants", "inputs", "acquisition", *ascent)
    return dataclasses.replace(choices, **{name: getattr(PUBLISHED, name) for name in others})


def _quality(learnt: Autoencoder, process: Process, scores: Float[np.ndarray, " N"]) -> Quality:
    """Quality of f for each architecture when it alone is left out, with theta as it is for all."""
    predicted = process.left_out()
    return Quality(
        held_out=len(scores),
        pairwise_accuracy=pairwise_accuracy(predicted, scores),
        kendall_tau=kendall_tau(predicted, scores),
        hamming=learnt.hamming,
        metrics={"noise": float(np.exp(process.theta[1]))},
    )
