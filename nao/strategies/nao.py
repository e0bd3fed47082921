"""Neural Architecture Optimization, as a strategy: the inner part of Algorithm 1 of Luo et al. 2018.

Axis letters: N architectures scored so far, K seed architectures, B candidates, T tokens.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Int

from nao.core import Architecture, Encoder, FittedEncoder, InputError, Json, Proposal, Result, SearchSpace
from nao.strategies.known import Beginning, Known, finite_score

CHOICES = ("first", "predicted")
FEWEST = 2  # scores that an encoder can be fitted to


class NAO:
    """Moves the best architectures up the gradient of a predictor, in an encoder's embedding space.

    Args:
      space: what to search.
      encoder: E, f and D, and the schedule of step lengths.
      initial: how many random architectures to begin with.
      proposals: how many to propose before it wants to hear results.
      seeds: K, how many architectures to start from: the best; or with `predicted` the best half of K, and
        otherwise random ones, more of them while few are scored. A point of the embedding needs no score to
        be moved, and what f says of the best alone is soon exhausted.
      choose: which of the decoded architectures to propose. `first` takes them in the order of the step
        lengths until there are enough, as the published code does; `predicted` decodes at every step
        length and takes those that the encoder finds most promising.
      seed: the same seed and results propose the same.

    Raises:
      InputError: initial, proposals or seeds is below 1, or choose is neither of the two.
    """

    def __init__(
        self,
        space: SearchSpace,
        encoder: Encoder,
        *,
        initial: int = 10,
        proposals: int = 5,
        seeds: int = 100,
        choose: str = "predicted",
        seed: int = 0,
    ):
        for name, count in (("initial", initial), ("proposals", proposals), ("seeds", seeds)):
            if count < 1:
                raise InputError(f"{name} must be at least 1, not {count}")
        if choose not in CHOICES:
            raise InputError(f"choose must be one of {', '.join(CHOICES)}, not {choose!r}")
        self.space = space
        self.encoder = encoder
        self.initial = initial
        self.proposals = proposals
        self.seeds = seeds
        self.choose = choose
        self.seed = seed
        self._asked = 0
        self._beginning = Beginning(space, seed, initial)
        self._known = Known(space)
        self._scored: list[tuple[Architecture, float]] = []  # X and S
        self._diagnostics: Mapping[str, float] = {}

    @property
    def batch(self) -> int:
        """The random architectures at once, then `proposals` at a time."""
        return self._beginning.left or self.proposals

    @property
    def best_seeds(self) -> int:
        """How many of the K seeds are the best architectures, at most."""
        return self.seeds if self.choose == "first" else (self.seeds + 1) // 2

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: random ones to begin with, then decoded ones.

        When fewer than n new architectures are decoded, random ones make up for the rest.
        """
        rng = np.random.default_rng([self.seed, self._asked])
        self._asked += 1
        self._diagnostics = {}
        X_eval = self._beginning.take(n, self._known)
        if len(X_eval) < n and len(self._scored) >= FEWEST:
            decoded = self._decode_new(n - len(X_eval))
            self._known.take((x.architecture for x in decoded), len(decoded))
            X_eval += decoded
        return X_eval + [Proposal(x, "random") for x in self._known.draw(rng, n - len(X_eval))]

    def _decode_new(self, n: int) -> list[Proposal]:
        """The body of Algorithm 1, after the architectures of X_eval have been evaluated."""
        X = np.array([x.tokens for x, _ in self._scored], np.int32)
        S = np.array([s for _, s in self._scored])

        # Train E, f and D by minimizing Eqn. (1), using X and S.
        began = time.perf_counter()
        fitted = self.encoder.fit(self.space, X, S, seed=self.seed)
        fit_seconds = time.perf_counter() - began

        # Pick K architectures with top K performances among X, forming the set of seeds X_seed.
        top = np.argsort(-S, kind="stable")[: self.best_seeds]
        X_seed = X[top]
        if self.choose == "predicted":
            X_seed = np.concatenate([X_seed, self._random_strings(self.seeds - len(top))])

        # For x in X_seed, obtain a better representation e_x' from e_x using Eqn. (2), based on E and f.
        # Decode each x' from e_x' using D; set X_eval as the set of new architectures decoded out.
        ascent = Ascent(self.space, fitted, X_seed, self.encoder.steps, self._known)
        candidates = ascent.new_architectures()
        if self.choose == "predicted":
            X_eval = most_promising(list(candidates), fitted, n)
        else:
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

    def _random_strings(self, n: int) -> Int[np.ndarray, "n T"]:
        """Strings `[n, T]` that are random, others each time it is asked."""
        rng = np.random.default_rng([self.seed, self._asked, 1])
        return self.space.grammar.sample(rng, n).astype(np.int32)

    def tell(self, results: Sequence[Result]) -> None:
        """Enlarges X and S. An architecture without a finite score is only never proposed again."""
        for result in results:
            self._known.add(result.architecture)
            if (score := finite_score(result)) is not None:
                self._scored.append((result.architecture, score))

    def diagnostics(self) -> Mapping[str, float]:
        """Quality of the last fit on held-out architectures, and how the decoding went."""
        return self._diagnostics

    def state(self) -> Json:
        """How often it was asked, and how much of its beginning it has proposed."""
        return {"asked": self._asked, "begun": self._beginning.begun}

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]
        self._beginning.begun = state["begun"]

    def configuration(self) -> Mapping[str, Json]:
        """The sizes of its sets, the rule of choice, the seed, and the encoder."""
        return {
            "name": "nao",
            "initial": self.initial,
            "proposals": self.proposals,
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


def most_promising(candidates: Sequence[Proposal], fitted: FittedEncoder, n: int) -> list[Proposal]:
    """The candidates that the encoder would evaluate next, with what it predicts for them."""
    if not candidates:
        return []
    tokens = np.array([x.architecture.tokens for x in candidates], np.int32)
    chosen = zip(*fitted.choose(tokens, n), strict=True)
    return [dataclasses.replace(candidates[i], predicted=float(value)) for i, value in chosen]
