"""The state of the machine that a pickle is a program for. `nao.evaluators.tables.unpickle` runs it."""

from typing import Any

from nao.evaluators.tables.constructors import UnpickleError


class Machine:
    """What the opcodes of a pickle work on: the bytes of a file, a stack of objects, and a memo.

    Args:
      data: the bytes of a file.
      at: where the pickle begins in them.
    """

    def __init__(self, data: bytes, at: int = 0):
        self.data = data
        self.at = at
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stack below each mark
        self.memo: list[Any] = []

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self.data) - self.at:
            raise UnpickleError(f"it ends within {count:,} bytes after byte {self.at:,}")
        self.at += count
        return self.data[self.at - count : self.at]

    def take_int(self, size: int) -> int:
        """The next bytes as a number without a sign."""
        return int.from_bytes(self.take(size), "little")

    def take_line(self) -> str:
        """The text up to the next line break."""
        line = self.take(self.data.index(b"\n", self.at) - self.at)
        self.at += 1
        return line.decode()

    def pop(self, count: int) -> list[Any]:
        """Takes the topmost objects off the stack."""
        if count > len(self.stack):
            raise UnpickleError(f"it needs {count} objects before byte {self.at:,}")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def pop_mark(self) -> list[Any]:
        """Takes all objects off the stack that came after the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items
