"""Progressive search: from short strings to long ones, under a predictor (Liu et al. 2018, PNAS).

PNAS trains cells of one block, fits a predictor, adds every possible block to the beam, trains the K
cells that it predicts to be the best, and so on. Here all strings have one length: what a stage has not
decided yet is the first token that is legal, so that every stage evaluates a whole architecture, at first
the simplest ones.

Named as there: b the stage, K the size of the beam, S_b the beam, S_b' its expansions, pi the predictor.
Axis letters: N scored architectures, M strings, T tokens, V vocabulary.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.analysis.normal import normal_scores
from nao.core import Architecture, InputError, Json, Proposal, Result, SearchSpace
from nao.grammar import Grammar
from nao.strategies.known import Beginning, Known, finite_score

FEWEST = 5  # scores that the predictor can be fitted to
MEMBERS = 5  # predictors in the ensemble, each fitted to all but a fifth of the scores
PENALTY = 3.0  # C of the support vector regression
MOST = 10_000  # expansions of a stage; of more, this many are drawn
COMPLETIONS = 4  # random ones that stand for all, when beginnings are told apart

Predictor = Callable[[Int[np.ndarray, "M T"]], Float[np.ndarray, " M"]]


class Progressive:
    """Decides the string from left to right, keeping the K beginnings that promise most.

    When the strings are complete it goes on with the neighbours of the K best architectures.

    Args:
      space: what to search.
      beam: K, how many architectures a stage evaluates. In PNAS the first stage evaluates all.
      block: how many of the space's groups of tokens a stage adds; 2 are the branches of a cell's block.
      initial: how many random architectures to begin with; the first predictor is fitted to them.
      seed: the same seed and results propose the same.

    Raises:
      InputError: beam, block or initial is below 1.
    """

    def __init__(
        self, space: SearchSpace, *, beam: int = 10, block: int = 2, initial: int = 10, seed: int = 0
    ):
        for name, count in (("beam", beam), ("block", block), ("initial", initial)):
            if count < 1:
                raise InputError(f"progressive: {name} must be at least 1, not {count}")
        self.space = space
        self.beam = beam
        self.block = block
        self.initial = initial
        self.seed = seed
        self._beginning = Beginning(space, seed, initial)
        self._known = Known(space)
        self._scored: list[tuple[Architecture, float]] = []
        self._asked = 0
        self._decided = 0  # tokens that the beam has decided
        self._S: list[list[int]] = []  # S_b, the beam
        self._queue: list[list[int]] = []  # what of it is still to be proposed

    @property
    def batch(self) -> int:
        """The random architectures at once, then what is left of the stage."""
        return self._beginning.left or len(self._queue) or self.beam

    def ask(self, n: int) -> list[Proposal]:
        """Random architectures to begin with, then stage by stage.

        A stage of which everything is known is passed over; when the last one has nothing new, random
        architectures make up for the rest.
        """
        self._asked += 1
        rng = np.random.default_rng([self.seed, self._asked])
        proposals = self._beginning.take(n, self._known)
        while len(proposals) < n and (self._queue or self._next_stage(rng)):
            x = Architecture(tuple(self._queue.pop(0)), self.space)
            if self._known.add(x):
                proposals.append(Proposal(x, "stage"))
        return proposals + [Proposal(x, "random") for x in self._known.draw(rng, n - len(proposals))]

    def _next_stage(self, rng: np.random.Generator) -> bool:
        """Queues the K most promising expansions, or those of them that are new. Returns whether any are."""
        if len(self._scored) < FEWEST:
            return False
        X = np.array([x.tokens for x, _ in self._scored], np.int32)
        y = np.array([score for _, score in self._scored])
        best = np.argsort(-y, kind="stable")[: self.beam]
        pi = fit_ensemble(X, normal_scores(y))  # fit the predictor to all that was trained
        while not self._queue and self._decided < self.space.length:
            # Expand S_(b-1) by one more block; predict the accuracies of S_b'; S_b = the top K of them.
            S_b = self._different(self._by_prediction(self._expand(rng), pi), rng)
            self._S = [list(x.tokens) for x in S_b]
            self._queue = [list(x.tokens) for x in S_b if x not in self._known]
        if not self._queue:
            near = [u.tokens for i in best for u in self.space.neighbours(self._scored[i][0])]
            promising = self._by_prediction(np.array(near, np.int32), pi)
            new = (x for x in promising if x not in self._known)
            self._queue = [list(x.tokens) for x in Known(self.space).take(new, self.beam)]
        return bool(self._queue)

    def _expand(self, rng: np.random.Generator) -> Int[np.ndarray, "M T"]:
        """S_b': every way to decide one more block of each string in the beam."""
        S = np.array(self._S, np.int32).reshape(-1, self.space.length)[:, : self._decided]
        begun = np.unique(S, axis=0) if self._decided else np.zeros((1, 0), np.int32)
        self._decided = min(self._decided + self.block * self.space.group, self.space.length)
        return completed(self.space.grammar, expanded(self.space.grammar, begun, self._decided, rng))

    def _different(self, promising: Iterator[Architecture], rng: np.random.Generator) -> list[Architecture]:
        """The first K of which no two can only become the same.

        Whether they are the same as they stand does not matter: while they end in nothing, many are.
        """
        grammar = self.space.grammar
        order = 1 + rng.random((COMPLETIONS, grammar.length, grammar.legal.shape[2]))
        found: dict[tuple[str, ...], Architecture] = {}
        for x in promising:
            begun = np.array([x.tokens[: self._decided]], np.int32)
            whole = [completed(grammar, begun, preferred)[0].tolist() for preferred in order]
            future = tuple(self.space.canonical(Architecture(tuple(tokens), self.space)) for tokens in whole)
            found.setdefault(future, x)
            if len(found) == self.beam:
                break
        return list(found.values())

    def _by_prediction(self, strings: Int[np.ndarray, "M T"], pi: Predictor) -> Iterator[Architecture]:
        """The strings with the highest prediction first."""
        if len(strings):
            strings = strings[np.argsort(-pi(strings), kind="stable")]
        return (Architecture(tuple(x), self.space) for x in strings.tolist())

    def tell(self, results: Sequence[Result]) -> None:
        """Adds to what the predictor is fitted to; failed architectures are only never proposed again."""
        for result in results:
            self._known.add(result.architecture)
            if (score := finite_score(result)) is not None:
                self._scored.append((result.architecture, score))

    def diagnostics(self) -> Mapping[str, float]:
        """How many tokens are decided, and how many proposals are left of the stage."""
        return {"decided": float(self._decided), "left": float(len(self._queue))}

    def state(self) -> Json:
        """How often it was asked, how much of its beginning it has proposed, and where in a stage it is."""
        return {
            "asked": self._asked,
            "begun": self._beginning.begun,
            "decided": self._decided,
            "beam": self._S,
            "queue": list(self._queue),
        }

    def restore(self, state: Json) -> None:
        """Goes on from a `state()`."""
        self._asked = state["asked"]
        self._beginning.begun = state["begun"]
        self._decided = state["decided"]
        self._S = state["beam"]
        self._queue = list(state["queue"])

    def configuration(self) -> Mapping[str, Json]:
        """K, the block, how many it begins with, and the seed."""
        return {
            "name": "progressive",
            "beam": self.beam,
            "block": self.block,
            "initial": self.initial,
            "seed": self.seed,
        }


def expanded(
    grammar: Grammar, begun: Int[np.ndarray, "N t"], length: int, rng: np.random.Generator
) -> Int[np.ndarray, "M u"]:
    """Every legal way to go on with beginnings `[N, t]` up to u = length tokens, or `MOST` of them."""
    state = states(grammar, begun)
    for t in range(begun.shape[1], length):
        row, token = np.nonzero(grammar.legal[t, state])
        if len(row) > MOST:
            some = np.sort(rng.choice(len(row), MOST, replace=False))
            row, token = row[some], token[some]
        begun = np.concatenate([begun[row], token[:, None].astype(np.int32)], axis=1)
        state = grammar.following[t, state[row], token]
    return begun


def completed(
    grammar: Grammar, begun: Int[np.ndarray, "M t"], preferred: Float[np.ndarray, "T V"] | None = None
) -> Int[np.ndarray, "M T"]:
    """Fills beginnings `[M, t]` up with the legal token that is preferred at each position, or the first."""
    state = states(grammar, begun)
    for t in range(begun.shape[1], grammar.length):
        legal = grammar.legal[t, state]
        token = (legal if preferred is None else legal * preferred[t]).argmax(axis=1).astype(np.int32)
        begun = np.concatenate([begun, token[:, None]], axis=1)
        state = grammar.following[t, state, token]
    return begun


def states(grammar: Grammar, begun: Int[np.ndarray, "N t"]) -> Int[np.ndarray, " N"]:
    """The states that beginnings lead to."""
    state = np.zeros(len(begun), np.int32)
    for t, token in enumerate(begun.T):
        state = grammar.following[t, state, token]
    return state


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
