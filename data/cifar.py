"""Prepares CIFAR-10 and CIFAR-100 for TensorFlow Datasets from their published archives, without TensorFlow.

The builders that TensorFlow Datasets ships unpack the archive and encode the images with TensorFlow. A
subclass does both with the standard library and Pillow, and keeps their name, version, features and
order, so that the result is what they would have written in the array_record format.
"""

import contextlib
import dataclasses
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nao.core import InputError
from nao.data.dataset import first_line

SIDE = 32  # height and width of an image
PIXELS = 3 * SIDE * SIDE  # stored as three planes: red, green, blue


@dataclasses.dataclass(frozen=True)
class Archive:
    """A published archive and what is in it.

    Attributes:
      name: what TensorFlow Datasets calls the set.
      file: name of the archive.
      size: its length in bytes.
      sha256: its checksum.
      train: names of the files with the training images, in order.
      test: name of the file with the test images.
      labels: (feature, file with the names of its classes), one for each label byte before an image.
    """

    name: str
    file: str
    size: int
    sha256: str
    train: tuple[str, ...]
    test: str
    labels: tuple[tuple[str, str], ...]


ARCHIVES = {
    "cifar10": Archive(
        name="cifar10",
        file="cifar-10-binary.tar.gz",
        size=170052171,
        sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        test="test_batch.bin",
        labels=(("label", "batches.meta.txt"),),
    ),
    "cifar100": Archive(
        name="cifar100",
        file="cifar-100-binary.tar.gz",
        size=168513733,
        sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        train=("train.bin",),
        test="test.bin",
        labels=(("coarse_label", "coarse_label_names.txt"), ("label", "fine_label_names.txt")),
    ),
}


def prepare_cifar(archive: Path, data_dir: Path, *, expected: Archive = ARCHIVES["cifar10"]) -> Path:
    """Makes the folder that `tfds.data_source(expected.name, data_dir=data_dir)` reads.

    The whole of CIFAR-10 takes some 15 CPU seconds. The folder appears complete or not at all.

    Args:
      archive: the published .tar.gz file.
      data_dir: where TensorFlow Datasets keeps its sets.
      expected: which archive it must be.

    Returns:
      The prepared folder; one that is there already is left as it is.

    Raises:
      InputError: the archive cannot be read or is another one, or the folder cannot be written.
    """
    _check(archive, expected)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=f".{expected.name}-") as scratch:
            made = _prepare(archive, scratch, expected)
            target = data_dir / made.relative_to(scratch)
            target.parent.mkdir(exist_ok=True)
            try:
                os.rename(made, target)
            except OSError:
                # Another process may have been faster; its folder is as good as ours.
                if not target.exists():
                    raise
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"cannot prepare {expected.name} in {data_dir}: {first_line(error)}") from error
    return target


def _check(path: Path, expected: Archive) -> None:
    """Refuses a file that is not the published archive; reads it only if its size is right."""
    try:
        size = path.stat().st_size
        if size != expected.size:
            raise InputError(
                f"{path} has {size} bytes; {expected.file} has {expected.size}: download it again"
            )
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; it must be {expected.file}") from None
    if sha256 != expected.sha256:
        raise InputError(f"{path} has sha256 {sha256}, not {expected.sha256}: download it again")


def _members(path: Path, expected: Archive) -> dict[str, bytes]:
    """The contents of the archive's files, by name without folder."""
    names = {*expected.train, expected.test, *(file for _, file in expected.labels)}
    contents = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if name in names and (file := archive.extractfile(member)):
                contents[name] = file.read()
    if missing := sorted(names - set(contents)):
        raise InputError(f"{path} lacks {' '.join(missing)}; it must be {expected.file}")
    return contents


def _examples(prefix: str, data: bytes, keys: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (index, example) for every record: a byte per label, then the pixels."""
    from PIL import Image

    for i, record in enumerate(np.frombuffer(data, np.uint8).reshape(-1, len(keys) + PIXELS)):
        planes = record[len(keys) :].reshape(3, SIDE, SIDE)
        image = Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))
        labels = {key: int(label) for key, label in zip(keys, record, strict=False)}
        yield i, {"id": f"{prefix}_{i:05d}", "image": image, **labels}


def _prepare(path: Path, folder: str, expected: Archive) -> Path:
    """Runs the shipped builder with its reading replaced; returns the folder it made."""
    import tensorflow_datasets as tfds

    contents = _members(path, expected)
    keys = tuple(key for key, _ in expected.labels)
    shipped: Any = tfds.builder_cls(expected.name)

    # Skipped, or the subclass would take the shipped builder's place in this process.
    with tfds.core.registered.skip_registration():

        class Builder(shipped):  # type: ignore[misc]
            name = expected.name

            def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
                for key, file in expected.labels:
                    self.info.features[key].names = contents[file].decode().split()
                train = b"".join(contents[file] for file in expected.train)
                return {
                    "train": _examples("train", train, keys),
                    "test": _examples("test", contents[expected.test], keys),
                }

    builder = Builder(data_dir=folder, file_format="array_record")
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    # It reports on stdout and draws progress bars on stderr.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        builder.download_and_prepare(download_config=config)
    return Path(builder.data_dir)
