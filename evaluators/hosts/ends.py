"""The two ends of a link: that of the driver, and that of a host (see `link`)."""

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from nao.evaluators.hosts.engine import Lost
from nao.evaluators.hosts.letterbox import DRIVER, FREE, HOST, Letterbox

COUNTED = ("CPU", "GPU", "TPU")  # of what the engine counts on a machine
DELIVERY = 3.0  # seconds that the last letters may take
PICKED_UP = 0.5  # seconds after which whoever waited for a letter has it
LOOK = 1.0  # seconds between two looks at who has joined
END: dict[str, Any] = {}  # there is nothing more to carry
Say = Callable[..., None]
"""Sends a message, by its fields, to whoever started the process."""


class Driver:
    """The end of the driver: it finds the letterboxes of hosts, and empties and fills them."""

    def __init__(self, role: Mapping[str, Any], say: Say):
        """Knows no host."""
        self._id, self._say = role["id"], say
        self._boxes: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._letters: dict[str, asyncio.Task[None]] = {}  # the last one to each host
        self._written = 0
        say(listens=role["address"])

    async def listen(self) -> None:
        """Looks for letterboxes, and listens at each."""
        import ray

        while True:
            for name in await asyncio.to_thread(ray.util.list_named_actors):
                if name not in self._boxes:
                    with contextlib.suppress(ValueError):  # it is gone already
                        self._boxes[name] = await asyncio.to_thread(ray.get_actor, name)
                        self._start(self._listen_at(name))
            await asyncio.sleep(LOOK)

    async def obey(self, lines: "asyncio.Queue[dict[str, Any]]") -> None:
        """Delivers what it is told."""
        while True:
            message = await lines.get()
            if message is END:
                if self._letters:
                    await asyncio.wait(self._letters.values(), timeout=DELIVERY)
                return
            box = self._boxes.get(message["host"])
            if box is None:
                continue  # whoever sent this is told that the host has left, or was already
            if "send" in message:
                self._start(self._send(box, message["send"], Path(message["path"])))
            else:
                self._written += 1
                letter = self._deliver(box.put, HOST, json.dumps(message["told"]), self._id, self._written)
                self._letters[message["host"]] = self._start(letter)

    async def _listen_at(self, name: str) -> None:
        from ray.exceptions import RayError

        box, seen, mine = self._boxes[name], 0, False
        try:
            while True:
                letter = await box.read_as_driver.remote(self._id, seen)
                if letter is None:
                    await asyncio.sleep(LOOK)
                    continue
                if not mine:
                    self._say(joined=name)
                    mine = True
                number, text = letter
                if number > seen:
                    self._say(host=name, said=json.loads(text))
                seen = number
        except RayError as error:
            if mine:
                self._say(left=name, reason=type(error).__name__)
        finally:
            del self._boxes[name]

    async def _deliver(self, method: Any, *what: Any) -> None:
        """That the host has left, those who listen to it are told."""
        from ray.exceptions import RayError

        with contextlib.suppress(RayError):
            await method.remote(*what)

    async def _send(self, box: Any, name: str, path: Path) -> None:
        """Sends a file; if it cannot be read, an empty one, which is then refused for what it is."""
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError:
            content = b""
        await self._deliver(box.put_data, name, content)

    def _start(self, part: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(part)
        self._tasks.add(task)  # the loop itself would forget it
        task.add_done_callback(self._tasks.discard)
        return task


class Host:
    """The end of a host: it has the letterbox."""

    def __init__(self, role: Mapping[str, Any], node: str, say: Say):
        """Puts the letterbox up, on this machine."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._say = say
        here = NodeAffinitySchedulingStrategy(node, soft=False)
        actor: Any = ray.remote(Letterbox)
        self._box = actor.options(
            name=role["id"], num_cpus=0, max_concurrency=100, scheduling_strategy=here
        ).remote()
        (resources,) = (each["Resources"] for each in ray.nodes() if each["NodeID"] == node)
        say(joined={name: int(resources.get(name, 0)) for name in COUNTED})

    async def listen(self) -> None:
        """Says what it is told by the driver.

        Raises:
          Lost: no driver has asked for a while.
        """
        seen = 0
        while True:
            number, text, silent = await self._box.read_as_host.remote(seen)
            if number > seen:
                self._say(told=json.loads(text))
            seen = number
            if seen and silent > FREE:
                raise Lost(f"the search has not been heard of for {silent:.0f} s")

    async def obey(self, lines: "asyncio.Queue[dict[str, Any]]") -> None:
        """Delivers what it is told, and takes what was sent."""
        import ray

        written = 0
        while True:
            message = await lines.get()
            if message is END:
                await asyncio.sleep(PICKED_UP)
                ray.kill(self._box)  # it would go with this process too, but that is heard of later
                return
            if "take" in message:
                self._taking = asyncio.create_task(self._take(message["take"], Path(message["to"])))
            else:
                written += 1
                self._box.put.remote(DRIVER, json.dumps(message["said"]), HOST, written)

    async def _take(self, name: str, to: Path) -> None:
        content = await self._box.take_data.remote(name)
        await asyncio.to_thread(write_whole, to, content)
        self._say(taken=name)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is there as a whole or not at all, for this user alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(name, path)
