"""Progressive search: from short strings to long ones, under a predictor (Liu et al. 2018, PNAS).

PNAS trains cells of one block, fits a predictor, adds every possible block to the cells of the beam, trains
the K cells with the best predictions, and so on. Here every string has the same length. So each stage
decides a prefix, which it finishes with the first legal token at every position, and evaluates that string.

Named as there: b the stage, K the size of the beam, S_b the beam, S_b' its expansions, pi the predictor.
Axis letters: N scored architectures, M strings, T tokens.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, Json, Proposal, Result
from nao.settings import at_least, check
from nao.strategies.archive import Archive, canonical_keys
from nao.strategies.mixin import StrategyMixin
from nao.surrogates.feasibility import log_expected_rank
from nao.surrogates.inducing_points import best_and_spread
from nao.surrogates.score_transform import rank_normal

MIN_SCORES = 5  # that the predictor can be fitted to
MEMBERS = 5  # predictors in the ensemble, each fitted to all but a fifth of the scores
MAX_FITTED = 2000  # scores that they are fitted to; the cost grows with the square and more
PENALTY = 3.0  # C of the support vector regression
MAX_EXPANSIONS = 10_000  # of a stage; of more, this many are drawn
COMPLETIONS = 4  # random ways to finish a prefix, by which two prefixes are compared

Predictor = Callable[[Int[np.ndarray, "M T"]], Float[np.ndarray, " M"]]


class Progressive(StrategyMixin):
    """Decides the string from left to right, keeping the K prefixes with the best predictions.

    When the strings are complete it goes on with the neighbours of the K best architectures.

    Args:
      space: what to search.
      settings: the sizes of a stage.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
    """

    name = "progressive"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """The sizes of a stage.

        Attributes:
          beam: K, how many architectures a stage evaluates. In PNAS the first stage evaluates all.
          block: how many of the space's groups of tokens a stage decides; 2 are the branches of a block.
          initial: how many random architectures to begin with; the first predictor is fitted to them.

        Raises:
          InputError: one of them is below 1.
        """

        beam: int = 10
        block: int = 2
        initial: int = 10

        def __post_init__(self) -> None:
            check(self, "progressive", beam=at_least(1), block=at_least(1), initial=at_least(1))

    settings: Settings

    def _begin(self) -> None:
        super()._begin()
        self._key = canonical_keys(self.space)
        self._decided = 0  # tokens of the beam that are decided
        self._S: list[list[int]] = []  # S_b, the beam, as finished strings
        self._queue: list[list[int]] = []  # strings of the beam that are still to be proposed

    @property
    def batch(self) -> int:
        """The random architectures at once, then what is left of the stage."""
        return self._initial.left or len(self._queue) or self.settings.beam

    def ask(self, n: int) -> list[Proposal]:
        """Random architectures to begin with, then stage by stage.

        A stage in which every architecture is known is skipped. When the last one has nothing new, random
        architectures make up for the rest.
        """
        rng = self._next_generator()
        proposals = self._initial.take(n, self._archive)
        while len(proposals) < n and (self._queue or self._next_stage(rng)):
            x = Architecture(tuple(self._queue.pop(0)), self.space)
            if self._archive.add(x):
                proposals.append(Proposal(x, "stage"))
        return proposals + [Proposal(x, "random") for x in self._archive.draw(rng, n - len(proposals))]

    def _next_stage(self, rng: np.random.Generator) -> bool:
        """Queues the K most promising expansions, or those of them that are new. Returns whether any are."""
        if len(self._scored) < MIN_SCORES:
            return False
        X = np.array([x.tokens for x, _ in self._scored], np.int32)
        y = np.array([score for _, score in self._scored])
        best = np.argsort(-y, kind="stable")[: self.settings.beam]
        # Fit the predictor to all that was trained; of very many, in the order of their training, to some.
        some = slice(None) if len(y) <= MAX_FITTED else np.sort(best_and_spread(y, MAX_FITTED))
        pi = fit_ensemble(X[some], rank_normal(y)[some])
        while not self._queue and self._decided < self.space.length:
            # Expand S_(b-1) by one more block; predict the accuracies of S_b'; S_b = the top K of them.
            S_b = self._distinct(self._by_promise(self._expand(rng), pi), rng)
            self._S = [list(x.tokens) for x in S_b]
            self._queue = [list(x.tokens) for x in S_b if x not in self._archive]
        if not self._queue:
            near = [u.tokens for i in best for u in self.space.neighbours(self._scored[i][0])]
            promising = self._by_promise(np.array(near, np.int32), pi)
            new = (x for x in promising if x not in self._archive)
            self._queue = [list(x.tokens) for x in Archive(self.space).add_new(new, self.settings.beam)]
        return bool(self._queue)

    def _expand(self, rng: np.random.Generator) -> Int[np.ndarray, "M T"]:
        """S_b': every way to decide one more block of each string in the beam."""
        grammar = self.space.grammar
        S = np.array(self._S, np.int32).reshape(-1, self.space.length)[:, : self._decided]
        prefixes = np.unique(S, axis=0) if self._decided else np.zeros((1, 0), np.int32)
        length = self._decided + self.settings.block * self.space.group
        self._decided = min(length, self.space.length)
        return grammar.complete(grammar.expand(prefixes, self._decided, most=MAX_EXPANSIONS, rng=rng))

    def _distinct(self, promising: Iterator[Architecture], rng: np.random.Generator) -> list[Architecture]:
        """The first K strings whose prefixes are distinct.

        Two prefixes are distinct when some of a few random completions, the same for both, turn them into
        different architectures. The strings as they are do not tell: the same architecture now can still
        become many, for instance in a cell whose later edges are all `none`.
        """
        grammar = self.space.grammar
        preferences = 1 + rng.random((COMPLETIONS, grammar.length, grammar.legal.shape[2]))
        found: dict[tuple[str, ...], Architecture] = {}
        for x in promising:
            prefix = np.array([x.tokens[: self._decided]], np.int32)
            completed = [grammar.complete(prefix, preference)[0].tolist() for preference in preferences]
            found.setdefault(tuple(self._key(tuple(tokens)) for tokens in completed), x)
            if len(found) == self.settings.beam:
                break
        return list(found.values())

    def _by_promise(self, strings: Int[np.ndarray, "M T"], pi: Predictor) -> Iterator[Architecture]:
        """The strings with the highest prediction first; once some have failed, the highest expected rank."""
        if len(strings):
            promise, log_chance = pi(strings), self._outcomes.log_chance
            if log_chance is not None:
                promise = log_expected_rank(promise, log_chance(strings))
            strings = strings[np.argsort(-promise, kind="stable")]
        return (Architecture(tuple(x), self.space) for x in strings.tolist())

    def tell(self, results: Sequence[Result]) -> None:
        """Adds to what the predictor is fitted to; failures are what the chance to succeed is learnt from."""
        self._remember(results)

    def diagnostics(self) -> Mapping[str, float]:
        """How many tokens are decided, and how many proposals are left of the stage."""
        return {"decided": float(self._decided), "left": float(len(self._queue))}

    def state(self) -> Json:
        """Where in a stage it is, beside the state of every strategy."""
        return {**super().state(), "decided": self._decided, "beam": self._S, "queue": list(self._queue)}

    def restore(self, state: Json) -> None:
        """Continues from a `state()`; see `nao.core.Strategy`."""
        super().restore(state)
        self._decided = state["decided"]
        self._S = state["beam"]
        self._queue = list(state["queue"])


def fit_ensemble(X: Int[np.ndarray, "N T"], y: Float[np.ndarray, " N"]) -> Predictor:
    """An ensemble of support vector regressions, each fitted to all but a fifth of the scores.

    The kernel is exp(-the share of tokens that differ), which measured better than small networks.
    """
    from sklearn.svm import SVR  # here, because importing it takes a second

    def kernel(strings: Int[np.ndarray, "M T"]) -> Float[np.ndarray, "M N"]:
        return np.asarray(np.exp(-np.stack([(strings != x).mean(axis=1) for x in X], axis=1)))

    K, fold = kernel(X), np.arange(len(X)) % MEMBERS
    members = []
    for m in range(MEMBERS):
        kept = np.flatnonzero(fold != m)
        members.append((kept, SVR(kernel="precomputed", C=PENALTY).fit(K[np.ix_(kept, kept)], y[kept])))

    def predict(strings: Int[np.ndarray, "M T"]) -> Float[np.ndarray, " M"]:
        K_new = kernel(strings)
        return np.asarray(np.mean([member.predict(K_new[:, kept]) for kept, member in members], axis=0))

    return predict
