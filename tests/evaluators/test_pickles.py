"""Pickled files of known scores: plain data are read, and nothing in a file costs more than it should."""

import bz2
import collections
import contextlib
import os
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.tables.constructors import NOTHING
from nao.evaluators.tables.files import PART
from nao.evaluators.tables.pickles import LEGACY_MAGIC, read_bz2, read_torch

DAMAGED = "cannot be read, it is damaged, cut off or something else"


def compressed(folder, data):
    """A pickle as NATS-Bench writes it."""
    (folder / "x.pbz2").write_bytes(bz2.compress(data))
    return read_bz2, folder / "x.pbz2"


def zipped(folder, data):
    """A pickle as torch.save writes it."""
    with zipfile.ZipFile(folder / "x.pth", "w") as archive:
        archive.writestr("x/data.pkl", data)
    return read_torch, folder / "x.pth"


def legacy(folder, data):
    """A pickle as torch.save wrote it before version 1.6."""
    headers = (LEGACY_MAGIC, 1001, {"little_endian": True})
    (folder / "x.pth").write_bytes(b"".join(pickle.dumps(header, 2) for header in headers) + data)
    return read_torch, folder / "x.pth"


CONTAINERS = (compressed, zipped, legacy)


def refusal(read, file):
    with pytest.raises(InputError) as error:
        read(file)
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith(str(file))
    return str(error.value)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_are_read(tmp_path, protocol, container):
    data = {"a": [1, (2.5, None)], "b": collections.OrderedDict(c=(1, 2, 3, 4)), "d": np.float64(0.1)}
    data |= {"g": np.int64(-7), "h": np.float32(0.5), ("i", 1): [True, False], 2: "ä\n\ud800", "x" * 300: 300}
    data |= {"j": [70_000, -1, 2**40, (), [], {}, 1e300], "k": np.bool_(True), "l": (1,), "m": [(1, 2)] * 2}
    data |= {i: str(i) for i in range(1000)}  # more than a byte of places in the memo
    read, file = container(tmp_path, pickle.dumps(data, protocol))
    found = read(file)
    assert found == data
    assert {type(found[key]) for key in "dghk"} == {float, int, bool}
    assert found["m"][0] is found["m"][1]


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_no_table_needs_is_left_out(tmp_path, protocol):
    data = [{1, 2}, frozenset([1]), np.arange(3.0), np.arange(1000).reshape(2, 500), 1]
    read, file = compressed(tmp_path, pickle.dumps(data, protocol))
    assert read(file) == [NOTHING] * 4 + [1]


@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_in_a_pickle_is_run(tmp_path, protocol):
    class Mischief:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    read, file = compressed(tmp_path, pickle.dumps([Mischief()], protocol))
    assert refusal(read, file).endswith("it holds 'posix.mkdir', which is no plain data")
    assert not (tmp_path / "made").exists()


def test_the_names_of_numpy_1_are_known(tmp_path):
    data = pickle.dumps(np.float64(0.1), protocol=2).replace(b"numpy._core.", b"numpy.core.")
    read, file = compressed(tmp_path, data)
    assert read(file) == 0.1


def test_big_endian_numbers_are_refused(tmp_path):
    read, file = compressed(tmp_path, pickle.dumps(np.dtype(">f8").type(0.1), protocol=2).replace(b"<", b">"))
    assert "not little-endian" in refusal(read, file)


def word(text):
    return b"X" + struct.pack("<I", len(text)) + text


def test_tensors_are_left_out(tmp_path):
    """As `torch.save` writes one: a name of torch, called on a persistent id; beside it a state."""
    storage = b"(" + word(b"storage") + b"ctorch\nFloatStorage\n" + word(b"0") + word(b"cpu") + b"K\x04tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x04\x85K\x01\x85tR"
    weights = b"ccollections\nOrderedDict\n)R(" + word(b"w") + tensor + b"u}" + word(b"_metadata") + b"Nsb"
    data = b"\x80\x02}(" + word(b"weights") + weights + word(b"acc") + b"G" + struct.pack(">d", 0.5) + b"u."
    read, file = zipped(tmp_path, data)
    assert read(file) == {"weights": {"w": NOTHING}, "acc": 0.5}


@pytest.mark.parametrize("data", [b"", b"hello", pickle.dumps(1, 2), b"PK\x03\x04broken"])
def test_what_torch_did_not_write(tmp_path, data):
    (tmp_path / "x.pth").write_bytes(data)
    assert DAMAGED in refusal(read_torch, tmp_path / "x.pth")


@pytest.mark.parametrize("compression", [None, zipfile.ZIP_DEFLATED])
def test_an_archive_that_torch_did_not_write(tmp_path, compression):
    with zipfile.ZipFile(tmp_path / "x.pth", "w", compression or 0) as archive:
        archive.writestr("x/data.pkl" if compression else "x/other", b"N.")
    assert "no uncompressed data.pkl" in refusal(read_torch, tmp_path / "x.pth")


def test_folders_and_missing_files(tmp_path):
    for read, name in ((read_bz2, "x.pbz2"), (read_torch, "x.pth")):
        assert refusal(read, tmp_path / name).endswith("is not there")
        (tmp_path / name).mkdir()
        assert "is a folder, not a file" in refusal(read, tmp_path / name)


def name(module, function):
    return b"c" + module + b"\n" + function + b"\n"


def many(opcodes, *operands):
    """Opcodes that a small file repeats."""
    return b"\x80\x04" + b"".join(operands) + opcodes * (2**13 // len(opcodes)) + b"."


COPY = word(b"a" * 10_000) + b"q\x00" + word(b"latin1") + b"q\x01" + name(b"_codecs", b"encode") + b"q\x02"
ARGUMENTS = b"(" + b"N" * 10_000 + b"tq\x00" + name(b"torch", b"Size") + b"q\x01"
COLLIDING = b"".join(b"\x8a\x10" + (k * (2**61 - 1)).to_bytes(16, "little") + b"N" for k in range(1, 3_000))
RECONSTRUCT = (
    name(b"numpy.core.multiarray", b"_reconstruct") + name(b"numpy", b"ndarray") + b"K\x00\x85C\x01b\x87R"
)
DTYPE = name(b"numpy", b"dtype") + b"X%s\x89\x88\x87R"
ATTACKS = {
    "an array of objects": name(b"numpy", b"ndarray") + b"(" + b")" + word(b"O") + b"C\x0812345678tR.",
    "a rebuilt array of objects": RECONSTRUCT + b"(K\x01K\x01\x85" + DTYPE % word(b"O")[1:] + b"\x89]tb.",
    "a type of a gigabyte": DTYPE % word(b"V1000000000")[1:] + b".",
    "a number without its bytes": name(b"numpy.core.multiarray", b"scalar")
    + DTYPE % word(b"f8")[1:]
    + b"C\x00\x86R.",
    "a bytearray of a length": name(b"builtins", b"bytearray") + b"\x8a\x05\0\0\0\0\x02\x85R.",
    "a far place in the memo": b"\x80\x02Nr\x00\x00\x00\x10.",
    "a far place in the memo, as text": b"Np268435456\n.",
    "a place that was not written": b"\x80\x02j\x00\x00\x00\x10.",
    "long text": b"X\xff\xff\xff\xff.",
    "long bytes": b"\x8e" + struct.pack("<Q", 2**40) + b".",
    "a long bytearray": b"\x96" + struct.pack("<Q", 2**33) + b".",
    "a long number": b"\x8b\xff\xff\xff\x7f.",
    "a set in a call": name(b"collections", b"OrderedDict") + b"(](K\x01K\x02\x86etR.",
    "a call of text": word(b"print") + b")R.",
    "lists in lists": many(b"]") + many(b"a"),
    "tuples in tuples": many(b"\x85", b"N"),
    "tuples in tuples as a key": b"}N" + b"\x85" * 20_000 + b"Ns.",
    "keys of one hash": b"}(" + COLLIDING + b"u.",
    "one key for all": many(b"h\x00Ns", b"(" + b"K\x01" * 10_000 + b"tq\x00}"),
    "sets": many(b"\x8f"),
    "dictionaries": many(b"}NNs"),
    "marks": many(b"("),
    "copies": many(b"h\x02h\x00h\x01\x86R", COPY),
    "calls with many arguments": many(b"h\x01h\x00R", ARGUMENTS),
    "no end": many(b"N")[:-1],
    "nothing on the stack": b"a.",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_pickle_costs_more_than_a_small_multiple_of_its_size(tmp_path, attack):
    """At most 100 bytes for each byte, and little time: most is taken by empty lists, one for each byte."""
    read, file = legacy(tmp_path, ATTACKS[attack])
    tracemalloc.start()
    start = time.monotonic()
    with contextlib.suppress(InputError):
        read(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * PART + 100 * len(ATTACKS[attack])
    assert time.monotonic() - start < 10


def test_the_number_of_opcodes_is_limited_by_the_size_of_the_file(tmp_path):
    read, file = compressed(tmp_path, b"N" * 300_000 + b".")
    assert "opcodes, too many for its size" in refusal(read, file)


def test_a_bomb_is_not_expanded(tmp_path):
    read, file = compressed(tmp_path, b"]" * 2**26)
    assert file.stat().st_size < 1000
    assert "expands to more than" in refusal(read, file)


def test_a_few_hundred_damaged_files():
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "damaged_tables.py"
    done = subprocess.run(
        [sys.executable, script, "--files", "1400"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("1,400 files; ")
