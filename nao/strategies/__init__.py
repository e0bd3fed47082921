"""Ways to propose architectures. Each is a `nao.core.Strategy`, and runs on any space.

- `NAO`: gradient ascent in the embedding space of an encoder (Luo et al. 2018).
- `Random`: uniform sampling without repetition, what every other one has to beat.
"""

from nao.strategies.nao import NAO
from nao.strategies.random import Random

__all__ = ["NAO", "Random"]
