"""A child network that compiles in seconds, and images that it learns in a few steps."""

import numpy as np

from nao.data import Card, Dataset
from nao.evaluators.images import Child
from nao.spaces import CellSpace, operations

SPACE = CellSpace("test", operations("conv-1x1", "max-pooling-3x3"), blocks=2)
CHILD = Child(cells=1, channels=2, steps=40, batch=16)
CLASSES, TRAIN, VALID, TEST = 4, 64, 40, 24


def dataset(test=TEST, seed=0):
    """Images of one bright quarter, which is the class, and noise; the seed is that of the test images."""

    def draw(n, seed):
        rng = np.random.default_rng(seed)
        y = np.arange(n, dtype=np.int32) % CLASSES
        x = rng.normal(size=(n, 8, 8, 1)).astype(np.float32)
        for image, label in zip(x, y, strict=True):
            top, left = 4 * (label // 2), 4 * (label % 2)
            image[top : top + 4, left : left + 4] += 3
        return x, y

    splits = draw(TRAIN, 100), draw(VALID, 101), draw(test, seed)
    return Dataset("quarters", *splits[0], *splits[1], *splits[2], CLASSES, Card("made", "none", "", ""))
