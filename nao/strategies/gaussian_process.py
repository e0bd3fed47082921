"""Bayesian optimisation: a Gaussian process, and the expected improvement under it (Jones et al. 1998).

The process sees what a string says (its tokens) and what it means (`SearchSpace.features`, for a graph
the path encoding of White, Neiswanger and Savani 2021). It learns normal quantiles of the scores' ranks.

Axis letters: N scored architectures, C candidates, T tokens, V vocabulary, F features.
"""

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from nao.analysis.normal import normal_scores
from nao.analysis.regression import Parts, Process, by_improvement
from nao.core import Architecture, InputError, Json, Proposal, Result, SearchSpace
from nao.grammar import Grammar
from nao.strategies.known import Beginning, Known, finite_score

FEWEST = 2  # scores that the process can be fitted to
WHOLE = 20_000  # strings up to which every architecture of the space is a candidate; beyond, candidates are
DRAWN = 1000  # this many random ones,
AROUND = 5  # and all neighbours of this many of the best


class GaussianProcess:
    """Proposes what is expected to improve most on the best score.

    Several at a time are chosen one after the other, each as if those before it had scored as expected.

    Args:
      space: what to search.
      initial: how many random architectures to begin with.
      proposals: how many to propose before it wants to hear results.
      seed: the same seed and results propose the same.

    Raises:
      InputError: initial or proposals is below 1.
    """

    def __init__(self, space: SearchSpace, *, initial: int = 10, proposals: int = 5, seed: int = 0):
        for name, count in (("initial", initial), ("proposals", proposals)):
            if count < 1:
                raise InputError(f"gp: {name} must be at least 1, not {count}")
        self.space = space
        self.initial = initial
        self.proposals = proposals
        self.seed = seed
        self._beginning = Beginning(space, seed, initial)
        self._known = Known(space)
        self._scored: list[tuple[Architecture, float]] = []
        self._asked = 0
        self._diagnostics: Mapping[str, float] = {}

    @property
    def batch(self) -> int:
        """The random architectures at once, then `proposals` at a time."""
        return self._beginning.left or self.proposals

    def ask(self, n: int) -> list[Proposal]:
        """Random architectures to begin with, then the most promising candidates.

        When there are fewer than n new candidates, random architectures make up for the rest.
        """
        self._asked += 1
        self._diagnostics = {}
        rng = np.random.default_rng([self.seed, self._asked])
        proposals = self._beginning.take(n, self._known)
        if len(proposals) < n and len(self._scored) >= FEWEST:
            proposals += self._promising(n - len(proposals), rng)
        return proposals + [Proposal(x, "random") for x in self._known.draw(rng, n - len(proposals))]

    def _promising(self, n: int, rng: np.random.Generator) -> list[Proposal]:
        """The n new candidates with the highest expected improvement, one after the other."""
        scored = np.array([x.tokens for x, _ in self._scored], np.int32)
        scores = np.array([score for _, score in self._scored])
        y = normal_scores(scores)
        process = Process.fit(parts(self.space, scored), y)
        tokens, candidates = self._candidates(rng)
        believed = process.posterior(candidates)
        proposals: list[Proposal] = []
        for i in by_improvement(believed, float(y.max())):
            x = Architecture(tuple(tokens[i].tolist()), self.space)
            if self._known.add(x):
                predicted = float(np.interp(believed.mean[i], np.sort(y), np.sort(scores)))
                proposals.append(Proposal(x, "improvement", predicted=predicted))
            if len(proposals) == n:
                break
        self._diagnostics = {"noise": float(np.exp(process.theta[1])), "candidates": float(len(tokens))}
        return proposals

    def _candidates(self, rng: np.random.Generator) -> "Candidates":
        """The whole space, or where it is too large, random strings and the neighbours of the best."""
        if self.space.size <= WHOLE:
            return whole(self.space)
        best = sorted(self._scored, key=lambda scored: -scored[1])[:AROUND]
        near = [u.tokens for x, _ in best for u in self.space.neighbours(x)]
        tokens = np.concatenate([self.space.grammar.sample(rng, DRAWN), np.array(near, np.int32)])
        return tokens, parts(self.space, tokens)

    def tell(self, results: Sequence[Result]) -> None:
        """Adds to what the process is fitted to; an architecture that failed is only never proposed again."""
        for result in results:
            self._known.add(result.architecture)
            if (score := finite_score(result)) is not None:
                self._scored.append((result.architecture, score))

    def diagnostics(self) -> Mapping[str, float]:
        """The noise variance that was fitted (the scores' being 1), and the number of candidates."""
        return self._diagnostics

    def state(self) -> Json:
        """How often it was asked, and how much of its beginning it has proposed."""
        return {"asked": self._asked, "begun": self._beginning.begun}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]
        self._beginning.begun = state["begun"]

    def configuration(self) -> Mapping[str, Json]:
        """How many it begins with, how many it proposes at a time, and the seed."""
        return {"name": "gp", "initial": self.initial, "proposals": self.proposals, "seed": self.seed}


Candidates = tuple[Int[np.ndarray, "C T"], Parts]


@functools.lru_cache(maxsize=4)
def whole(space: SearchSpace) -> Candidates:
    """Every architecture of a small space, in one of its strings."""
    known = Known(space)
    strings = (Architecture(tuple(x), space) for x in every_string(space.grammar).tolist())
    tokens = np.array([x.tokens for x in strings if known.add(x)], np.int32)
    return tokens, parts(space, tokens)


def every_string(grammar: Grammar) -> Int[np.ndarray, "N T"]:
    """All strings of a grammar, in the order of their tokens."""
    tokens, state = np.zeros((1, 0), np.int32), np.zeros(1, np.int32)
    for t in range(grammar.length):
        row, token = np.nonzero(grammar.legal[t, state])
        tokens = np.concatenate([tokens[row], token[:, None].astype(np.int32)], axis=1)
        state = grammar.following[t, state[row], token]
    return tokens


def parts(space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Parts:
    """What strings say, one-hot `[B, T V]`, and what they mean, `[B, F]`."""
    one_hot = np.eye(len(space.vocabulary))[tokens].reshape(len(tokens), -1)
    return [one_hot, space.features(tokens)]
