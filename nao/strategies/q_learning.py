"""Q-learning over the tokens of a string: MetaQNN (Baker, Gupta, Naik and Raskar 2017).

Letters: s state, u action (the next token), t position, r reward, Q(s, u) the reward to be expected.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, InputError, Json, Proposal, Result, SearchSpace
from nao.strategies.episodes import Rewards, finishing, replay
from nao.strategies.known import Beginning, Known

# The exploration rate epsilon, and how many models are evaluated under it (Baker et al. 2017, table 2).
SCHEDULE = (
    (1.0, 1500),
    (0.9, 100),
    (0.8, 100),
    (0.7, 100),
    (0.6, 150),
    (0.5, 150),
    (0.4, 150),
    (0.3, 150),
    (0.2, 150),
    (0.1, 150),
)
REDRAWS = 50  # known strings in a row after which a random one is taken

State = tuple[int, ...]  # the position t, the state of the grammar, the last tokens
Row = dict[int, float]  # Q(s, .) of the tokens that are legal in a state
Walk = list[tuple[Row, int]]  # the states that a string leads through, and the token written in each


def ends(budget: int) -> list[int]:
    """The number of models after which each epsilon of the schedule ends, scaled to a budget."""
    published = list(itertools.accumulate(models for _, models in SCHEDULE))
    return [round(end * budget / published[-1]) for end in published]


class QLearning:
    """An agent that writes strings token by token, epsilon-greedily by a table Q(s, u).

    A state s is the position, the state of the grammar and the last tokens; an action u is the next token.
    While epsilon is 1 the architectures are random ones. A known one that is written again costs no
    evaluation: the agent learns from its stored score once more, and writes another.

    Args:
      space: what to search.
      budget: how many models epsilon takes from 1 to 0.1, where it stays; 2,700 in the paper.
      alpha: the learning rate; 0.01 in the paper, which had more models to learn from.
      gamma: the discount.
      start: Q before anything is learned; 1/2 is what an average architecture is worth (see `Rewards`).
      replays: how many scored strings are learned from after each result, drawn with replacement.
      context: how many of the last tokens belong to a state. With T of them Q(s, u) can be exact; with
        fewer, strings share what they learn.
      seed: the same seed and results propose the same.

    Raises:
      InputError: one of the numbers makes no sense.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        budget: int = 200,
        alpha: float = 0.01,
        gamma: float = 1.0,
        start: float = 0.5,
        replays: int = 100,
        context: int = 1,
        seed: int = 0,
    ):
        if budget < 1:
            raise InputError(f"budget must be at least 1, not {budget}")
        if not 0 < alpha <= 1:
            raise InputError(f"alpha must be above 0 and at most 1, not {alpha}")
        if not 0 <= gamma <= 1:
            raise InputError(f"gamma must be from 0 to 1, not {gamma}")
        if replays < 1:
            raise InputError(f"replays must be at least 1, not {replays}")
        if context < 0:
            raise InputError(f"context must be at least 0, not {context}")
        self.space = space
        self.budget = budget
        self.alpha = alpha
        self.gamma = gamma
        self.start = start
        self.replays = replays
        self.context = context
        self.seed = seed
        self._ends = ends(budget)
        self._following = space.grammar.following
        self._legal = finishing(space.grammar)
        self._begin()

    def _begin(self) -> None:
        """Forgets everything."""
        self.Q: dict[State, Row] = {}
        self._rng = np.random.default_rng([self.seed, 1])
        self._known = Known(self.space)
        self._rewards = Rewards(self.space)
        self._memory: list[tuple[Walk, float]] = []  # all that was scored: the string, and its score
        self._results: list[Result] = []
        self._asked: list[list[int]] = []
        self._proposed = 0
        self._beginning = Beginning(self.space, self.seed, self._ends[0])

    @property
    def epsilon(self) -> float:
        """The probability of a random token in the next architecture."""
        return SCHEDULE[sum(self._proposed >= end for end in self._ends[:-1])][0]

    @property
    def batch(self) -> int:
        """What is left of the random architectures; then 1, for it learns from each."""
        return max(self._beginning.left, 1)

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: random ones while epsilon is 1, then what the agent writes."""
        self._asked.append([len(self._results), n])
        proposals: list[Proposal] = []
        while len(proposals) < n and (proposal := self._propose()):
            proposals.append(proposal)
            self._proposed += 1
        return proposals

    def _propose(self) -> Proposal | None:
        """Proposes one architecture, or none when the space has no more."""
        if self.epsilon == 1:
            for proposal in self._beginning.take(1, self._known):
                return proposal
        else:
            for _ in range(REDRAWS):
                tokens, walk = self._write()
                x = Architecture(tokens, self.space)
                if self._known.add(x):
                    return Proposal(x, "agent")
                score = self._rewards.score(x)
                if score is not None:
                    self._learn(walk, self._rewards.reward(score))
        return next((Proposal(x, "random") for x in self._known.draw(self._rng, 1)), None)

    def _write(self) -> tuple[tuple[int, ...], Walk]:
        """Writes a string: each token at random with probability epsilon, else one of the most valuable."""
        tokens: tuple[int, ...] = ()
        walk: Walk = []
        state, epsilon = 0, self.epsilon
        for _ in range(self.space.length):
            explore = self._rng.random() < epsilon
            row = self._row(tokens, state)
            best = max(row.values())
            choices = [u for u, value in row.items() if explore or value == best]
            u = choices[self._rng.integers(len(choices))]
            walk.append((row, u))
            state = int(self._following[len(tokens), state, u])
            tokens = (*tokens, u)
        return tokens, walk

    def _walk(self, tokens: Sequence[int]) -> Walk:
        """The states that lead to a given string."""
        walk: Walk = []
        state = 0
        for t, u in enumerate(tokens):
            walk.append((self._row(tokens[:t], state), u))
            state = int(self._following[t, state, u])
        return walk

    def _row(self, prefix: Sequence[int], state: int) -> Row:
        """Q(s, .) after a prefix that left the grammar in a state."""
        t = len(prefix)
        s = (t, state, *prefix[max(t - self.context, 0) :])
        if s not in self.Q:
            self.Q[s] = dict.fromkeys(np.flatnonzero(self._legal[t, state]).tolist(), self.start)
        return self.Q[s]

    def _learn(self, walk: Walk, reward: float) -> None:
        """Updates Q along one string, from its end, where the reward is (eqn. 3 of the paper).

        Q(s, u) <- (1 - alpha) Q(s, u) + alpha (r + gamma max_u' Q(s', u'))
        """
        target = reward
        for row, u in reversed(walk):
            row[u] += self.alpha * (target - row[u])
            target = self.gamma * max(row.values())

    def tell(self, results: Sequence[Result]) -> None:
        """Adds each result to the memory, and learns from strings that are drawn from there."""
        for result in results:
            self._results.append(result)
            self._known.add(result.architecture)
            score = self._rewards.add(result)
            self._memory.append((self._walk(result.architecture.tokens), score))
            for i in self._rng.integers(len(self._memory), size=self.replays).tolist():
                walk, score = self._memory[i]
                self._learn(walk, self._rewards.reward(score))

    def diagnostics(self) -> Mapping[str, float]:
        """The exploration rate, and how many states have values."""
        return {"epsilon": self.epsilon, "states": float(len(self.Q))}

    def state(self) -> Json:
        """When it was asked for how many: what is needed to learn all of it again (see `replay`)."""
        return {"asked": [list(pair) for pair in self._asked]}

    def restore(self, state: Json) -> None:
        """Learns again what the strategy of that state had learned."""
        results = self._results
        self._begin()
        replay(self, results, state["asked"])

    def configuration(self) -> Mapping[str, Json]:
        """The schedule, the update, and the seed."""
        return {
            "name": "q-learning",
            "budget": self.budget,
            "alpha": self.alpha,
            "gamma": self.gamma,
            "start": self.start,
            "replays": self.replays,
            "context": self.context,
            "seed": self.seed,
        }
