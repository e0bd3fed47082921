"""A worker that speaks as `nao.evaluators.hosts.worker` does, and needs no JAX: `python quick.py [SECONDS]`.

Its recipe's configuration says for which strings it `kills` itself and with which it `hangs`; all others are
scored by the sum of their tokens, after so many seconds.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 0.02


def say(**message):
    os.write(1, json.dumps(message).encode() + b"\n")


def score(architecture):
    """The sum of the tokens of a string of `tests.fakes.PairSpace`."""
    return float(sum("abcd".index(letter) for letter in architecture if letter != " "))


def main():
    rest = b""
    while b"\n" not in rest:
        rest += os.read(0, 1 << 16)
    first, _, rest = rest.partition(b"\n")
    recipe = json.loads(first)
    configuration, devices = recipe["configuration"], recipe["devices"] or 1
    if configuration.get("unusable"):
        say(unusable=configuration["unusable"])
        return
    say(devices=devices, kind="cpu", memory=configuration.get("memory"))
    say(preparing="compiling")
    say(ready=True)
    wanted, ended, running = [], set(), {}
    while True:
        *lines, rest = rest.split(b"\n")
        if lines:
            wanted = json.loads(lines[-1])["attempts"]
            ended &= {each["id"] for each in wanted}
        for id in [id for id, (end, _) in running.items() if end <= time.monotonic()]:
            _, attempt = running.pop(id)
            ended.add(id)
            cost = {"parameters": 1, "flops": 1}
            facts = {"score": score(attempt["architecture"]), "seconds": SECONDS, "cost": cost}
            say(ended=id, facts=facts)
        for attempt in wanted:
            if len(running) < devices and attempt["id"] not in ended and attempt["id"] not in running:
                hangs = attempt["architecture"] in configuration.get("hangs", ())
                running[attempt["id"]] = time.monotonic() + (1e9 if hangs else SECONDS), attempt
                say(started=[attempt["id"]])
                if attempt["architecture"] in configuration.get("kills", ()):
                    os.kill(os.getpid(), signal.SIGSEGV)
        ends = min((end for end, _ in running.values()), default=time.monotonic() + 1.0)
        if select.select([0], [], [], max(0.0, ends - time.monotonic()))[0]:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                return
            rest += chunk


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
