"""What every loaded set keeps to, and the arithmetic of the record itself."""

import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pytest

from nao.core import InputError
from nao.data import Card, Dataset, load, load_digits, make
from nao.data.dataset import stratified_order

CARD = Card(origin="made", licence="none", size="small", split="by hand")


def made(x, y=None):
    """A data set of the images x `[N, H, W, C]`, whose other splits are their first two."""
    y = np.arange(len(x), dtype=np.int32) % 2 if y is None else y
    return Dataset("made", x, y, x[:2], y[:2], x[:0], y[:0], 2, CARD)


def test_moments_are_those_of_each_channel(rng):
    # 2,500 images: more than two chunks, the last one short.
    x = rng.integers(0, 256, (2500, 3, 2, 2), dtype=np.uint8)
    x[..., 1] //= 4
    data = made(x)
    assert data.mean.dtype == data.std.dtype == np.float32
    np.testing.assert_allclose(data.mean, x.reshape(-1, 2).mean(0), rtol=1e-6)
    np.testing.assert_allclose(data.std, x.reshape(-1, 2).std(0), rtol=1e-6)
    assert data.shape == (3, 2, 2)


def test_closed_form_moments():
    x = np.array([0, 2, 4, 6], np.float32).reshape(4, 1, 1, 1)
    data = made(x)
    assert data.mean.tolist() == [3]
    assert data.std.tolist() == pytest.approx([5**0.5])


@pytest.mark.parametrize("value", [0, 0.1, -7, 1e6])
def test_std_of_a_constant_channel_is_one(value):
    data = made(np.full((7, 3, 3, 1), value, np.float32))
    assert data.std.tolist() == [1]
    assert data.mean.tolist() == pytest.approx([value])


def test_fingerprint_sees_every_change(rng):
    x = rng.integers(0, 256, (6, 2, 2, 1), dtype=np.uint8)
    data = made(x)
    assert made(x.copy()).fingerprint == data.fingerprint
    assert made(np.asfortranarray(x)).fingerprint == data.fingerprint
    pixel, label = x.copy(), data.y_train.copy()
    pixel[5, 1, 1, 0] ^= 1
    label[5] ^= 1
    others = [made(pixel), made(x, label), made(x.astype(np.float32)), made(x.reshape(6, 4, 1, 1))]
    others.append(dataclasses.replace(data, x_test=x[2:3], y_test=label[2:3]))
    assert len({other.fingerprint for other in [*others, data]}) == 6


def test_configuration_is_json(rng):
    data = made(rng.integers(0, 256, (6, 2, 3, 1), dtype=np.uint8))
    configuration = data.configuration()
    assert json.loads(json.dumps(configuration)) == configuration
    assert configuration["train"] == [6, 2, 3, 1]
    assert configuration["test"] == [0, 2, 3, 1]


def test_stratified_order_spreads_the_classes(rng):
    labels = np.repeat([0, 1, 3], [500, 300, 50])
    rng.shuffle(labels)
    order = stratified_order(labels, rng)
    assert sorted(order) == list(range(850))
    for start, end in [(0, 170), (400, 570), (680, 850)]:  # a fifth each
        counts = np.bincount(labels[order[start:end]], minlength=4)
        assert np.abs(counts - [100, 60, 0, 10]).max() <= 1


def test_stratified_order_ends_with_one_of_each_class_but_not_with_single_ones(rng):
    labels = np.array([0] * 20 + [1] * 2 + [2] + [5] * 3)
    ordered = labels[stratified_order(labels, rng)]
    assert sorted(ordered[-3:]) == [0, 1, 5]
    assert ordered[0] == 2


def test_stratified_order_follows_the_seed():
    labels = np.arange(100) % 7
    first, again, other = (stratified_order(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_digits_are_the_published_ones_in_a_fixed_split():
    data = load("digits")
    assert np.bincount(data.y_train).tolist() == [99, 101, 98, 102, 101, 101, 101, 100, 97, 100]
    assert np.bincount(data.y_valid).tolist() == [40, 41, 40, 41, 40, 41, 40, 39, 38, 40]
    assert np.bincount(data.y_test).tolist() == [39, 40, 39, 40, 40, 40, 40, 40, 39, 40]
    x = np.concatenate([data.x_train, data.x_valid, data.x_test])
    assert x.dtype == np.uint8
    assert x.max() == 16
    assert data.shape == (8, 8, 1)
    assert data.fingerprint == "d3e97032ecbf6a5248a8060993d96fcd"
    assert load_digits().fingerprint == data.fingerprint


def test_digits_are_made_again_from_their_configuration():
    data = load("digits")
    configuration = json.loads(json.dumps(data.configuration()))
    assert make(configuration) == data
    with pytest.raises(
        InputError, match="digits has changed: its images have the fingerprint d3e97032ecbf6a52"
    ):
        make(configuration | {"fingerprint": "0" * 32})


def test_sets_are_equal_wherever_they_were_read_from(rng):
    data = made(rng.integers(0, 256, (6, 2, 3, 1), dtype=np.uint8))
    assert dataclasses.replace(data, path="elsewhere") == data
    assert dataclasses.replace(data, name="other") != data
    assert dataclasses.replace(data, classes=3) != data


def test_a_card_is_a_line():
    card = str(load("digits").card)
    assert card.startswith(
        "1,797 images of 8x8x1 (uint8), 10 classes; 1,000 / 400 / 397 by a stratified shuffle"
    )
    assert card.endswith("Licence: CC BY 4.0 (UCI)")
    assert len(card.splitlines()) == 1


def test_digits_of_the_splits_are_disjoint():
    data = load("digits")
    splits = [{x.tobytes() for x in split} for split in (data.x_train, data.x_valid, data.x_test)]
    # The 1,797 images are all different, so equal sizes mean that none is in two splits.
    assert [len(split) for split in splits] == [1000, 400, 397]
    assert len(set.union(*splits)) == 1797


@pytest.mark.parametrize("name", ["", "digit", "cifar10", "images.npy", "tfds:", "tfds:a b", "tfds:kaggle:x"])
def test_unknown_names_say_what_would_be_right(name):
    with pytest.raises(InputError, match=r"tfds:NAME") as error:
        load(name)
    assert "\n" not in str(error.value)


def test_importing_and_refusing_needs_no_jax_tensorflow_or_network():
    program = """
import socket, sys
def refuse(*arguments): raise AssertionError("the network was tried")
socket.socket.connect = socket.getaddrinfo = refuse
import nao.data
assert not {"jax", "sklearn", "tensorflow_datasets", "tensorflow"} & set(sys.modules)
for name in "cifar10", "mnist", "mnst", "lost", "cifar10:9.9.9", "cifar10_corrupted/x":
    try:
        nao.data.load(f"tfds:{name}", data_dir=nao.data.Path(sys.argv[1]))
    except nao.data.InputError as error:
        print(error)
nao.data.load("digits")
assert not {"jax", "tensorflow"} & set(sys.modules)
"""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, "/nonexistent"], capture_output=True, text=True
    )
    assert time.monotonic() - start < 30  # a missing download is retried for minutes
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert "cifar-10-binary.tar.gz" in lines[0]
    assert "array_record" in lines[1]
    assert "tfds:mnist" in lines[2]
    assert "'lost'" in lines[3]
