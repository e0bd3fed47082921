"""What a child network costs, counted from its architecture: parameters, FLOPs, memory.

Axis letters: B blocks.
"""

import math

import numpy as np
from jaxtyping import Int

from nao.core import Cost
from nao.evaluators.images.network import STEM, Network
from nao.evaluators.images.operations import count_parameters

FLOAT = 4  # bytes


def count_cost(network: Network, branches: Int[np.ndarray, "2 B 2 2"]) -> Cost:
    """Parameters and FLOPs; operations that the architecture does not use do not count.

    FLOPs are those of convolutions and of the linear layer. The pointwise convolutions that bring h[i-2] and
    h[i-1] to a cell always count, read or not.

    Args:
      network: what was compiled.
      branches: `[2, B, 2, 2]` (input, operation) of each branch of the normal and the reduction cell.
    """
    height, width, channels = network.image
    stem = STEM * network.channels
    parameters, multiply_adds = stem * (9 * channels + 2), 9 * stem * channels * height * width
    in_channels, size = [stem, stem], [(height, width)] * 2  # of h[i-2] and h[i-1]
    for plan in network.plans:
        cell = branches[0 if plan.stride == 1 else 1]
        inside = size[1]
        for source in in_channels:
            parameters += plan.channels * (source + 2)
            multiply_adds += plan.channels * source * math.prod(inside)
        outside = tuple(-(-side // plan.stride) for side in inside)
        for index, choice in cell.reshape(-1, 2):
            op, stride = network.operations[choice], plan.stride if index < 2 else 1
            parameters += count_parameters(op, plan.channels, stride)
            for i, stage in enumerate(op):
                per_position = stage.multiply_adds(plan.channels, stride if i == 0 else 1)
                multiply_adds += per_position * math.prod(outside)
        loose = network.blocks - len({index for index in cell[:, :, 0].ravel() if index >= 2})
        in_channels = [in_channels[1], loose * plan.channels]
        size = [size[1], (outside[0], outside[1])]
    parameters += network.classes * (in_channels[1] + 1)
    return Cost(int(parameters), int(2 * (multiply_adds + network.classes * in_channels[1])))


def count_memory(network: Network, batch: int) -> int:
    """Bytes that training any architecture takes at least.

    Counted are the weights of the normal cells, their gradients and momentum, and the states of their
    blocks, which the backward pass reads. What a compiler needs makes it about three times as much.

    Args:
      network: what was compiled.
      batch: images of a step.
    """
    (height, width, _), channels, blocks = network.image, network.channels, network.blocks
    weights = states = 0
    for _ in range(3):  # between the reductions
        branch = max(count_parameters(op, channels, 1) for op in network.operations)
        weights += network.cells * 2 * blocks * (branch + channels**2)
        states += network.cells * (2 + blocks) * channels * height * width * batch
        height, width, channels = -(-height // 2), -(-width // 2), 2 * channels
    return FLOAT * (3 * weights + states)
