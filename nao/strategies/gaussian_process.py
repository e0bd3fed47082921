"""Bayesian optimisation: a Gaussian process, and the expected improvement under it (Jones et al. 1998).

The process sees what a string says (its tokens) and what it means (`SearchSpace.features`, for a graph
the path encoding of White, Neiswanger and Savani 2021). It learns normal quantiles of the scores' ranks.

Axis letters: N scored architectures, C candidates, B strings, T tokens, V vocabulary, F features.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from nao.core import Architecture, Proposal, Result, SearchSpace
from nao.limits import Limits
from nao.settings import at_least, check
from nao.strategies.archive import every_architecture
from nao.strategies.mixin import StrategyMixin
from nao.surrogates.gaussian_process import Inputs
from nao.surrogates.inducing_points import fit
from nao.surrogates.score_transform import rank_normal

MIN_SCORES = 2  # that the process can be fitted to
MAX_WHOLE = 20_000  # strings of a space whose architectures are all candidates
NUM_RANDOM = 1000  # random candidates in a larger space,
NUM_CENTRES = 5  # where the neighbours of this many of the best architectures are candidates too


class GaussianProcess(StrategyMixin):
    """Proposes the architectures with the largest expected improvement on the best score.

    Several at a time are chosen one after the other, each as if those before it had scored as expected. Once
    some have failed, the improvement counts with the chance to succeed (`nao.strategies.outcomes`).

    Args:
      space: what to search.
      settings: how many architectures it begins with, and how many it then proposes at a time.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
    """

    name = "gp"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """How many architectures it proposes at a time.

        Attributes:
          initial: how many random architectures to begin with.
          proposals: how many to propose before it wants to hear results.

        Raises:
          InputError: one of them is below 1.
        """

        initial: int = 10
        proposals: int = 5

        def __post_init__(self) -> None:
            check(self, "gp", initial=at_least(1), proposals=at_least(1))

    settings: Settings

    def _begin(self) -> None:
        super()._begin()
        self._diagnostics: Mapping[str, float] = {}

    @property
    def batch(self) -> int:
        """The random architectures at once, then `proposals` at a time."""
        return self._initial.left or self.settings.proposals

    def ask(self, n: int) -> list[Proposal]:
        """Random architectures to begin with, then the most promising candidates.

        When there are fewer than n new candidates, random architectures make up for the rest.
        """
        self._diagnostics = {}
        rng = self._next_generator()
        proposals = self._initial.take(n, self._archive)
        if len(proposals) < n and len(self._scored) >= MIN_SCORES:
            proposals += self._most_promising(n - len(proposals), rng)
        return proposals + [Proposal(x, "random") for x in self._archive.draw(rng, n - len(proposals))]

    def _most_promising(self, n: int, rng: np.random.Generator) -> list[Proposal]:
        """The n new candidates with the highest expected improvement, one after the other."""
        from nao.acquisition import kriging_believer  # which imports JAX

        tokens_scored = np.array([x.tokens for x, _ in self._scored], np.int32)
        scores = np.array([score for _, score in self._scored])
        y = rank_normal(scores)
        process = fit(inputs(self.space, tokens_scored), y)
        tokens, candidates = self._candidates(rng)
        if not len(tokens):
            return []
        posterior = process.posterior(candidates)
        log_chance = None if self._outcomes.log_chance is None else self._outcomes.log_chance(tokens)
        proposals: list[Proposal] = []
        for i in kriging_believer(posterior, float(y.max()), log_chance):
            x = Architecture(tuple(tokens[i].tolist()), self.space)
            if self._archive.add(x):
                predicted = float(np.interp(posterior.mean[i], np.sort(y), np.sort(scores)))
                proposals.append(Proposal(x, "improvement", predicted=predicted))
            if len(proposals) == n:
                break
        self._diagnostics = {"noise": process.kernel.noise, "candidates": float(len(tokens))}
        return proposals

    def _candidates(self, rng: np.random.Generator) -> "Candidates":
        """The whole space; or where it is too large, random strings and the neighbours of the best.

        What is beyond the limits is left out: it would only be believed in, in place of what can be proposed.
        """
        if self.space.size <= MAX_WHOLE:
            return whole_space(self.space, self.limits)
        best = sorted(self._scored, key=lambda scored: -scored[1])[:NUM_CENTRES]
        near = [u for x, _ in best for u in self.space.neighbours(x)]
        if self.limits is not None:
            near = [u for u, within in zip(near, self.limits.within(near), strict=True) if within]
        random = (self.limits or self.space.grammar).sample(rng, NUM_RANDOM)
        nearby = np.array([u.tokens for u in near], np.int32).reshape(-1, self.space.length)
        tokens = np.concatenate([random, nearby])
        return tokens, inputs(self.space, tokens)

    def tell(self, results: Sequence[Result]) -> None:
        """Adds to what the process is fitted to; failures are what the chance to succeed is learnt from."""
        self._remember(results)

    def diagnostics(self) -> Mapping[str, float]:
        """The fitted variance of the noise (that of the scores is 1), and the number of candidates."""
        return self._diagnostics


Candidates = tuple[Int[np.ndarray, "C T"], Inputs]


@functools.lru_cache(maxsize=4)
def whole_space(space: SearchSpace, limits: Limits | None = None) -> Candidates:
    """Every architecture of a small space (within limits), and the inputs of the process for them."""
    tokens = every_architecture(space, limits)
    return tokens, inputs(space, tokens)


def inputs(space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Inputs:
    """The inputs of the process: what strings say, one-hot `[B, T V]`, and what they mean, `[B, F]`."""
    one_hot = np.eye(len(space.vocabulary))[tokens].reshape(len(tokens), -1)
    return [one_hot, space.features(tokens)]
