"""Neural Architecture Optimization, as a strategy: the inner part of Algorithm 1 of Luo et al. 2018.

Axis letters: N architectures scored so far, K seed architectures, C candidates, T tokens.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, Encoder, InputError, Json, Model, Proposal, Result, SearchSpace
from nao.limits import Limits
from nao.records import Whole
from nao.settings import at_least, check
from nao.strategies.archive import Archive
from nao.strategies.choices import CHOICES, Choose, PickSeeds, believe, improve_on_belief, resolve
from nao.strategies.initial import Starts
from nao.strategies.mixin import StrategyMixin

if TYPE_CHECKING:
    from nao.probe import Penalty

FEWEST = 2  # scores that an encoder can be fitted to

Improved = tuple[float, Int[np.ndarray, "K T"], Float[np.ndarray, " K"]]
Improve = Callable[..., Iterator[Improved]]
"""`nao.improve.improve`, or another way from seed architectures to candidates."""


class NAO(StrategyMixin):
    """Moves the best architectures up the gradient of a predictor, in an encoder's embedding space.

    Args:
      space: what to search.
      encoder: E, f and D before they are fitted, and how embeddings are moved.
      settings: the sizes of its sets; or its fields as keyword arguments.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
      starts: architectures to begin with, in place of as many random ones.
      noisy: whether an architecture might have had another score (see `nao.core.Evaluator`).
      pick_seeds: where to start from; else what `CHOICES` has for `settings.choose`.
      improve: from seeds to candidates; else Eqn. (2) on the expected improvement (`nao.improve`).
      choose: which candidates to evaluate; else what `CHOICES` has for `settings.choose`.
    """

    name = "nao"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """The parameters of NAO.

        Attributes:
          initial: how many random architectures to begin with, those that are given included.
          proposals: how many to propose before it wants to hear results.
          seeds: K, how many architectures to start from.
          choose: `first`, `predicted` or `believed`: from which seeds to start, and which candidates to
            evaluate (see `CHOICES`); `auto` for `believed` where scores are noisy and else `predicted`; None
            for what the encoder's ascent is meant for.

        Raises:
          InputError: a number is below 1, or choose is none of these.
        """

        initial: int = 10
        proposals: int = 5
        seeds: int = 100
        choose: str | None = None

        def __post_init__(self) -> None:
            check(self, "nao", initial=at_least(1), proposals=at_least(1), seeds=at_least(1))
            known = (*CHOICES, "auto")
            if self.choose is not None and self.choose not in known:
                raise InputError(f"nao.choose must be one of {', '.join(known)}, not {self.choose!r}")

    settings: Settings

    def __init__(
        self,
        space: SearchSpace,
        encoder: Encoder,
        settings: Settings | None = None,
        *,
        seed: Whole = 0,
        limits: Limits | None = None,
        starts: Starts = (),
        noisy: bool = False,
        pick_seeds: PickSeeds | None = None,
        improve: Improve | None = None,
        choose: Choose | None = None,
        **parameters: Any,
    ):
        settings = settings or self.Settings(**parameters)
        chosen = resolve(settings.choose or encoder.ascent.choose, noisy)
        settings = dataclasses.replace(settings, choose=chosen)
        super().__init__(space, settings, seed=seed, limits=limits, starts=starts)
        self.encoder = encoder
        usual = CHOICES[str(settings.choose)]
        self.pick_seeds, self.choose = pick_seeds or usual[0], choose or usual[1]
        self.improve = improve
        self._diagnostics: dict[str, float] = {}
        self._model: Model | None = None

    @property
    def batch(self) -> int:
        """The initial architectures at once, then `proposals` at a time."""
        return self._initial.left or self.settings.proposals

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: the initial ones, then decoded ones.

        When fewer than n new architectures are decoded, random ones make up for the rest.
        """
        rng = np.random.default_rng([self.seed, self._asked])
        self._asked += 1
        self._diagnostics, self._model = {}, None
        X_eval = self._initial.take(n, self._archive)
        if len(X_eval) < n and len(self._scored) >= FEWEST:
            decoded = self._decode_new(n - len(X_eval))
            self._archive.add_new((x.architecture for x in decoded), len(decoded))
            X_eval += decoded
        return X_eval + [Proposal(x, "random") for x in self._archive.draw(rng, n - len(X_eval))]

    def _decode_new(self, n: int) -> list[Proposal]:
        """The body of Algorithm 1, after the architectures of X_eval have been evaluated."""
        X, S = self._X_and_S()

        # Train E, f and D by minimizing Eqn. (1), using X and S.
        began = time.perf_counter()
        model = self.encoder.fit(self.space, X, S, seed=self.seed)
        fit_seconds = time.perf_counter() - began

        if self.settings.choose == "believed":
            model = improve_on_belief(model, X)

        # Pick K architectures with top K performances among X, forming the set of seeds X_seed.
        top, num_random = self.pick_seeds(model, X, S, self.settings.seeds)
        X_seed = np.concatenate([X[top], self._random_strings(num_random)])

        # For x in X_seed, obtain a better representation e_x' from e_x using Eqn. (2), based on E and f.
        # What penalties say is out of reach holds it back.
        # Decode each x' from e_x' using D; set X_eval as the set of new architectures decoded out.
        improved = self._improved(model, X_seed, len(S))
        candidates = Candidates(self.space, improved, X_seed, self._archive)
        log_chance = self._outcomes.log_chance
        X_eval = self.choose(model, iter(candidates), n, log_chance)

        quality = model.quality
        self._model = model
        self._diagnostics = {
            "pairwise_accuracy": quality.pairwise_accuracy,
            "kendall_tau": quality.kendall_tau,
            "hamming": quality.hamming,
            "held_out": quality.held_out,
            **quality.metrics,
            "seeds_mean": float(S[top].mean()),
            "seeds_believed": float(believe(model, X[top]).mean()),
            "fit_seconds": fit_seconds,
            "decoded": candidates.decoded,
            "share_new": candidates.new / candidates.decoded if candidates.decoded else 0.0,
        }
        if log_chance and X_eval:
            chosen = np.array([x.architecture.tokens for x in X_eval], np.int32)
            self._diagnostics |= {
                "failed": self._outcomes.failed,
                "chance": float(np.exp(log_chance(chosen)).mean()),
            }
        return X_eval  # The loop evaluates these, and then: Enlarge X as X = X u X_eval (`tell`).

    def _X_and_S(self) -> tuple[Int[np.ndarray, "N T"], Float[np.ndarray, " N"]]:
        """The architectures that have a score, and the scores."""
        X, S = zip(*self._scored, strict=True)
        return np.array([x.tokens for x in X], np.int32), np.array(S)

    def recommend(self, k: int) -> list[Architecture]:
        """The k scored architectures with the highest f(E(x)), the posterior mean where f has one.

        f is fitted once more, to all scores; it knows from the others which high score was luck.
        """
        self._model = None
        if len(self._scored) <= k:
            return super().recommend(k)
        X, S = self._X_and_S()
        self._model = self.encoder.fit(self.space, X, S, seed=self.seed)
        believed = believe(self._model, X)
        return [self._scored[i][0] for i in np.argsort(-believed, kind="stable")[:k]]

    def _improved(self, model: Model, X_seed: Int[np.ndarray, "K T"], N: int) -> Iterator[Improved]:
        """What `improve` makes of the seeds, with other random numbers whenever more is known."""
        if self.improve is None:
            from nao.improve import improve  # here, because it imports JAX
        else:
            improve = self.improve
        penalties = self._penalties(model)
        moved = functools.partial(improve, penalties=penalties) if penalties else improve
        return moved(model, X_seed, self.encoder.ascent, (self.seed, N))

    def _penalties(self, model: Model) -> "tuple[Penalty, ...]":
        """What holds the ascent back: the logs of chances by which its objective is multiplied.

        They are the chance to be within each limit, and once some have failed, the chance to succeed; the
        latter not where the choice is as published, nor for an `improve` that was handed over.
        """
        if self.limits is None and self._outcomes.feasible is None:
            return ()
        from nao.probe import Penalty, limit_penalties, success_penalty  # here, because it imports JAX

        penalties: tuple[Penalty, ...] = ()
        if self.limits is not None:
            penalties = limit_penalties(model, self.limits, self.encoder.ascent)
        feasible = self._outcomes.feasible
        if feasible and self.improve is None and self.settings.choose != "first":
            penalties = (*penalties, success_penalty(model, feasible.log_odds, self.encoder.ascent))
        return penalties

    def _random_strings(self, n: int) -> Int[np.ndarray, "_ T"]:
        """Random strings `[n, T]`, different ones at every `ask`; fewer where few are within the limits."""
        rng = np.random.default_rng([self.seed, self._asked, 1])
        return (self.limits or self.space.grammar).sample(rng, n).astype(np.int32)

    def tell(self, results: Sequence[Result]) -> None:
        """Enlarges X and S. Failures are what the chance to succeed is learnt from."""
        self._remember(results)

    def diagnostics(self) -> Mapping[str, float]:
        """Quality of the last fit on held-out architectures, and how the decoding went.

        Once some have failed, also how many, and the mean chance to succeed of what was decoded and chosen.
        """
        return self._diagnostics

    def artifacts(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        """The model that was fitted by the last `ask` or `recommend`, if one was."""
        return {"models": self._model.arrays()} if self._model is not None else {}

    def configuration(self) -> Mapping[str, Json]:
        """What `StrategyMixin` says, and the encoder."""
        return {**super().configuration(), "encoder": dict(self.encoder.configuration())}


class Candidates:
    """The decoded architectures that are new, as proposals in the order in which they are decoded.

    Args:
      space: whose architectures they are.
      improved: step sizes eta, strings `[K, T]` decoded with each, and f(e_x') `[K]` of them.
      X_seed: `[K, T]` where they come from.
      known: architectures to leave out.

    Attributes:
      decoded: how many strings have been decoded so far.
      new: how many of them were neither known nor decoded before.
    """

    def __init__(
        self, space: SearchSpace, improved: Iterator[Improved], X_seed: Int[np.ndarray, "K T"], known: Archive
    ):
        self._space, self._improved, self._X_seed, self._archive = space, improved, X_seed, known
        self.decoded = 0
        self.new = 0

    def __iter__(self) -> Iterator[Proposal]:
        seen = self._archive.copy()
        seeds = [Architecture(tuple(x), self._space) for x in self._X_seed.tolist()]
        for eta, decoded, values in self._improved:  # x' = D(e_x'), f(e_x')
            for x, tokens, value in zip(seeds, decoded.tolist(), values.tolist(), strict=True):
                self.decoded += 1
                x_new = Architecture(tuple(tokens), self._space)
                if seen.add(x_new):
                    self.new += 1
                    yield Proposal(x_new, "ascent", parent=x, step=eta, predicted=value)
