"""Encoders with small networks, which are fitted in a second, and what tests do with them."""

import dataclasses

import numpy as np

from nao.encoders.presets import DEFAULT, JOINT, PUBLISHED
from nao.improve import improve


def smaller(encoder, *, hidden_size=24, hidden=(32,), **training):
    """The encoder with small networks, and a training of another length."""
    predictor = encoder.predictor
    if hasattr(predictor, "hidden"):
        predictor = dataclasses.replace(predictor, hidden=hidden)
    networks = dataclasses.replace(encoder.networks, hidden_size=hidden_size, embedding_size=hidden_size // 2)
    training = dataclasses.replace(encoder.training, **training)
    return dataclasses.replace(encoder, networks=networks, predictor=predictor, training=training)


# Few architectures make few updates, so that one program serves the quick tests and those of learning.
PUBLISHED = smaller(PUBLISHED, batch_size=32, num_augmentations=8, epochs=2)
JOINT = smaller(
    JOINT,
    batch_size=32,
    num_augmentations=8,
    ensemble_size=2,
    held_out=0.5,
    num_unlabelled=16,
    epochs=24,
    min_updates=0,
)
DEFAULT = smaller(DEFAULT, num_unlabelled=64, min_updates=400)
SMALL = {"default": DEFAULT, "joint": JOINT, "published": PUBLISHED}


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
