"""A rival that the project does not need: the Gaussian process of Optuna, as a strategy of the harness.

`pip install optuna torch`. Every token of a string is a categorical parameter, so that it takes the spaces in
which what is legal at a position does not depend on the tokens before it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import optuna
import torch

from nao.core import Architecture, Json, Proposal, Result, SearchSpace
from nao.strategies.archive import Archive
from nao.strategies.initial import InitialDesign

AGAIN = 20  # proposals that were known, one after the other, after which a random architecture is taken


class OptunaGP:
    """Optuna's GPSampler under the rules of all others: the same beginning, and nothing is asked for twice.

    It is asked for one architecture at a time, which is how it works best. When it proposes one whose score
    is known, it is told that score again, and the query does not count.

    Args:
      space: what to search.
      initial: how many random architectures to begin with, those of every other strategy.
      seed: of the sampler.
    """

    def __init__(self, space: SearchSpace, *, initial: int = 10, seed: int = 0):
        if space.grammar.legal.shape[1] > 1:
            raise SystemExit(f"optuna: a legal token of {space.name} depends on those before it")
        torch.set_num_threads(1)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space, self.initial, self.seed = space, initial, seed
        sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=initial, deterministic_objective=True)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        legal = space.grammar.legal[:, 0]
        self._parameters = {
            f"{t}": optuna.distributions.CategoricalDistribution(row.nonzero()[0].tolist())
            for t, row in enumerate(legal)
        }
        self._initial = InitialDesign(space, seed, initial)
        self._archive = Archive(space)
        self._scores: dict[str, float] = {}
        self._asked: dict[Architecture, optuna.Trial] = {}

    @property
    def batch(self) -> int:
        return self._initial.left or 1

    def ask(self, n: int) -> list[Proposal]:
        if proposals := self._initial.take(n, self._archive):
            return proposals
        for _ in range(AGAIN):
            trial = self._study.ask(self._parameters)
            x = Architecture(tuple(trial.params[f"{t}"] for t in range(self.space.length)), self.space)
            if self._archive.add(x):
                self._asked[x] = trial
                return [Proposal(x, "optuna")]
            self._finish(trial, self._scores.get(self.space.canonical(x)))
        rng = np.random.default_rng([self.seed, len(self._scores)])
        return [Proposal(x, "random") for x in self._archive.draw(rng, 1)]

    def tell(self, results: Sequence[Result]) -> None:
        for result in results:
            x, score = result.architecture, result.score
            self._archive.add(x)
            if score is not None:
                self._scores[self.space.canonical(x)] = score
            if x in self._asked:
                self._finish(self._asked.pop(x), score)
            elif score is not None:
                params = {f"{t}": token for t, token in enumerate(x.tokens)}
                trial = optuna.create_trial(params=params, distributions=self._parameters, value=score)
                self._study.add_trial(trial)

    def _finish(self, trial: optuna.Trial, score: float | None) -> None:
        failed = optuna.trial.TrialState.FAIL
        self._study.tell(trial, score, state=None if score is not None else failed)

    def diagnostics(self) -> Mapping[str, float]:
        return {}

    def artifacts(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        return {}

    def state(self) -> Json:
        """What has been told is told again; the sampler's own random numbers begin anew."""
        return {"given": self._initial.num_given}

    def restore(self, state: Json) -> None:
        self._initial.num_given = state["given"]

    def configuration(self) -> Mapping[str, Json]:
        versions = {"optuna": optuna.__version__, "torch": torch.__version__}
        return {"name": "optuna", "initial": self.initial, "seed": self.seed, **versions}
