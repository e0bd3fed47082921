"""E, f and D of Neural Architecture Optimization, by name.

configuration.py    every choice, and the three named ones
lstm.py             the recurrence and its gradient
networks.py         encoder, predictor, decoder
loss.py             Eqn. (1)
fit.py              the fit, one compiled program
ascent.py           Eqn. (2)
decode.py           greedy decoding under a grammar
targets.py          what f learns instead of raw scores
lstm_encoder.py     `published` and `joint`: E, f and D fitted together
autoencoder.py      E and D fitted to strings alone
inputs.py           what f sees when it is a Gaussian process
belief.py           that f, as a function of the embedding
process_encoder.py  `default`, made of these three
rows.py, checks.py  arrays of fixed sizes; what is asked of scores
"""

if __name__ != "nao.encoders":
    raise ImportError("import nao.encoders, not this folder")


from nao.core import Encoder, InputError
from nao.encoders.configuration import DEFAULT, JOINT, PUBLISHED
from nao.encoders.lstm_encoder import LSTMEncoder
from nao.encoders.process_encoder import ProcessEncoder

__all__ = ["LSTMEncoder", "ProcessEncoder", "encoder"]


def encoder(name: str) -> Encoder:
    """The encoder of a name.

    Args:
      name: `default`, `joint` or `published`.

    Raises:
      InputError: there is no encoder of that name.
    """
    named: dict[str, Encoder] = {
        "default": ProcessEncoder(DEFAULT),
        "joint": LSTMEncoder(JOINT),
        "published": LSTMEncoder(PUBLISHED),
    }
    if name not in named:
        raise InputError(f"no encoder is called {name!r}; there are {', '.join(named)}")
    return named[name]
