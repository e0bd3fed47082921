"""The hosts of a search that are elsewhere: they join at an address of this machine (`nao evaluate --join`).

The driver of the search has the link that they are reached through, in a process of its own (`link`). When
that ends, another one takes its place at the same address, and the hosts join again.
"""

import dataclasses
import importlib.metadata
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from nao.core import InputError, Json
from nao.evaluators.hosts.messages import (
    HostInfo,
    NoMessage,
    Orders,
    Report,
    host_info_of,
    orders_facts,
    parsed,
    report_of,
)
from nao.evaluators.hosts.process import Process, ProcessEnded
from nao.evaluators.hosts.token import Token

LINK = (sys.executable, "-P", "-m", "nao.evaluators.hosts.link")
SILENCE = 90.0  # seconds without a word after which a host is taken to be away
FAREWELL = 5.0  # seconds that the last word to the hosts may take
AGAIN = 5.0  # seconds until a link that has ended is started again
VERSION = importlib.metadata.version("nao-search")


class RemoteHost:
    """A host that has joined.

    Attributes:
      name: of the host.
      info: what it has; None until it is known.
      stage: what it does to make itself ready; empty once it is.
      news: what it has last said, until it is heard.
      sent: the data that was sent to it.
    """

    def __init__(self, name: str, cluster: "Cluster"):
        """Has said nothing."""
        self.name, self.stage = name, "joining"
        self.info: HostInfo | None = None
        self.news: Report | None = None
        self._cluster, self._told = cluster, Orders(0)
        self.sent: set[str] = set()
        self._visit = uuid.uuid4().hex  # what the host said before it had heard of this one is of no use
        self._say()

    def tell(self, orders: Orders) -> None:
        """Says what the host should have, if that is new."""
        if orders.number != self._told.number:
            self._told = orders
            self._say()

    def hear(self) -> Report | None:
        """What the host has, if it has said so since it was last heard."""
        news, self.news = self.news, None
        return news

    def take(self, said: Mapping[str, Any]) -> None:
        """Takes in what the host says.

        Raises:
          NoMessage: it is none.
        """
        if said.get("visit") != self._visit:
            return
        if devices := said.get("devices"):
            self.info = host_info_of(self.name, devices)
        self.stage = str(said.get("stage", ""))
        self.news = self._placed(report_of(said["report"])) if "report" in said else None

    def _placed(self, report: Report) -> Report:
        """The report, with devices that are known from those of other hosts."""
        ended = {}
        for id, each in report.ended.items():
            facts = {**each.facts, "device": f"{self.name} {each.facts.get('device', '')}".strip()}
            ended[id] = dataclasses.replace(each, facts=facts)
        return dataclasses.replace(report, ended=ended)

    def _say(self) -> None:
        """Says all there is to say: what is said last takes the place of what was said before."""
        orders = orders_facts(self._told)
        self._cluster.send(
            self.name, told=self._cluster.introduction | {"visit": self._visit, "orders": orders}
        )


class Cluster:
    """All of them, and the way to them.

    Attributes:
      address: where hosts join, `HOST:PORT`.
      hosts: those that have joined, by name.
      introduction: what every host is told.
      notices: what happened that whoever watches should know; they are taken from it.
    """

    def __init__(self, address: str, token: Token, recipe: Mapping[str, Json], command: Sequence[str] = LINK):
        """Starts the link, without waiting for it.

        Args:
          address: of this machine, at which hosts join; or of a head that is there already.
          token: what they show to be let in.
          recipe: the `configuration` of what they are to run.
          command: the process of the link.

        Raises:
          InputError: it cannot be started.
        """
        self.address = address
        self.hosts: dict[str, RemoteHost] = {}
        self.notices: list[str] = []
        self.introduction: dict[str, Json] = {"recipe": recipe, "version": VERSION}
        self._token, self._command = token, command
        self._data: Mapping[str, Json] = recipe["configuration"].get("data") or {}
        self._id = uuid.uuid4().hex[:12]
        self._gone: dict[str, str] = {}
        self._barred: set[str] = set()
        self._listens, self._again = False, 0.0
        self._link: Process | None = None
        self._begin()

    def fileno(self) -> int | None:
        """What becomes readable when there is something to hear; None while there is no link."""
        return self._link.fileno() if self._link else None

    def open(self) -> None:
        """Waits until hosts can join.

        Raises:
          InputError: they never can: the address is not of this machine, or is in use.
        """
        while not self._listens:
            self.listen()
            if not self._link and not self._listens:
                raise InputError(f"hosts cannot join at {self.address}: {self.notices[-1]}")
            time.sleep(0.02)

    def listen(self) -> None:
        """Takes in what has happened.

        Raises:
          InputError: there is no use in going on trying.
        """
        if self._link is None and time.monotonic() >= self._again:
            self._begin()
        if self._link:
            try:
                for text in self._link.lines():
                    self._take(parsed(text))
                    if not self._link:
                        break  # it has said that it is lost
            except ProcessEnded as error:
                self._lose(f"the link to the hosts has ended: {error}")

    def gone(self) -> dict[str, str]:
        """The hosts that have gone away since this was last asked, with the reasons."""
        gone, self._gone = self._gone, {}
        return gone

    def send(self, host: str, **message: Json) -> None:
        """Sends a message to a host."""
        if self._link:
            self._link.write({"host": host, **message})

    def dismiss(self, name: str, reason: str) -> None:
        """Has no more to do with a host."""
        if self.hosts.pop(name, None):
            self._gone[name] = reason
            self.notices.append(f"{name}: {reason}")

    def stop(self, over: bool = False) -> None:
        """Ends the link. If the search is over, the hosts are told so first, and end too."""
        if not self._link:
            return
        if over and self.hosts:
            for name in self.hosts:
                self.send(name, told={"over": True})
        self._link.finish(FAREWELL)
        self._link = None
        self.hosts.clear()

    def _begin(self) -> None:
        self._link = Process(self._command, "the link to the hosts")
        self._link.write(
            {"role": "driver", "id": self._id, "address": self.address, "token": self._token.path}
        )

    def _take(self, message: Mapping[str, Any]) -> None:
        """Takes in what the link says."""
        if "refused" in message and not self._listens:
            raise InputError(message["refused"])
        if "refused" in message or "lost" in message:
            self._lose(message.get("lost") or message["refused"])
        elif "listens" in message:
            self._listens = True
        elif "noticed" in message:
            self.notices.append(message["noticed"])
        elif "joined" in message:
            self._welcome(message["joined"])
        elif "left" in message:
            self.dismiss(message["left"], f"it has left ({message['reason']})")
        elif message["host"] not in self._barred:  # one that was silent for a while is welcome again
            self._take_from(
                self.hosts.get(message["host"]) or self._welcome(message["host"]), message["said"]
            )

    def _welcome(self, name: str) -> RemoteHost:
        self._barred.discard(name)
        host = self.hosts[name] = RemoteHost(name, self)
        return host

    def _take_from(self, host: RemoteHost, said: Any) -> None:
        """Takes in what a host says. One that says what makes no sense is dismissed."""
        known = host.info
        try:
            if not isinstance(said, dict):
                raise NoMessage(f"this is no message: {said!r:.100}")
            if "unusable" in said:
                self._bar(host.name, f"it cannot be used: {said['unusable']}")
                return
            if "needs" in said:
                self._send_data(host, said["needs"])
            host.take(said)
        except NoMessage as error:
            self._bar(host.name, f"it has lost its mind: {error}")
        if host.info and not known:
            info = host.info
            self.notices.append(f"{host.name} has joined: {info.devices} x {info.kind}")

    def _bar(self, name: str, reason: str) -> None:
        """Hears no more of a host, until it joins anew."""
        self.dismiss(name, reason)
        self._barred.add(name)

    def _send_data(self, host: RemoteHost, needs: Any) -> None:
        """Sends the data of the recipe, and nothing else, to a host that does not have it, once."""
        if needs == self._data.get("fingerprint") and self._data.get("path") and needs not in host.sent:
            host.sent.add(needs)
            self.send(host.name, send=needs, path=self._data["path"])

    def _lose(self, reason: str) -> None:
        """There is no link any more: no host can be reached."""
        self.notices.append(reason)
        for name in list(self.hosts):
            self.hosts.pop(name)
            self._gone[name] = reason
        if self._link:
            self._link.finish(FAREWELL)
        self._link, self._again = None, time.monotonic() + AGAIN
