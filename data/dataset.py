"""The record every loader returns: three disjoint splits of labelled images, and where they come from.

Axis letters: N, M, L images of the training, validation and test split, H height, W width, C channels.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Int, Int32, Num

from nao.core import Json
from nao.data.identity import Identified, fingerprint_of


@dataclasses.dataclass(frozen=True)
class Card:
    """What a data set is, in a few words; `str()` is the line that `nao` prints before it trains on one.

    Attributes:
      origin: who made it, or where it was read from.
      licence: under what terms it may be used.
      size: how many images of what shape, and how many classes; or how many tokens of how many types.
      split: how the three splits were made.
    """

    origin: str
    licence: str
    size: str
    split: str

    def __str__(self) -> str:
        return f"{self.size}; {self.split}. Origin: {self.origin}. Licence: {self.licence}"


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset(Identified):
    """Labelled images in three disjoint splits. A search selects by the validation split alone.

    Images are uint8, or float32 where that is what was given; nothing is rescaled. A split that does
    not exist has zero images. Sets are equal when their configurations are, wherever they were read from.

    Attributes:
      name: what `load` was asked for; of a file, its name without the folder.
      x_train: `[N, H, W, C]` images, and `y_train`: `[N]` their classes.
      x_valid: `[M, H, W, C]` images, and `y_valid`: `[M]` their classes.
      x_test: `[L, H, W, C]` images, and `y_test`: `[L]` their classes.
      classes: the number of classes; every label is in 0..classes - 1.
      card: where it comes from and how it was split.
      path: the file or folder that it was read from, if it was not read from its usual place.
    """

    name: str
    x_train: Num[np.ndarray, "N H W C"]
    y_train: Int32[np.ndarray, " N"]
    x_valid: Num[np.ndarray, "M H W C"]
    y_valid: Int32[np.ndarray, " M"]
    x_test: Num[np.ndarray, "L H W C"]
    y_test: Int32[np.ndarray, " L"]
    classes: int
    card: Card
    path: str | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image."""
        _, h, w, c = self.x_train.shape
        return h, w, c

    @property
    def mean(self) -> Float32[np.ndarray, " C"]:
        """`[C]` mean of each channel over the training images."""
        return self._moments[0]

    @property
    def std(self) -> Float32[np.ndarray, " C"]:
        """`[C]` standard deviation of each channel over the training images; 1 for a constant channel."""
        return self._moments[1]

    @functools.cached_property
    def _moments(self) -> tuple[Float32[np.ndarray, " C"], Float32[np.ndarray, " C"]]:
        """Mean and standard deviation, in float64 but never a float64 copy of all the images."""
        n, h, w, _ = self.x_train.shape
        pixels = n * h * w
        chunks = np.array_split(self.x_train, range(1024, n, 1024))
        mean = sum(chunk.sum(axis=(0, 1, 2), dtype=np.float64) for chunk in chunks) / pixels
        variance = sum(np.square(chunk - mean).sum(axis=(0, 1, 2)) for chunk in chunks) / pixels
        std = np.sqrt(variance)
        # Rounding may leave a constant channel a deviation just above zero.
        constant = std <= 1e-6 * np.abs(mean)
        return mean.astype(np.float32), np.where(constant, 1, std).astype(np.float32)

    @functools.cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits (BLAKE2b) that change with any pixel, label, shape or type."""
        train, valid = (self.x_train, self.y_train), (self.x_valid, self.y_valid)
        return fingerprint_of((*train, *valid, self.x_test, self.y_test))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this data in a study, and the `path` that `nao.data.make` reads again."""
        return {
            "name": self.name,
            "path": self.path,
            "train": list(self.x_train.shape),
            "valid": list(self.x_valid.shape),
            "test": list(self.x_test.shape),
            "classes": self.classes,
            "fingerprint": self.fingerprint,
        }


def describe(
    x_train: Num[np.ndarray, "N H W C"],
    x_valid: Num[np.ndarray, "M H W C"],
    x_test: Num[np.ndarray, "L H W C"],
    classes: int,
) -> str:
    """The `size` line of a card, from the images of the three splits."""
    _, h, w, c = x_train.shape
    n = len(x_train) + len(x_valid) + len(x_test)
    return f"{n:,} images of {h}x{w}x{c} ({x_train.dtype}), {classes} classes"


def first_line(error: Exception) -> str:
    """What another library's error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def stratified_order(labels: Int[np.ndarray, " N"], rng: np.random.Generator) -> Int[np.ndarray, " N"]:
    """Shuffles examples so that every stretch of the result holds the classes in their proportions.

    The k-th of the n examples of a class (k = 1..n, in random order) goes to place k / n on [0, 1], so
    cutting the result gives stratified splits. The last places go to one example of each class, except
    to classes of a single example, which come first.

    Args:
      labels: `[N]` classes, 0 or more.
      rng: NumPy generator; it is advanced.

    Returns:
      `[N]` a permutation of 0..N - 1.
    """
    shuffled = rng.permutation(len(labels))
    by_class = np.argsort(labels[shuffled], kind="stable")
    counts = np.bincount(labels)
    first = np.cumsum(counts) - counts
    rank = np.empty(len(labels), np.int64)
    rank[by_class] = np.arange(1, len(labels) + 1) - np.repeat(first, counts)
    n = counts[labels[shuffled]]
    place = np.where(n > 1, rank / n, 0)
    order: Int[np.ndarray, " N"] = shuffled[np.argsort(place, kind="stable")]
    return order
