"""Reads TFRecord files, the container of TensorFlow, without TensorFlow.

A record is framed by its length (8 bytes), a checksum of the length (4), the data, and a checksum of the
data (4), all little-endian. The checksums are CRC-32C, which the standard library does not have; going
through a batch of records side by side, NumPy computes them in about 3 microseconds a record.

Axis letters: B records.
"""

import itertools
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt32

from nao.core import InputError
from nao.evaluators.tables.files import check_file

BATCH = 4096  # records that are checked at a time
LONGEST = 2**16  # bytes of a record; a length beyond it is taken for damage


def batches(file: Path) -> Iterator[list[bytes]]:
    """The data of all records of a file, a few thousand at a time.

    Raises:
      InputError: the file is missing or not a TFRecord file, ends within a record, or a checksum is wrong.
    """
    check_file(file)
    with file.open("rb") as opened:
        frames = _frames(opened, file)
        for first in itertools.count(0, BATCH):
            batch = list(itertools.islice(frames, BATCH))
            if not batch:
                return
            for checked, checksum in ((0, 1), (2, 3)):
                stored = np.frombuffer(b"".join([frame[checksum] for frame in batch]), "<u4")
                wrong = np.flatnonzero(masked(crc32c([frame[checked] for frame in batch])) != stored)
                if len(wrong):
                    raise InputError(
                        f"{file}: the checksum of record {first + int(wrong[0]) + 1} is wrong: the file is"
                        " damaged, or no TFRecord file; get it again"
                    )
            yield [data for _, _, data, _ in batch]


def _frames(opened: BinaryIO, file: Path) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """The length, its checksum, the data and its checksum of each record."""
    for number in itertools.count(1):
        head = opened.read(12)
        if not head:
            return
        length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
        if length > LONGEST:
            raise InputError(
                f"{file}: record {number} is said to have {length} bytes: no table in TFRecord format"
            )
        tail = opened.read(length + 4)
        if len(head) + len(tail) < 12 + length + 4:
            raise InputError(f"{file} ends within record {number}: it is not complete; get it again")
        yield head[:8], head[8:], tail[:length], tail[length:]


def _table() -> UInt32[np.ndarray, "256"]:
    """The CRC of each byte, for the Castagnoli polynomial with its bits reversed."""
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> 1) ^ np.uint32(0x82F63B78), crc >> 1)
    return crc


TABLE = _table()


def crc32c(strings: Sequence[bytes]) -> UInt32[np.ndarray, " B"]:
    """The CRC-32C `[B]` of each string (RFC 3720, appendix B.4)."""
    lengths = np.array([len(string) for string in strings])
    padded = np.zeros((len(strings), max(lengths)), np.uint8)
    padded[np.arange(max(lengths)) < lengths[:, None]] = np.frombuffer(b"".join(strings), np.uint8)
    crc = np.full(len(strings), 0xFFFFFFFF, np.uint32)
    for position, column in enumerate(np.ascontiguousarray(padded.T)):
        crc = np.where(position < lengths, TABLE[(crc ^ column) & 0xFF] ^ (crc >> 8), crc)
    return ~crc


def masked(crc: UInt32[np.ndarray, " B"]) -> UInt32[np.ndarray, " B"]:
    """The checksums `[B]` as the format stores them: rotated and shifted, as data may hold CRCs itself."""
    return ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)
