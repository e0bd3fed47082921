"""A host elsewhere: `nao evaluate --join`. It trains what a search has for it until it is told to stop.

It reaches the search through a link, in a process of its own (`link`). When that ends it makes another one,
until it is refused. The search takes it for a new host then, and has what it was at work on trained anew; the
process that drives the devices stays, with all that it has loaded and compiled, unless it was at work.
"""

import contextlib
import selectors
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from nao.core import InputError, Json
from nao.evaluators.hosts.cluster import LINK
from nao.evaluators.hosts.messages import parsed
from nao.evaluators.hosts.process import Process, ProcessEnded
from nao.evaluators.hosts.station import Station
from nao.evaluators.hosts.token import Token

OFTEN = 1.0  # seconds between two reports when nothing happens
RARELY = 10.0  # seconds between two lines that say how much is done
AGAIN = 2.0  # seconds until it tries to join again
FAREWELL = 5.0  # seconds that the last word to the search may take


def host_name() -> str:
    """A name that no other host has."""
    return f"{socket.gethostname()}-{uuid.uuid4().hex[:6]}"


class EvaluatorHost:
    """Keeps a station in touch with a search."""

    def __init__(
        self,
        name: str,
        address: str,
        token: Token,
        station: Station,
        notice: Callable[[str], None],
        command: Sequence[str] = LINK,
    ):
        """Knows where to go.

        Args:
          name: what the search calls it (see `host_name`).
          address: of the search, `HOST:PORT`.
          token: what lets it in.
          station: does what the search says.
          notice: is handed lines for whoever watches.
          command: the process of the link.
        """
        self._name, self._address, self._token = name, address, token
        self._station, self._notice, self._command = station, notice, command
        self._joins, self._over, self._leaving = 0, False, False
        self._reported, self._when = "", 0.0
        self._done = Done(notice)

    def run(self) -> None:
        """Joins, and joins again, until the search is over or this host is told to stop.

        Raises:
          InputError: it is refused, or cannot do what the search wants.
          KeyboardInterrupt: it was told to stop at once.
        """
        said = ""
        try:
            with self._signals():
                while lost := self._stay():
                    if lost != said:
                        self._notice(f"{lost}; trying to join again")
                    said = lost
                    end = time.monotonic() + AGAIN
                    while time.monotonic() < end:
                        time.sleep(0.05)
                        self._hear()
                    if self._leaving and not self._station.running:
                        break  # there is nobody to hand back to what it has not begun
        finally:
            self._station.stop()
        self._done.say("the search is over" if self._over else "stopped")

    def _stay(self) -> str:
        """Joins, and does what it is told. Returns why that has ended; nothing where it should have."""
        self._joins += 1
        link = Process(self._command, "the link to the search")
        name = f"{self._name}.{self._joins}"
        link.write({"role": "host", "id": name, "address": self._address, "token": self._token.path})
        self._reported = ""
        try:
            while not (self._over or (self._leaving and self._station.idle)):
                self._wait(link)
                for text in link.lines():
                    if lost := self._take(parsed(text), link):
                        return lost
                self._hear()
                self._report(link)
            return ""
        except ProcessEnded as error:
            return f"the link to the search has ended: {error}"
        except InputError:
            self._report(link)
            raise
        finally:
            link.finish(FAREWELL)

    def _hear(self) -> None:
        """Has the station hear what its devices have done, and of a signal to leave."""
        if self._leaving:
            self._station.leave()
        self._station.hear()

    def _wait(self, link: Process) -> None:
        """Until there is something to hear."""
        with selectors.DefaultSelector() as selector:
            selector.register(link, selectors.EVENT_READ)
            if (file := self._station.fileno()) is not None:
                selector.register(file, selectors.EVENT_READ)
            selector.select(OFTEN / 2)

    def _take(self, message: Mapping[str, Any], link: Process) -> str:
        """Takes in what the link says. Returns why the connection is lost, if it is.

        Raises:
          InputError: it is refused, or cannot do what the search wants.
        """
        if "refused" in message:
            raise InputError(message["refused"])
        if "lost" in message:
            return str(message["lost"])
        if "joined" in message:
            self._station.joined(message["joined"])
            self._notice(f"joined {self._address} as {self._name}")
        elif "taken" in message:
            if self._station.needs:
                self._station.begin()
        elif "over" in message["told"]:
            self._over = True
        else:
            self._station.obey(message["told"])
            if self._station.needs:
                kept = str(self._station.kept)
                link.write({"take": self._station.needs, "to": kept})
        return ""

    def _report(self, link: Process) -> None:
        """Says what there is to say, if that is new, or has not been said for a while."""
        said = self._station.said
        report = said.get("report") or {}
        matters = repr([said | {"report": 0}, {**report, "running": sorted(report.get("running", ()))}])
        if matters != self._reported or time.monotonic() - self._when > OFTEN:
            self._reported, self._when = matters, time.monotonic()
            link.write({"said": said})
        self._done.count(report)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """The first Ctrl-C, or SIGTERM, lets what has begun be finished; the second one stops at once."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self._leaving:
                raise KeyboardInterrupt
            self._leaving = True
            self._notice("leaving: what has begun is finished first; once more to stop at once")

        before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


class Done:
    """Counts what a host has done, and says so now and then."""

    def __init__(self, notice: Callable[[str], None]):
        """Nothing is done."""
        self._notice = notice
        self._ended: set[str] = set()  # of those that the search has not heard of yet
        self._scored = self._failed = 0
        self._line, self._when = "", 0.0

    def count(self, report: Mapping[str, Json]) -> None:
        """Counts what has ended since the last report."""
        ended = report.get("ended", {})
        for id in ended.keys() - self._ended:
            scored = ended[id]["facts"].get("score") is not None
            self._scored, self._failed = self._scored + scored, self._failed + (not scored)
        self._ended = set(ended)
        running, waiting = len(report.get("running", ())), len(report.get("waiting", ()))
        line = f"{running} running, {waiting} waiting, {self._scored} scored, {self._failed} failed"
        if line != self._line and time.monotonic() - self._when > RARELY and report:
            self._line, self._when = line, time.monotonic()
            self._notice(line)

    def say(self, why: str) -> None:
        """Says the last word."""
        self._notice(f"{why}: {self._scored} scored, {self._failed} failed")
