"""f as a Gaussian process on the embedding, and the acquisition that is ascended.

`nao.analysis.regression` fits the process; here it is a function of the embedding that JAX can
differentiate. What an architecture means (`SearchSpace.features`) has no gradient: on the way up it stays
that of the seed.

Axis letters: N architectures with a score (padded), B embeddings, d hidden units.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special, stats
from jaxtyping import Array, Float

from nao.analysis.regression import Process
from nao.encoders.rows import padded, padded_rows

LEAST = 1e-6  # the smallest variance, in single precision


class Belief(NamedTuple):
    """A process, conditioned on N architectures.

    Attributes:
      e: `[N, d]` their mean embeddings.
      h: `[N, S d]` all of their hidden states, one after the other.
      given: `[B, N]` log covariance of the seeds with them in what is no part of the embedding.
      scales: of squared distances between mean embeddings, and between hidden states.
      variance: of the function, before anything is known.
      alpha: `[N]` K^-1 y.
      whitener: `[N, N]` L^-1, where L L^T = K.
      best: the best target so far.
    """

    e: Float[Array, "N d"]
    h: Float[Array, "N _"]
    given: Float[Array, "B N"]
    scales: Float[Array, " 2"]
    variance: Float[Array, ""]
    alpha: Float[Array, " N"]
    whitener: Float[Array, "N N"]
    best: Float[Array, ""]

    @classmethod
    def of(
        cls, process: Process, others: Float[np.ndarray, "B N"], seen: Float[np.ndarray, " 2"]
    ) -> "Belief":
        """The process as a function of its first two inputs.

        Args:
          process: on mean embeddings, hidden states and features.
          others: `[B, N]` scaled squared distances between the seeds and the N in the third input.
          seen: 1 for each of the first two inputs that counts, 0 for one that does not.
        """
        N = len(process.y)
        size = padded(N, 64)
        whitener = process.whitener
        given = np.full((len(others), size), -1e9)  # what is padded has no covariance with anything
        given[:, :N] = process.theta[0] - others
        square = np.zeros((size, size))
        square[:N, :N] = whitener
        return cls(
            jnp.asarray(padded_rows(process.parts[0], size), jnp.float32),
            jnp.asarray(padded_rows(process.parts[1], size), jnp.float32),
            jnp.asarray(given, jnp.float32),
            jnp.asarray(seen * np.exp(process.theta[2:4]), jnp.float32),
            jnp.float32(np.exp(process.theta[0])),
            jnp.asarray(padded_rows(whitener.T @ (whitener @ process.y), size), jnp.float32),
            jnp.asarray(square, jnp.float32),
            jnp.float32(process.y.max()),
        )

    def posterior(self, h: Float[Array, "B S d"]) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
        """Mean and standard deviation of f at embeddings, row i on its way from seed i."""
        squares = _squares(jnp.mean(h, axis=1), self.e), _squares(h.reshape(h.shape[0], -1), self.h)
        k = jnp.exp(self.given - self.scales[0] * squares[0] - self.scales[1] * squares[1])
        v = k @ self.whitener.T
        return k @ self.alpha, jnp.sqrt(jnp.maximum(self.variance - jnp.sum(v * v, axis=1), LEAST))

    def mean(self, h: Float[Array, "B S d"]) -> Float[Array, " B"]:
        """The mean alone."""
        return self.posterior(h)[0]

    def improvement(self, h: Float[Array, "B S d"]) -> Float[Array, " B"]:
        """A function whose gradient has the direction of the expected improvement's.

        d EI = Phi(z) d mean + phi(z) d s, with z = (mean - best) / s (Jones et al. 1998). Divided by
        Phi(z), nothing vanishes where an improvement is unlikely.
        """
        mean, s = self.posterior(h)
        z = jax.lax.stop_gradient(jnp.clip((mean - self.best) / s, -30.0, 30.0))
        return mean + jnp.exp(stats.norm.logpdf(z) - special.log_ndtr(z)) * s


def _squares(a: Float[Array, "B d"], b: Float[Array, "N d"]) -> Float[Array, "B N"]:
    """|a_i - b_j|^2."""
    squares = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)[None] - 2 * (a @ b.T)
    return jnp.maximum(squares, 0.0)
