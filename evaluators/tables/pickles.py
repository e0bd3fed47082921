"""Reads the pickled files of benchmarks, as far as they are plain data, without running what is in them.

Memory is limited by the size of the file: at most 80 bytes for each opcode, of which a file may have as many
as it has bytes (published ones have a third of that), beside its expanded bytes and text.
"""

import struct
import zipfile
from pathlib import Path
from typing import Any

from nao.evaluators.tables.constructors import UnpickleError
from nao.evaluators.tables.files import check_file, contents, damaged
from nao.evaluators.tables.machine import Machine
from nao.evaluators.tables.unpickle import unpickle

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # how torch.save before version 1.6 began a file
LEGACY_HEADERS = 2  # what comes between that and the data: the version, facts about the machine
SPARE_OPCODES = 2**18  # that any file may have beside one for each byte


def read_bz2(file: Path) -> Any:
    """The data in a pickle compressed by bzip2.

    Raises:
      InputError: the file is missing, damaged, cut off, something else, or holds more than plain data.
    """
    return _run(Machine(contents(file)), file)


def read_torch(file: Path) -> Any:
    """The data that `torch.save` wrote, now (a zip archive) or before PyTorch 1.6.

    Raises:
      InputError: the file is missing, damaged, cut off, something else, or holds more than plain data.
    """
    check_file(file)
    if zipfile.is_zipfile(file):
        return _run(Machine(_member(file)), file)
    data = contents(file)
    machine = Machine(data)
    if _run(machine, file) != LEGACY_MAGIC:
        raise damaged(file, UnpickleError("torch.save did not write it"))
    for _ in range(LEGACY_HEADERS):
        machine = Machine(data, machine.at)
        _run(machine, file)
    return _run(Machine(data, machine.at), file)


def _member(file: Path) -> bytes:
    """The pickle in a zip archive of `torch.save`."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [each for each in archive.infolist() if each.filename.endswith("data.pkl")]
            if not members or members[0].compress_type != zipfile.ZIP_STORED:
                raise UnpickleError("torch.save did not write it: it has no uncompressed data.pkl")
            return archive.read(members[0])
    # RuntimeError: the member is encrypted. NotImplementedError, one of those, for what zipfile lacks.
    except (
        OSError,
        ValueError,
        LookupError,
        EOFError,
        RuntimeError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise damaged(file, error) from error


def _run(machine: Machine, file: Path) -> Any:
    """What a machine reads."""
    try:
        return unpickle(machine, SPARE_OPCODES + file.stat().st_size)
    except (UnpickleError, MemoryError) as error:
        raise damaged(file, error) from error
