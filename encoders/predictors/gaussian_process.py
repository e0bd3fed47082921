"""f as a Gaussian process on the embedding, and on what an architecture means.

`nao.surrogates.gaussian_process` fits the process in double precision on the host; here it is a function of
the embedding that JAX can differentiate.

Axis letters: N scored architectures, M of them from which predictions are computed (all, or inducing points),
Q >= N and R >= M rows with padding, B embeddings, T tokens, S steps of the encoder, d hidden units, F
features of the space, G of the graph.
"""

import dataclasses
import functools
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.core import SearchSpace
from nao.encoders.predictors.features import PARTS, Part, read_features
from nao.pytree import STATIC, bucket_size, pad_rows, pytree
from nao.settings import check
from nao.surrogates.gaussian_process import Correlation, Kernel
from nao.surrogates.gaussian_process import GaussianProcess as Exact
from nao.surrogates.inducing_points import Conditioned, Regression

SMALLEST_VARIANCE = 1e-6  # in single precision
NEVER = -1e9  # log covariance with a row that is only padding

pytree(Kernel)
Host = Float[np.ndarray, "..."] | Float[Array, "..."]  # NumPy in double precision, JAX's inside a program


@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianProcessConfig:
    """The Gaussian process as predictor.

    Attributes:
      inputs: what it reads of an architecture: its mean embedding, all its hidden states, the features of
        its space, and those of its graph.
      targets: what f learns: scores scaled to [0, 1], or the normal quantiles of their ranks.
      correlation: how smooth f is (see `nao.surrogates.gaussian_process`).
    """

    inputs: tuple[Part, ...] = PARTS
    # A few failures, or many good scores that lie close together, must not decide what f attends to.
    targets: Literal["min-max", "normal"] = "normal"
    correlation: Correlation = "rbf"

    def __post_init__(self) -> None:
        check(self, "encoder.predictor")


@pytree
@dataclasses.dataclass(frozen=True)
class GaussianProcess:
    """f: a Gaussian process, conditioned on N architectures by way of M of them.

    Attributes:
      tokens: `[Q, T]` the N architectures.
      targets: `[Q]` their targets.
      rows: `[R]` which of them the M are.
      mean: `[R, d]` the mean embeddings of the M.
      states: `[R, S d]` their hidden states, one after the other.
      features: `[R, F]` what they mean.
      graph: `[R, G]` what their graphs are like; G is 0 if it is not read.
      kernel: the hyperparameters, with a scale for each part.
      alpha: `[R]` K^-1 targets; with inducing points, as in `nao.surrogates.inducing_points`.
      inverse_cholesky: `[R, R]` L^-1, where L L^T = K; with inducing points, C in its place.
      count: M.
      scored: N.
      inputs: the parts that are read; the others are 0 in all rows.
    """

    tokens: Int[np.ndarray, "Q T"]
    targets: Host
    rows: Int[np.ndarray, " R"] | Int[Array, " R"]
    mean: Host
    states: Host
    features: Host
    graph: Host
    kernel: Kernel
    alpha: Host
    inverse_cholesky: Host
    count: int
    scored: int
    inputs: tuple[Part, ...] = dataclasses.field(metadata=STATIC)

    @classmethod
    def condition(
        cls, regression: Regression, tokens: Int[np.ndarray, "N T"], inputs: tuple[Part, ...]
    ) -> "GaussianProcess":
        """The process that a regression on `process_inputs` of some architectures has found."""
        N, M = len(tokens), len(regression.rows)
        Q, R = bucket_size(N, 64), bucket_size(M, 64)
        square = np.zeros((R, R))
        square[:M, :M] = regression.reduction
        mean, states, features, *graph = (pad_rows(part, R) for part in regression.inputs)
        process = cls(
            tokens=pad_rows(tokens, Q),
            targets=pad_rows(regression.targets, Q),
            rows=pad_rows(regression.rows.astype(np.int32), R),
            mean=mean,
            states=states,
            features=features,
            graph=graph[0] if graph else np.zeros((R, 0)),
            kernel=regression.kernel,
            alpha=pad_rows(regression.alpha, R),
            inverse_cholesky=square,
            count=M,
            scored=N,
            inputs=inputs,
        )
        vars(process)["regression"] = regression
        return process

    def learned(self) -> dict[str, Any]:
        """What has to be kept of it: all else follows from the architectures and E."""
        N, M = int(self.scored), int(self.count)
        kept = {"tokens": self.tokens[:N], "targets": self.targets[:N], "kernel": self.kernel}
        return kept if N == M else {**kept, "rows": self.rows[:M]}

    @property
    def num_features(self) -> int:
        """F + G."""
        return int(self.features.shape[1] + self.graph.shape[1])

    def read(self, space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B _"]:
        """The features of strings as the process sees them, side by side; 0 for those it does not read."""
        return np.concatenate(read_features(space, tokens, self.inputs), axis=1)

    @functools.cached_property
    def regression(self) -> Exact | Conditioned:
        """The same process on the host."""
        M = int(self.count)
        parts = (self.mean, self.states, self.features, self.graph)[: len(self.kernel.log_scales)]
        inputs = [np.asarray(part[:M], np.float64) for part in parts]
        if self.scored == M:
            return Exact(inputs, np.asarray(self.targets[:M], np.float64), self.kernel)
        alpha, C = (np.asarray(x, np.float64) for x in (self.alpha[:M], self.inverse_cholesky[:M, :M]))
        return Conditioned(inputs, self.kernel, alpha, C)

    def posterior(
        self, mean: Float[Array, "B d"], h: Float[Array, "B S d"], features: Float[Array, "B _"]
    ) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
        """Mean and standard deviation of f at embeddings (algorithm 2.1 of Rasmussen and Williams 2006)."""
        kernel = self.kernel
        parts = PARTS[: len(kernel.log_scales)]
        scales = jnp.exp(kernel.log_scales) * jnp.array([float(part in self.inputs) for part in parts])
        F = self.features.shape[1]
        log_k = jnp.where(jnp.arange(len(self.alpha)) < self.count, kernel.log_variance, NEVER)[None]
        rest = jnp.zeros(()) if kernel.correlation == "matern" else log_k
        rest = rest - scales[2] * squared_distances(features[:, :F], self.features)
        if "graph" in self.inputs:
            rest = rest - scales[3] * squared_distances(features[:, F:], self.graph)
        rest = rest - scales[0] * squared_distances(mean, self.mean)
        rest = rest - scales[1] * squared_distances(h.reshape(len(h), h.shape[1] * h.shape[2]), self.states)
        if kernel.correlation == "matern":
            r = jnp.sqrt(SMALLEST_VARIANCE - 3 * rest)  # its slope is finite where r is 0, too
            rest = log_k + jnp.log1p(r) - r
        k = jnp.exp(rest)
        v = k @ self.inverse_cholesky.T
        variance = jnp.exp(kernel.log_variance) - jnp.sum(v * v, axis=1)
        return k @ self.alpha, jnp.sqrt(jnp.maximum(variance, SMALLEST_VARIANCE))


def squared_distances(a: Float[Array, "B d"], b: Host) -> Float[Array, "B N"]:
    """|a_i - b_j|^2."""
    squares = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)[None] - 2 * (a @ b.T)
    return jnp.maximum(squares, 0.0)
