"""REINFORCE: a recurrent policy that writes architectures (Zoph and Le 2017), with the PPO of NASNet."""

from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, InputError, Json, Proposal, Result, SearchSpace
from nao.strategies.episodes import Rewards, replay
from nao.strategies.known import Beginning, Known

REDRAWS = 20  # batches that are written for one `ask`; what is then missing is random


class Reinforce:
    """A policy writes strings, and its weights follow the gradient of the reward that it expects.

    The first batch is random, as what an untrained policy writes nearly is. A known architecture that is
    written again costs no evaluation: the policy learns from its stored score, and writes another.

    Args:
      space: what to search.
      batch: strings of an update.
      exponent: the reward of an architecture is the share of scored ones that are worse (see `Rewards`),
        to this power.
      learning_rate: of Adam.
      epochs: updates on each batch: 1 is REINFORCE, more are PPO.
      clip: how far PPO lets the probability of a string move, as a share of what it was.
      entropy: β, the weight of the policy's entropy beside the reward. The policy that gains most writes a
        string with a probability proportional to exp(R / β), in a space of any size.
      decay: of the baseline, a moving average of the rewards.
      units: the width of the LSTM.
      seed: the same seed and results propose the same.

    Raises:
      InputError: one of the numbers makes no sense.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        batch: int = 10,
        exponent: float = 1.0,
        learning_rate: float = 0.01,
        epochs: int = 5,
        clip: float = 0.2,
        entropy: float = 0.1,
        decay: float = 0.95,
        units: int = 100,
        seed: int = 0,
    ):
        for name, count in (("batch", batch), ("epochs", epochs), ("units", units)):
            if count < 1:
                raise InputError(f"{name} must be at least 1, not {count}")
        for name, value in (("exponent", exponent), ("learning_rate", learning_rate), ("clip", clip)):
            if not value > 0:
                raise InputError(f"{name} must be above 0, not {value}")
        if not entropy >= 0:
            raise InputError(f"entropy must be at least 0, not {entropy}")
        if not 0 <= decay <= 1:
            raise InputError(f"decay must be from 0 to 1, not {decay}")
        self.space = space
        self.exponent = exponent
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.clip = clip
        self.entropy = entropy
        self.decay = decay
        self.units = units
        self.seed = seed
        self._batch = batch
        self._begin()

    def _begin(self) -> None:
        """Forgets everything."""
        from nao.strategies.policy import Policy, Settings  # imports JAX

        settings = Settings(self.learning_rate, self.epochs, self.clip, self.entropy, self.decay)
        self._policy = Policy(
            self.space.grammar, units=self.units, batch=self._batch, settings=settings, seed=self.seed
        )
        self._rng = np.random.default_rng([self.seed, 1])
        self._known = Known(self.space)
        self._rewards = Rewards(self.space)
        self._written: list[Architecture] = []  # not yet learned from, in the order of writing
        self._results: list[Result] = []
        self._asked: list[list[int]] = []
        self._beginning = Beginning(self.space, self.seed, self._batch)
        self._diagnostics: Mapping[str, float] = {}

    @property
    def batch(self) -> int:
        """The strings of an update."""
        return self._batch

    def ask(self, n: int) -> list[Proposal]:
        """Proposes n architectures: random ones for the first batch, then what the policy writes."""
        self._asked.append([len(self._results), n])
        self._learn()
        proposals = self._beginning.take(n, self._known)
        self._written += [proposal.architecture for proposal in proposals]
        proposals += [Proposal(x, "policy") for x in self._write_new(n - len(proposals))]
        proposals += [Proposal(x, "random") for x in self._known.draw(self._rng, n - len(proposals))]
        return proposals

    def _write_new(self, n: int) -> list[Architecture]:
        """Writes until there are n new architectures, or nearly all that is written is known."""
        new: list[Architecture] = []
        written = 0
        for _ in range(REDRAWS if n else 0):
            before = len(new)
            for tokens in self._policy.write().tolist():
                if len(new) == n:
                    break
                x = Architecture(tuple(tokens), self.space)
                self._written.append(x)
                written += 1
                new += [x] if self._known.add(x) else []
            if len(new) == n:
                break
            if len(new) == before:  # a whole batch of known ones, whose rewards are known as well
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
            rewards = [self._rewards.reward(s) ** self.exponent for _, s in pairs]
            self._policy.learn(np.array([tokens for tokens, _ in pairs], np.int32), np.array(rewards))

    def tell(self, results: Sequence[Result]) -> None:
        """Remembers the scores; the next `ask` learns from them."""
        for result in results:
            self._results.append(result)
            self._known.add(result.architecture)
            self._rewards.add(result)

    def diagnostics(self) -> Mapping[str, float]:
        """How many strings the policy wrote for the last `ask`, and which share of them was new."""
        return self._diagnostics

    def state(self) -> Json:
        """When it was asked for how many: what is needed to learn all of it again (see `replay`)."""
        return {"asked": [list(pair) for pair in self._asked]}

    def restore(self, state: Json) -> None:
        """Learns again what the strategy of that state had learned."""
        results = self._results
        self._begin()
        replay(self, results, state["asked"])

    def configuration(self) -> Mapping[str, Json]:
        """The reward, the update, the network, and the seed."""
        return {
            "name": "reinforce",
            "batch": self._batch,
            "exponent": self.exponent,
            "learning_rate": self.learning_rate,
            "epochs": self.epochs,
            "clip": self.clip,
            "entropy": self.entropy,
            "decay": self.decay,
            "units": self.units,
            "seed": self.seed,
        }
