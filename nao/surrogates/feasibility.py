"""The chance that an architecture can be trained at all, learnt from those that could and those that failed.

Least-squares classification (Rasmussen and Williams 2006, section 6.5): a Gaussian process is fitted to
labels, 1 for a success and -1 for a failure, and the chance to succeed is that of a label above 0,

    P(success | x) = Phi(mean(x) / sqrt(variance(x) + noise)).

Far from all that was observed it is near the share of successes. With a length scale for each position of the
string it measured better than Laplace's approximation of a logistic model (their algorithms 3.1, 3.2, 5.1),
whose chances stay close to a half where failures follow a rule.

Axis letters: N architectures that succeeded or failed, M <= N of them, C candidates, P parts, F features.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

from nao.surrogates.gaussian_process import GaussianProcess, Inputs, Kernel

MAX_OBSERVED = 500  # architectures that the process is conditioned on


@dataclasses.dataclass(frozen=True)
class Feasibility:
    """A classifier of architectures into those that succeed and those that fail.

    Attributes:
      process: of standardised labels. Its one part is that of the inputs, each weighted by its length scale,
        which is the same kernel and costs a single matrix product however many parts there are.
      weights: `[P]` of each part of the inputs.
      mean: of the labels.
      std: of the labels.
    """

    process: GaussianProcess
    weights: Float[np.ndarray, " P"]
    mean: float
    std: float

    @classmethod
    def fit(cls, inputs: Inputs, succeeded: Bool[np.ndarray, " N"]) -> "Feasibility":
        """The classifier of N architectures; its cost does not grow where N is above `MAX_OBSERVED`.

        Args:
          inputs: `[N, F]` for each part.
          succeeded: `[N]` which of them succeeded; neither all nor none.
        """
        labels = np.where(succeeded, 1.0, -1.0)
        mean, std = float(labels.mean()), float(labels.std())
        some = balanced(succeeded, MAX_OBSERVED)
        parts = [part[some] for part in inputs]
        fitted = GaussianProcess.fit(parts, (labels[some] - mean) / std)
        weights = np.exp(fitted.kernel.log_scales / 2)
        kernel = Kernel(fitted.kernel.log_variance, fitted.kernel.log_noise, np.zeros(1))
        process = GaussianProcess([_weighted(parts, weights)], fitted.targets, kernel)
        return cls(process, weights, mean, std)

    def log_chance(self, candidates: Inputs) -> Float[np.ndarray, " C"]:
        """The log of the chance of each candidate to succeed, from a `[C, F]` for each part."""
        return np.asarray(special.log_ndtr(self._z(candidates)))

    def log_odds(self, candidates: Inputs) -> Float[np.ndarray, " C"]:
        """Log (chance to succeed / chance to fail) of each candidate: what another model can be fitted to."""
        z = self._z(candidates)
        return np.asarray(special.log_ndtr(z) - special.log_ndtr(-z))

    def _z(self, candidates: Inputs) -> Float[np.ndarray, " C"]:
        """Mean / standard deviation of the labels."""
        posterior = self.process.posterior([_weighted(candidates, self.weights)])
        std = self.std * np.sqrt(posterior.variance + self.process.kernel.noise)
        return np.asarray((self.mean + self.std * posterior.mean) / std)


def log_expected_rank(
    predicted: Float[np.ndarray, " C"], log_chance: Float[np.ndarray, " C"]
) -> Float[np.ndarray, " C"]:
    """The log of the share of architectures than which each candidate is expected to be better.

    A failed one is better than none. So it is the chance to succeed times the predicted share, which ranks
    candidates by a predictor that does not know how sure it is.

    Args:
      predicted: `[C]` normal quantiles of ranks (see `nao.surrogates.score_transform.rank_normal`).
      log_chance: `[C]`.
    """
    return np.asarray(special.log_ndtr(predicted) + log_chance)


def balanced(succeeded: Bool[np.ndarray, " N"], most: int) -> Int[np.ndarray, " M"]:
    """At most so many of N architectures, in their order: half of them failed, where as many did.

    A search that avoids failures has few of them, which say the most. Of each kind the latest are taken.
    """
    successes, failures = np.flatnonzero(succeeded), np.flatnonzero(~succeeded)
    num_failed = min(len(failures), max(most // 2, most - len(successes)))
    return np.sort(np.concatenate([successes[num_failed - most :], failures[-num_failed:]]))


def _weighted(inputs: Inputs, weights: Float[np.ndarray, " P"]) -> Float[np.ndarray, "N F"]:
    return np.concatenate([weight * part for weight, part in zip(weights, inputs, strict=True)], axis=1)
