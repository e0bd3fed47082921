"""Acquisition: how much there is to gain from what a predictor believes, when it may be wrong.

`expected_improvement` is what embeddings climb, `log_improvement` where it is multiplied by a chance;
`log_expected_improvement` ranks decoded candidates, and `kriging_believer` picks several of them one after
the other (Jones, Schonlau and Welch 1998; Ginsbourger, Le Riche and Carraro 2010).

Axis letters: B embeddings, C candidates.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as jax_special
from jax.scipy import stats as jax_stats
from jaxtyping import Array, Float
from scipy import special

from nao.surrogates.gaussian_process import Posterior

NEGLIGIBLE = 0.01  # of targets that spread over about 1: an improvement for which no failure is risked

Values = Float[Array, " B"]
Acquisition = Callable[[Values, Values, Any], Values]
"""From mean and standard deviation of f, and the best target so far, to what is climbed."""


def expected_improvement(
    mean: Float[Array, " B"], std: Float[Array, " B"], best: Float[Array, ""] | float
) -> Float[Array, " B"]:
    """A function whose gradient has the direction of that of the expected improvement, E[max(f - best, 0)].

    With z = (mean - best) / std, the gradient of the expected improvement is Phi(z) d mean + phi(z) d std.
    Divided by Phi(z) > 0 it keeps its direction, and does not vanish where an improvement is unlikely.
    Where std is 0 it is the gradient of the mean.
    """
    _, ratio = _phi_ratio(mean, std, best)
    return mean + ratio * std


def log_improvement(
    mean: Float[Array, " B"], std: Float[Array, " B"], best: Float[Array, ""] | float
) -> Float[Array, " B"]:
    """A function whose gradient is that of the log of the expected improvement, log E[max(f - best, 0)].

    It can be added to the log of a chance: what is climbed is then the expected improvement times the chance
    (Gardner et al. 2014). With EI = std (phi(z) + z Phi(z)) and r = phi(z) / Phi(z),

        d log EI = (d mean + r d std) / (std (z + r)).

    Where std is 0 that log is of no use, being minus infinity up to the best: there it is the mean, in the
    units of the targets, which spread over about 1.
    """
    z, ratio = _phi_ratio(mean, std, best)
    # z + r is about 1 / |z| far below the best, where the difference would be lost to rounding.
    gap = jnp.maximum(z + ratio, 1.0 / (2.0 + jnp.abs(z)))
    scale = jax.lax.stop_gradient(jnp.where(std > 0, std * gap, 1.0))
    return (mean + ratio * std) / scale


def _phi_ratio(
    mean: Float[Array, " B"], std: Float[Array, " B"], best: Float[Array, ""] | float
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """With z = (mean - best) / std: z, and phi(z) / Phi(z), both without a gradient."""
    z = (mean - best) / jnp.where(std > 0, std, 1.0)
    z = jax.lax.stop_gradient(jnp.clip(z, -30.0, 30.0))
    return z, jnp.exp(jax_stats.norm.logpdf(z) - jax_special.log_ndtr(z))


def posterior_mean(
    mean: Float[Array, " B"], std: Float[Array, " B"], best: Float[Array, ""] | float
) -> Float[Array, " B"]:
    """The mean of f alone, as in the paper."""
    return mean


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


def kriging_believer(
    posterior: Posterior, best: float, log_chance: Float[np.ndarray, " C"] | None = None
) -> Iterator[int]:
    """Candidates by expected improvement, each as if those before it had scored what was expected of them.

    Args:
      posterior: of the candidates. It is changed.
      best: the best target so far.
      log_chance: `[C]` of each candidate to have a target at all, by which its expected improvement and
        `NEGLIGIBLE` are multiplied: nothing is gained where an evaluation fails.

    Yields:
      The places of all candidates, each once.
    """
    left = np.ones(len(posterior.mean), np.bool_)
    while left.any():
        improvement = log_expected_improvement(posterior.mean, posterior.variance, best)
        if log_chance is not None:
            improvement = np.logaddexp(improvement, np.log(NEGLIGIBLE)) + log_chance
        i = int(np.where(left, improvement, -np.inf).argmax())
        left[i] = False
        yield i
        posterior.condition_on_mean(i)
        best = max(best, float(posterior.mean[i]))
