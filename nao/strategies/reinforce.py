"""REINFORCE: a recurrent policy that writes architectures (Zoph and Le 2017), with the PPO of NASNet."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, Json, Proposal, Result
from nao.settings import above, at_least, check
from nao.strategies.mixin import StrategyMixin
from nao.strategies.rewards import Rewards, Transcript

MAX_BATCHES = 20  # that are written for one `ask`; proposals that are then missing are random


class Reinforce(StrategyMixin):
    """A policy writes strings, and its weights follow the gradient of the reward that it expects.

    The first batch is random, as what an untrained policy writes nearly is. When the policy writes a known
    architecture, it learns from the stored score, which costs no evaluation, and writes another.

    Args:
      space: what to search.
      settings: the reward, the update and the network.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
    """

    name = "reinforce"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        """The reward, the update and the network.

        Attributes:
          batch: strings of an update.
          exponent: the power to which a reward is raised. Without it, the reward of an architecture is the
            share of scored ones that are worse (see `Rewards`).
          learning_rate: of Adam.
          epochs: updates on each batch: 1 is REINFORCE, more are PPO.
          clip: the ε of PPO: how far the probability of a string may move, as a share of what it was.
          entropy: β, the weight of the policy's entropy beside the reward. The best policy writes a string
            with a probability proportional to exp(R / β), in a space of any size.
          decay: of the baseline, a moving average of the rewards.
          units: the width of the LSTM.

        Raises:
          InputError: one of them is out of range.
        """

        batch: int = 10
        exponent: float = 1.0
        learning_rate: float = 0.01
        epochs: int = 5
        clip: float = 0.2
        entropy: float = 0.1
        decay: float = 0.95
        units: int = 100

        def __post_init__(self) -> None:
            check(
                self,
                "reinforce",
                batch=at_least(1),
                exponent=above(0),
                learning_rate=above(0),
                epochs=at_least(1),
                clip=above(0),
                entropy=at_least(0),
                decay=at_least(0, at_most=1),
                units=at_least(1),
            )

    settings: Settings

    @property
    def _num_initial(self) -> int:
        return self.settings.batch

    def _begin(self) -> None:
        from nao.strategies.policy import Policy, UpdateRule  # imports JAX

        super()._begin()
        s = self.settings
        rule = UpdateRule(s.learning_rate, s.epochs, s.clip, s.entropy, s.decay)
        self._policy = Policy(self.space.grammar, units=s.units, batch=s.batch, rule=rule, seed=self.seed)
        self._rng = np.random.default_rng([self.seed, 1])
        self._rewards = Rewards(self.space, self.limits)
        self._written: list[Architecture] = []  # not yet learned from, in the order of writing
        self._transcript = Transcript()
        self._diagnostics: Mapping[str, float] = {}

    @property
    def batch(self) -> int:
        """The strings of an update."""
        return self.settings.batch

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: random ones for the first batch, then what the policy writes."""
        self._transcript.ask(n)
        self._learn()
        proposals = self._initial.take(n, self._archive)
        self._written += [proposal.architecture for proposal in proposals]
        proposals += [Proposal(x, "policy") for x in self._write_new(n - len(proposals))]
        proposals += [Proposal(x, "random") for x in self._archive.draw(self._rng, n - len(proposals))]
        return proposals

    def _write_new(self, n: int) -> list[Architecture]:
        """Writes until there are n new architectures, `MAX_BATCHES` batches at most."""
        new: list[Architecture] = []
        written = 0
        for _ in range(MAX_BATCHES if n else 0):
            before = len(new)
            for tokens in self._policy.write().tolist():
                if len(new) == n:
                    break
                x = Architecture(tuple(tokens), self.space)
                self._written.append(x)
                written += 1
                new += [x] if self._archive.add(x) else []
            if len(new) == n:
                break
            if len(new) == before:  # all of the batch is known, so its rewards are known as well
                self._learn()
        share_new = len(new) / written if written else 0.0
        self._diagnostics = {"written": float(written), "share_new": share_new}
        return new

    def _learn(self) -> None:
        """Learns from all that was written and has been scored by now."""
        scores = [self._rewards.score(x) for x in self._written]
        pairs = [(x.tokens, s) for x, s in zip(self._written, scores, strict=True) if s is not None]
        self._written = [x for x, s in zip(self._written, scores, strict=True) if s is None]
        if pairs:
            rewards = [self._rewards.reward(s) ** self.settings.exponent for _, s in pairs]
            self._policy.learn(np.array([tokens for tokens, _ in pairs], np.int32), np.array(rewards))

    def tell(self, results: Sequence[Result]) -> None:
        """Remembers the scores; the next `ask` learns from them."""
        self._remember(results)
        for result in results:
            self._transcript.results.append(result)
            self._rewards.add(result)

    def diagnostics(self) -> Mapping[str, float]:
        """How many strings the policy wrote for the last `ask`, and which share of them was new."""
        return self._diagnostics

    def state(self) -> Json:
        """When it was asked for how many proposals."""
        return self._transcript.state()

    def restore(self, state: Json) -> None:
        """Learns again what the strategy of that state had learned; see `nao.core.Strategy`."""
        transcript = self._transcript
        self._begin()
        transcript.replay(self, state)
