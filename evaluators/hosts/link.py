"""The process that carries messages between the driver of a search and hosts elsewhere, by Ray.

`python -m nao.evaluators.hosts.link`, the one module that imports Ray: the engine aborts a process whose head
is away for a minute, which is no reason for a search to end, or for a host to drop what it trains. Whoever
started a link that has ended starts another.

It reads where it is to be from its standard input, one line of JSON, and after that what it is to carry:

    {"role": "driver", "id": "..", "address": "HOST:PORT", "token": "FILE"}
        {"host": name, "told": {..}}       to a host
        {"host": name, "send": NAME, "path": PATH}   sends it a file
        -> {"listens": "HOST:PORT"}        hosts can join there
        -> {"joined": name}, {"host": name, "said": {..}}, {"left": name, "reason": ".."}
    {"role": "host", "id": name, ...}
        {"said": {..}}                     to the driver
        {"take": NAME, "to": PATH}         keeps a file that was sent
        -> {"joined": {"CPU": 2, ..}}      what the engine counts on this machine
        -> {"told": {..}}, {"taken": NAME}
    -> {"refused": ".."}                   there is no use in trying again
    -> {"lost": ".."}                      the connection is; and the process ends

It ends when its standard input does and the last letters are delivered, and with it all that it has started.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from nao.evaluators.hosts.engine import Lost, Refused, connect
from nao.evaluators.hosts.letterbox import DRIVER, FREE, HOST, Letterbox
from nao.evaluators.hosts.messages import line, parsed

COUNTED = ("CPU", "GPU", "TPU")  # of what the engine counts on a machine
DELIVERY = 3.0  # seconds that the last letters may take
PICKED_UP = 0.5  # seconds after which whoever waited for a letter has it
END: dict[str, Any] = {}  # there is nothing more to carry
LONG = 3.0  # seconds that a connection may take
LOOK = 1.0  # seconds between two looks at who has joined, and at what was started
TEMPORARY = "nao-link-"  # begins the names of temporary folders; the process of each follows


def main() -> None:
    """Runs the link."""
    messages = os.fdopen(os.dup(1), "wb", buffering=0)
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{os.getpid()}-"))
    sys.stdout.flush()
    log = os.open(folder / "link.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    role = parsed(sys.stdin.buffer.readline() or b"{}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    remove_leftovers()
    node, say = None, Say(messages)
    try:
        node = connect(role, folder)
        asyncio.run(carry(role, node, say))
    except Refused as error:
        say(refused=str(error))
    except Lost as error:
        say(lost=str(error))
    except BrokenPipeError:
        pass
    except Exception as error:  # whatever the engine raises: the next link may have more luck
        say(lost=" ".join(f"{type(error).__name__}: {error}".split())[:300])
    finally:
        if node is not None:
            node.kill_all_processes(check_alive=False, allow_graceful=False)
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)  # the engine's helpers outlive it, and so would threads of this process


class Say:
    """Sends a message to whoever started this process."""

    def __init__(self, messages: Any):
        """Sends them there."""
        self._messages = messages

    def __call__(self, **message: Any) -> None:
        """Sends one."""
        with contextlib.suppress(BrokenPipeError):
            self._messages.write(line(message))


def remove_leftovers() -> None:
    """Removes the temporary folders of links that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        pid = folder.name.removeprefix(TEMPORARY).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


async def carry(role: Mapping[str, Any], node: Any, say: Say) -> None:
    """Carries messages until one side is gone."""
    lines = asyncio.Queue[dict[str, Any]]()
    threading.Thread(target=_read_input, args=(asyncio.get_running_loop(), lines), daemon=True).start()
    address = role["address"]
    end = Driver(role, say) if role["role"] == DRIVER else Host(role, node.node_id, say)
    await _first_of(end.listen(), end.obey(lines), _watch(node, address))


async def _first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends, or raises."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in ended:
        task.result()


async def _watch(node: Any, address: str) -> None:
    """Raises Lost when a process of the engine is no more, or the head, which it would notice in a minute."""
    host, _, port = address.rpartition(":")
    while True:
        await asyncio.sleep(LOOK)
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), LONG)
            writer.close()
        except ConnectionRefusedError as error:
            raise Lost(f"nobody listens at {address} any more") from error
        except OSError:
            pass  # a link that is down for a while is no loss: what is said is kept until it is heard
        if dead := node.dead_processes():
            raise Lost(f"a process of the engine has ended ({dead[0][0]})")


def _read_input(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[dict[str, Any]]") -> None:
    """Takes in what this process is told. With the last of it, this process is to end."""
    for text in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, parsed(text))
    loop.call_soon_threadsafe(lines.put_nowait, END)


class Driver:
    """The end of the driver: it finds the letterboxes of hosts, and empties and fills them."""

    def __init__(self, role: Mapping[str, Any], say: Say):
        """Knows no host."""
        self._id, self._say = role["id"], say
        self._boxes: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._letters: dict[str, asyncio.Task[None]] = {}  # the last one to each host
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
                letter = self._deliver(box.put, HOST, json.dumps(message["told"]))
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

        while True:
            message = await lines.get()
            if message is END:
                await asyncio.sleep(PICKED_UP)
                ray.kill(self._box)  # it would go with this process too, but that is heard of later
                return
            if "take" in message:
                self._taking = asyncio.create_task(self._take(message["take"], Path(message["to"])))
            else:
                self._box.put.remote(DRIVER, json.dumps(message["said"]))

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


if __name__ == "__main__":
    main()
