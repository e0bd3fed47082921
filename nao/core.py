"""The nouns of the project: the protocols of its parts, and the records that they exchange.

The records are defined in `nao.architecture` and `nao.records`, and imported from here.

A search is handed a `SearchSpace`, a `Strategy` and an `Evaluator`; NAO itself is a strategy that is
handed an `Encoder`. Nothing here imports a concrete one of them, nor JAX.

Axis letters: B batch of architectures, W beams of each, N observations, T tokens of an architecture, V
vocabulary, K members, S steps of the encoder, d hidden units.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from nao.architecture import Architecture, SearchSpace
from nao.inputs import InputError, Json
from nao.records import (
    MOST_SEED,
    STANDARD,
    Cost,
    Fidelity,
    Proposal,
    Quality,
    Request,
    Result,
    Trial,
)

if TYPE_CHECKING:
    from jaxtyping import Array

    from nao.ascent import AscentConfig
    from nao.embedding import Embedding
    from nao.surrogates.gaussian_process import Posterior

__all__ = [
    "MOST_SEED",
    "STANDARD",
    "Architecture",
    "Cost",
    "Encoder",
    "Evaluator",
    "Fidelity",
    "InputError",
    "Json",
    "Model",
    "Proposal",
    "Quality",
    "Request",
    "Result",
    "SearchSpace",
    "Strategy",
    "Trial",
    "check_part",
    "is_noisy",
]


@runtime_checkable
class Evaluator(Protocol):
    """Measures architectures, on as many devices as it has.

    It may have one attribute more, `noisy`: whether the seed of a request changes its score. The answer of a
    search is then confirmed, unless it is told otherwise (see `nao.confirm`), and a high score is not taken
    for what it says (see `nao.strategies.choices`). And it may have one method more, `notices()`: what has
    happened since it was last asked that whoever watches should know, in a line each, such as a lost host.

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

    def prepare(self) -> Iterator[str]:
        """Makes ready what all measurements share, and yields a word before each step that may take long.

        A pool of devices yields `compiling` and compiles, once; most evaluators yield nothing.
        """

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """What the network of each architecture costs, before anything is trained.

        A search with limits asks for thousands (`nao.limits`). Where nothing is known, it is `Cost()`.
        """

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the measurement in a study, and what it can be made from again."""


@runtime_checkable
class Model(Protocol):
    """E, f and D of Luo et al. 2018, fitted to one set of scored architectures.

    A model is a registered pytree, and its methods up to `beam` are functions that JAX can compile and
    differentiate. To improve architectures is one expression of them:

        model.decode(ascend(model.value, model.embed(tokens), eta))

    A model may have several members, each with its own E, f and D. Row i is then member i mod K's in
    these, and `predict` is the mean over the members.

    Attributes:
      space: whose strings it reads and writes.
      quality: measured on held-out architectures.
      ensemble_size: K.
      best: the highest target so far. Targets are what f learned: the scores, or a function of them.
    """

    @property
    def space(self) -> SearchSpace: ...

    @property
    def quality(self) -> Quality: ...

    @property
    def ensemble_size(self) -> int: ...

    @property
    def best(self) -> "Float[Array, ''] | np.floating | float": ...

    def embed(self, tokens: "Int[Array | np.ndarray, 'B T']") -> "Embedding":
        """E: the embeddings e_x of strings `[B, T]`. Arrays of NumPy give arrays of NumPy."""

    def value(self, e: "Embedding") -> "Float[Array, ' B']":
        """f: the predicted targets `[B]` of embeddings."""

    def posterior(self, e: "Embedding") -> "tuple[Float[Array, ' B'], Float[Array, ' B']]":
        """Mean `[B]` and standard deviation `[B]` of f at embeddings; 0 where f does not know its own."""

    def blend(self, shares: "Float[Array, 'B T V']") -> "Float[Array, 'B S d']":
        """E for mixtures of tokens, `[B, T, V]` the share of each: gradients reach the tokens through it."""

    def decode(self, e: "Embedding", noise: "Float[Array, 'B T V'] | None" = None) -> "Int[Array, 'B T']":
        """D: a legal string `[B, T]` for each embedding, of the most likely tokens.

        Noise is added to the log-likelihoods of the V tokens: with Gumbel noise a string is a sample.
        """

    def beam(self, e: "Embedding", width: int) -> "tuple[Int[Array, 'B W T'], Float[Array, 'B W']]":
        """D by beam search: W strings for each embedding, the most likely first, and log-likelihoods."""

    def member(self, k: int) -> "Model":
        """One of the K members, as a model of its own, whose embeddings are all in one space.

        Raises:
          InputError: there is no such member.
        """

    def predict(self, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, " B"]:
        """f(E(x)) `[B]`, in the units of the scores."""

    def joint_posterior(self, tokens: Int[np.ndarray, "B T"]) -> "Posterior | None":
        """The joint distribution of the targets of strings; None where f does not know how sure it is."""

    def to_scores(self, targets: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Targets in the units of the scores."""

    def to_targets(self, scores: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Scores as what f learns."""

    def score_noise(self) -> float:
        """The standard deviation of one score's noise in targets, as f believes; 0 without a belief."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was fitted, by name: what `Encoder.load` makes the same model of."""


@runtime_checkable
class Encoder(Protocol):
    """E, f and D of Luo et al. 2018, not yet fitted.

    Attributes:
      ascent: how its embeddings are to be moved.
    """

    @property
    def ascent(self) -> "AscentConfig": ...

    def fit(
        self,
        space: SearchSpace,
        tokens: Int[np.ndarray, "N T"],
        scores: Float[np.ndarray, " N"],
        *,
        seed: int,
    ) -> Model:
        """Fits E, f and D to scored architectures (Eqn. 1 of Luo et al. 2018).

        Args:
          space: whose strings these are.
          tokens: `[N, T]` architectures, no two of which mean the same.
          scores: `[N]` their scores, higher is better.
          seed: the same seed and data give the same fit. Whatever is learned without scores depends on the
            space and the seed alone, so that all fits of one search can share it.
        """

    def load(self, space: SearchSpace, arrays: Mapping[str, np.ndarray]) -> Model:
        """The model whose `arrays()` these are.

        Raises:
          InputError: they are not those of a model of this encoder on this space.
        """

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this encoder in a study, and what it can be made from again."""


@runtime_checkable
class Strategy(Protocol):
    """Proposes architectures from the results so far. Any strategy runs on any space.

    Everything it decides follows from its configuration, its state and the results it was told. So a new
    strategy with the same configuration, which is given the same state and results, proposes the same.

    It may have one method more, `recommend(k)`: the k architectures that it believes to be the best of those
    it was told a score of, the best first. It changes nothing about what is proposed afterwards. Without it,
    they are those with the highest scores.

    Attributes:
      space: what is searched.
      seed: decides everything random in its search, the seeds of the evaluations too.
    """

    @property
    def space(self) -> SearchSpace: ...

    @property
    def seed(self) -> int: ...

    @property
    def batch(self) -> int:
        """How many proposals it would make now, before it wants to hear their results."""

    def ask(self, n: int) -> list[Proposal]:
        """Proposes up to n architectures, none of which was proposed or told before.

        It proposes fewer than n, or none, only when it can find no more.
        """

    def tell(self, results: Sequence[Result]) -> None:
        """Takes results into account, failed ones included."""

    def diagnostics(self) -> Mapping[str, float]:
        """Numbers about the last `ask`, for the study's record (for instance the predictor's quality)."""

    def artifacts(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        """Arrays of the last `ask` or `recommend` that are worth keeping, by name (such as a model's)."""

    def state(self) -> Json:
        """What `restore` needs after an `ask`, beyond the configuration and the results."""

    def restore(self, state: Json) -> None:
        """Continues a search after the `ask` whose `state()` this is.

        It stands in for that `ask`: it is called after everything that was told before the `ask` has been
        told again, and before anything is told that came after the `ask`.

            strategy.tell(results_before_the_ask)
            strategy.restore(state_after_the_ask)
            strategy.tell(results_of_the_ask)
        """

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this strategy in a study: `nao.strategies.make` makes it from this again."""


def is_noisy(evaluator: Evaluator) -> bool:
    """Whether an evaluator says that the seed of a request changes its score."""
    return bool(getattr(evaluator, "noisy", False))


def check_part(part: object, protocol: type, word: str) -> None:
    """Checks that a part of a search, which may be of a user's own class, has all that a search will use.

    Args:
      part: what was given.
      protocol: one of the protocols above.
      word: what to call the part in a message.

    Raises:
      InputError: it is a class instead of an object, or lacks a method or an attribute.
    """
    name = f"nao.{protocol.__name__}"
    if isinstance(part, type):
        raise InputError(f"{word} is the class {part.__name__}; give an object of it, {part.__name__}(...)")
    needed = (each for each in vars(protocol) if not each.startswith("_"))
    # The class is asked first: a property that the object would have to compute is there.
    missing = [each for each in needed if not (hasattr(type(part), each) or hasattr(part, each))]
    if missing:
        raise InputError(
            f"{word} is of type {type(part).__name__}, which has no {', '.join(missing)}; it must have all"
            f" that {name} has"
        )
