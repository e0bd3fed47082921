"""Image sets that TensorFlow Datasets has prepared on this machine, read without TensorFlow.

Only what is already on disk is read: without TensorFlow almost no set can be prepared, and trying to
costs minutes of network retries. CIFAR-10 and CIFAR-100 are prepared here from their archives.

Axis letters: N images, H height, W width, C channels.
"""

import difflib
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, Num

from nao.core import InputError
from nao.data import cifar
from nao.data.dataset import Card, Dataset, describe, first_line
from nao.inputs import user_path

NAME = re.compile(r"\w+(/[\w.-]+)?(:[\d.*]+)?")  # set[/configuration][:version]
VALID_SHARE = 10  # one in ten training images, where no validation split is published


def load_tfds(name: str, data_dir: Path | None = None) -> Dataset:
    """Reads a prepared set of classified images through its data source.

    The validation split is the published one, or else the last tenth of the training split (for CIFAR-10
    45,000 / 5,000); TensorFlow Datasets stores examples in an order shuffled once. The test split is the
    published one, or else empty.

    Args:
      name: what TensorFlow Datasets calls it, with a configuration and version if need be:
        `cifar10`, `cifar10_corrupted/fog_1`, `mnist:3.0.1`.
      data_dir: where it is prepared; by default where TensorFlow Datasets keeps its sets. If CIFAR-10 or
        CIFAR-100 is not, but its archive lies in `downloads/manual` there, it is prepared first.

    Raises:
      InputError: no such set, not prepared, in a format that needs TensorFlow, or not classified images.
    """
    builder = _prepared(name, data_dir)
    image, label = _features(name, builder.info)
    published = set(builder.info.splits)
    if "train" not in published:
        raise InputError(f"tfds:{name} has no train split, only {' '.join(sorted(published))}")

    x, y = _read(name, builder, "train", image, label)
    if "validation" in published:
        x_train, y_train = x, y
        x_valid, y_valid = _read(name, builder, "validation", image, label)
        split = "train and validation as published"
    else:
        n = len(x) - len(x) // VALID_SHARE
        x_train, y_train, x_valid, y_valid = x[:n], y[:n], x[n:], y[n:]
        split = f"validation: the last {len(x_valid):,} of train"
    if "test" in published:
        x_test, y_test = _read(name, builder, "test", image, label)
        split += "; test as published"
    else:
        x_test, y_test = x[:0], y[:0]
        split += "; no test images"
    if not len(x_train) or not len(x_valid):
        raise InputError(f"tfds:{name} has only {len(x)} training images")

    classes = builder.info.features[label].num_classes
    licence = builder.info.redistribution_info.license
    return Dataset(
        name=f"tfds:{name}",
        x_train=x_train,
        y_train=y_train,
        x_valid=x_valid,
        y_valid=y_valid,
        x_test=x_test,
        y_test=y_test,
        classes=classes,
        card=Card(
            origin=f"{builder.info.full_name}, {builder.info.homepage or 'TensorFlow Datasets'}",
            licence=licence or "not stated by TensorFlow Datasets: see the origin",
            size=describe(x_train, x_valid, x_test, classes),
            split=split,
        ),
        path=None if data_dir is None else str(user_path(data_dir).resolve()),
    )


def _prepared(name: str, data_dir: Path | None) -> Any:
    """The builder of a set that is on disk."""
    builder = _builder(name, data_dir)
    folder = Path(builder.data_dir)
    if (folder / "dataset_info.json").exists():  # written last
        return builder
    if folder.exists():
        raise InputError(f"tfds:{name}: {folder} is incomplete; delete it and prepare the set again")

    if builder.name not in cifar.ARCHIVES:
        raise InputError(
            f"tfds:{name} is not prepared in {folder}: where TensorFlow is installed, run "
            f"tfds.builder({name!r}, file_format='array_record').download_and_prepare() and copy the folder"
        )
    expected = cifar.ARCHIVES[builder.name]
    root = folder.parents[1]
    archive = root / "downloads" / "manual" / expected.file
    if not archive.exists():
        raise InputError(
            f"tfds:{name} is not prepared in {folder}: put {expected.file} ({expected.size:,} bytes) into "
            f"{archive.parent} and it will be"
        )
    cifar.prepare_cifar(archive, root, expected=expected)
    return _builder(name, data_dir)


def _builder(name: str, data_dir: Path | None) -> Any:
    """What TensorFlow Datasets knows about a set, without touching the network."""
    if not NAME.fullmatch(name):
        raise InputError(f"tfds:{name}: write tfds:NAME, for instance tfds:cifar10 or tfds:mnist:3.0.1")
    import tensorflow_datasets as tfds  # slow to import

    try:
        return tfds.builder(name, data_dir=data_dir and user_path(data_dir))
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(re.split("[/:]", name)[0], known)
        hint = f"; did you mean {' or '.join(f'tfds:{match}' for match in close)}?" if close else ""
        raise InputError(f"TensorFlow Datasets has no {name!r}{hint}") from None
    except Exception as error:  # an unknown configuration or version, a damaged folder, a missing package
        raise InputError(f"tfds:{name} cannot be opened: {first_line(error)}") from error


def _features(name: str, info: Any) -> tuple[str, str]:
    """The names of the image and of the label of an example."""
    import tensorflow_datasets as tfds

    match info.supervised_keys:
        case (str(image), str(label)) if (
            isinstance(info.features[image], tfds.features.Image | tfds.features.Tensor)
            and len(info.features[image].shape) == 3
            and isinstance(info.features[label], tfds.features.ClassLabel)
        ):
            return image, label
    raise InputError(f"tfds:{name} is not a set of images with one class each")


def _read(
    name: str, builder: Any, split: str, image: str, label: str
) -> tuple[Num[np.ndarray, "N H W C"], Int32[np.ndarray, " N"]]:
    """The images and labels of one split, in stored order."""
    # Decoding recommends another decoder than Pillow, once a process, as a warning.
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        source = builder.as_data_source(split=split)  # what tfds.data_source returns
        examples = ((example[image], example[label]) for example in source)
        return _stack(name, examples, len(source))
    except InputError:
        raise
    except NotImplementedError:
        raise InputError(
            f"tfds:{name} is prepared as {builder.info.file_format.value} in {builder.data_dir}, which only "
            "TensorFlow reads; prepare it with file_format='array_record'"
        ) from None
    except Exception as error:  # a missing or damaged file
        raise InputError(f"tfds:{name}: cannot read {builder.data_dir}: {first_line(error)}") from error
    finally:
        logger.setLevel(level)


def _stack(name: str, examples: Any, n: int) -> tuple[Num[np.ndarray, "N H W C"], Int32[np.ndarray, " N"]]:
    """Fills arrays of n images, all of the shape of the first, as uint8 or else float32."""
    y = np.empty(n, np.int32)
    x: np.ndarray | None = None
    for i, (pixels, y[i]) in enumerate(examples):
        if x is None:
            x = np.empty((n, *pixels.shape), np.uint8 if pixels.dtype == np.uint8 else np.float32)
        if pixels.shape != x.shape[1:]:
            sizes = f"{x.shape[1:]} and {pixels.shape}"
            raise InputError(f"tfds:{name} has images of different sizes, {sizes}; one size is needed")
        x[i] = pixels
    if x is None:
        raise InputError(f"tfds:{name} has an empty split")
    if y.min() < 0:
        raise InputError(f"tfds:{name} has a split without labels")
    return x, y
