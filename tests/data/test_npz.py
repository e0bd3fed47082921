"""Image sets in NumPy archives: what is accepted, what becomes of it, and what is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nao.core import InputError
from nao.data import load, make

SIZES = {"train": 30, "valid": 10, "test": 5}


def images(n, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def good(**changes):
    """A complete set of 30 / 10 / 5 images of 4x5x3 in 3 classes, with keys replaced or (None) removed."""
    arrays = {}
    for split, n in SIZES.items():
        arrays[f"x_{split}"] = images(n, 4, 5, 3, seed=n)
        arrays[f"y_{split}"] = np.arange(n) % 3
    return {key: value for key, value in (arrays | changes).items() if value is not None}


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        path = tmp_path / "made.npz"
        np.savez(path, **arrays)
        return str(path)

    return save


def test_a_complete_file_is_read_as_it_is(save):
    arrays = good()
    data = load(save(**arrays))
    for key, array in arrays.items():
        np.testing.assert_array_equal(getattr(data, key), array)
        assert getattr(data, key).dtype == (np.uint8 if key[0] == "x" else np.int32)
    assert (data.name, data.classes, data.shape) == ("made.npz", 3, (4, 5, 3))
    assert load(save(**arrays)).configuration() == data.configuration()


def test_it_is_made_again_from_its_configuration(save, tmp_path):
    path = Path(save(**good()))
    data = load(os.path.relpath(path))
    configuration = json.loads(json.dumps(data.configuration()))
    assert configuration["path"] == str(path)
    assert make(configuration) == data
    assert hash(make(configuration)) == hash(data)
    moved = path.rename(tmp_path / "moved.npz").rename(tmp_path / "more.npz")
    assert make(configuration | {"path": str(moved)}).fingerprint == data.fingerprint
    with pytest.raises(InputError, match="no such file"):
        make(configuration)
    save(**good(y_test=np.array([0, 0, 1, 1, 2])))
    assert load(str(path)) != data
    with pytest.raises(InputError, match=r"made.npz has changed: its images have the fingerprint") as error:
        make(configuration)
    assert "\n" not in str(error.value)


def test_another_pixel_is_another_set(save):
    before = load(save(**good())).fingerprint
    arrays = good()
    arrays["x_test"][0, 0, 0, 0] ^= 1
    assert load(save(**arrays)).fingerprint != before


def test_grey_images_get_a_channel(save):
    x = images(40, 4, 5)
    data = load(
        save(x_train=x, y_train=np.arange(40) % 2, x_test=images(3, 4, 5, seed=1), y_test=np.arange(3) % 2)
    )
    assert data.shape == (4, 5, 1)
    assert data.x_test.shape == (3, 4, 5, 1)


@pytest.mark.parametrize(
    ("dtype", "scale", "expected"),
    [
        (np.int64, 1, np.uint8),
        (bool, 1, np.uint8),
        (np.int32, -1, np.float32),
        (np.uint16, 200, np.float32),
        (np.float64, 1, np.float32),
        (np.float16, 1, np.float32),
    ],
)
def test_images_become_bytes_or_float32(save, dtype, scale, expected):
    x = (images(35, 4, 5, 3) * np.int64(scale)).astype(dtype)
    x, tested = x[:30], x[30:]
    if dtype is bool:
        x[:, 0, 0], tested[:, 0, 0] = (np.arange(3) == [0], np.arange(3) == [1])  # no images in common
    data = load(save(**good(x_train=x, x_valid=None, y_valid=None, x_test=tested)))
    assert data.x_train.dtype == data.x_valid.dtype == data.x_test.dtype == expected
    np.testing.assert_array_equal(data.x_test, tested.astype(expected))


def test_missing_validation_is_a_tenth_of_train_and_missing_test_is_empty(save):
    x, y = images(200, 4, 4, 1), np.arange(200) % 4
    data = load(save(x_train=x, y_train=y))
    assert (len(data.x_train), len(data.x_valid), len(data.x_test)) == (180, 20, 0)
    assert np.bincount(data.y_valid).tolist() == [5, 5, 5, 5]
    assert data.x_test.shape == (0, 4, 4, 1)
    assert "20" in data.card.split
    assert "no test" in data.card.split
    # Every image is in exactly one split, still with its own label.
    label = {image.tobytes(): number for image, number in zip(x, y, strict=True)}
    for images_, labels in ((data.x_train, data.y_train), (data.x_valid, data.y_valid)):
        assert [label.pop(image.tobytes()) for image in images_] == labels.tolist()
    assert label == {}
    assert load(save(x_train=x, y_train=y)).fingerprint == data.fingerprint


def test_every_class_that_can_be_is_in_both_splits(save):
    y = np.array([0] * 15 + [1] * 3 + [2] * 2 + [7])
    data = load(save(x_train=images(21, 2, 2), y_train=y))
    assert set(data.y_train) == {0, 1, 2, 7}
    assert sorted(data.y_valid) == [0, 1, 2]
    assert data.classes == 8  # gaps are allowed


def scaled(**factors):
    """A complete set of floats whose splits reach from 0 to 1, or to another number."""
    x = {split: images(n, 4, 5, 3, seed=n) / 255 for split, n in SIZES.items()}
    for images_ in x.values():
        images_[0, 0, 0, :2] = 0, 1
    return good(**{f"x_{split}": images_ * factors.get(split, 1) for split, images_ in x.items()})


def test_a_few_images_in_two_splits_are_said_in_the_card(save):
    arrays = good()
    arrays["x_valid"][3] = arrays["x_train"][7]
    assert "1 of the 10 images of x_valid are also in x_train" in load(save(**arrays)).card.split
    assert "also" not in load(save(**good())).card.split


def test_splits_that_are_a_little_darker_are_no_other_scale(save):
    assert load(save(**scaled(valid=0.5, test=2))).classes == 3


NAN = np.full((30, 4, 5, 3), np.nan)
BAD = {
    "no y_train": (good(y_train=None), "lacks y_train"),
    "no x_train": (good(x_train=None, y_train=None), "lacks x_train y_train"),
    "no y_valid": (good(y_valid=None), "lacks y_valid"),
    "no x_test": (good(x_test=None), "lacks x_test"),
    "misspelt": (good(x_val=images(3, 4, 5, 3)), "unknown 'x_val'"),
    "nothing": ({}, "lacks x_train y_train"),
    "pickle": (good(y_train=np.array([{}] * 30)), "Python objects"),
    "flat images": (
        good(x_train=images(30, 60)),
        r"x_train must be numbers .* not uint8 of shape \(30, 60\)",
    ),
    "text images": (good(x_train=np.full((30, 4, 5, 3), "a")), "x_train must be numbers .* not <U1 of shape"),
    "channels first": (good(x_train=images(30, 3, 32, 32)), r"save x_train.transpose\(0, 2, 3, 1\)"),
    "grey channel first": (good(x_train=images(30, 1, 28, 28)), r"save x_train.transpose\(0, 2, 3, 1\)"),
    "no images": (good(x_train=images(0, 4, 5, 3), y_train=np.arange(0)), "nothing in it"),
    "no pixels": (good(x_train=images(30, 0, 5, 3)), "nothing in it"),
    "other size": (good(x_valid=images(10, 5, 4, 3)), r"x_valid have shape \(5, 4, 3\)"),
    "other kind": (good(x_test=images(5, 4, 5, 3) / 255), "x_test is float64 but x_train is uint8"),
    "NaN": (good(x_train=NAN, x_valid=NAN[:10], x_test=NAN[:5]), "x_train holds NaN"),
    "infinite": (
        good(x_train=0 * images(30, 4, 5, 3) + 0.0, x_valid=0 * NAN[:10] + 1e300, x_test=None, y_test=None),
        "x_valid holds NaN or infinite",
    ),
    "too few labels": (good(y_train=np.arange(29) % 3), "29 labels for 30 images"),
    "negative": (good(y_valid=np.arange(10) - 1), "y_valid reaches from -1 to 8"),
    "identifiers": (good(y_train=np.arange(30) + 10**9), "classes count from 0"),
    "a far class": (good(y_train=np.arange(30) % 2 * 60_000), "4 different numbers up to 60000, but classes"),
    "from 1": (
        good(**{f"y_{s}": np.arange(n) % 3 + 1 for s, n in SIZES.items()}),
        "from 1 to 3, .* subtract 1",
    ),
    "from 5": (
        good(**{f"y_{s}": np.arange(n) % 3 + 5 for s, n in SIZES.items()}),
        "from 5 to 7, .* subtract 5",
    ),
    "fractions": (good(y_train=np.arange(30) / 2), r"not floats of shape \(30,\): number the classes"),
    "floats": (
        good(y_train=np.arange(30) % 3 * 1.0),
        r"not floats of shape \(30,\): save y_train.astype\(int\)",
    ),
    "truths": (
        good(y_train=np.arange(30) % 2 == 0),
        r"not truths of shape \(30,\): save y_train.astype\(int\)",
    ),
    "text": (
        good(y_train=np.array(["cat"] * 30)),
        r"not text of shape \(30,\): .* numpy.unique\(y_train, return",
    ),
    "a column": (
        good(y_valid=np.zeros((10, 1), int)),
        r"not int64 of shape \(10, 1\): save y_valid.reshape\(-1",
    ),
    "one-hot": (
        good(y_train=np.eye(30, dtype=int)),
        r"\(30, 30\), perhaps one-hot: save y_train.argmax\(1\)",
    ),
    "one class": ({"x_train": images(30, 2, 2), "y_train": np.zeros(30, int)}, "two classes or more"),
    "valid is train": (
        good(x_valid=good()["x_train"][:10]),
        "10 of the 10 images of x_valid are also in x_train",
    ),
    "test is train": (
        good(x_test=good()["x_train"][5:10]),
        "5 of the 5 images of x_test are also in x_train",
    ),
    "test is valid": (good(x_test=good()["x_valid"][:5]), "5 of the 5 images of x_test are also in x_valid"),
    "some of test": (
        good(x_test=[*good()["x_test"][:4], good()["x_train"][7]]),
        "1 of the 5 images of x_test",
    ),
    "other scale": (scaled(valid=16), r"x_valid reach from 0 to 16, those of x_train from 0 to 1: give all"),
    "bytes and shares": (scaled(test=1 / 255), r"x_test reach from 0 to 0.00392157, those of x_train from"),
    "constant": (
        good(x_valid=np.zeros((10, 4, 5, 3), np.uint8)),
        "x_valid reach from 0 to 0, those of x_train",
    ),
    "too few": ({"x_train": images(2, 2, 2), "y_train": np.arange(2)}, "too few training images"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_contents_are_refused_in_one_line(save, case):
    arrays, message = BAD[case]
    with pytest.raises(InputError, match=message) as error:
        load(save(**arrays))
    assert "\n" not in str(error.value)
    assert "made.npz" in str(error.value)


def test_unreadable_files_are_refused_in_one_line(save, tmp_path):
    whole = Path(save(**good())).read_bytes()
    lone = tmp_path / "lone.npz"
    with open(lone, "wb") as file:
        np.save(file, np.arange(3))
    cases = {
        "truncated": whole[: len(whole) // 2],
        "damaged": whole[:700] + b"\0" * 500 + whole[1200:],
        "text": b"x_train, y_train\n",
        "empty": b"",
    }
    for case, contents in cases.items():
        (tmp_path / f"{case}.npz").write_bytes(contents)
    (tmp_path / "folder.npz").mkdir()
    for case, message in [*((case, "cannot be read") for case in (*cases, "folder")), ("lone", "lone array")]:
        with pytest.raises(InputError, match=message) as error:
            load(str(tmp_path / f"{case}.npz"))
        assert "\n" not in str(error.value), case
    with pytest.raises(InputError, match="no such file"):
        load(str(tmp_path / "none.npz"))
