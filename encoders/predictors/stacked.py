"""f as the weighted mean of a Gaussian process and of the paper's feed-forward network: what configures it.

Axis letters: N scored architectures, M of them.
"""

import dataclasses

from nao.core import InputError
from nao.encoders.fit import FitConfig
from nao.encoders.predictors.gaussian_process import GaussianProcessConfig
from nao.encoders.predictors.mlp import MLPConfig
from nao.settings import above, at_least, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class StackedConfig:
    """The process, and the members whose predictions are added to its (see `nao.encoders.stacked`).

    Attributes:
      process: the Gaussian process.
      mlp: f of every member.
      joint: how E, f and D of the members are fitted, and how many there are.
      fewest: scores from which on there are members.
      growth: members are fitted anew when there are so many times the scores.

    Raises:
      InputError: lambda of the joint fit is 0, or f of the members reads features that the process does not.
    """

    process: GaussianProcessConfig = dataclasses.field(default_factory=GaussianProcessConfig)
    mlp: MLPConfig = dataclasses.field(default_factory=MLPConfig)
    joint: FitConfig = dataclasses.field(default_factory=FitConfig)
    fewest: int = 100
    growth: float = 1.25

    def __post_init__(self) -> None:
        check(self, "encoder.predictor", fewest=at_least(8), growth=above(1))
        if self.mlp.features and "features" not in self.process.inputs:
            raise InputError("f of the members can read features only if the process reads them")
        if self.joint.trade_off == 0:
            raise InputError("encoder.predictor.joint.trade_off (lambda) must be above 0, for f to learn")

    def fitted_to(self, N: int) -> int:
        """M: to how many of N architectures, the first, the members are fitted; 0 for none."""
        if self.fewest > N:
            return 0
        M = float(self.fewest)
        while M * self.growth <= N:
            M *= self.growth
        return int(M)
