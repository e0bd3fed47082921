"""A process that is told, and says, lines of JSON."""

import contextlib
import os
import signal
import subprocess
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from nao.core import InputError
from nao.evaluators.hosts.messages import line

CHUNK = 1 << 16
LEFT = (
    os.WEXITED | os.WNOWAIT
)  # to know that a process has ended, and leave it so that its group can be ended


class ProcessEnded(Exception):
    """A process has ended; how, the message says."""


class Process:
    """A process, and the pipes that lead to it. It ends with whoever refers to it.

    Attributes:
      pid: of the process.
    """

    def __init__(self, command: Sequence[str], what: str):
        """Starts it. Ctrl-C does not reach it.

        Args:
          command: what runs.
          what: the process is, for messages.

        Raises:
          InputError: it cannot be started.
        """
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
            )
        except OSError as error:
            raise InputError(f"{what} cannot be started: {error}") from error
        self._process, self.pid = process, process.pid
        self.end = weakref.finalize(self, _end, process)
        assert process.stdin is not None
        assert process.stdout is not None
        self._input: IO[bytes] = process.stdin
        self._messages: IO[bytes] = process.stdout
        self._rest = b""
        os.set_blocking(self.fileno(), False)

    def fileno(self) -> int:
        """What becomes readable when it has said something, or has ended."""
        return self._messages.fileno()

    def write(self, message: Mapping[str, Any]) -> None:
        """Sends a message. That it has died meanwhile is noticed where it is listened to."""
        with contextlib.suppress(OSError, ValueError):
            self._input.write(line(message))

    def finish(self, seconds: float) -> None:
        """Says that there is nothing more to do, gives it that long to end by itself, and then ends it."""
        with contextlib.suppress(OSError):
            self._input.close()
        end = time.monotonic() + seconds
        while self._process.returncode is None and time.monotonic() < end:
            if os.waitid(os.P_PID, self.pid, LEFT | os.WNOHANG):
                break
            time.sleep(0.01)
        self.end()

    def lines(self) -> Iterator[bytes]:
        """The whole lines that it has said until now.

        Raises:
          ProcessEnded: that is all, and there will be no more.
        """
        try:
            while chunk := os.read(self.fileno(), CHUNK):
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                yield from lines
        except BlockingIOError:
            return
        os.waitid(os.P_PID, self.pid, LEFT)
        self.end()
        raise ProcessEnded(_how_it_ended(self._process.wait()))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kills a process and what it has started, waits for it, and closes what led to it."""
    if process.returncode is None:  # else its number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _how_it_ended(status: int) -> str:
    """What the exit status of a process says."""
    if status >= 0:
        return f"its process ended with the status {status}"
    name = signal.strsignal(-status) or "an unknown signal"
    memory = ", perhaps for want of memory" if -status == signal.SIGKILL else ""
    return f"its process was ended by signal {-status}, {name.lower()}{memory}"
