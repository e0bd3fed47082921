"""What f sees of an architecture when it is a Gaussian process.

Axis letters: B strings, T tokens, S steps of the encoder, d hidden units, F features.
"""

import numpy as np
from jaxtyping import Float, Int

from nao.analysis.regression import Parts
from nao.core import SearchSpace
from nao.encoders.autoencoder import Autoencoder
from nao.encoders.configuration import Configuration


def parts(choices: Configuration, learnt: Autoencoder, tokens: Int[np.ndarray, "B T"]) -> Parts:
    """What f sees: the mean embedding `[B, d]`, all hidden states `[B, S d]`, what strings mean `[B, F]`.

    The first two are those of the string as it stands, from which the ascent starts. What the configuration
    leaves out is the same for all.
    """
    h = learnt.encode(tokens).astype(np.float64)
    mean = h.mean(axis=1) * ("mean" in choices.inputs)
    states = h.reshape(len(h), -1) * ("states" in choices.inputs)
    return [mean, states, features(choices, learnt.space, tokens)]


def features(
    choices: Configuration, space: SearchSpace, tokens: Int[np.ndarray, "B T"]
) -> Float[np.ndarray, "B F"]:
    """What strings mean, the part that has no gradient.

    Features are counts, such as those of paths: the square root lets the tenth path tell less than the
    first.
    """
    return np.asarray(np.sqrt(space.features(tokens)) * ("features" in choices.inputs))
