"""The process that carries messages between the driver of a search and hosts elsewhere, by Ray.

`python -m nao.evaluators.hosts.link`, the one module that imports Ray: the engine aborts a process whose head
is away for a minute, which is no reason for a search to end, or for a host to drop what it trains. Whoever
started a link that has ended starts another.

It reads where it is to be from its standard input, one line of JSON, and after that what it is to carry:

    {"role": "driver", "id": "..", "address": "HOST:PORT", "token": "FILE"}
        {"host": name, "told": {..}}       to a host
        {"host": name, "send": NAME, "path": PATH}   sends it a file
        -> {"listens": "HOST:PORT"}        hosts can join there
        -> {"noticed": ".."}               whoever watches should know
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
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from nao.evaluators.hosts.door import Door
from nao.evaluators.hosts.ends import END, Driver, Host, Say
from nao.evaluators.hosts.engine import LONG, Lost, Place, Refused, connect, parts
from nao.evaluators.hosts.letterbox import DRIVER
from nao.evaluators.hosts.messages import line, parsed

START = 30.0  # seconds that the engine may take to start
SHORT = 12  # characters of a folder's name, of the 107 that the name of a socket may have
LOOK = 1.0  # seconds between two looks at who has joined, and at what was started
TEMPORARY = "nao-link-"  # begins the names of temporary folders; the process of each follows


def main() -> None:
    """Runs the link."""
    messages = os.fdopen(os.dup(1), "wb", buffering=0)
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{os.getpid()}-", dir=temporary()))
    sys.stdout.flush()
    log = os.open(folder / "link.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    role = parsed(sys.stdin.buffer.readline() or b"{}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    remove_leftovers()
    place, say = None, Speaker(messages)
    try:
        with given_up_after(START, say):
            place = connect(role, folder)
        asyncio.run(carry(role, place, say))
    except Refused as error:
        say(refused=str(error))
    except Lost as error:
        say(lost=str(error))
    except BrokenPipeError:
        pass
    except Exception as error:  # whatever the engine raises: the next link may have more luck
        say(lost=" ".join(f"{type(error).__name__}: {error}".split())[:300])
    finally:
        say.finish()
        if place is not None:
            place.node.kill_all_processes(check_alive=False, allow_graceful=False)
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)  # the engine's helpers outlive it, and so would threads of this process


class Speaker:
    """Sends messages to whoever started this process, in a thread: that may not listen for minutes.

    What a host says replaces what it said before, if that was not taken yet.
    """

    def __init__(self, messages: IO[bytes]):
        """Sends them there."""
        self._messages, self._news = messages, threading.Condition()
        self._waiting: list[dict[str, Any]] = []
        self._over = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def __call__(self, **message: Any) -> None:
        """Sends one."""
        with self._news:
            if "said" in message:
                older = [x for x in self._waiting if "said" in x and x["host"] == message["host"]]
                for each in older:
                    self._waiting.remove(each)
            self._waiting.append(message)
            self._news.notify()

    def finish(self) -> None:
        """Waits until all is sent, but not for long."""
        with self._news:
            self._over = True
            self._news.notify()
        self._thread.join(LONG)

    def _write(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            while True:
                with self._news:
                    self._news.wait_for(lambda: self._waiting or self._over)
                    sent, self._waiting = self._waiting, []
                for message in sent:
                    self._messages.write(line(message))
                if not sent:
                    return


@contextlib.contextmanager
def given_up_after(seconds: float, say: Say) -> Iterator[None]:
    """Ends this process if what is done inside takes longer: the engine can wait for a head for ever."""

    def give_up() -> None:
        say(lost=f"the engine has not found its place within {seconds:.0f} s")
        os.killpg(0, signal.SIGKILL)

    timer = threading.Timer(seconds, give_up)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def temporary() -> str:
    """Where temporary folders are made: names of sockets must be short, and not on a network."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= SHORT else "/tmp"


def remove_leftovers() -> None:
    """Removes the temporary folders of links that were killed."""
    for folder in Path(temporary()).glob(f"{TEMPORARY}*"):
        pid = folder.name.removeprefix(TEMPORARY).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


async def carry(role: Mapping[str, Any], place: Place, say: Say) -> None:
    """Carries messages until one side is gone."""
    lines = asyncio.Queue[dict[str, Any]]()
    threading.Thread(target=_read_input, args=(asyncio.get_running_loop(), lines), daemon=True).start()
    if place.door:
        door = Door(place.door, role["token"], place.engine, lambda text: say(noticed=text))
        _open = await door.open()
    end = Driver(role, say) if role["role"] == DRIVER else Host(role, place.node.node_id, say)
    await _first_of(end.listen(), end.obey(lines), _watch(place.node, place.engine))


async def _first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends, or raises."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in ended:
        task.result()


async def _watch(node: Any, address: str) -> None:
    """Raises Lost when a process of the engine is no more, or the head, which it would notice in a minute."""
    host, port = parts(address)
    while True:
        await asyncio.sleep(LOOK)
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), LONG)
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


if __name__ == "__main__":
    main()
