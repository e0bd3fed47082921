"""A host on this machine: a process that drives its devices, and whoever starts and watches that process.

The process is ended, and started anew, when it dies, when it works on what it should not have, and when it
says what is no message. What it had is then sent to the new one, except for what it died of, perhaps.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import IO, Any

from nao.core import InputError, Json
from nao.evaluators.hosts.messages import (
    Attempt,
    Ended,
    HostInfo,
    NoMessage,
    Orders,
    Report,
    attempt_facts,
    line,
    parsed,
)

WORKER = (sys.executable, "-P", "-m", "nao.evaluators.hosts.worker")
MOST_DEATHS = 3  # times that the process may die before it is ready, one after the other
CHUNK = 1 << 16


class Supervisor:
    """Has a process drive the devices of this machine.

    Attributes:
      name: of the host.
      info: what it has; None until the process has said so.
      stage: what the process does to make itself ready; empty once it is.
      notices: what happened that whoever watches should know; they are taken from it.
    """

    def __init__(self, name: str, recipe: Mapping[str, Json], command: Sequence[str] = WORKER):
        """Starts the process, without waiting for it.

        Args:
          name: of the host.
          recipe: `configuration` of an evaluator, `devices` and `cache` (see `worker`).
          command: what runs.
        """
        self.name, self.stage = name, "starting"
        self.info: HostInfo | None = None
        self.notices: list[str] = []
        self._recipe, self._command = recipe, command
        self._orders = Orders(0)
        self._running: dict[str, float] = {}  # since when
        self._ended: dict[str, Ended] = {}
        self._deaths = 0
        self._rest = b""
        self._start()

    def fileno(self) -> int:
        """What becomes readable when there is something to hear."""
        return self._messages.fileno()

    def tell(self, orders: Orders) -> None:
        """Says what the host should have, if that is new."""
        if orders.number == self._orders.number:
            return
        self._orders = orders
        wanted = {attempt.id for attempt in orders.attempts}
        self._ended = {id: ended for id, ended in self._ended.items() if id in wanted}
        if self._running.keys() - wanted:  # it cannot be stopped but by ending the process
            self._restart()
        else:
            self._send_orders()

    def hear(self) -> Report:
        """What the host has, after all that the process has said until now.

        Raises:
          InputError: the process cannot use the devices, or dies whenever it is started.
        """
        try:
            while chunk := os.read(self.fileno(), CHUNK):
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for text in lines:
                    self._take(text)
            self._die(_how_it_ended(self._process.wait()))
        except BlockingIOError:
            pass  # that is all so far
        except NoMessage as error:
            self._die(f"its process lost its mind: {error}")
        now = time.monotonic()
        running = {id: now - since for id, since in self._running.items()}
        waiting = {attempt.id for attempt in self._orders.attempts} - running.keys() - self._ended.keys()
        return Report(self._orders.number, frozenset(waiting), running, dict(self._ended))

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        self._kill()

    def _start(self) -> None:
        """Starts the process. Ctrl-C does not reach it: it ends when this one does."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self._messages: IO[bytes] = self._process.stdout
        os.set_blocking(self.fileno(), False)
        self._kill = weakref.finalize(self, _end, self._process)
        self._rest = b""
        self._write(self._recipe)

    def _restart(self) -> None:
        """Ends the process and starts another one, which is sent what the host should have."""
        self._kill()
        self._running.clear()
        self.stage = "starting"
        self._start()
        self._send_orders()

    def _send_orders(self) -> None:
        left: list[Attempt] = [each for each in self._orders.attempts if each.id not in self._ended]
        self._write({"attempts": [attempt_facts(attempt) for attempt in left]})

    def _write(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died, which is noticed where it is listened to
            self._input.write(line(message))

    def _take(self, text: bytes) -> None:
        """Takes in what the process says.

        Raises:
          InputError: it cannot use the devices.
          NoMessage: it says what is none.
        """
        message = parsed(text)
        if "unusable" in message:
            raise InputError(str(message["unusable"]))
        try:
            wanted = {attempt.id for attempt in self._orders.attempts}
            if "devices" in message:
                self.info = HostInfo(self.name, **message)
            self.stage = message.get("preparing", self.stage)
            if "ready" in message:
                self.stage, self._deaths = "", 0
            for id in message.get("started", ()):
                self._running[id] = time.monotonic()
            if "ended" in message:
                self._running.pop(message["ended"], None)
                if message["ended"] in wanted:
                    self._ended[message["ended"]] = Ended("answered", message["facts"])
        except (TypeError, KeyError) as error:
            raise NoMessage(f"this is no message: {text[:100]!r}") from error

    def _die(self, reason: str) -> None:
        """The process has ended, or is to: whatever it worked on is, perhaps, the cause."""
        for id in self._running:
            self._ended[id] = Ended("died", reason=reason)
        self.notices.append(f"{self.name}: {reason}; {len(self._running)} children were in it")
        if self.stage:
            self._deaths += 1
            if self._deaths == MOST_DEATHS:
                raise InputError(
                    f"the process that drives the devices died {MOST_DEATHS} times before it was ready:"
                    f" {reason}"
                )
        self._restart()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kills a process, waits for it, and closes what led to it."""
    process.kill()
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
