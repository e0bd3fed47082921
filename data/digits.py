"""The embedded default: scikit-learn's handwritten digits, real images that come with the wheel.

Axis letters: N images.
"""

import numpy as np

from nao.data.dataset import Card, Dataset, describe, stratified_order

SEED = 0  # of the split
TRAIN, VALID = 1000, 400  # of 1,797; the remaining 397 are the test split


def load_digits() -> Dataset:
    """The 1,797 digits `[N, 8, 8, 1]` with grey values 0..16, in a fixed stratified split."""
    from sklearn import datasets  # slow to import

    digits = datasets.load_digits()
    x = digits.images[..., None].astype(np.uint8)
    y = digits.target.astype(np.int32)
    order = stratified_order(y, np.random.default_rng(SEED))
    train, valid, test = np.split(order, [TRAIN, TRAIN + VALID])
    return Dataset(
        name="digits",
        x_train=x[train],
        y_train=y[train],
        x_valid=x[valid],
        y_valid=y[valid],
        x_test=x[test],
        y_test=y[test],
        classes=10,
        card=Card(
            origin="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI), the 1,797 "
            "images of its test part, as scikit-learn ships them",
            licence="CC BY 4.0 (UCI)",
            size=describe(x[train], x[valid], x[test], 10),
            split=f"1,000 / 400 / 397 by a stratified shuffle, seed {SEED}",
        ),
    )
