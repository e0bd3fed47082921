"""E, f and D of Neural Architecture Optimization, by name.

configuration.py  every choice, and the two named ones
lstm.py           the recurrence and its gradient
networks.py       encoder, predictor, decoder
loss.py           Eqn. (1)
fit.py            the fit, one compiled program
ascent.py         Eqn. (2)
decode.py         greedy decoding under a grammar
targets.py        what f learns instead of raw scores
lstm_encoder.py   what the rest of the project uses
"""

if __name__ != "nao.encoders":
    raise ImportError("import nao.encoders, not this folder")


from nao.core import InputError
from nao.encoders.configuration import DEFAULT, PUBLISHED
from nao.encoders.lstm_encoder import LSTMEncoder

__all__ = ["LSTMEncoder", "encoder"]


def encoder(name: str) -> LSTMEncoder:
    """The encoder of a name.

    Args:
      name: `default` or `published`.

    Raises:
      InputError: there is no encoder of that name.
    """
    named = {choice.name: choice for choice in (DEFAULT, PUBLISHED)}
    if name not in named:
        raise InputError(f"no encoder is called {name!r}; there are {', '.join(named)}")
    return LSTMEncoder(named[name])
