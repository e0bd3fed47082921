"""What a table of known scores knows about one architecture."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """One architecture that was trained before.

    Attributes:
      score: the column to search by, higher is better.
      test_score: the column to report.
      parameters: trainable parameters of its network.
      seconds: how long it was trained, 0 where that was not measured.
      flops: multiply-adds x 2 of one forward pass on one example, 0 where that was not counted.
    """

    score: float
    test_score: float
    parameters: int
    seconds: float
    flops: int = 0
