"""When two sets of data are the same: when they have the same content, wherever they were read from.

Axis letters: none.
"""

import abc
import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from nao.core import Json


class Identified(abc.ABC):
    """Data that is equal when its configuration is, but for the `path`."""

    @abc.abstractmethod
    def configuration(self) -> Mapping[str, Json]:
        """What identifies it, its `fingerprint` among that, and its `path`."""

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Identified) and self._identity == other._identity)

    def __hash__(self) -> int:
        return hash(self._identity["fingerprint"])

    @property
    def _identity(self) -> Mapping[str, Json]:
        """What is compared."""
        return {key: value for key, value in self.configuration().items() if key != "path"}


def fingerprint_of(arrays: Iterable[np.ndarray], more: bytes = b"") -> str:
    """32 hexadecimal digits (BLAKE2b) that change with any number, shape or type, or with `more`."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data if array.size else b"")
    digest.update(more)
    return digest.hexdigest()
