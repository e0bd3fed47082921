"""Image sets in one NumPy archive, `FILE.npz`, checked before a search spends an hour on them.

Axis letters: N images, H height, W width, C channels.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int, Int32

from nao.core import InputError
from nao.data.checks import check_classes, check_labels, check_layout, check_scale, check_shared
from nao.data.dataset import Card, Dataset, describe, first_line, stratified_order
from nao.inputs import file_name

SEED = 0  # of the validation split, where the file brings none
SPLITS = ("train", "valid", "test")
KEYS = tuple(f"{letter}_{split}" for split in SPLITS for letter in "xy")


def load_npz(path: Path) -> Dataset:
    """Reads `x_train y_train [x_valid y_valid x_test y_test]`.

    Images are `[N, H, W]` or `[N, H, W, C]`. Whole numbers 0..255 become uint8, anything else float32.
    Labels are whole numbers `[N]` from 0; there are (highest label + 1) classes, and up to half of them may
    have no images. Without `x_valid`, the last tenth of a stratified shuffle of the training images is the
    validation split (at least one image of every class that has two). Without `x_test`, the test split is
    empty.

    Raises:
      InputError: the file cannot be read, is not that, or makes one of the mistakes of `nao.data.checks`.
    """
    arrays = _read(path)
    splits = [split for split in SPLITS if f"x_{split}" in arrays]
    x = _images(path, {split: arrays[f"x_{split}"] for split in splits})
    check_scale(path, x)
    for split in splits:
        check_labels(path, f"y_{split}", arrays[f"y_{split}"], len(x[split]))
    y = {split: arrays[f"y_{split}"].astype(np.int32) for split in splits}
    check_classes(path, y)
    shared = check_shared(path, x)
    if "valid" in splits:
        split = "splits as in the file"
    else:
        train, valid = _divide(path, y["train"])
        x |= {"train": x["train"][train], "valid": x["train"][valid]}
        y |= {"train": y["train"][train], "valid": y["train"][valid]}
        split = f"validation: the last {len(valid):,} of a stratified shuffle of train, seed {SEED}"
    if "test" not in splits:
        x["test"], y["test"] = x["train"][:0], y["train"][:0]
        split += "; no test images"
    classes = 1 + max(int(labels.max(initial=0)) for labels in y.values())
    return Dataset(
        name=file_name(path),
        **{f"x_{split}": x[split] for split in SPLITS},
        **{f"y_{split}": y[split] for split in SPLITS},
        classes=classes,
        card=Card(
            origin=f"the file {file_name(path)}",
            licence="not known: the file's owner decides",
            size=describe(x["train"], x["valid"], x["test"], classes),
            split=split + shared,
        ),
        path=str(path.resolve()),
    )


def _divide(
    path: Path, labels: Int32[np.ndarray, " N"]
) -> tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]:
    """The places of the images that are trained on, and of those that are held out for validation."""
    order = stratified_order(labels, np.random.default_rng(SEED))
    both = int((np.bincount(labels) > 1).sum())  # classes that can be in both splits
    train, valid = np.split(order, [len(order) - max(len(order) // 10, both)])
    if not len(valid) or not len(train):
        raise InputError(f"{path}: too few training images to take validation images from; give x_valid")
    return train, valid


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of the file by key, once the keys are known to be right."""
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"{path}: holds one lone array; save it with numpy.savez")
            with archive:
                _check_keys(path, list(archive.keys()))
                return {key: archive[key] for key in archive}
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # whatever a damaged file makes of the zip and array readers
        if "Object arrays" in str(error):
            raise InputError(f"{path}: holds Python objects; it must hold plain numeric arrays") from None
        # What is no archive at all, NumPy takes for a pickle, and advises to trust it.
        detail = "it is no archive of arrays" if "pickle" in str(error) else first_line(error)
        raise InputError(f"{path}: cannot be read as .npz; is it truncated? ({detail})") from None


def _check_keys(path: Path, keys: list[str]) -> None:
    """Refuses missing, unknown and unpaired keys."""
    right = "it must hold x_train y_train [x_valid y_valid] [x_test y_test]"
    paired = {f"{letter}_{key[2:]}" for key in keys if key in KEYS for letter in "xy"}
    missing = sorted((paired | {"x_train", "y_train"}) - set(keys))
    unknown = sorted(set(keys) - set(KEYS))
    if missing:
        raise InputError(f"{path}: lacks {' '.join(missing)}; {right}")
    if unknown:
        raise InputError(f"{path}: unknown {' '.join(unknown)[:200]!a}; {right}")


def _images(path: Path, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The images by split as `[N, H, W, C]`, all uint8 or all float32."""
    x = {}
    for split, array in given.items():
        if array.dtype.kind not in "buif" or array.ndim not in (3, 4):
            raise InputError(
                f"{path}: x_{split} must be numbers [N, H, W] or [N, H, W, C], not {array.dtype} of shape"
                f" {array.shape}"
            )
        x[split] = array[..., None] if array.ndim == 3 else array
        if 0 in x[split].shape and (split == "train" or 0 in x[split].shape[1:]):
            raise InputError(f"{path}: x_{split} has shape {array.shape}: there is nothing in it")
        check_layout(path, f"x_{split}", x[split].shape)
        if x[split].shape[1:] != x["train"].shape[1:]:
            ours, theirs = x[split].shape[1:], x["train"].shape[1:]
            raise InputError(f"{path}: images of x_{split} have shape {ours}, those of x_train {theirs}")
        if (array.dtype.kind == "f") != (x["train"].dtype.kind == "f"):
            raise InputError(
                f"{path}: x_{split} is {array.dtype} but x_train is {x['train'].dtype}; "
                "all must be whole numbers or all floats"
            )
    whole = x["train"].dtype.kind != "f"
    if whole and all(array.min(initial=0) >= 0 and array.max(initial=0) <= 255 for array in x.values()):
        return {split: array.astype(np.uint8) for split, array in x.items()}
    with np.errstate(over="ignore"):  # too large for float32: found as infinite below
        x = {split: array.astype(np.float32) for split, array in x.items()}
    for split, array in x.items():
        if not np.isfinite(array).all():
            raise InputError(f"{path}: x_{split} holds NaN or infinite values; all must be finite")
    return x
