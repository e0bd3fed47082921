"""A host on this machine: a process that drives its devices, and whoever starts and watches that process.

The process is ended, and started anew, when it dies, when it works on what it should not have, and when it
says what is no message. What it had is then sent to the new one, except for what it died of, perhaps.
"""

import sys
import time
from collections.abc import Mapping, Sequence

from nao.core import InputError, Json
from nao.evaluators.hosts.messages import (
    Ended,
    HostInfo,
    NoMessage,
    Orders,
    Report,
    host_info_of,
    orders_facts,
    parsed,
)
from nao.evaluators.hosts.process import Process, ProcessEnded

WORKER = (sys.executable, "-P", "-m", "nao.evaluators.hosts.worker")
MOST_DEATHS = 3  # times that the process may die before it begins a child, one after the other
PAUSE = 10.0  # seconds without a look at the process after which it is taken to have been stopped too


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
        self._withheld = False
        self._orders: Mapping[str, Json] = orders_facts(Orders(0))
        self._attempts: dict[str, Json] = {}  # that the host should have, by id
        self._running: dict[str, float] = {}  # since when
        self._ended: dict[str, Ended] = {}
        self._deaths = 0  # since a child was last begun
        self._heard = time.monotonic()
        self._worker: Process | None = None
        self._begin()

    def fileno(self) -> int:
        """What becomes readable when there is something to hear."""
        return self._begin().fileno()

    def tell(self, orders: Orders) -> None:
        """Says what the host should have, if that is new."""
        if orders.number != self._orders["number"]:
            self.obey(orders_facts(orders))

    def obey(self, orders: Mapping[str, Json]) -> None:
        """As `tell`, of orders as JSON (see `orders_facts`)."""
        if orders == self._orders:
            return
        self._orders = orders
        self._attempts = {attempt["id"]: attempt for attempt in orders["attempts"]}
        self._ended = {id: ended for id, ended in self._ended.items() if id in self._attempts}
        if self._running.keys() - self._attempts.keys():  # it cannot be stopped but by ending the process
            self.stop()
        if self._worker:
            self._send_orders(self._worker)
        elif self._attempts:
            self._begin()

    def withhold(self) -> None:
        """Has nothing begun any more that is not under way."""
        self._withheld = True
        if self._worker:
            self._send_orders(self._worker)

    def hear(self) -> Report:
        """What the host has, after all that the process has said until now.

        Raises:
          InputError: the process cannot use the devices, or dies whenever it is started.
        """
        worker = self._begin()
        try:
            for text in worker.lines():
                self._take(text)
        except ProcessEnded as error:
            self._die(str(error))
        except NoMessage as error:
            self._die(f"its process lost its mind: {error}")
        if self._running.keys() - self._attempts.keys():  # it had begun that before it was told otherwise
            self.stop()
            self._begin()
        return self._report()

    def stop(self) -> None:
        """Ends the process, whatever it does. Whoever needs one later starts another."""
        worker, self._worker = self._worker, None
        self._running.clear()
        if worker:
            worker.end()

    def _report(self) -> Report:
        """What the host has. A pause of the whole machine is no time that a child took."""
        now = time.monotonic()
        paused = now - self._heard if now - self._heard > PAUSE else 0.0
        self._running = {id: since + paused for id, since in self._running.items()}
        self._heard = now
        running = {id: now - since for id, since in self._running.items()}
        waiting = self._attempts.keys() - running.keys() - self._ended.keys()
        return Report(self._orders["number"], frozenset(waiting), running, dict(self._ended))

    def _begin(self) -> Process:
        """The process; a new one, which is sent what the host should have, where there is none."""
        if self._worker is None:
            self.stage, self._heard = "starting", time.monotonic()
            worker = Process(self._command, "the process that drives the devices")
            worker.write(self._recipe)
            self._send_orders(worker)
            self._worker = worker
        return self._worker

    def _send_orders(self, worker: Process) -> None:
        wanted = self._running if self._withheld else self._attempts
        left = [each for id, each in self._attempts.items() if id in wanted and id not in self._ended]
        worker.write({"attempts": left})

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
                self.info = host_info_of(self.name, message)
            self.stage = message.get("preparing", self.stage)
            if "ready" in message:
                self.stage = ""
            for id in message.get("started", ()):
                self._running[id] = time.monotonic()
                self._deaths = 0
            if "ended" in message:
                self._running.pop(message["ended"], None)
                if message["ended"] in self._attempts:
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
