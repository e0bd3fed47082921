"""What an architecture's child network costs, counted from its choices.

Axis letters: B blocks.
"""

import math

import numpy as np
from jaxtyping import Int

from nao.evaluators import operations
from nao.evaluators.network import STEM, Network


def cost(network: Network, branches: Int[np.ndarray, "2 B 2 2"]) -> tuple[int, int]:
    """Counts a child network; operations that its architecture does not use do not count.

    The pointwise convolutions that bring the two previous outputs to a cell always count, read or not.

    Args:
      network: what was compiled.
      branches: `[2, B, 2, 2]` (input, operation) of each branch of the normal and the reduction cell.

    Returns:
      Trainable parameters, and FLOPs (multiply-adds x 2, convolutions and the linear layer only) of one
      forward pass on one image.
    """
    height, width, colours = network.image
    stem = STEM * network.channels
    parameters, multiplications = stem * (9 * colours + 2), 9 * stem * colours * height * width
    sources, size = [stem, stem], [(height, width)] * 2  # of the two previous outputs
    for plan in network.plans:
        cell = branches[0 if plan.stride == 1 else 1]
        inside = size[1]
        for channels in sources:
            parameters += plan.channels * (channels + 2)
            multiplications += plan.channels * channels * math.prod(inside)
        outside = tuple(-(-side // plan.stride) for side in inside)
        for index, choice in cell.reshape(-1, 2):
            op, stride = network.operations[choice], plan.stride if index < 2 else 1
            parameters += sum(math.prod(shape) for shape, _ in operations.shapes(op, plan.channels, stride))
            for i, stage in enumerate(op):
                per_position = stage.multiplications(plan.channels, stride if i == 0 else 1)
                multiplications += per_position * math.prod(outside)
        loose = network.blocks - len({index for index in cell[:, :, 0].ravel() if index >= 2})
        sources, size = [sources[1], loose * plan.channels], [size[1], (outside[0], outside[1])]
    parameters += network.classes * (sources[1] + 1)
    return int(parameters), int(2 * (multiplications + network.classes * sources[1]))
