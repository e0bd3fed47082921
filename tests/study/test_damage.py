"""A damaged study is said to be damaged, in one line, with what can still be read: never less in silence."""

import os
import shutil
import sqlite3

import numpy as np
import pytest

from nao.core import InputError
from nao.events import silent
from nao.folder import STUDY
from nao.loop import play
from nao.strategies import Random
from nao.study import Study, read
from nao.study.arrays import read_arrays, write_arrays
from tests.fakes import PairSpace, SumEvaluator

SPACE = PairSpace()
PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a search of 60 trials, of which the last four have no result."""
    folder = tmp_path_factory.mktemp("whole")
    with Study(folder, SPACE, {"seed": 0}) as study:
        list(
            play(
                Random(SPACE),
                SumEvaluator(),
                study,
                lambda i, m: 4 * (i < 15),
                unevaluated=14,
                observer=silent,
            )
        )
    return folder


def damage(content, rng):
    """The file with bits flipped, cut, or with pages swapped or overwritten."""
    data = bytearray(content)
    kind = rng.integers(4)
    if kind == 0:
        for at in rng.integers(len(data), size=rng.integers(1, 9)):
            data[at] ^= 1 << rng.integers(8)
    elif kind == 1:
        del data[rng.integers(len(data)) :]
    else:
        a, b = PAGE * rng.choice(len(data) // PAGE, 2, replace=False)
        first, second = data[a : a + PAGE], data[b : b + PAGE]
        data[a : a + PAGE] = second
        if kind == 2:
            data[b : b + PAGE] = first
    return bytes(data)


@pytest.mark.parametrize("seed", range(6))
def test_damage_is_found_or_harmless(whole, seed, tmp_path):
    content = (whole / STUDY).read_bytes()
    expected = read(whole, SPACE)
    rng = np.random.default_rng(seed)
    refused = 0
    for _ in range(25):
        (tmp_path / STUDY).write_bytes(damage(content, rng))
        found, complaint = read_or_complain(tmp_path)
        if found is None:
            refused += 1
            assert len(complaint.splitlines()) == 1
            assert str(tmp_path) in complaint
        else:
            assert found.trials == expected.trials
            assert found.iterations == expected.iterations
    assert refused > 10


def read_or_complain(folder):
    """What is read, or else what is said."""
    try:
        return read(folder, SPACE), ""
    except InputError as error:
        return None, str(error)


def test_it_says_what_can_still_be_read_and_what_to_do(whole, tmp_path):
    shutil.copy(whole / STUDY, tmp_path)
    connection = sqlite3.connect(tmp_path / STUDY)
    with connection:
        connection.execute("UPDATE results SET record = record || ' ' WHERE rowid = 7")
    connection.close()
    for attempt in (lambda: read(tmp_path, SPACE), lambda: Study(tmp_path, SPACE, {"seed": 0})):
        with pytest.raises(InputError) as error:
            attempt()
        assert f"{tmp_path / STUDY} is damaged" in str(error.value)
        assert "60 architectures and 56 results can still be read" in str(error.value)
        assert "put a copy back" in str(error.value)


@pytest.mark.parametrize("table", ["iterations", "proposals", "results", "meta"])
def test_a_row_that_is_missing_is_missed(whole, table, tmp_path):
    shutil.copy(whole / STUDY, tmp_path)
    connection = sqlite3.connect(tmp_path / STUDY)
    with connection:
        connection.execute(f"DELETE FROM {table} WHERE rowid = 3")
    connection.close()
    with pytest.raises(InputError, match="is damaged"):
        read(tmp_path, SPACE)


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / STUDY).mkdir()
    for attempt in (lambda: read(tmp_path), lambda: Study(tmp_path, SPACE, {})):
        with pytest.raises(InputError, match="is a folder, where the file of a study belongs"):
            attempt()


def test_a_folder_that_is_removed_while_it_is_used(tmp_path):
    folder = tmp_path / "run"
    with Study(folder, SPACE, {}) as study:
        shutil.rmtree(folder)
        with pytest.raises(InputError, match="was removed while it was in use"):
            study.aim({"labels": 3})


def test_whatever_is_removed_from_the_folder_there_is_one_writer(tmp_path):
    with Study(tmp_path, SPACE, {}):
        for file in tmp_path.iterdir():
            if file.name != STUDY:
                os.remove(file)
        with pytest.raises(InputError, match="another search is running"):
            Study(tmp_path, SPACE, {})


@pytest.mark.parametrize(("at", "byte"), [(6, 1), (8, 99), (4, 99)])
def test_damaged_arrays_are_said_to_be_damaged(at, byte, tmp_path):
    """Bytes of the archive's directory: encrypted, of another compression, of another version."""
    write_arrays(tmp_path / "models" / "1.npz", {"a": np.arange(9.0)})
    file = tmp_path / "models" / "1.npz"
    data = bytearray(file.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + at + 2] = byte
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"1.npz is damaged, or holds no arrays; delete it"):
        read_arrays(file)
