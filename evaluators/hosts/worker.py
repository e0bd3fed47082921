"""The process that drives the devices of a host: `python -m nao.evaluators.hosts.worker`.

It reads the recipe of an evaluator from its standard input, one line of JSON, and after that the complete
set of attempts that it should have, as often as that changes. It writes what it does to its standard output:

    {"devices": 2, "kind": "cpu", "memory": ..}   it has these devices
    {"unusable": ".."}                            and cannot use them, for that reason
    {"preparing": "compiling"}, {"ready": true}
    {"started": [id, ..]}                         devices work on these attempts
    {"ended": id, "facts": {..}}                  and this is what came of one

It ends when its standard input does. What it was not told of, it drops; what devices work on already cannot
be stopped, but by ending the whole process, which whoever watches it does.
"""

import collections
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import IO, Any

from nao.core import InputError, Request
from nao.evaluators.hosts.messages import attempt_of, line, parsed

PATIENCE = 0.005  # seconds between two looks at the devices


def main() -> None:
    """Runs the worker."""
    # Whatever else is printed in this process is no message.
    messages, orders = os.fdopen(os.dup(1), "wb", buffering=0), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    recipe = parsed(orders.readline() or b"{}")
    try:
        work(recipe, read_in_thread(orders), messages)
    except InputError as error:
        messages.write(line({"unusable": str(error)}))
    except BrokenPipeError:
        pass


def read_in_thread(orders: Iterable[bytes]) -> "queue.SimpleQueue[bytes]":
    """The lines that arrive. With the last of them this process ends, whatever it does meanwhile."""
    arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        for text in orders:
            arrived.put(text)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return arrived


def work(recipe: Mapping[str, Any], orders: "queue.SimpleQueue[bytes]", messages: IO[bytes]) -> None:
    """Makes the evaluator of a recipe, and has its devices work.

    Raises:
      InputError: it cannot be made here.
    """

    def say(**message: Any) -> None:
        messages.write(line(message))

    from nao import evaluators
    from nao.evaluators.devices import describe, set_up_devices

    try:
        set_up_devices(recipe["devices"], recipe["cache"])  # first: JAX can only be told before it is used
        pool: Any = evaluators.make(recipe["configuration"], recipe["devices"])
        say(**describe(pool.devices))
        for stage in pool.prepare():
            say(preparing=stage)
        running = pool.begin()
    except (InputError, BrokenPipeError):
        raise
    except Exception as error:  # whatever stands in the way, such as devices that JAX does not find
        raise InputError(f"the devices cannot be used: {error}") from error
    say(ready=True)
    ids: dict[Request, str] = {}  # of all that it has
    waiting: collections.deque[Request] = collections.deque()
    said: set[str] = set()  # those whose start it has told
    ended: set[str] = set()  # those whose end it has told, but to whoever sent orders before that

    def say_started(requests: Iterable[Request]) -> None:
        started = [id for request in requests if (id := ids[request]) not in said]
        if started:
            say(started=started)
            said.update(started)

    while True:
        while not orders.empty() or not ids:
            wanted = [attempt_of(pool.space, each) for each in parsed(orders.get())["attempts"]]
            ended &= {attempt.id for attempt in wanted}
            new = {attempt.request: attempt.id for attempt in wanted if attempt.id not in ended}
            under_way = ids.keys() - set(waiting)
            waiting = collections.deque(request for request in new if request not in under_way)
            ids = {request: id for request, id in ids.items() if request in under_way} | new
        running.feed(waiting, say_started)
        found = running.collect()
        for result in found:
            id = ids.pop(result.request)
            say(ended=id, facts=result.facts())
            said.discard(id)
            ended.add(id)
        if found:
            say_started(running.started())  # those that were sent ahead
        else:
            time.sleep(PATIENCE)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # JAX would wait for whatever still computes
