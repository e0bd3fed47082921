"""The two choices of NAO: the seed architectures to move, and the decoded candidates to evaluate.

Each is a function that is handed to `nao.strategies.nao.NAO`, which has names for the usual ones (`CHOICES`).

Axis letters: N architectures scored so far, K seed architectures, C candidates, T tokens.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int

from nao.core import Model, Proposal
from nao.strategies.outcomes import LogChance

UNLIKELY = 0.1  # a candidate with no better chance to succeed gives way to a random architecture
MARGIN = 1.0  # standard deviations of f by which a prediction is discounted, where scores are noisy
AUGMENTATIONS = 8  # strings of one architecture over which its predicted score is averaged

Picked = tuple[Int[np.ndarray, " _"], int]
PickSeeds = Callable[[Model, Int[np.ndarray, "N T"], Float[np.ndarray, " N"], int], Picked]
"""From the model, X, S and K: which of X to start from, and from how many random architectures."""

Choose = Callable[[Model, Iterator[Proposal], int, LogChance | None], list[Proposal]]
"""From the model, the candidates as they are decoded, how many are wanted, and the chance of a string to
succeed, if some have failed: those to evaluate."""


def pick_best(model: Model, X: Int[np.ndarray, "N T"], S: Float[np.ndarray, " N"], K: int) -> Picked:
    """Top-K seeds: the K best architectures, as in the paper."""
    return np.argsort(-S, kind="stable")[:K], 0


def pick_best_and_random(
    model: Model, X: Int[np.ndarray, "N T"], S: Float[np.ndarray, " N"], K: int
) -> Picked:
    """The best half of K, and otherwise random architectures, more of them while few are scored.

    An embedding needs no score to be moved, and what f says of the best alone is soon exhausted.
    """
    top, _ = pick_best(model, X, S, (K + 1) // 2)
    return top, K - len(top)


def pick_believed_and_random(
    model: Model, X: Int[np.ndarray, "N T"], S: Float[np.ndarray, " N"], K: int
) -> Picked:
    """As `pick_best_and_random`, by what f believes: the highest of many noisy scores are lucky ones."""
    return pick_best_and_random(model, X, believe(model, X), K)


def believe(model: Model, X: Int[np.ndarray, "N T"]) -> Float[np.ndarray, " N"]:
    """f(E(x)) of architectures, those that it was fitted to as well; the posterior mean where f has one.

    Of a score that the others do not confirm, f takes a part to be noise.
    """
    posterior = model.joint_posterior(X)
    return model.predict(X) if posterior is None else model.to_scores(posterior.mean)


def improve_on_belief(model: Model, X: Int[np.ndarray, "N T"]) -> Model:
    """The model for which the best so far is the highest posterior mean, not the highest target.

    Hardly anything improves on a lucky score. A model without a posterior stays as it is: it climbs the
    prediction alone.
    """
    posterior = model.joint_posterior(X)
    if posterior is None:
        return model
    believed: Model = dataclasses.replace(cast(Any, model), best=float(posterior.mean.max()))
    return believed


def take_first(
    model: Model, candidates: Iterator[Proposal], n: int, log_chance: LogChance | None = None
) -> list[Proposal]:
    """Candidates in the order of the step sizes until there are enough, as the published code does."""
    return list(itertools.islice(candidates, n))


def most_promising(
    model: Model, candidates: Iterator[Proposal], n: int, log_chance: LogChance | None = None
) -> list[Proposal]:
    """Of the candidates of all step sizes, those with the highest expected improvement.

    Each is chosen as if those before it had scored as expected. Where f does not know how sure it is, they
    are those with the highest predicted score. Once some have failed, what is promised counts with the
    chance to succeed, and there may be fewer than n that are likely enough to.
    """
    found, chance = _likely(candidates, log_chance)
    posterior = model.joint_posterior(_tokens(found)) if found else None
    if posterior is None:
        return _highest(model, found, chance, n)
    from nao.acquisition import kriging_believer  # here, because it imports JAX

    order = kriging_believer(posterior, float(model.best), chance)
    return _with_predictions(found, itertools.islice(order, n), model.to_scores(posterior.mean))


def highest_predicted(
    model: Model, candidates: Iterator[Proposal], n: int, log_chance: LogChance | None = None
) -> list[Proposal]:
    """Of the candidates of all step sizes, those with the highest predicted score.

    Once some have failed it counts with the chance to succeed, as in `most_promising`.
    """
    return _highest(model, *_likely(candidates, log_chance), n)


def highest_assured(
    model: Model, candidates: Iterator[Proposal], n: int, log_chance: LogChance | None = None
) -> list[Proposal]:
    """As `highest_predicted`, by the lower end of what f expects: its mean minus one standard deviation.

    Of thousands of candidates those with the highest means are also those that f is most wrong about, and a
    set of them can be worse than the seeds that it was decoded from. Without a posterior the mean counts.
    """
    return _highest(model, *_likely(candidates, log_chance), n, MARGIN)


def _likely(
    candidates: Iterator[Proposal], log_chance: LogChance | None
) -> tuple[list[Proposal], Float[np.ndarray, " C"] | None]:
    """Those that are likely enough to succeed, and the log of the chance of each."""
    found = list(candidates)
    if log_chance is None or not found:
        return found, None
    chance = log_chance(_tokens(found))
    likely = chance > np.log(UNLIKELY)
    return list(itertools.compress(found, likely)), chance[likely]


def _highest(
    model: Model,
    found: list[Proposal],
    log_chance: Float[np.ndarray, " C"] | None,
    n: int,
    margin: float = 0.0,
) -> list[Proposal]:
    """The n with the highest predicted score, less a margin, or with the highest expected rank by that."""
    if not found:
        return []
    tokens = _tokens(found)
    predicted = promise = predict_architectures(model, tokens)
    if margin:
        promise = predicted - margin * deviations(model, tokens)
    if log_chance is not None:
        promise = _expected_rank(promise, log_chance)
    return _with_predictions(found, np.argsort(-promise, kind="stable")[:n].tolist(), predicted)


def _with_predictions(
    found: list[Proposal], chosen: Iterable[int], predicted: Float[np.ndarray, " C"]
) -> list[Proposal]:
    return [dataclasses.replace(found[i], predicted=float(predicted[i])) for i in chosen]


def _tokens(proposals: list[Proposal]) -> Int[np.ndarray, "C T"]:
    return np.array([x.architecture.tokens for x in proposals], np.int32)


def _expected_rank(
    predicted: Float[np.ndarray, " C"], log_chance: Float[np.ndarray, " C"]
) -> Float[np.ndarray, " C"]:
    """The log of the expected rank among the candidates, for predictions in any units."""
    from nao.surrogates.feasibility import log_expected_rank  # here, because SciPy is slow to import
    from nao.surrogates.score_transform import rank_normal

    return log_expected_rank(rank_normal(predicted), log_chance)


def predict_architectures(model: Model, tokens: Int[np.ndarray, "C T"]) -> Float[np.ndarray, " C"]:
    """Predicted scores, averaged over random strings that mean the same.

    Unlike f(e_x') at the end of the ascent, it is a prediction for what was decoded.
    """
    rng = np.random.default_rng(AUGMENTATIONS)
    augmented = [model.predict(model.space.augment(tokens, rng)) for _ in range(AUGMENTATIONS)]
    return np.asarray(np.mean(augmented, axis=0))


def deviations(model: Model, tokens: Int[np.ndarray, "C T"]) -> Float[np.ndarray, " C"]:
    """How sure f is of each: a standard deviation in the units of scores; zeros where it does not know."""
    posterior = model.joint_posterior(tokens)
    if posterior is None:
        return np.zeros(len(tokens))
    deviation = np.sqrt(np.asarray(posterior.variance, np.float64))
    mean = np.asarray(posterior.mean, np.float64)
    return np.asarray(model.to_scores(mean) - model.to_scores(mean - deviation))


def resolve(choose: str, noisy: bool) -> str:
    """A key of `CHOICES`: of `auto` the one that is meant for scores with noise, or without."""
    if choose != "auto":
        return choose
    return "believed" if noisy else "predicted"


CHOICES: Mapping[str, tuple[PickSeeds, Choose]] = {
    "first": (pick_best, take_first),
    "predicted": (pick_best_and_random, most_promising),
    "believed": (pick_believed_and_random, highest_assured),
}
"""Where to start from, and which candidates to evaluate: as published, or led by the model.

`predicted` takes the score of an architecture for what it is worth. Where a score is one of many that an
architecture might have had, the highest of them are lucky ones, and hardly anything is expected to improve on
them but what f knows least of: there `believed` goes by what f makes of all scores.
"""
