"""Image classification: child networks of cells, as NAO trains them (Luo et al. 2018).

- `program`: `ImageProgram`, what the device pool runs. `child`: the settings of a child and its training.
- `network`, `initial`, `cell`, `operations`, `stages`: the network, from the whole to its parts.
- `primitives`, `shifted`, `native`: convolutions and pooling, on CPUs and on accelerators.
- `batches`, `training`: the images of each step, and the training of one child as one traced function.
- `cost`: parameters, FLOPs and memory.
"""

from nao.evaluators.images.child import Child
from nao.evaluators.images.program import ImageProgram, make

__all__ = ["Child", "ImageProgram", "make"]
