"""The nouns of the project: the protocols of its parts, and the records of `nao.records` that they exchange.

A search is handed a `SearchSpace`, a `Strategy` and an `Evaluator`; NAO itself is a strategy that is
handed an `Encoder`. Nothing here imports a concrete one of them, nor JAX.

Axis letters: B batch of architectures, F features, N observations, T tokens of an architecture,
V vocabulary.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from nao.grammar import Grammar
from nao.records import (
    MOST_SEED,
    STANDARD,
    Architecture,
    Cost,
    Fidelity,
    InputError,
    Json,
    Proposal,
    Quality,
    Request,
    Result,
    Trial,
)

__all__ = [
    "MOST_SEED",
    "STANDARD",
    "Architecture",
    "Cost",
    "Encoder",
    "Evaluator",
    "Fidelity",
    "FittedEncoder",
    "InputError",
    "Json",
    "Proposal",
    "Quality",
    "Request",
    "Result",
    "SearchSpace",
    "Strategy",
    "Trial",
]


@runtime_checkable
class SearchSpace(Protocol):
    """A set of strings of choices. Nothing but this is needed to search something new.

    Attributes:
      name: what the command line calls it.
      vocabulary: V token names; a string is written as T of them.
      grammar: which token may follow which (see `Grammar`).
      group: tokens that make one step of the encoder, for instance the tokens of one branch; divides T.
    """

    def __hash__(self) -> int:
        """A space is a value: what is computed for one can be kept for an equal one."""

    @property
    def name(self) -> str: ...

    @property
    def vocabulary(self) -> tuple[str, ...]: ...

    @property
    def grammar(self) -> Grammar: ...

    @property
    def group(self) -> int: ...

    @property
    def length(self) -> int:
        """T, the number of tokens in every string."""

    @property
    def size(self) -> int:
        """The number of strings; symmetric strings count separately."""

    def legal(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a prefix."""

    def sample(self, rng: np.random.Generator, n: int) -> list[Architecture]:
        """Draws n strings uniformly, with replacement."""

    def parse(self, text: str) -> Architecture:
        """Reads what `format` writes. Raises `InputError` with the position and what was legal there."""

    def format(self, tokens: Sequence[int]) -> str:
        """The readable string."""

    def symmetric(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every other string that is known to mean the same, each once."""

    def redraw(self, tokens: Int[np.ndarray, "B T"], rng: np.random.Generator) -> Int[np.ndarray, "B T"]:
        """Replaces each string `[B, T]` by a random one that means the same (data augmentation)."""

    def canonical(self, architecture: Architecture) -> str:
        """A key that is equal exactly for the strings that mean the same."""

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour: one choice replaced by another legal one."""

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every string that `mutate` can make of this one, each once."""

    def features(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """What strings mean `[B, F]`, for predictors: equal rows for the strings that mean the same.

        For a graph, which sequences of operations lead from its input to its output (the path encoding
        of White, Neiswanger and Savani 2021).
        """

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this space in a study."""


@runtime_checkable
class Evaluator(Protocol):
    """Measures architectures, on as many devices as it has.

    Attributes:
      space: the space whose architectures it takes.
    """

    @property
    def space(self) -> SearchSpace: ...

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """Answers every request, each with its own seed and fidelity.

        A child that diverges, runs out of memory or raises is a failed result with its reason, never
        an exception. Equal requests have the same score, whatever else is in the call.

        Yields:
          the results in the order in which they finish, each request answered once; `Result.request`
          says which one.

        Raises:
          InputError: it has no such fidelity.
        """

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """What the network of each architecture costs, before anything is trained."""

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the measurement in a study, and what it can be made from again."""


@runtime_checkable
class FittedEncoder(Protocol):
    """E, f and D fitted to one set of scored architectures.

    Attributes:
      quality: measured on held-out architectures.
    """

    @property
    def quality(self) -> Quality: ...

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """f(E(x)) `[B]`, in the units of the scores it was fitted to."""

    def choose(
        self, tokens: Int[np.ndarray, "B T"], n: int
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The strings to evaluate next, of some that are all different and not yet scored.

        Returns:
          the places of at most n of the B, the most promising first, and `[n]` their predicted scores.
        """

    def improve(
        self, tokens: Int[np.ndarray, "B T"], step: float
    ) -> tuple[Int[np.ndarray, "B T"], Float[np.ndarray, " B"]]:
        """Moves each e_x up the gradient of f and decodes it (Eqn. 2 of Luo et al. 2018).

        Args:
          tokens: `[B, T]` the seed architectures.
          step: the step length eta.

        Returns:
          `[B, T]` decoded legal strings x' = D(e_x'), row i from seed i, and `[B]` the values f(e_x').
        """


@runtime_checkable
class Encoder(Protocol):
    """An LSTM encoder E, a predictor f and a decoder D, not yet fitted.

    Attributes:
      steps: the step lengths eta of the ascent, in the order in which to try them.
    """

    @property
    def steps(self) -> Sequence[float]: ...

    def fit(
        self,
        space: SearchSpace,
        tokens: Int[np.ndarray, "N T"],
        scores: Float[np.ndarray, " N"],
        *,
        seed: int,
    ) -> FittedEncoder:
        """Fits E, f and D jointly (Eqn. 1 of Luo et al. 2018).

        Args:
          space: whose strings these are.
          tokens: `[N, T]` distinct architectures.
          scores: `[N]` their scores, higher is better.
          seed: the same seed and data give the same fit. What does not depend on the scores depends on it
            alone, so that fits of one search can share that.
        """

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this encoder in a study."""


@runtime_checkable
class Strategy(Protocol):
    """Proposes architectures from the results so far. Any strategy runs on any space.

    Everything it decides follows from its configuration, its state and the results it was told, so that
    a killed search which tells it the same again proposes the same again.
    """

    @property
    def space(self) -> SearchSpace: ...

    @property
    def batch(self) -> int:
        """How many proposals it would now make before it hears what came of them."""

    def ask(self, n: int) -> list[Proposal]:
        """Proposes up to n architectures that differ from each other and from all that was told.

        Fewer than n, or none, only when the strategy can find no more.
        """

    def tell(self, results: Sequence[Result]) -> None:
        """Takes results into account, failed ones included."""

    def diagnostics(self) -> Mapping[str, float]:
        """Numbers about the last `ask`, for the study's record (for instance the predictor's quality)."""

    def state(self) -> Json:
        """What `restore` needs, beyond the configuration and the results told."""

    def restore(self, state: Json) -> None:
        """Continues from a `state()`."""

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this strategy in a study."""
