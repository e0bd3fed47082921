"""What one child network is and how long it is trained: the settings of a measurement.

`Child()` is sized for small images on a CPU: on the digits, 2 idle cores train eight children a second, to
a validation accuracy of 0.61 +- 0.20 over random architectures, and the scores of two training seeds
correlate with Spearman's rho 0.88 (benchmarks/child_signal.py). Trained longer, the digits are learnt by
every architecture and the score tells less: 0.60 after 40 steps at twice the learning rate.
"""

import dataclasses

from nao.core import InputError
from nao.settings import above, at_least, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class Child:
    """How a child network is built and trained: SGD with momentum, a cosine schedule and weight decay.

    Attributes:
      cells: normal cells before, between and after the two reductions.
      channels: of the first cells; doubled at each reduction.
      steps: training steps; one pass over the training images when None.
      batch: images of a step.
      learning_rate: at the start; falls to zero along a cosine (Loshchilov & Hutter 2017).
      momentum: Nesterov's.
      weight_decay: of every weight.
      clip: largest norm of a gradient.
      augment: random crops of the image padded by an eighth, and horizontal flips.
      cutout: side of a square set to zero at a random place (DeVries & Taylor 2017); 0 for none.

    Raises:
      InputError: a value is of the wrong type or out of range.
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
        check(
            self,
            "child",
            cells=at_least(1, at_most=1000),  # each is compiled: more are taken to be a mistake
            channels=at_least(2),
            steps=at_least(1),
            batch=at_least(1),
            learning_rate=above(0),
            momentum=at_least(0, at_most=1),
            weight_decay=at_least(0),
            clip=above(0),
            cutout=at_least(0),
        )
        if self.channels % 2:
            raise InputError(f"child.channels must be even, as a reduction halves them, not {self.channels}")

    def count_steps(self, images: int) -> int:
        """How many steps a training on so many images has."""
        return self.steps or max(1, images // self.batch)
