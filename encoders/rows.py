"""Fixed numbers of rows, so that a program that was compiled for one number serves for many.

Axis letters: N rows.
"""

import numpy as np


def padded(n: int, smallest: int) -> int:
    """The rung of the ladder smallest, 4 smallest, 16 smallest, ... that holds n rows."""
    while smallest < n:
        smallest *= 4
    return smallest


def padded_rows(array: np.ndarray, size: int) -> np.ndarray:
    """The array with zeros after it, up to `size` rows."""
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])
