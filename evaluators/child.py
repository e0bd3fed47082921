"""What one child network is and how long it is trained: the options of a measurement.

`Child()` is sized for small images on a CPU: on the digits, 2 idle cores train eight children a second, to
a validation accuracy of 0.61 +- 0.20 over random architectures, and the scores of two training seeds
correlate with Spearman's rho 0.88 (benchmarks/child_signal.py). Trained longer, the digits are learnt by
every architecture and the score tells less: 0.60 after 40 steps at twice the learning rate.
"""

import dataclasses

from nao.core import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Child:
    """How a child network is built and trained: SGD with momentum, a cosine schedule and weight decay.

    Attributes:
      cells: N, normal cells before, between and after the two reductions.
      channels: F, channels of the first cells; doubled at each reduction.
      steps: training steps; one pass over the training images when None.
      batch: images of a step.
      learning_rate: at the start; falls to zero along a cosine (Loshchilov & Hutter 2017).
      momentum: Nesterov's.
      weight_decay: of every weight.
      clip: largest norm of a gradient.
      augment: random crops of the image padded by an eighth, and horizontal flips.
      cutout: side of a square set to zero at a random place (DeVries & Taylor 2017); 0 for none.
    """

    cells: int = 1
    channels: int = 8
    steps: int | None = None
    batch: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0
    augment: bool = False
    cutout: int = 0

    def __post_init__(self) -> None:
        for name in ("cells", "channels", "steps", "batch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, but is {value}")
        if self.channels % 2:
            raise InputError(f"channels must be even, since a reduction halves them, but is {self.channels}")
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate must be positive, but is {self.learning_rate}")
        if self.cutout < 0:
            raise InputError(f"cutout must not be negative, but is {self.cutout}")

    def length(self, images: int) -> int:
        """How many steps a training on so many images has."""
        return self.steps or max(1, images // self.batch)
