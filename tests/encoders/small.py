"""Encoders with small networks, which are fitted in a second, and what tests do with them."""

import dataclasses

import numpy as np

from nao.encoders import presets
from nao.improve import improve

TRAINING = {"batch_size": 32, "num_augmentations": 8}


def smaller(encoder, *, hidden_size=24, hidden=(32,), **training):
    """The encoder with small networks, and a training of another length."""
    predictor = encoder.predictor
    if hasattr(predictor, "hidden"):
        predictor = dataclasses.replace(predictor, hidden=hidden)
    networks = dataclasses.replace(encoder.networks, hidden_size=hidden_size, embedding_size=hidden_size // 2)
    training = dataclasses.replace(encoder.training, **training)
    return dataclasses.replace(encoder, networks=networks, predictor=predictor, training=training)


# Few architectures make few updates, so that one program serves the quick tests and those of learning.
PUBLISHED = smaller(presets.PUBLISHED, **TRAINING, epochs=2)

# Its members are fitted jointly, and from the E and D of strings.
DEFAULT = smaller(presets.DEFAULT, num_unlabelled=64, min_updates=400)
_PART = DEFAULT.predictor
_JOINT = dataclasses.replace(
    _PART.joint,
    **TRAINING,
    ensemble_size=2,
    held_out=0.5,
    num_unlabelled=16,
    learning_rate=4e-3,
    trade_off=0.8,
)
_MLP = dataclasses.replace(_PART.mlp, hidden=(32,))

# What it is while there are few scores.
PROCESS = dataclasses.replace(DEFAULT, name="process", predictor=_PART.process)

# The same members by themselves: E, f and D fitted together from weights that are drawn.
JOINT = dataclasses.replace(
    DEFAULT,
    name="joint",
    predictor=dataclasses.replace(_MLP, features=False, dropout=0.1),
    training=dataclasses.replace(_JOINT, epochs=24, min_updates=0),
    ascent=dataclasses.replace(DEFAULT.ascent, noise=0.0, num_steps=4),
)

# The default with a process that knows less than its members: both have a part in f.
STACKED = dataclasses.replace(
    DEFAULT,
    name="stacked",
    predictor=dataclasses.replace(
        _PART,
        process=dataclasses.replace(_PART.process, inputs=("features",)),
        mlp=dataclasses.replace(_MLP, features=False),
        joint=dataclasses.replace(_JOINT, min_updates=60),
        fewest=40,
    ),
)
SMALL = {"default": DEFAULT, "stacked": STACKED, "joint": JOINT, "published": PUBLISHED}


def fitted(space, encoder, n=60, seed=0, scores=None):
    """A model of n scored strings, and the strings."""
    tokens = space.sample_tokens(np.random.default_rng(1), n)
    scores = space.score(tokens) if scores is None else scores
    return encoder.fit(space, tokens, scores, seed=seed), tokens


def improved(encoder, model, tokens, eta, **ascent):
    """Strings that are decoded after a step of size eta, and f(e_x')."""
    ascent = dataclasses.replace(encoder.ascent, step_sizes=(eta,), **ascent)
    ((_, decoded, values),) = improve(model, tokens, ascent, (0, len(tokens)))
    return decoded, values
