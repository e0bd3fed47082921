"""Sets of TensorFlow Datasets without TensorFlow, made here: nothing is downloaded."""

import dataclasses
import hashlib
import io
import json
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from nao.core import InputError
from nao.data import cifar, load, make, prepare_cifar


def pixels(n, seed, shape=(6, 5, 3)):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def prepare(name, folder, splits, label=None):
    """Prepares a set of images `{split: [N, H, W, C]}` whose i-th label is i % 3."""

    def examples(images):
        for i, image in enumerate(images):
            yield i, {"image": Image.fromarray(image), "label": i % 3}

    with tfds.core.registered.skip_registration():

        class Builder(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self):
                features = {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": label or tfds.features.ClassLabel(num_classes=4),
                }
                return tfds.core.DatasetInfo(
                    builder=self,
                    features=tfds.features.FeaturesDict(features),
                    supervised_keys=("image", "label"),
                    homepage="https://example.org",
                    license="CC0",
                )

            def _split_generators(self, dl_manager):
                return {split: examples(images) for split, images in splits.items()}

            def _generate_examples(self):
                raise NotImplementedError

    Builder.name = name
    builder = Builder(data_dir=folder, file_format="array_record")
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    return folder / name / "1.0.0"


def by_content(x, y):
    return {image.tobytes(): int(label) for image, label in zip(x, y, strict=True)}


def test_a_prepared_set_is_read_pixel_for_pixel(tmp_path, capfd):
    train, test = pixels(50, 1), pixels(7, 2)
    prepare("made_set", tmp_path, {"train": train, "test": test})
    capfd.readouterr()
    data = load("tfds:made_set", data_dir=tmp_path)
    assert capfd.readouterr() == ("", "")
    assert data.x_train.shape == (45, 6, 5, 3)
    assert data.x_valid.shape == (5, 6, 5, 3)
    assert data.x_train.dtype == np.uint8
    assert data.y_train.dtype == np.int32
    assert data.classes == 4
    # All 50 training images are in exactly one of the two splits, with their labels.
    read = by_content(data.x_train, data.y_train) | by_content(data.x_valid, data.y_valid)
    assert read == by_content(train, np.arange(50) % 3)
    assert by_content(data.x_test, data.y_test) == by_content(test, np.arange(7) % 3)
    assert data.card.licence == "CC0"
    assert "https://example.org" in data.card.origin
    assert data.configuration()["path"] == str(tmp_path)
    assert make(json.loads(json.dumps(data.configuration()))) == data
    assert load("tfds:made_set:1.0.0", data_dir=tmp_path).fingerprint == data.fingerprint


def test_published_validation_is_used_and_a_missing_test_split_is_empty(tmp_path):
    train, valid = pixels(20, 1), pixels(6, 2)
    prepare("validated", tmp_path, {"train": train, "validation": valid})
    data = load("tfds:validated", data_dir=tmp_path)
    assert by_content(data.x_train, data.y_train) == by_content(train, np.arange(20) % 3)
    assert by_content(data.x_valid, data.y_valid) == by_content(valid, np.arange(6) % 3)
    assert data.x_test.shape == (0, 6, 5, 3)
    assert "no test" in data.card.split


def refusal(name, folder):
    with pytest.raises(InputError) as error:
        load(name, data_dir=folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_sets_that_do_not_fit_are_refused(tmp_path):
    prepare("numbers", tmp_path, {"train": pixels(20, 1)}, label=tfds.features.Scalar(np.int64))
    assert "one class each" in refusal("tfds:numbers", tmp_path)
    sizes = [*pixels(4, 1), *pixels(4, 1, (5, 6, 3))]
    prepare("sizes", tmp_path, {"train": sizes})
    assert "different sizes" in refusal("tfds:sizes", tmp_path)
    prepare("tested", tmp_path, {"test": pixels(5, 1)})
    assert "no train split, only test" in refusal("tfds:tested", tmp_path)
    prepare("tiny", tmp_path, {"train": pixels(5, 1)})
    assert "only 5 training images" in refusal("tfds:tiny", tmp_path)


def test_damaged_and_foreign_folders_are_refused(tmp_path):
    folder = prepare("broken", tmp_path, {"train": pixels(20, 1)})
    info = folder / "dataset_info.json"
    record = json.loads(info.read_text())
    (shard,) = folder.glob("*.array_record*")
    contents = shard.read_bytes()

    shard.write_bytes(contents[: len(contents) // 2])
    assert "cannot read" in refusal("tfds:broken", tmp_path)
    shard.unlink()
    assert "cannot read" in refusal("tfds:broken", tmp_path)
    info.write_text(json.dumps(record | {"fileFormat": "tfrecord"}))
    assert "file_format='array_record'" in refusal("tfds:broken", tmp_path)
    info.write_text("{")
    assert "cannot be opened" in refusal("tfds:broken", tmp_path)

    (tmp_path / "cifar10" / "3.0.2").mkdir(parents=True)
    assert "incomplete" in refusal("tfds:cifar10", tmp_path)


def archive(path, expected, members):
    """Writes an archive of the files `{name: bytes}`; returns `expected` with its size and checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, contents in members.items():
            entry = tarfile.TarInfo(f"folder/{name}")
            entry.size = len(contents)
            file.addfile(entry, io.BytesIO(contents))
    contents = path.read_bytes()
    return dataclasses.replace(expected, size=len(contents), sha256=hashlib.sha256(contents).hexdigest())


def records(n, seed, classes):
    """n records as published: a byte per label, then the three planes; and what they mean."""
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.integers(0, c, n, dtype=np.uint8) for c in classes], axis=1)
    planes = rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    contents = np.concatenate([labels, planes.reshape(n, -1)], axis=1).tobytes()
    return contents, np.moveaxis(planes, 1, -1), labels[:, -1]


def made_cifar(name, each=40):
    """The members of a small CIFAR, its training images and labels, and its test images and labels."""
    expected = cifar.ARCHIVES[name]
    classes = {"cifar10": (10,), "cifar100": (20, 100)}[name]
    files = (*expected.train, expected.test)
    made = [records(each, seed, classes) for seed in range(len(files))]
    members = {file: contents for file, (contents, _, _) in zip(files, made, strict=True)}
    for (_, file), n in zip(expected.labels, classes, strict=True):
        members[file] = "".join(f"name{i}\n" for i in range(n)).encode() + b"\n"
    x, y = (np.concatenate([record[i] for record in made[:-1]]) for i in (1, 2))
    return members, (x, y), made[-1][1:]


@pytest.mark.parametrize(("name", "train"), [("cifar10", 200), ("cifar100", 40)])
def test_cifar_is_prepared_from_its_archive_pixel_for_pixel(tmp_path, monkeypatch, capfd, name, train):
    members, given, tested = made_cifar(name)
    path = tmp_path / "downloads" / "manual" / cifar.ARCHIVES[name].file
    expected = archive(path, cifar.ARCHIVES[name], members)
    monkeypatch.setitem(cifar.ARCHIVES, name, expected)
    data = load(f"tfds:{name}", data_dir=tmp_path)
    assert capfd.readouterr() == ("", "")
    assert (len(data.x_train), len(data.x_valid), len(data.x_test)) == (train * 9 // 10, train // 10, 40)
    read = by_content(data.x_train, data.y_train) | by_content(data.x_valid, data.y_valid)
    assert read == by_content(*given)
    assert by_content(data.x_test, data.y_test) == by_content(*tested)
    assert data.classes == (10 if name == "cifar10" else 100)

    assert sorted(p.name for p in tmp_path.iterdir()) == [name, "downloads"]
    assert [p.name for p in (tmp_path / name).iterdir()] == ["3.0.2"]
    folder = tmp_path / name / "3.0.2"
    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert prepare_cifar(path, tmp_path, expected=expected) == folder
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    path.unlink()  # no longer needed
    assert load(f"tfds:{name}", data_dir=tmp_path).fingerprint == data.fingerprint

    source = tfds.data_source(name, split="test", data_dir=tmp_path, download=False)
    assert sorted(example["id"] for example in source) == [f"test_{i:05d}".encode() for i in range(40)]
    assert tfds.builder(name, data_dir=tmp_path).info.features["label"].int2str(3) == "name3"
    assert "Builder" not in repr(tfds.builder_cls(name))  # the shipped builder is still in its place


def test_a_wrong_archive_is_refused_before_anything_is_made(tmp_path):
    path = tmp_path / "a" / "cifar-10-binary.tar.gz"
    folder = tmp_path / "sets"
    members, *_ = made_cifar("cifar10", each=2)
    expected = archive(path, cifar.ARCHIVES["cifar10"], members)
    with pytest.raises(InputError, match="has 170052171"):
        prepare_cifar(path, folder)
    with pytest.raises(InputError, match="has sha256"):
        prepare_cifar(path, folder, expected=dataclasses.replace(expected, sha256="0" * 64))
    with pytest.raises(InputError, match=r"No such file.*cifar-10-binary\.tar\.gz"):
        prepare_cifar(tmp_path / "none.tar.gz", folder, expected=expected)
    assert not folder.exists()


@pytest.mark.parametrize("fault", ["label", "record", "member", "archive"])
def test_a_failed_preparation_leaves_nothing_behind(tmp_path, fault):
    path = tmp_path / "a" / "cifar-10-binary.tar.gz"
    folder = tmp_path / "sets"
    members, *_ = made_cifar("cifar10", each=3)
    if fault == "label":
        members["test_batch.bin"] = b"\x4d" + members["test_batch.bin"][1:]  # class 77
    elif fault == "record":
        members["test_batch.bin"] = members["test_batch.bin"][:-1]
    elif fault == "member":
        del members["data_batch_5.bin"]
    expected = archive(path, cifar.ARCHIVES["cifar10"], members)
    if fault == "archive":
        path.write_bytes(b"no archive")
        expected = dataclasses.replace(expected, size=10, sha256=hashlib.sha256(b"no archive").hexdigest())
    with pytest.raises(InputError) as error:
        prepare_cifar(path, folder, expected=expected)
    assert "\n" not in str(error.value)
    assert list(folder.iterdir()) == []


def test_a_set_is_read_strictly_and_quietly_without_jax_or_tensorflow(tmp_path):
    prepare("quiet", tmp_path, {"train": pixels(20, 1)})
    program = """
import sys
from pathlib import Path
import nao.data
assert nao.data.load("tfds:quiet", data_dir=Path(sys.argv[1])).x_train.shape == (18, 6, 5, 3)
assert not {"jax", "tensorflow"} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
