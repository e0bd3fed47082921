"""Gaussian process regression on thousands of observations, by way of some of them: the inducing points.

What is left over once the function is known at the inducing points is taken to be unrelated to the
observations (the deterministic training conditional, section 5 of Quiñonero-Candela and Rasmussen 2005; its
posterior is also that of Titsias 2009). This costs N M^2 operations in place of N^3. With every observation
as an inducing point it is the exact process.

Named as there: u the function at the inducing points, f at the observations, * at candidates.
Axis letters: N observations, M inducing points, C candidates, F features of a part.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

from nao.surrogates.gaussian_process import (
    JITTER,
    SMALLEST_VARIANCE,
    Correlation,
    GaussianProcess,
    Inputs,
    Kernel,
    Posterior,
)

MAX_EXACT = 2000  # observations of an exact process
INDUCING = 1024  # inducing points of a process with more observations
CHUNK = 1024  # observations at a time: their covariances take several times the memory of A


@dataclasses.dataclass(frozen=True)
class Conditioned:
    """A conditioned process as what predicts: mean K_*u alpha, variance K_** - |C K_u*|^2.

    Attributes:
      inputs: `[M, F]` for each part, of the inducing points.
      kernel: the hyperparameters.
      alpha: `[M]` weights of the mean.
      reduction: `[M, M]` C.
    """

    inputs: Inputs
    kernel: Kernel
    alpha: Float[np.ndarray, " M"]
    reduction: Float[np.ndarray, "M M"]

    def posterior(self, candidates: Inputs) -> Posterior:
        """Mean and variance at candidates, a `[C, F]` for each part."""
        K_u_star = self.kernel(self.inputs, candidates)
        V = self.reduction @ K_u_star
        variance = np.maximum(np.exp(self.kernel.log_variance) - (V**2).sum(axis=0), SMALLEST_VARIANCE)
        return Posterior(self.alpha @ K_u_star, variance, self.kernel, candidates, V)


@dataclasses.dataclass(frozen=True)
class SparseGaussianProcess(Conditioned):
    """A Gaussian process, conditioned on N observations by way of M of them.

    Attributes:
      targets: `[N]` of all observations.
      rows: `[M]` which of them are the inducing points.
      left_out: `[N]` the mean at each observation when that alone is left out.
    """

    targets: Float[np.ndarray, " N"]
    rows: Int[np.ndarray, " M"]
    left_out: Float[np.ndarray, " N"]

    @classmethod
    def condition(
        cls, inputs: Inputs, targets: Float[np.ndarray, " N"], kernel: Kernel, rows: Int[np.ndarray, " M"]
    ) -> "SparseGaussianProcess":
        """Equation 20b of Quiñonero-Candela and Rasmussen.

        With L L^T = K_uu, A = L^-1 K_uf / sigma, and A A^T = Q diag(w) Q^T, their Sigma is
        L^-T Q diag(1 / (1 + w)) Q^T L^-1, so that C = diag(sqrt(w / (1 + w))) Q^T L^-1 has
        C^T C = K_uu^-1 - Sigma.

        Args:
          inputs: `[N, F]` for each part.
          targets: `[N]` about standard normal.
          kernel: the hyperparameters.
          rows: `[M]` which observations are the inducing points, no two of them the same.
        """
        at_u = [part[rows] for part in inputs]
        sigma = np.sqrt(kernel.noise + JITTER)
        K_uu = kernel(at_u, at_u) + JITTER * np.exp(kernel.log_variance) * np.eye(len(rows))
        L = linalg.cholesky(K_uu, lower=True)
        A = np.empty((len(rows), len(targets)))
        for i in range(0, len(targets), CHUNK):
            some = slice(i, i + CHUNK)
            K_uf = kernel(at_u, [part[some] for part in inputs])
            A[:, some] = linalg.solve_triangular(L, K_uf, lower=True) / sigma
        w, Q = linalg.eigh(A @ A.T)
        w = np.maximum(w, 0.0)
        projected = Q.T @ A
        weights = projected @ (targets / sigma) / (1 + w)
        basis = linalg.solve_triangular(L, Q, lower=True, trans="T")  # L^-T Q
        mean = sigma * (weights @ projected)
        # When a target is left out, its residual grows by 1 / (1 - leverage), as in every linear regression.
        leverage = np.einsum("mn,mn,m->n", projected, projected, 1 / (1 + w))
        return cls(
            inputs=at_u,
            kernel=kernel,
            alpha=basis @ weights,
            reduction=np.sqrt(w / (1 + w))[:, None] * basis.T,
            targets=targets,
            rows=rows,
            left_out=targets - (targets - mean) / (1 - leverage),
        )

    def leave_one_out(self) -> Float[np.ndarray, " N"]:
        """The mean at each observation when that alone is left out, kernel and inducing points unchanged."""
        return self.left_out


Regression = GaussianProcess | SparseGaussianProcess


def fit(inputs: Inputs, targets: Float[np.ndarray, " N"], correlation: Correlation = "rbf") -> Regression:
    """The process of `GaussianProcess.fit`: exact up to `MAX_EXACT` observations, and sparse for more."""
    exact = GaussianProcess.fit(inputs, targets, correlation)
    if len(targets) <= MAX_EXACT:
        return exact
    return condition(inputs, targets, exact.kernel, best_and_spread(targets, INDUCING))


def condition(
    inputs: Inputs, targets: Float[np.ndarray, " N"], kernel: Kernel, rows: Int[np.ndarray, " M"] | None
) -> Regression:
    """The process with these hyperparameters: by way of the inducing points in `rows`, exact without them."""
    if rows is None:
        return GaussianProcess(inputs, targets, kernel)
    return SparseGaussianProcess.condition(inputs, targets, kernel, rows)


def best_and_spread(targets: Float[np.ndarray, " N"], m: int) -> Int[np.ndarray, " m"]:
    """Picks m of N observations: the best m / 2, and others that are spread evenly over the ranks.

    They are in ascending order of their targets. What is proposed next is likely to be near the best; what is
    far from it still has to be known.
    """
    ascending = np.argsort(targets, kind="stable")
    others = len(targets) - m // 2
    spread = np.linspace(0, others - 1, m - m // 2).astype(int)
    return np.asarray(ascending[np.concatenate([spread, np.arange(others, len(targets))])])
