"""Q-learning over the tokens of a string: MetaQNN (Baker, Gupta, Naik and Raskar 2017).

Letters: s state, u action (the next token), t position, r reward, Q(s, u) the reward to be expected.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, Json, Proposal, Result
from nao.settings import above, at_least, check
from nao.strategies.mixin import StrategyMixin
from nao.strategies.rewards import Rewards, Transcript

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
MAX_REWRITES = 50  # known strings in a row after which a random one is taken

State = tuple[int, ...]  # the position t, the state of the grammar, the last tokens
Row = dict[int, float]  # Q(s, .) of the tokens that are legal in a state
Walk = list[tuple[Row, int]]  # the states that a string leads through, and the token written in each


def ends(budget: int) -> list[int]:
    """The number of models after which each epsilon of the schedule ends, scaled to a budget."""
    published = list(itertools.accumulate(models for _, models in SCHEDULE))
    return [round(end * budget / published[-1]) for end in published]


class QLearning(StrategyMixin):
    """An agent that writes strings token by token, epsilon-greedily by a table Q(s, u).

    A state s is the position, the state of the grammar and the last tokens; an action u is the next token.
    While epsilon is 1 the architectures are random ones. When the agent writes a known architecture, it
    learns from the stored score once more, which costs no evaluation, and writes another.

    Args:
      space: what to search.
      settings: the schedule and the update.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
    """

    name = "q-learning"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """The schedule and the update.

        Attributes:
          budget: how many models epsilon takes from 1 to 0.1, where it stays; 2,700 in the paper.
          alpha: the learning rate; 0.01 in the paper, which had more models to learn from.
          gamma: the discount.
          start: Q before anything is learned; 1/2 is what an average architecture is worth (see `Rewards`).
          replays: how many scored strings are learned from after each result, drawn with replacement.
          context: how many of the last tokens belong to a state. With T of them Q(s, u) can be exact; with
            fewer, strings share what they learn.

        Raises:
          InputError: one of them is out of range.
        """

        budget: int = 200
        alpha: float = 0.01
        gamma: float = 1.0
        start: float = 0.5
        replays: int = 100
        context: int = 1

        def __post_init__(self) -> None:
            check(
                self,
                "q-learning",
                budget=at_least(1),
                alpha=above(0, at_most=1),
                gamma=at_least(0, at_most=1),
                replays=at_least(1),
                context=at_least(0),
            )

    settings: Settings

    @property
    def _num_initial(self) -> int:
        return ends(self.settings.budget)[0]

    def _begin(self) -> None:
        super()._begin()
        self._ends = ends(self.settings.budget)
        self._following = self.space.grammar.following
        self._viable = self.space.grammar.viable
        self.Q: dict[State, Row] = {}
        self._rng = np.random.default_rng([self.seed, 1])
        self._rewards = Rewards(self.space, self.limits)
        self._memory: list[tuple[Walk, float]] = []  # all that was scored: the string, and its score
        self._transcript = Transcript()
        self._proposed = 0

    @property
    def epsilon(self) -> float:
        """The probability of a random token in the next architecture."""
        return SCHEDULE[sum(self._proposed >= end for end in self._ends[:-1])][0]

    @property
    def batch(self) -> int:
        """What is left of the random architectures; then 1, for it learns from each."""
        return max(self._initial.left, 1)

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: random ones while epsilon is 1, then what the agent writes."""
        self._transcript.ask(n)
        proposals: list[Proposal] = []
        while len(proposals) < n and (proposal := self._propose()):
            proposals.append(proposal)
            self._proposed += 1
        return proposals

    def _propose(self) -> Proposal | None:
        """Proposes one architecture, or none when the space has no more."""
        if self.epsilon == 1:
            for proposal in self._initial.take(1, self._archive):
                return proposal
        else:
            for _ in range(MAX_REWRITES):
                tokens, walk = self._write()
                x = Architecture(tokens, self.space)
                if self._archive.add(x):
                    return Proposal(x, "agent")
                score = self._rewards.score(x)
                if score is not None:
                    self._learn(walk, self._rewards.reward(score))
        return next((Proposal(x, "random") for x in self._archive.draw(self._rng, 1)), None)

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
        states = self.space.grammar.states(np.array([tokens], np.int32))[0].tolist()
        return [(self._row(tokens[:t], states[t]), u) for t, u in enumerate(tokens)]

    def _row(self, prefix: Sequence[int], state: int) -> Row:
        """Q(s, .) after a prefix that left the grammar in a state."""
        t = len(prefix)
        s = (t, state, *prefix[max(t - self.settings.context, 0) :])
        if s not in self.Q:
            self.Q[s] = dict.fromkeys(np.flatnonzero(self._viable[t, state]).tolist(), self.settings.start)
        return self.Q[s]

    def _learn(self, walk: Walk, reward: float) -> None:
        """Updates Q along one string, from its end, where the reward is (eqn. 3 of the paper).

        Q(s, u) <- (1 - alpha) Q(s, u) + alpha (r + gamma max_u' Q(s', u'))
        """
        alpha, gamma, target = self.settings.alpha, self.settings.gamma, reward
        for row, u in reversed(walk):
            row[u] += alpha * (target - row[u])
            target = gamma * max(row.values())

    def tell(self, results: Sequence[Result]) -> None:
        """Adds each result to the memory, and learns from strings that are drawn from the memory."""
        self._remember(results)
        for result in results:
            self._transcript.results.append(result)
            score = self._rewards.add(result)
            self._memory.append((self._walk(result.architecture.tokens), score))
            for i in self._rng.integers(len(self._memory), size=self.settings.replays).tolist():
                walk, score = self._memory[i]
                self._learn(walk, self._rewards.reward(score))

    def diagnostics(self) -> Mapping[str, float]:
        """The exploration rate, and how many states have values."""
        return {"epsilon": self.epsilon, "states": float(len(self.Q))}

    def state(self) -> Json:
        """When it was asked for how many proposals."""
        return self._transcript.state()

    def restore(self, state: Json) -> None:
        """Learns again what the strategy of that state had learned; see `nao.core.Strategy`."""
        transcript = self._transcript
        self._begin()
        transcript.replay(self, state)
