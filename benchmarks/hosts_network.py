r"""A search whose hosts are on machines of their own, as far as the network goes. It needs root, and `ip`.

    python benchmarks/hosts_network.py [--down 60] [--stopped 45] [--children 300] [--seconds 1.0]

Network namespaces on a bridge: the search is in one, a host in each of two others. Their children wait for
so many seconds. The link of the first host goes down for a while and comes back; then all processes of the
second host are stopped (SIGSTOP) for a while and go on. What is noticed is printed, with the seconds since
the beginning; every child must be answered once. A host without the token must not be let in.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for what the tests have: hosts that need no devices

from nao.core import Request  # noqa: E402
from nao.evaluators.hosts.cluster import LINK  # noqa: E402
from nao.evaluators.hosts.token import token  # noqa: E402
from tests.evaluators.fake import SPACE  # noqa: E402
from tests.evaluators.hosts.driving import Quick, driver  # noqa: E402

NAMES = ("nao0", "nao1", "nao2", "nao3")
ADDRESS = "10.77.0.{}"
ADDRESS_OF_SEARCH = f"{ADDRESS.format(10)}:6399"
BRIDGE = "naobridge"


def ip(*arguments: str, check: bool = True) -> None:
    """Sets the network up."""
    subprocess.run(["ip", *arguments], check=check, capture_output=not check)


def set_up() -> None:
    """Namespaces on a bridge."""
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("link", "set", BRIDGE, "up")
    for i, name in enumerate(NAMES):
        ip("netns", "add", name)
        ip("link", "add", f"{name}out", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"{name}out", "master", BRIDGE, "up")
        ip("-n", name, "address", "add", f"{ADDRESS.format(10 + i)}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", name, "link", "set", device, "up")


def take_down() -> None:
    """Removes them, and whoever is left in them."""
    for name in NAMES:
        found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
        for pid in map(int, found.stdout.split()):
            os.kill(pid, signal.SIGKILL)
        ip("netns", "delete", name, check=False)
        ip("link", "delete", f"{name}out", check=False)
    ip("link", "delete", BRIDGE, check=False)


def host(name: str, address: str, token_file: Path, seconds: float) -> "subprocess.Popen[bytes]":
    """A host in a namespace."""
    command = ("-m", "tests.evaluators.hosts.elsewhere", address, str(token_file), str(seconds))
    log = open(token_file.parent / f"{name}.log", "wb")  # noqa: SIM115
    return subprocess.Popen(
        ["ip", "netns", "exec", name, sys.executable, *command],
        stdout=log,
        stderr=log,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def processes_in(name: str) -> list[int]:
    """All processes of a namespace."""
    found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=True)
    return [int(pid) for pid in found.stdout.split()]


def search(given: argparse.Namespace) -> None:
    """The search, in its namespace."""
    with driver(Quick(), ADDRESS_OF_SEARCH, Path(given.folder), link=LINK) as pool:
        pool.open()
        asked = [Request(x) for x in SPACE.sample(np.random.default_rng(0), given.children)]
        asked = list(dict.fromkeys(asked))
        answered: Counter[Request] = Counter()
        for result in pool.evaluate(asked):
            answered[result.request] += 1
            for notice in pool.notices():
                say(given.began, notice)
        assert set(answered) == set(asked)
        assert set(answered.values()) == {1}
        say(
            given.began,
            f"{len(answered)} children, each answered once; {pool._scheduler.lost} leases were lost",
        )


def say(began: float, text: str) -> None:
    """Says what happens, and when."""
    print(f"{time.time() - began:6.1f} s  {text}", flush=True)


def faults(given: argparse.Namespace) -> None:
    """What happens to the hosts."""
    time.sleep(20)
    say(given.began, f"the link of {NAMES[1]} goes down")
    ip("link", "set", f"{NAMES[1]}out", "down")
    time.sleep(given.down)
    ip("link", "set", f"{NAMES[1]}out", "up")
    say(given.began, "and comes back")
    time.sleep(30)
    stopped = processes_in(NAMES[2])
    say(given.began, f"{len(stopped)} processes of {NAMES[2]} are stopped")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(given.stopped)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    say(given.began, "and go on")


def play(given: argparse.Namespace) -> None:
    """A search, its hosts, and somebody who should not be there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token(folder / "token")
        stranger = folder / "stranger"
        stranger.write_text("0" * 64)
        stranger.chmod(0o600)
        own = ["--folder", name, "--began", str(given.began)]
        words = [sys.executable, __file__, *sys.argv[1:], *own]
        searching = subprocess.Popen(["ip", "netns", "exec", NAMES[0], *words])
        hosts = [host(each, ADDRESS_OF_SEARCH, folder / "token", given.seconds) for each in NAMES[1:3]]
        time.sleep(10)
        refused = host(NAMES[3], ADDRESS_OF_SEARCH, stranger, given.seconds)
        faults(given)
        say(given.began, f"without the token a host has ended with status {refused.wait(60)}")
        if searching.wait():
            raise SystemExit("the search has failed")
        for each in hosts:
            say(given.began, f"a host has ended with status {each.wait(120)}")
        for each in NAMES[1:4]:
            print(each, "|", " | ".join((folder / f"{each}.log").read_text().splitlines()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--down", type=float, default=60.0)
    parser.add_argument("--stopped", type=float, default=45.0)
    parser.add_argument("--children", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, default=time.time(), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        search(given)
        return
    take_down()
    set_up()
    try:
        play(given)
    finally:
        take_down()


if __name__ == "__main__":
    main()
