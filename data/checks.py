"""Mistakes in a file of images that no program notices and that make its scores worthless.

Axis letters: N images, H height, W width, C channels.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int, Num

from nao.core import InputError

MOST_SHARED = 0.1  # of a split that may also be in another one; a few images come twice in many sets
MOST_RATIO = 4  # between the ranges of the pixels of two splits
MOST_CLASSES = 65536  # a larger label is an identifier, not a class


def check_layout(path: object, key: str, shape: tuple[int, ...]) -> None:
    """Refuses images `[N, H, W, C]` whose channels come first.

    Raises:
      InputError: they seem to.
    """
    _, h, w, c = shape
    if (h == 3 and c > 4) or (h == 1 and w == c > 4):
        raise InputError(
            f"{path}: {key} has shape {shape}, with its channels first; they must come last:"
            f" save {key}.transpose(0, 2, 3, 1)"
        )


def check_scale(path: object, x: Mapping[str, Num[np.ndarray, "_ H W C"]]) -> None:
    """Refuses splits whose pixels do not have the same scale.

    Raises:
      InputError: the pixels of one reach much further than those of another.
    """
    reach = {split: (images.min(), images.max()) for split, images in x.items() if images.size}
    low, high = reach["train"]
    for split, (lowest, highest) in reach.items():
        ours, theirs = float(highest) - float(lowest), float(high) - float(low)
        if max(ours, theirs) > MOST_RATIO * min(ours, theirs):
            raise InputError(
                f"{path}: the pixels of x_{split} reach from {lowest:g} to {highest:g}, those of x_train from"
                f" {low:g} to {high:g}: give all splits the same scale"
            )


def check_shared(path: object, x: Mapping[str, Num[np.ndarray, "_ H W C"]]) -> str:
    """Refuses splits that share many images.

    Returns:
      what to say of the few images that they share; nothing if there are none.

    Raises:
      InputError: many images of one are also in another.
    """
    known: dict[str, set[int]] = {}
    said = ""
    for split, images in x.items():
        hashes = [hash(image.tobytes()) for image in images]
        for other, there in known.items():
            shared = sum(each in there for each in hashes)
            what = f"{shared:,} of the {len(hashes):,} images of x_{split} are also in x_{other}"
            if shared > MOST_SHARED * len(hashes):
                raise InputError(f"{path}: {what}; the splits must not share images, or scores mean nothing")
            said += f"; {what}" if shared else ""
        known[split] = set(hashes)
    return said


def check_labels(path: object, key: str, labels: np.ndarray, n: int) -> None:
    """Refuses what are not the n classes of n images.

    Raises:
      InputError: they are not; with what they are, and what to save in their place.
    """
    got = _described(labels)
    number = f"numpy.unique({key}, return_inverse=True)[1]"
    if labels.ndim == 2 and labels.shape[1] > 1:
        _refuse(path, key, f"{got}, perhaps one-hot: save {key}.argmax(1)")
    if labels.ndim != 1:
        _refuse(path, key, f"{got}: save {key}.reshape(-1)")
    if labels.dtype.kind == "b" or (labels.dtype.kind == "f" and (labels == np.round(labels)).all()):
        _refuse(path, key, f"{got}: save {key}.astype(int)")
    if labels.dtype.kind not in "iu":
        _refuse(path, key, f"{got}: number the classes, as {number} does")
    if len(labels) != n:
        raise InputError(f"{path}: {key} has {len(labels)} labels for {n} images")
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= MOST_CLASSES:
        raise InputError(
            f"{path}: {key} reaches from {labels.min()} to {labels.max()}; classes count from 0: number them,"
            f" as {number} does"
        )


def _described(labels: np.ndarray) -> str:
    """What labels are, where they are not what they should be."""
    kind = {"U": "text", "S": "bytes", "f": "floats", "b": "truths"}.get(labels.dtype.kind, str(labels.dtype))
    return f"{kind} of shape {labels.shape}"


def _refuse(path: object, key: str, instead: str) -> None:
    raise InputError(f"{path}: {key} must be whole numbers [N], one class for each image, not {instead}")


def check_classes(path: object, y: Mapping[str, Int[np.ndarray, " _"]]) -> None:
    """Refuses labels that do not count the classes from 0.

    Raises:
      InputError: they begin with 1, most classes would have no images, or there is one class only.
    """
    there = np.unique(np.concatenate(list(y.values())))
    if len(there) < 2:
        raise InputError(f"{path}: all labels are {there[0]}; there must be two classes or more")
    if there[0] > 0 and there[-1] - there[0] < 2 * len(there):
        raise InputError(
            f"{path}: the labels reach from {there[0]} to {there[-1]}, but classes count from 0: subtract"
            f" {there[0]} from y_train and all others"
        )
    if 2 * len(there) < there[-1] + 1:
        raise InputError(
            f"{path}: the labels are {len(there)} different numbers up to {there[-1]}, but classes count from"
            " 0: number them, as numpy.unique(labels of all splits, return_inverse=True)[1] does"
        )
