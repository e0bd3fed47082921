"""A tiny search that takes no time: a space of 4^8 strings, its scores in closed form, and an encoder."""

import dataclasses
import functools
import json
import time
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from nao.ascent import AscentConfig
from nao.core import Cost, Quality, Result
from nao.embedding import Embedding
from nao.grammar import Grammar
from nao.pytree import STATIC, pytree
from nao.spaces.defaults import SpaceDefaults


@dataclasses.dataclass(frozen=True)
class PairSpace(SpaceDefaults):
    """Strings of pairs of letters; the order within a pair does not matter."""

    name: str = "pairs"
    letters: int = 4
    length: int = 8
    group: int = 2

    @property
    def vocabulary(self):
        return tuple("abcdefgh"[: self.letters])

    @functools.cached_property
    def grammar(self):
        return Grammar.from_positions(np.ones((self.length, self.letters), np.bool_))

    @property
    def classes(self):
        return (self.letters * (self.letters + 1) // 2) ** (self.length // 2)

    def canonical(self, architecture):
        pairs = np.sort(np.reshape(architecture.tokens, (-1, 2))).tolist()
        return " ".join(f"{a}{b}" for a, b in pairs)

    def augment(self, tokens: Int[np.ndarray, "B T"], rng) -> Int[np.ndarray, "B T"]:
        return rng.permuted(tokens.reshape(-1, 2), axis=1).reshape(tokens.shape)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        return super().features(np.sort(tokens.reshape(-1, 2)).reshape(tokens.shape))


def another_string(architecture):
    """Another string of the same architecture; the same one if there is no other."""
    tokens = np.array([architecture.tokens] * 64)
    drawn = architecture.space.augment(tokens, np.random.default_rng(0)).tolist()
    others = [tuple(x) for x in drawn if tuple(x) != architecture.tokens]
    return dataclasses.replace(architecture, tokens=others[0]) if others else architecture


@dataclasses.dataclass
class SumEvaluator:
    """Scores a string by the sum of its letters, plus noise that only the seed decides."""

    space: PairSpace = PairSpace()
    devices: int = 3  # results come back in the reverse order, this many at a time
    pause: float = 0.0  # seconds that an evaluation takes
    failing: tuple[int, ...] = (7,)  # those whose sum ends in one of these digits fail, or score NaN
    evaluated: list = dataclasses.field(default_factory=list)  # the tokens of all that it was asked for

    def __enter__(self):
        return self

    def open(self):
        pass

    def notices(self):
        return []

    def __exit__(self, *_):
        pass

    def evaluate(self, requests):
        for start in range(0, len(requests), self.devices):
            for request in reversed(requests[start : start + self.devices]):
                time.sleep(self.pause)
                self.evaluated.append(request.architecture.tokens)
                yield self.result(request)

    def result(self, request):
        total = sum(request.architecture.tokens)
        score = total + np.random.default_rng(request.seed).normal(scale=0.1)
        facts = {"cost": Cost(10 * total, 1000 * total), "seconds": 0.5, "device": "fake:0"}
        if total % 10 in self.failing:
            failure = {"score": np.nan} if request.seed % 2 else {"status": "failed", "reason": "diverged"}
            return Result(request, **failure, **facts)
        return Result(
            request, score, test_score=score - 0.25, metrics={"loss": -score, "worst": np.inf}, **facts
        )

    def prepare(self):
        return iter(())

    def cost(self, architectures):
        return [Cost(10 * sum(x.tokens), 1000 * sum(x.tokens)) for x in architectures]

    def configuration(self):
        return {"data": {"name": "sum of letters"}, "failing": self.failing}


QUALITY = Quality(5, 0.75, 0.5, 1.25, {"loss": float("nan")})
ASCENT = AscentConfig(
    step_sizes=(0.3, 0.34, 0.4, 0.48, 0.52, 0.7, 1.0, 1.2), unit_length=False, choose="predicted"
)


@pytree
@dataclasses.dataclass(frozen=True)
class LinearModel:
    """The embedding of a string is its one-hot tokens, f is linear, D takes the largest of each position."""

    weights: Any
    quality: Any = QUALITY
    best: float = 0.0
    ensemble_size: int = dataclasses.field(default=1, metadata=STATIC)
    space: Any = dataclasses.field(default=None, metadata=STATIC)

    def embed(self, tokens):
        states = (tokens[..., None] == np.arange(self.weights.shape[1])[None, None]).astype(np.float32)
        return Embedding(states, states[:, 0, :0])

    def value(self, e):
        return (self.weights[None] * e.states).sum(axis=(1, 2))

    def posterior(self, e):
        return self.value(e), 0.0 * self.value(e)

    def blend(self, shares):
        return shares

    def decode(self, e, noise=None):
        return (e.states if noise is None else e.states + noise).argmax(axis=-1)

    def beam(self, e, width):
        assert width == 1
        return self.decode(e)[:, None], e.states.max(axis=-1).sum(axis=-1, keepdims=True)

    def member(self, k):
        return self

    def predict(self, tokens):
        return np.asarray(self.value(self.embed(tokens)), np.float64)

    joint_posterior = staticmethod(lambda tokens: None)
    to_scores = staticmethod(lambda targets: targets)
    to_targets = staticmethod(lambda scores: scores)
    score_noise = staticmethod(lambda: 0.0)

    def arrays(self):
        return {"weights": self.weights}


@dataclasses.dataclass
class LinearEncoder:
    """Least squares on one-hot tokens. Larger steps of the ascent change more of them."""

    ascent: AscentConfig = ASCENT
    fits: list = dataclasses.field(default_factory=list)

    def fit(self, space, tokens: Int[np.ndarray, "N T"], scores: Float[np.ndarray, " N"], *, seed):
        self.fits.append((tokens, scores, seed))
        one_hot = np.eye(len(space.vocabulary))[tokens].reshape(len(tokens), -1)
        ridge = one_hot.T @ one_hot + 0.1 * np.eye(one_hot.shape[1])
        weights = np.linalg.solve(ridge, one_hot.T @ (scores - scores.mean())).reshape(space.length, -1)
        return self.load(space, {"weights": weights + scores.mean() / space.length})

    def load(self, space, arrays):
        return LinearModel(arrays["weights"], space=space)

    def configuration(self):
        return {"name": "linear", "step_sizes": list(self.ascent.step_sizes)}


def strict(text):
    """Reads JSON that holds no NaN and no Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)
