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
MOST_DEATHS = 3  # times that the process may die before it begins a child, one after the other
PAUSE = 10.0  # seconds without a look at the process after which it is taken to have been stopped too
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

        Raises:
          InputError: it cannot be started.
        """
        self.name, self.stage = name, "starting"
        self.info: HostInfo | None = None
        self.notices: list[str] = []
        self._recipe, self._command = recipe, command
        self._orders = Orders(0)
        self._running: dict[str, float] = {}  # since when
        self._ended: dict[str, Ended] = {}
        self._deaths = 0  # since a child was last begun
        self._heard = time.monotonic()
        self._worker: Worker | None = None
        self._begin()

    def fileno(self) -> int:
        """What becomes readable when there is something to hear."""
        return self._begin().messages.fileno()

    def tell(self, orders: Orders) -> None:
        """Says what the host should have, if that is new."""
        if orders.number == self._orders.number:
            return
        self._orders = orders
        self._ended = {id: ended for id, ended in self._ended.items() if id in self._wanted}
        if self._running.keys() - self._wanted:  # it cannot be stopped but by ending the process
            self.stop()
        if self._worker:
            self._send_orders(self._worker)
        elif orders.attempts:
            self._begin()

    def hear(self) -> Report:
        """What the host has, after all that the process has said until now.

        Raises:
          InputError: the process cannot use the devices, or dies whenever it is started.
        """
        worker = self._begin()
        try:
            while chunk := os.read(worker.messages.fileno(), CHUNK):
                *lines, worker.rest = (worker.rest + chunk).split(b"\n")
                for text in lines:
                    self._take(text)
            self._die(_how_it_ended(worker.process.wait()))
        except BlockingIOError:
            pass  # that is all so far
        except NoMessage as error:
            self._die(f"its process lost its mind: {error}")
        if self._running.keys() - self._wanted:  # it had begun that before it was told otherwise
            self.stop()
            self._begin()
        return self._report()

    def stop(self) -> None:
        """Ends the process, whatever it does. Whoever needs one later starts another."""
        worker, self._worker = self._worker, None
        self._running.clear()
        if worker:
            worker.end()

    @property
    def _wanted(self) -> set[str]:
        """The ids of what the host should have."""
        return {attempt.id for attempt in self._orders.attempts}

    def _report(self) -> Report:
        """What the host has. A pause of the whole machine is no time that a child took."""
        now = time.monotonic()
        paused = now - self._heard if now - self._heard > PAUSE else 0.0
        self._running = {id: since + paused for id, since in self._running.items()}
        self._heard = now
        running = {id: now - since for id, since in self._running.items()}
        waiting = self._wanted - running.keys() - self._ended.keys()
        return Report(self._orders.number, frozenset(waiting), running, dict(self._ended))

    def _begin(self) -> "Worker":
        """The process; a new one, which is sent what the host should have, where there is none."""
        if self._worker is None:
            self.stage, self._heard = "starting", time.monotonic()
            worker = Worker(self._command)
            worker.write(self._recipe)
            self._send_orders(worker)
            self._worker = worker
        return self._worker

    def _send_orders(self, worker: "Worker") -> None:
        left: list[Attempt] = [each for each in self._orders.attempts if each.id not in self._ended]
        worker.write({"attempts": [attempt_facts(attempt) for attempt in left]})

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
            if "devices" in message:
                self.info = HostInfo(self.name, **message)
            self.stage = message.get("preparing", self.stage)
            if "ready" in message:
                self.stage = ""
            for id in message.get("started", ()):
                self._running[id] = time.monotonic()
                self._deaths = 0
            if "ended" in message:
                self._running.pop(message["ended"], None)
                if message["ended"] in self._wanted:
                    self._ended[message["ended"]] = Ended("answered", message["facts"])
        except (TypeError, KeyError) as error:
            raise NoMessage(f"this is no message: {text[:100]!r}") from error

    def _die(self, reason: str) -> None:
        """The process has ended, or is to: whatever it worked on is, perhaps, the cause."""
        for id in self._running:
            self._ended[id] = Ended("died", reason=reason)
        self.notices.append(f"{self.name}: {reason}; {len(self._running)} children were in it")
        self._deaths += not self._running
        self.stop()
        if self._deaths >= MOST_DEATHS:
            raise InputError(
                f"the process that drives the devices died {MOST_DEATHS} times before it began a child:"
                f" {reason}"
            )
        self._begin()


class Worker:
    """A process, and the pipes that lead to it. It ends with whoever refers to it.

    Attributes:
      process: the process.
      messages: what it says.
      rest: what it has said of a line that has not ended.
    """

    def __init__(self, command: Sequence[str]):
        """Starts it. Ctrl-C does not reach it."""
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
            )
        except OSError as error:
            raise InputError(f"the process that drives the devices cannot be started: {error}") from error
        self.end = weakref.finalize(self, _end, self.process)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input: IO[bytes] = self.process.stdin
        self.messages: IO[bytes] = self.process.stdout
        os.set_blocking(self.messages.fileno(), False)
        self.rest = b""

    def write(self, message: Mapping[str, Any]) -> None:
        """Sends a message. That it has died meanwhile is noticed where it is listened to."""
        with contextlib.suppress(OSError, ValueError):
            self._input.write(line(message))


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
