"""Gaussian process regression (Rasmussen and Williams 2006, algorithm 2.1 and section 5.4.1).

And what to observe next under it: the expected improvement (Jones et al. 1998).

Inputs come in parts, such as what a string says and what it means. A part has its own length scale:

    k(x, x') = exp(theta_0) exp(-sum_p exp(theta_(2+p)) |x_p - x'_p|^2),   noise variance exp(theta_1).

Axis letters: N observations, C candidates, F features of a part, H = 2 + parts hyperparameters theta.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from scipy import linalg, optimize, special

Parts = Sequence[Float[np.ndarray, "_ _"]]  # `[N, F]` or `[C, F]` for each part, with F of its own

NOISE = -3.0  # theta_1 before anything is seen: a twentieth of the variance
JITTER = 1e-8  # keeps the covariance of equal inputs positive definite
LEAST = 1e-12  # the smallest variance
STEPS = 20  # of the search for theta
FAILED = 1e9  # in place of -log of the likelihood, where theta leaves no covariance in floating point
FITTED = 150  # observations that theta is fitted to; the cost grows with their cube


def squared_distances(a: Float[np.ndarray, "N F"], b: Float[np.ndarray, "C F"]) -> Float[np.ndarray, "N C"]:
    """|a_i - b_j|^2."""
    product = a @ b.T
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * product
    return np.asarray(np.maximum(squares, 0.0))


@dataclasses.dataclass
class Posterior:
    """What is believed about candidates.

    Attributes:
      mean: `[C]` expected targets.
      variance: `[C]` of the targets, without noise.
    """

    mean: Float[np.ndarray, " C"]
    variance: Float[np.ndarray, " C"]
    _process: "Process"
    _parts: Parts
    _V: Float[np.ndarray, "N C"]  # L^-1 k(X, X*)

    def believe(self, i: int) -> None:
        """Takes it for known that candidate i is what its mean says (Ginsbourger et al. 2010).

        The means stay, since nothing surprising was seen; the variances near the candidate shrink.
        """
        covariance = self._process.kernel([p[i : i + 1] for p in self._parts], self._parts)[0]
        covariance -= self._V.T @ self._V[:, i]
        row = covariance / np.sqrt(self.variance[i] + np.exp(self._process.theta[1]))
        self._V = np.vstack([self._V, row])
        self.variance = np.maximum(self.variance - row**2, LEAST)


@dataclasses.dataclass(frozen=True)
class Process:
    """A Gaussian process, conditioned on observations.

    Attributes:
      parts: the inputs, a `[N, F]` for each part.
      y: `[N]` targets, about standard normal.
      theta: `[H]` hyperparameters.
    """

    parts: Parts
    y: Float[np.ndarray, " N"]
    theta: Float[np.ndarray, " H"]

    @classmethod
    def fit(cls, parts: Parts, y: Float[np.ndarray, " N"]) -> "Process":
        """The process whose theta has the highest posterior density.

        A priori theta is normal with standard deviation 1; inputs at the mean distance in every part have
        e^-1 of the covariance, whatever the number of parts. A part that is the same for all is none. It is
        fitted to at most `FITTED` observations, evenly over the ranks.
        """
        N = len(y)
        some = np.argsort(y, kind="stable")[np.linspace(0, N - 1, min(N, FITTED)).astype(int)]
        squares = np.stack([squared_distances(p[some], p[some]) for p in parts])
        mean = squares.mean(axis=(1, 2))
        together = np.where(mean > 0, np.count_nonzero(mean) * mean, 1.0)
        prior = np.array([0.0, NOISE, *-np.log(together)])
        found = optimize.minimize(
            negative_log_posterior,
            prior,
            args=(squares, y[some], prior),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": STEPS},
        )
        return cls(parts, y, found.x)

    def kernel(self, a: Parts, b: Parts) -> Float[np.ndarray, "N C"]:
        """The covariances `[N, C]` of the function at a and b."""
        scales = np.exp(self.theta[2:])
        exponent = sum(scale * squared_distances(p, q) for scale, p, q in zip(scales, a, b, strict=True))
        return np.asarray(np.exp(self.theta[0] - exponent))

    @functools.cached_property
    def covariance(self) -> Float[np.ndarray, "N N"]:
        """K: of the observations, with their noise."""
        noise = np.exp(self.theta[1]) + JITTER
        return np.asarray(self.kernel(self.parts, self.parts) + noise * np.eye(len(self.y)))

    @functools.cached_property
    def whitener(self) -> Float[np.ndarray, "N N"]:
        """L^-1, where L L^T = K."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(self.covariance)))

    def posterior(self, candidates: Parts) -> Posterior:
        """Algorithm 2.1: mean and variance at candidates, a `[C, F]` for each part."""
        L = linalg.cholesky(self.covariance, lower=True)
        V = linalg.solve_triangular(L, self.kernel(self.parts, candidates), lower=True)
        mean = V.T @ linalg.solve_triangular(L, self.y, lower=True)
        variance = np.maximum(np.exp(self.theta[0]) - (V**2).sum(axis=0), LEAST)
        return Posterior(mean, variance, self, candidates, V)

    def left_out(self) -> Float[np.ndarray, " N"]:
        """The mean at each observation when that alone is left out (equation 5.12), with this theta."""
        inverse = np.linalg.inv(self.covariance)
        return np.asarray(self.y - inverse @ self.y / np.diag(inverse))


def negative_log_posterior(
    theta: Float[np.ndarray, " H"],
    squares: Float[np.ndarray, "P N N"],
    y: Float[np.ndarray, " N"],
    prior: Float[np.ndarray, " H"],
) -> tuple[float, Float[np.ndarray, " H"]]:
    """Minus the log of the posterior density of theta, but for a constant: the value, and its gradient `[H]`.

    A line search may try what is absurd. There the value is finite, and the gradient leads back to the prior.

    Args:
      theta: where.
      squares: `[P, N, N]` squared distances of the observations in each part.
      y: `[N]` targets.
      prior: `[H]` the mean of theta a priori.
    """
    away = theta - prior
    value, gradient = FAILED, np.zeros_like(theta)
    with contextlib.suppress(linalg.LinAlgError), np.errstate(over="ignore", invalid="ignore"):
        found = _negative_log_likelihood(theta, squares, y)
        if np.isfinite([found[0], *found[1]]).all():
            value, gradient = found
    return float(value + 0.5 * (away**2).sum()), gradient + away


def _negative_log_likelihood(
    theta: Float[np.ndarray, " H"], squares: Float[np.ndarray, "P N N"], y: Float[np.ndarray, " N"]
) -> tuple[float, Float[np.ndarray, " H"]]:
    """Equations 5.8 and 5.9 with the sign turned: the value, and its gradient `[H]`."""
    weighted = np.exp(theta[2:])[:, None, None] * squares
    K, noise = np.exp(theta[0] - weighted.sum(axis=0)), np.exp(theta[1])
    L = linalg.cholesky(K + (noise + JITTER) * np.eye(len(y)), lower=True, check_finite=False)
    inverse = linalg.cho_solve((L, True), np.eye(len(y)), check_finite=False)
    alpha = inverse @ y
    G = inverse - np.outer(alpha, alpha)
    gradient = 0.5 * np.array([np.vdot(G, K), noise * np.trace(G), *(-np.vdot(G * K, w) for w in weighted)])
    return float(0.5 * y @ alpha + np.log(np.diag(L)).sum()), gradient


def by_improvement(believed: Posterior, best: float) -> Iterator[int]:
    """Candidates by expected improvement, each chosen as if those before it had scored as expected.

    Args:
      believed: about the candidates. Is changed.
      best: the best target so far.

    Yields:
      The places of all candidates, each once.
    """
    left = np.ones(len(believed.mean), np.bool_)
    while left.any():
        improvement = log_expected_improvement(believed.mean, believed.variance, best)
        i = int(np.where(left, improvement, -np.inf).argmax())
        left[i] = False
        yield i
        believed.believe(i)
        best = max(best, float(believed.mean[i]))


def log_expected_improvement(
    mean: Float[np.ndarray, " C"], variance: Float[np.ndarray, " C"], best: float
) -> Float[np.ndarray, " C"]:
    """Log E[max(f - best, 0)] for f normal: log of s (phi(z) + z Phi(z)), with z = (mean - best) / s.

    The logarithm still tells candidates apart where the improvement itself is zero in floating point.
    """
    s = np.sqrt(variance)
    z = np.clip((mean - best) / s, -1e6, 30.0)
    ratio = np.sqrt(np.pi / 2) * special.erfcx(-z / np.sqrt(2))  # Phi(z) / phi(z)
    log_phi = -(z**2) / 2 - np.log(2 * np.pi) / 2
    return np.asarray(np.log(s) + log_phi + np.log1p(np.maximum(z * ratio, -1 + 1e-15)))
