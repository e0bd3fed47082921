"""E, f and D of Neural Architecture Optimization: an encoder is fitted to scores and gives a model.

networks.py     E and D: the LSTM encoder, mean pooling, the decoder with attention
predictors/     f: a feed-forward network, a Gaussian process, or the mean of both
lstm.py         the recurrence and its gradient
loss.py         Eqn. (1): L_pp, L_rec and their mix
fit.py          the fit, one compiled program
batches.py      the strings of one update, with symmetric augmentation
decode.py       D's greedy decoding under the grammar of a space
joint.py        E, f and D fitted together: `published`, and the members of `default`
strings.py      E and D fitted to strings alone, f to scores: `process`, and a part of `default`
stacked.py      the mean of both: `default`
model.py        the fitted model: embed, value, decode
members.py      the same on the host's arrays, through each member of an ensemble
load.py         a model from its arrays
encoder.py      an encoder, composed of a configuration for each of these
presets.py      the encoders that have a name

Eqn. (2), the ascent, knows none of this: `nao.ascent`.
"""

if __name__ != "nao.encoders":
    raise ImportError("import nao.encoders, not this folder")


from nao.core import InputError
from nao.encoders.encoder import NeuralEncoder, make
from nao.encoders.model import Model
from nao.encoders.presets import PRESETS

__all__ = ["PRESETS", "Model", "NeuralEncoder", "encoder", "make"]


def encoder(name: str) -> NeuralEncoder:
    """The encoder of a name.

    Args:
      name: `default`, `process` or `published`.

    Raises:
      InputError: there is no encoder of that name.
    """
    if name not in PRESETS:
        raise InputError(f"no encoder is called {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
