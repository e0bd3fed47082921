"""Damaged files of known scores: is each of them refused in one line, or else read right?

    python benchmarks/damaged_tables.py [--files 10000] [--seed 0]

Small files in the formats of the published ones are written, damaged and read again, in turn. Damage is one
to three of: bits flipped, bytes overwritten, taken out, put in, repeated, or moved, the end cut off. In every
second pickle the damage is done before it is put into its container, whose checksum would show it. Everything
but an `InputError` of one line and a table ends this in a traceback: a crash, another error, more than 5
seconds for one file, more than 256 MiB, or, where the container has a checksum, other scores than before.
"""

import argparse
import base64
import bz2
import collections
import dataclasses
import gzip
import io
import itertools
import json
import pickle
import random
import resource
import signal
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nao.core import InputError
from nao.evaluators.tables import nasbench101, nasbench201, nasbench_macro
from nao.evaluators.tables.pickles import LEGACY_MAGIC
from nao.evaluators.tables.tfrecord import crc32c, masked
from nao.spaces.nasbench201 import NASBENCH201
from nao.spaces.nasbench_macro import NASBENCH_MACRO

SECONDS = 5
MEMORY = 2**28  # bytes beside those that are taken at the start
CELLS = dataclasses.replace(NASBENCH201, vocabulary=NASBENCH201.vocabulary[:2], length=6)
CHAINS = dataclasses.replace(NASBENCH_MACRO, vocabulary=NASBENCH_MACRO.vocabulary[:2])
GRAPHS = (("0100", ""), ("010001000", "conv3x3-bn-relu,"), ("010001000", "maxpool3x3,"))
DATASETS = {"cifar10-valid": ("x-valid", "ori-test"), "cifar10": ("ori-test",)}
# What readers expect to find, in place of the whole spaces.
READERS = (
    (nasbench201, "NASBENCH201", CELLS),
    (nasbench_macro, "NASBENCH_MACRO", CHAINS),
    (nasbench101, "GRAPHS", 3),
)


def trainings(cell: int, epochs: int) -> dict[str, Any]:
    """What the published files have of a cell and a schedule."""
    results = {
        (dataset, seed): {
            "seed": seed,
            "epochs": epochs,
            "params": 0.25,
            "flop": 1.5,
            "latency": [0.125, 0.25],
            "eval_names": list(splits),
            "eval_acc1es": {f"{split}@{epochs - 1}": cell + seed / 1000 for split in splits},
        }
        for dataset, splits in DATASETS.items()
        for seed in (777, 888)
    }
    return {"all_results": results, "dataset_seed": {dataset: [777, 888] for dataset in DATASETS}}


def cells(protocol: int) -> bytes:
    """A pickle of NAS-Bench-201, cut to two operations."""
    strings = [CELLS.format(tokens) for tokens in CELLS.strings()]
    four = [{"12": trainings(i, 12), "200": trainings(i, 200)} for i in range(4)]
    results = {i: four[i % 4] for i in range(len(strings))}
    data = {"meta_archs": strings, "arch2infos": collections.OrderedDict(results), "evaluated": {1, 2}}
    return pickle.dumps(data, protocol)


def in_zip(data: bytes) -> bytes:
    """A file as torch.save writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", b"3\n")
    return file.getvalue()


def in_legacy(data: bytes) -> bytes:
    """A file as torch.save wrote it before version 1.6."""
    headers = (LEGACY_MAGIC, 1001, {"little_endian": True, "protocol_version": 1001})
    return b"".join(pickle.dumps(header, 2) for header in headers) + data


def lines() -> bytes:
    """NAS-Bench-201 as CSV."""
    rows = [",".join([*map(str, x), str(sum(x)), str(sum(x) / 2)]) for x in CELLS.strings()]
    return "\n".join([",".join([*nasbench201.EDGES, "valid", "test"]), *rows]).encode()


def chains() -> bytes:
    """NAS-Bench-Macro."""
    measured = {"test_acc": [80.5, 81.5, 82.5], "mean_acc": 81.5, "std": 1.0, "params": 1000, "flops": 500}
    return json.dumps({CHAINS.format(tokens): measured for tokens in CHAINS.strings()}).encode()


def records() -> bytes:
    """NAS-Bench-101."""
    accuracies = b"".join(struct.pack("<Bd", number << 3 | 1, 0.5) for number in (2, 4, 5))
    metrics = base64.b64encode(b"\x0a%c" % len(accuracies) + accuracies + b"\x10\x64").decode()
    each = [
        json.dumps([name, 108, matrix, f"input,{operations}output", metrics]).encode()
        for _, (name, (matrix, operations)) in itertools.product(range(3), zip("abc", GRAPHS, strict=True))
    ]
    return b"".join(framed(record) for record in each)


def framed(record: bytes) -> bytes:
    """A record of a TFRecord file."""
    length = struct.pack("<Q", len(record))
    first, second = (int(checksum).to_bytes(4, "little") for checksum in masked(crc32c([length, record])))
    return length + first + record + second


FORMATS: dict[str, tuple[Callable[[], bytes], Callable[[bytes], bytes], bool]] = {
    "NATS.pickle.pbz2": (lambda: cells(4), bz2.compress, True),
    "zip.pth": (lambda: cells(2), in_zip, True),
    "legacy.pth": (lambda: cells(2), in_legacy, False),
    "cells.csv": (lines, bytes, False),
    "cells.csv.gz": (lines, gzip.compress, True),
    "chains.json": (chains, bytes, False),
    "graphs.tfrecord": (records, bytes, True),
}
"""For each file, what is in it, its container, and whether that has a checksum."""


def read(file: Path) -> dict[Any, Any]:
    """The rows of a table of whichever kind."""
    if file.suffix == ".json":
        return nasbench_macro.rows(file, "run_1", "mean_acc")
    if file.suffix == ".tfrecord":
        return nasbench101.rows(file, "val_108", "test_108")
    columns = ("valid", "test") if ".csv" in file.name else ("c10_val_12", "c10_test_200")
    return nasbench201.rows(file, *columns)


def damage(data: bytes, rng: random.Random) -> bytes:
    """The same with one to three faults."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        size = min(rng.choice((1, 1, 1, 2, 4, 8, 64, 1000)), len(data) - at)
        before, part, after = data[:at], data[at : at + size], data[at + size :]
        data = rng.choice(
            (
                before + bytes(byte ^ 1 << rng.randrange(8) for byte in part) + after,
                before + rng.randbytes(size) + after,
                before + after,
                before + rng.randbytes(size) + part + after,
                before + part + part + after,
                after + part + before,
                before,
            )
        )
    return data


def outcome(file: Path, whole: dict[Any, Any], checked: bool) -> str:
    """What comes of reading a damaged file."""
    try:
        rows = read(file)
    except InputError as error:
        if len(str(error).splitlines()) != 1 or isinstance(error.__cause__, MemoryError):
            raise RuntimeError(f"refused in the wrong way: {error}") from error
        return "refused"
    if rows != whole and checked:
        raise RuntimeError("a damaged file is read as another table")
    return "the same table" if rows == whole else "another table"


def late(*_: Any) -> None:
    raise TimeoutError(f"one file took more than {SECONDS} seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for reader, name, small in READERS:
        setattr(reader, name, small)
    signal.signal(signal.SIGALRM, late)
    rng, counts, slowest = random.Random(given.seed), collections.Counter[tuple[str, str]](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        contents = {name: make() for name, (make, _, _) in FORMATS.items()}
        files = {name: Path(folder, name) for name in FORMATS}
        wholes = {}
        for name, (_, container, _) in FORMATS.items():
            files[name].write_bytes(container(contents[name]))
            wholes[name] = read(files[name])
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for n, name in zip(range(given.files), itertools.cycle(FORMATS), strict=False):
            _, container, checked = FORMATS[name]
            inside = n // len(FORMATS) % 2 == 1
            data = contents[name]
            data = container(damage(data, rng)) if inside else damage(container(data), rng)
            files[name].write_bytes(data)
            start = time.monotonic()
            signal.alarm(SECONDS)
            counts[name, outcome(files[name], wholes[name], checked and not inside)] += 1
            signal.alarm(0)
            slowest = max(slowest, time.monotonic() - start)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for name in FORMATS:
        found = [f"{count:,} {what}" for (file, what), count in sorted(counts.items()) if file == name]
        print(f"{name}: {', '.join(found)}")
    print(f"{given.files:,} files; the slowest took {slowest:.2f} s; at most {more:.0f} MiB more memory")


if __name__ == "__main__":
    main()
