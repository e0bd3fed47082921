"""Neural Architecture Optimization, as a strategy: the inner part of Algorithm 1 of Luo et al. 2018.

Axis letters: N architectures scored so far, K seed architectures, B candidates, T tokens.
"""

import dataclasses
import itertools
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Int

from nao.core import Architecture, Encoder, FittedEncoder, InputError, Json, Proposal, Result, SearchSpace
from nao.strategies.known import Known

CHOICES = ("first", "predicted")
FEWEST = 2  # scores that an encoder can be fitted to
REDRAWS = 8  # strings of one architecture over which its predicted score is averaged


class NAO:
    """Moves the best architectures up the gradient of a predictor, in an encoder's embedding space.

    Args:
      space: what to search.
      encoder: E, f and D, and the schedule of step lengths.
      seeds: K, how many of the best architectures to start from.
      choose: which of the decoded architectures to propose. `first` takes them in the order of the step
        lengths until there are enough, as the published code does; `predicted` decodes at every step
        length and takes those with the highest predicted score.
      seed: the same seed and results propose the same.

    Raises:
      InputError: seeds is below 1, or choose is neither of the two.
    """

    def __init__(
        self,
        space: SearchSpace,
        encoder: Encoder,
        *,
        seeds: int = 100,
        choose: str = "predicted",
        seed: int = 0,
    ):
        if seeds < 1:
            raise InputError(f"seeds must be at least 1, not {seeds}")
        if choose not in CHOICES:
            raise InputError(f"choose must be one of {', '.join(CHOICES)}, not {choose!r}")
        self.space = space
        self.encoder = encoder
        self.seeds = seeds
        self.choose = choose
        self.seed = seed
        self._asked = 0
        self._known = Known(space)
        self._scored: list[tuple[Architecture, float]] = []  # X and S
        self._diagnostics: Mapping[str, float] = {}

    @property
    def batch(self) -> int:
        """The architectures of one iteration."""
        return self.seeds

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: random ones until there are scores, then decoded ones.

        When fewer than n new architectures are decoded, random ones make up for the rest.
        """
        rng = np.random.default_rng([self.seed, self._asked])
        self._asked += 1
        self._diagnostics = {}
        X_eval = self._decode_new(n, rng) if len(self._scored) >= FEWEST else []
        for proposal in X_eval:
            self._known.add(proposal.architecture)
        return X_eval + [Proposal(x, "random") for x in self._known.draw(rng, n - len(X_eval))]

    def _decode_new(self, n: int, rng: np.random.Generator) -> list[Proposal]:
        """The body of Algorithm 1, after the architectures of X_eval have been evaluated."""
        K = self.seeds
        X = np.array([x.tokens for x, _ in self._scored], np.int32)
        S = np.array([s for _, s in self._scored])

        # Train E, f and D by minimizing Eqn. (1), using X and S.
        began = time.perf_counter()
        fitted = self.encoder.fit(self.space, X, S, seed=int(rng.integers(2**31)))
        fit_seconds = time.perf_counter() - began

        # Pick K architectures with top K performances among X, forming the set of seeds X_seed.
        top = np.argsort(-S, kind="stable")[:K]
        X_seed = X[top]

        # For x in X_seed, obtain a better representation e_x' from e_x using Eqn. (2), based on E and f.
        # Decode each x' from e_x' using D; set X_eval as the set of new architectures decoded out.
        ascent = Ascent(self.space, fitted, X_seed, self.encoder.steps, self._known)
        candidates = ascent.new_architectures()
        if self.choose == "predicted":
            candidates = by_prediction(candidates, fitted, self.space, rng)
        X_eval = list(itertools.islice(candidates, n))

        quality = fitted.quality
        self._diagnostics = {
            "pairwise_accuracy": quality.pairwise_accuracy,
            "kendall_tau": quality.kendall_tau,
            "hamming": quality.hamming,
            "held_out": quality.held_out,
            **quality.metrics,
            "seeds_mean": float(S[top].mean()),
            "fit_seconds": fit_seconds,
            "decoded": ascent.decoded,
            "share_new": ascent.new / ascent.decoded if ascent.decoded else 0.0,
        }
        return X_eval  # The loop evaluates these, and then: Enlarge X as X = X u X_eval (`tell`).

    def tell(self, results: Sequence[Result]) -> None:
        """Enlarges X and S. An architecture without a finite score is only never proposed again."""
        for result in results:
            self._known.add(result.architecture)
            if result.score is not None and math.isfinite(result.score):
                self._scored.append((result.architecture, result.score))

    def diagnostics(self) -> Mapping[str, float]:
        """Quality of the last fit on held-out architectures, and how the decoding went."""
        return self._diagnostics

    def state(self) -> Json:
        """How often it was asked; all else follows from the results."""
        return {"asked": self._asked}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]

    def configuration(self) -> Mapping[str, Json]:
        """K, the rule of choice, the seed, and the encoder."""
        return {
            "name": "nao",
            "seeds": self.seeds,
            "choose": self.choose,
            "seed": self.seed,
            "encoder": dict(self.encoder.configuration()),
        }


class Ascent:
    """The ascent from the seed architectures, at one step length after the other, as far as it is needed.

    Args:
      space: the search space.
      fitted: E, f and D.
      X_seed: `[K, T]` where to start.
      steps: the step lengths eta.
      known: architectures to leave out.

    Attributes:
      decoded: how many strings have been decoded so far.
      new: how many of them were neither known nor decoded before.
    """

    def __init__(
        self,
        space: SearchSpace,
        fitted: FittedEncoder,
        X_seed: Int[np.ndarray, "K T"],
        steps: Sequence[float],
        known: Known,
    ):
        self._space, self._fitted, self._known = space, fitted, known
        self._X_seed, self._steps = X_seed, steps
        self.decoded = 0
        self.new = 0

    def new_architectures(self) -> Iterator[Proposal]:
        """Decodes, yielding what is new in the order of the step lengths, then of the seeds."""
        seeds = [Architecture(tuple(x), self._space) for x in self._X_seed.tolist()]
        seen = self._known.copy()
        for eta in self._steps:
            decoded, values = self._fitted.improve(self._X_seed, eta)  # x' = D(e_x'), f(e_x')
            for x, tokens, value in zip(seeds, decoded.tolist(), values.tolist(), strict=True):
                self.decoded += 1
                x_new = Architecture(tuple(tokens), self._space)
                if seen.add(x_new):
                    self.new += 1
                    yield Proposal(x_new, "ascent", parent=x, step=eta, predicted=value)


def by_prediction(
    candidates: Iterable[Proposal], fitted: FittedEncoder, space: SearchSpace, rng: np.random.Generator
) -> Iterator[Proposal]:
    """Orders candidates by f(E(x')), highest first; equal ones stay in their order.

    f is averaged over random strings of the same architecture, whose true scores are equal. Unlike
    f(e_x') at the end of the ascent, it is a prediction for what was decoded.
    """
    candidates = list(candidates)
    if not candidates:
        return
    tokens = np.array([x.architecture.tokens for x in candidates], np.int32)
    predicted = np.mean([fitted.predict(space.redraw(tokens, rng)) for _ in range(REDRAWS)], axis=0)
    for i in np.argsort(-predicted, kind="stable"):
        yield dataclasses.replace(candidates[i], predicted=float(predicted[i]))
