"""What predictors read of an architecture beside its embedding: numbers that have no gradient.

Axis letters: B strings, T tokens, F features of the space, G of the graph.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from nao.core import SearchSpace
from nao.graph_features import graph_features

Part = Literal["mean", "states", "features", "graph"]
PARTS: tuple[Part, ...] = ("mean", "states", "features", "graph")


def read_features(
    space: SearchSpace, tokens: Int[np.ndarray, "B T"], parts: tuple[Part, ...]
) -> list[Float[np.ndarray, "B _"]]:
    """The features of strings: of their space `[B, F]`, and of their graphs `[B, G]` if these are read."""
    features = root_features(space, tokens) * ("features" in parts)
    if "graph" not in parts:
        return [features]
    own = getattr(space, "graph_features", None)  # a space may know better
    return [features, own(tokens) if own else graph_features(space, tokens)]


def root_features(space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
    """What architectures mean, as predictors read it.

    Features are counts, such as those of paths: under the square root the tenth path counts less than the
    first.
    """
    return np.asarray(np.sqrt(space.features(tokens)))
