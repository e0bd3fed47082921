"""An encoder: E, f and D before they are fitted, composed of what configures each of them.

Axis letters: N scored architectures, T tokens.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from nao.ascent import AscentConfig
from nao.configuration import plain
from nao.core import InputError, Json, SearchSpace
from nao.encoders.fit import FitConfig
from nao.encoders.joint import fit_jointly
from nao.encoders.load import load_model, load_stacked
from nao.encoders.model import Model
from nao.encoders.networks import NetworksConfig
from nao.encoders.predictors.gaussian_process import GaussianProcessConfig
from nao.encoders.predictors.mlp import MLPConfig
from nao.encoders.predictors.stacked import StackedConfig
from nao.encoders.stacked import Stacked, fit_stacked
from nao.encoders.strings import fit_process, fit_strings
from nao.settings import build, check

Predictor = MLPConfig | GaussianProcessConfig | StackedConfig
PREDICTORS: Mapping[str, type[Predictor]] = {
    "mlp": MLPConfig,
    "gaussian_process": GaussianProcessConfig,
    "stacked": StackedConfig,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeuralEncoder:
    """E, f and D of Luo et al. 2018, not yet fitted. The defaults are the published ones.

    Attributes:
      name: what the command line calls it.
      networks: E and D.
      predictor: f. A feed-forward network is fitted together with E and D. A Gaussian process is conditioned
        on the scores after E and D were fitted to strings alone, for which lambda is 0.
      training: how the networks are fitted.
      ascent: how embeddings are moved.

    Raises:
      InputError: lambda is 0 and f a network, which then learns nothing, or f is a process and lambda is not
        0, or there are several members.
    """

    name: str = "published"
    networks: NetworksConfig = dataclasses.field(default_factory=NetworksConfig)
    predictor: Predictor = dataclasses.field(default_factory=MLPConfig)
    training: FitConfig = dataclasses.field(default_factory=FitConfig)
    ascent: AscentConfig = dataclasses.field(default_factory=AscentConfig)

    def __post_init__(self) -> None:
        check(self, "encoder")
        if isinstance(self.predictor, MLPConfig) != (self.training.trade_off > 0):
            raise InputError(
                "trade_off (lambda) must be 0 for a Gaussian process, which is no part of the loss, and "
                f"above 0 for a feed-forward network, not {self.training.trade_off}"
            )
        if not isinstance(self.predictor, MLPConfig) and self.training.ensemble_size != 1:
            raise InputError("a Gaussian process has one E and D: its ensemble_size must be 1")

    def fit(
        self,
        space: SearchSpace,
        tokens: Int[np.ndarray, "N T"],
        scores: Float[np.ndarray, " N"],
        *,
        seed: int,
    ) -> Model | Stacked:
        """Fits E, f and D.

        Args:
          space: whose strings these are.
          tokens: `[N, T]` architectures, no two of which mean the same.
          scores: `[N]` their scores, higher is better.
          seed: the same seed and data give the same fit.

        Raises:
          InputError: fewer than 2 architectures, another length than the space's, a score that is not finite.
        """
        check_scores(space, tokens, scores)
        if isinstance(self.predictor, MLPConfig):
            how = self.networks, self.predictor, self.training
            return fit_jointly(*how, space, tokens, scores, seed)[0]
        if isinstance(self.predictor, StackedConfig):
            stack = self.networks, self.predictor, self.training
            return fit_stacked(*stack, space, tokens, scores, seed)
        learned = fit_strings(space, self.networks, self.training, seed)
        return fit_process(learned, self.predictor, space, tokens, scores)[0]

    def load(self, space: SearchSpace, arrays: Mapping[str, np.ndarray]) -> Model | Stacked:
        """The model whose `arrays()` these are.

        Raises:
          InputError: they are not those of a model of this encoder on this space.
        """
        if isinstance(self.predictor, StackedConfig):
            return load_stacked(self.networks, self.predictor, space, arrays)
        return load_model(self.networks, self.predictor, self.training.ensemble_size, space, arrays)

    def configuration(self) -> dict[str, Json]:
        """Every choice, by name: what `nao.encoders.make` makes the same encoder of."""
        kind = next(name for name, config in PREDICTORS.items() if isinstance(self.predictor, config))
        choices: dict[str, Any] = plain(dataclasses.asdict(self))
        return choices | {"predictor": {"name": kind, **choices["predictor"]}}


def make(configuration: Mapping[str, Json]) -> NeuralEncoder:
    """The encoder that has a configuration: `make(x.configuration()) == x`.

    Raises:
      InputError: there is no such predictor, or a choice is unknown or wrong.
    """
    choices = dict(configuration)
    predictor = dict(choices.get("predictor", {}))
    kind = predictor.pop("name", None)
    if kind not in PREDICTORS:
        raise InputError(f"encoder.predictor.name must be one of {', '.join(PREDICTORS)}, not {kind!r}")
    choices["predictor"] = build(PREDICTORS[kind], "encoder.predictor", predictor)
    return build(NeuralEncoder, "encoder", choices)


def check_scores(space: SearchSpace, tokens: np.ndarray, scores: np.ndarray) -> None:
    """Raises `InputError` when there are too few, the wrong ones, or some that are not numbers."""
    if len(tokens) < 2:
        raise InputError(f"an encoder is fitted to at least 2 architectures, not {len(tokens)}")
    if tokens.shape != (len(scores), space.length):
        raise InputError(
            f"{len(scores)} scores need tokens [{len(scores)}, {space.length}], not {tokens.shape}"
        )
    if not np.isfinite(scores).all():
        raise InputError("every score must be a finite number; leave failed architectures out")
