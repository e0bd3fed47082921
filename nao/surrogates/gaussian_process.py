"""Gaussian process regression (Rasmussen and Williams 2006, algorithm 2.1 and section 5.4.1).

An input has several parts, such as what a string says and what it means. Each part has its own length scale:

    k(x, x') = variance * c(sum_p scale_p |x_p - x'_p|^2),

where c(r^2) is exp(-r^2), or rougher: (1 + sqrt(3) r) exp(-sqrt(3) r), the Matern covariance of order 3/2
(equation 4.17).

Axis letters: N observations, C candidates, P parts, F features of a part, H = 2 + P hyperparameters.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg, optimize

Correlation = Literal["rbf", "matern"]
Inputs = Sequence[Float[np.ndarray, "_ _"]]  # `[N, F]` or `[C, F]` for each part, with F of its own

PRIOR_LOG_NOISE = -3.0  # before anything is seen, noise is a twentieth of the variance
JITTER = 1e-8  # keeps the covariance of equal inputs positive definite
SMALLEST_VARIANCE = 1e-12
MAX_ITERATIONS = 20  # of the search for the hyperparameters
MAX_FITTED = 150  # observations that the hyperparameters are fitted to; the cost grows with their cube
NO_COVARIANCE = 1e9  # in place of -log likelihood, where the covariance is not one in floating point


def squared_distances(a: Float[np.ndarray, "N F"], b: Float[np.ndarray, "C F"]) -> Float[np.ndarray, "N C"]:
    """|a_i - b_j|^2."""
    product = a @ b.T
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * product
    return np.asarray(np.maximum(squares, 0.0))


@dataclasses.dataclass(frozen=True)
class Kernel:
    """The hyperparameters.

    Attributes:
      log_variance: of the function, before anything is observed.
      log_noise: of the variance of one observation's noise.
      log_scales: `[P]` of the weight of squared distances in each part.
      correlation: c.
    """

    log_variance: Float[np.ndarray, ""]
    log_noise: Float[np.ndarray, ""]
    log_scales: Float[np.ndarray, " P"]
    correlation: Correlation = dataclasses.field(default="rbf", metadata={"static": True})

    @classmethod
    def from_vector(cls, theta: Float[np.ndarray, " H"], correlation: Correlation = "rbf") -> "Kernel":
        """The hyperparameters that `vector` wrote."""
        return cls(np.asarray(theta[0]), np.asarray(theta[1]), theta[2:], correlation)

    def vector(self) -> Float[np.ndarray, " H"]:
        """The hyperparameters one after the other, for an optimiser."""
        return np.array([self.log_variance, self.log_noise, *self.log_scales])

    def __call__(self, a: Inputs, b: Inputs) -> Float[np.ndarray, "N C"]:
        """The covariances `[N, C]` of the function at a and b."""
        scales = np.exp(self.log_scales)
        r2 = sum(scale * squared_distances(p, q) for scale, p, q in zip(scales, a, b, strict=True))
        return np.asarray(np.exp(self.log_variance + log_correlation(np.asarray(r2), self.correlation)))

    @property
    def noise(self) -> float:
        """The variance of one observation's noise."""
        return float(np.exp(self.log_noise))


@dataclasses.dataclass
class Posterior:
    """The joint distribution of the function at some candidates, given the observations.

    Attributes:
      mean: `[C]` expected targets.
      variance: `[C]` of the targets, without noise.
    """

    mean: Float[np.ndarray, " C"]
    variance: Float[np.ndarray, " C"]
    _kernel: Kernel
    _candidates: Inputs
    _V: Float[np.ndarray, "N C"]  # L^-1 k(X, X*)

    def condition_on_mean(self, i: int) -> None:
        """Adds an observation: candidate i, with its mean as the target (Ginsbourger et al. 2010).

        Means stay as they are, since the observation is what was expected; variances near i shrink.
        """
        covariance = self._kernel([p[i : i + 1] for p in self._candidates], self._candidates)[0]
        covariance -= self._V.T @ self._V[:, i]
        row = covariance / np.sqrt(self.variance[i] + np.exp(self._kernel.log_noise))
        self._V = np.vstack([self._V, row])
        self.variance = np.maximum(self.variance - row**2, SMALLEST_VARIANCE)


@dataclasses.dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process, conditioned on observations.

    Attributes:
      inputs: `[N, F]` for each part.
      targets: `[N]` about standard normal.
      kernel: the hyperparameters.
    """

    inputs: Inputs
    targets: Float[np.ndarray, " N"]
    kernel: Kernel

    @classmethod
    def fit(
        cls, inputs: Inputs, targets: Float[np.ndarray, " N"], correlation: Correlation = "rbf"
    ) -> "GaussianProcess":
        """The process whose hyperparameters have the highest posterior density.

        A priori their logarithms are normal with standard deviation 1; inputs at the mean distance in every
        part have e^-1 of the covariance, whatever the number of parts. A part that is the same for all
        observations does not count. The hyperparameters are fitted to at most `MAX_FITTED` observations,
        spread evenly over the ranks of their targets.
        """
        N = len(targets)
        some = np.argsort(targets, kind="stable")[np.linspace(0, N - 1, min(N, MAX_FITTED)).astype(int)]
        squares = np.stack([squared_distances(p[some], p[some]) for p in inputs])
        mean = squares.mean(axis=(1, 2))
        typical = np.where(mean > 0, np.count_nonzero(mean) * mean, 1.0)
        prior = np.array([0.0, PRIOR_LOG_NOISE, *-np.log(typical)])
        found = optimize.minimize(
            negative_log_posterior,
            prior,
            args=(squares, targets[some], prior, correlation),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MAX_ITERATIONS},
        )
        return cls(inputs, targets, Kernel.from_vector(found.x, correlation))

    @functools.cached_property
    def covariance(self) -> Float[np.ndarray, "N N"]:
        """K: of the observations, with their noise."""
        noise = np.exp(self.kernel.log_noise) + JITTER
        return np.asarray(self.kernel(self.inputs, self.inputs) + noise * np.eye(len(self.targets)))

    @property
    def rows(self) -> Int[np.ndarray, " N"]:
        """The observations that predictions are computed from: all of them."""
        return np.arange(len(self.targets))

    @functools.cached_property
    def alpha(self) -> Float[np.ndarray, " N"]:
        """K^-1 targets."""
        return np.asarray(self.reduction.T @ (self.reduction @ self.targets))

    @functools.cached_property
    def reduction(self) -> Float[np.ndarray, "N N"]:
        """L^-1, where L L^T = K: observations reduce the variance by |L^-1 k|^2."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(self.covariance)))

    def posterior(self, candidates: Inputs) -> Posterior:
        """Algorithm 2.1: mean and variance at candidates, a `[C, F]` for each part."""
        L = linalg.cholesky(self.covariance, lower=True)
        V = linalg.solve_triangular(L, self.kernel(self.inputs, candidates), lower=True)
        mean = V.T @ linalg.solve_triangular(L, self.targets, lower=True)
        variance = np.maximum(np.exp(self.kernel.log_variance) - (V**2).sum(axis=0), SMALLEST_VARIANCE)
        return Posterior(mean, variance, self.kernel, candidates, V)

    def leave_one_out(self) -> Float[np.ndarray, " N"]:
        """The mean at each observation when that alone is left out (equation 5.12), kernel unchanged."""
        inverse = np.linalg.inv(self.covariance)
        return np.asarray(self.targets - inverse @ self.targets / np.diag(inverse))


def log_correlation(r2: Float[np.ndarray, "N C"], correlation: Correlation) -> Float[np.ndarray, "N C"]:
    """Log c(r^2)."""
    if correlation == "rbf":
        return -r2
    r = np.sqrt(3 * r2)
    return np.asarray(np.log1p(r) - r)


def negative_log_posterior(
    theta: Float[np.ndarray, " H"],
    squares: Float[np.ndarray, "P N N"],
    targets: Float[np.ndarray, " N"],
    prior: Float[np.ndarray, " H"],
    correlation: Correlation = "rbf",
) -> tuple[float, Float[np.ndarray, " H"]]:
    """Minus the log posterior density of the hyperparameters, up to a constant, and its gradient `[H]`.

    A line search may try absurd hyperparameters. There the value is finite and large, and the gradient
    leads back to the prior.

    Args:
      theta: `Kernel.vector()` of the hyperparameters.
      squares: `[P, N, N]` squared distances of the observations in each part.
      targets: `[N]`.
      prior: `[H]` the mean of theta a priori.
      correlation: c.
    """
    away = theta - prior
    value, gradient = NO_COVARIANCE, np.zeros_like(theta)
    with contextlib.suppress(linalg.LinAlgError), np.errstate(over="ignore", invalid="ignore"):
        found = _negative_log_likelihood(theta, squares, targets, correlation)
        if np.isfinite([found[0], *found[1]]).all():
            value, gradient = found
    return float(value + 0.5 * (away**2).sum()), gradient + away


def _negative_log_likelihood(
    theta: Float[np.ndarray, " H"],
    squares: Float[np.ndarray, "P N N"],
    targets: Float[np.ndarray, " N"],
    correlation: Correlation,
) -> tuple[float, Float[np.ndarray, " H"]]:
    """Equations 5.8 and 5.9 with the sign turned: the value, and its gradient `[H]`."""
    weighted = np.exp(theta[2:])[:, None, None] * squares
    r2 = weighted.sum(axis=0)
    K, noise = np.exp(theta[0] + log_correlation(r2, correlation)), np.exp(theta[1])
    L = linalg.cholesky(K + (noise + JITTER) * np.eye(len(targets)), lower=True, check_finite=False)
    inverse = linalg.cho_solve((L, True), np.eye(len(targets)), check_finite=False)
    alpha = inverse @ targets
    G = inverse - np.outer(alpha, alpha)
    slope = K if correlation == "rbf" else 1.5 * np.exp(theta[0] - np.sqrt(3 * r2))  # -dK / dr^2
    by_scale = (-np.vdot(G * slope, w) for w in weighted)
    gradient = 0.5 * np.array([np.vdot(G, K), noise * np.trace(G), *by_scale])
    return float(0.5 * targets @ alpha + np.log(np.diag(L)).sum()), gradient
