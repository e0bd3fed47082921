"""A language model that compiles in seconds, and a text that it learns in a few steps."""

import numpy as np

from nao.data import Card, Text
from nao.evaluators.language import LanguageChild
from nao.spaces import RNNCellSpace, RNNTreeSpace

GATED = RNNCellSpace("test-cell", nodes=3)
TREE = RNNTreeSpace("test-tree", base=2)
CHILD = LanguageChild(units=8, batch=4, window=5, epochs=3, learning_rate=10.0, clip=0.5)
TYPES = 8


def cycle(tokens, begin=0):
    """Words that always follow one another in the same order: all are equally frequent."""
    return (np.arange(begin, begin + tokens) * 3 % TYPES).astype(np.int32)


def text(train=400, valid=83, test=62):
    """A text of cycles with so many tokens in each split."""
    splits = {"train": cycle(train), "valid": cycle(valid, 1), "test": cycle(test, 2)}
    card = Card(origin="made", licence="none", size="small", split="by hand")
    return Text("cycle", "word", **splits, vocabulary=tuple("abcdefgh"), card=card)
