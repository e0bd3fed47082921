"""A tiny search that takes no time: a space of 4^8 strings, its scores in closed form, and an encoder."""

import dataclasses
import itertools
import json
import time

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, Cost, InputError, Quality, Result
from nao.grammar import Grammar


@dataclasses.dataclass(frozen=True)
class PairSpace:
    """Strings of pairs of letters; the order within a pair does not matter."""

    name: str = "pairs"
    letters: int = 4
    length: int = 8
    group: int = 2

    @property
    def vocabulary(self):
        return tuple("abcdefgh"[: self.letters])

    @property
    def grammar(self):
        return Grammar.from_positions(np.ones((self.length, self.letters), np.bool_))

    @property
    def size(self):
        return self.grammar.size

    @property
    def classes(self):
        """The number of different architectures."""
        return (self.letters * (self.letters + 1) // 2) ** (self.length // 2)

    def legal(self, prefix):
        return self.grammar.after(prefix)

    def sample(self, rng, n):
        return [Architecture(tuple(row), self) for row in self.grammar.sample(rng, n).tolist()]

    def format(self, tokens):
        return " ".join(self.vocabulary[token] for token in tokens)

    def parse(self, text):
        words = text.split()
        if len(words) != self.length or not set(words) <= set(self.vocabulary):
            raise InputError(f"not {self.length} of {self.vocabulary}")
        return Architecture(tuple(self.vocabulary.index(word) for word in words), self)

    def symmetric(self, architecture):
        ways = [sorted({pair, pair[::-1]}) for pair in _pairs(architecture.tokens)]
        for way in itertools.product(*ways):
            tokens = tuple(itertools.chain(*way))
            if tokens != architecture.tokens:
                yield Architecture(tokens, self)

    def redraw(self, tokens: Int[np.ndarray, "B T"], rng) -> Int[np.ndarray, "B T"]:
        pairs = tokens.reshape(len(tokens), self.length // 2, 2)
        swap = rng.random((*pairs.shape[:2], 1)) < 0.5
        return np.where(swap, pairs[..., ::-1], pairs).reshape(tokens.shape)

    def canonical(self, architecture):
        return " ".join("".join(map(str, sorted(pair))) for pair in _pairs(architecture.tokens))

    def mutate(self, architecture, rng):
        tokens = list(architecture.tokens)
        t = rng.integers(self.length)
        tokens[t] = int((tokens[t] + rng.integers(1, self.letters)) % self.letters)
        return Architecture(tuple(tokens), self)

    def neighbours(self, architecture):
        tokens = architecture.tokens
        for t, token in itertools.product(range(self.length), range(self.letters)):
            if token != tokens[t]:
                yield Architecture((*tokens[:t], token, *tokens[t + 1 :]), self)

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """How often each letter stands in each pair."""
        pairs = np.eye(self.letters)[tokens].reshape(-1, 2, self.letters).sum(axis=1)
        return pairs.reshape(len(tokens), self.length // 2 * self.letters)

    def configuration(self):
        return {"space": self.name, "letters": self.letters, "length": self.length}


def _pairs(tokens):
    return [tokens[i : i + 2] for i in range(0, len(tokens), 2)]


@dataclasses.dataclass
class SumEvaluator:
    """Scores a string by the sum of its letters, plus noise that only the seed decides.

    Attributes:
      space: the space.
      devices: results come back in the reverse order, this many at a time.
      pause: seconds that an evaluation takes.
      failing: the trials to fail or to score NaN, by the last digit of their sum.
      evaluated: all tokens that were ever evaluated here.
    """

    space: PairSpace = PairSpace()
    devices: int = 3
    pause: float = 0.0
    failing: tuple[int, ...] = (7,)
    evaluated: list = dataclasses.field(default_factory=list)

    def evaluate(self, requests):
        for start in range(0, len(requests), self.devices):
            for request in reversed(requests[start : start + self.devices]):
                time.sleep(self.pause)
                self.evaluated.append(request.architecture.tokens)
                yield self.result(request)

    def result(self, request):
        total = sum(request.architecture.tokens)
        score = total + np.random.default_rng(request.seed).normal(scale=0.1)
        facts = {"cost": self.cost([request.architecture])[0], "seconds": 0.5, "device": "fake:0"}
        if total % 10 in self.failing:
            if request.seed % 2:
                return Result(request, float("nan"), **facts)
            return Result(request, **facts, status="failed", reason="diverged")
        return Result(request, score, test_score=score - 0.25, metrics={"loss": float("inf")}, **facts)

    def cost(self, architectures):
        return [Cost(10 * sum(x.tokens), 1000 * sum(x.tokens)) for x in architectures]

    def configuration(self):
        return {"data": {"name": "sum of letters"}, "failing": self.failing}


@dataclasses.dataclass
class LinearEncoder:
    """A linear predictor on one-hot tokens, and an ascent that changes the tokens that gain the most."""

    steps: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    fits: list = dataclasses.field(default_factory=list)
    starts: list = dataclasses.field(default_factory=list)  # of the ascents, one for each step

    def fit(self, space, tokens: Int[np.ndarray, "N T"], scores: Float[np.ndarray, " N"], *, seed):
        self.fits.append((tokens, scores, seed))
        one_hot = np.eye(space.letters)[tokens].reshape(len(tokens), -1)
        ridge = one_hot.T @ one_hot + 0.1 * np.eye(one_hot.shape[1])
        weights = np.linalg.solve(ridge, one_hot.T @ (scores - scores.mean()))
        return LinearFit(weights.reshape(space.length, space.letters), float(scores.mean()), self.starts)

    def configuration(self):
        return {"name": "linear", "steps": self.steps}


@dataclasses.dataclass
class LinearFit:
    """What `LinearEncoder.fit` returns."""

    weights: np.ndarray
    mean: float
    starts: list
    quality: Quality = dataclasses.field(
        default_factory=lambda: Quality(5, 0.75, 0.5, 1.25, {"loss": float("nan")})
    )

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        return self.mean + self.weights[np.arange(tokens.shape[1]), tokens].sum(axis=1)

    def choose(self, tokens: Int[np.ndarray, "B T"], n):
        predicted = self.predict(tokens)
        chosen = np.argsort(-predicted, kind="stable")[:n]
        return chosen, predicted[chosen]

    def improve(self, tokens: Int[np.ndarray, "B T"], step):
        self.starts.append(tokens)
        positions = np.arange(tokens.shape[1])
        gain = self.weights.max(axis=1) - self.weights[positions, tokens]
        moved = np.argsort(-gain, axis=1, kind="stable")[:, : int(step)]
        decoded = tokens.copy()
        np.put_along_axis(decoded, moved, self.weights.argmax(axis=1)[moved], axis=1)
        return decoded, self.predict(decoded)


def strict(text):
    """Reads JSON that holds no NaN and no Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)
