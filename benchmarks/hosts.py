r"""What hosts elsewhere cost, and what it takes to lose a child: searches by Ray, on the loopback interface.

    python benchmarks/hosts.py [--parts throughput,waiting,cost,kills,heads,token,deaths] [--kills 100]

    throughput  children of the digits that take seconds, on one host and on two, each with a core of its own
    waiting     the same with children that wait for two seconds, which two cores do as fast as one
    cost        CPU time of the driver and of its link for a child, over 500 children
    kills       a host is killed between lease and start, time after time: seconds until all is answered
    heads       the head is killed while children are in hand, time after time: every child is answered once
    token       the head comes back with a new token: seconds until hosts have joined again, or have left
    deaths      a child that kills its process, 1,000 times twice: memory of the driver, its link and the head

All but the first have hosts whose devices wait instead of computing (`tests/evaluators/hosts/quick.py`).
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for what the tests have: hosts that need no devices

from nao.configuration import plain  # noqa: E402
from nao.core import Architecture, Request  # noqa: E402
from nao.data import load  # noqa: E402
from nao.evaluators.hosts.cluster import LINK, Cluster  # noqa: E402
from nao.evaluators.hosts.pool import HostPool  # noqa: E402
from nao.evaluators.hosts.token import token  # noqa: E402
from nao.evaluators.images import Child, ImageProgram  # noqa: E402
from nao.spaces import space  # noqa: E402
from tests.evaluators.fake import SPACE  # noqa: E402
from tests.evaluators.hosts.driving import Quick, driver  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
LONG = 120.0  # seconds that anything here may take at most


def wait_until(so: Callable[[], object]) -> float:
    """Seconds until something is so."""
    began = time.monotonic()
    while not so():
        if time.monotonic() - began > LONG:
            raise SystemExit("this takes too long")
        time.sleep(0.01)
    return time.monotonic() - began


def architectures(n: int, number: int = 0) -> list[Architecture]:
    """Strings, each once."""
    return SPACE.sample(np.random.default_rng(number), n)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the CPU."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def mebibytes(pid: int) -> float:
    """What a process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4 / 1024


def head_of(pool: HostPool) -> int:
    """The process of the engine that all others depend on."""
    link = link_of(pool)
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = f"\0{link}\0" in "\0" + (path / "stat").read_text().rpartition(")")[2].replace(" ", "\0")
            if ours and b"gcs_server" in (path / "cmdline").read_bytes().split(b"\0")[0]:
                return int(path.name)
    raise SystemExit("there is no head")


def link_of(pool: HostPool) -> int:
    """The process that reaches the hosts of a pool."""
    assert pool._cluster is not None
    assert pool._cluster._link is not None
    return pool._cluster._link.pid


class Elsewhere:
    """Hosts on this machine."""

    def __init__(self, folder: Path, port: int):
        """There are none."""
        self.folder, self.address = folder, f"127.0.0.1:{port}"
        self.hosts: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Starts one."""
        with open(self.folder / f"{len(self.hosts)}.log", "wb") as log:
            whole = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
            self.hosts.append(subprocess.Popen(command, stdout=log, stderr=log, env=whole))
        return self.hosts[-1]

    def quick(self, seconds: float, name: str = "token") -> "subprocess.Popen[bytes]":
        """Starts one whose devices wait."""
        module = ("-m", "tests.evaluators.hosts.elsewhere")
        return self.start(sys.executable, *module, self.address, str(self.folder / name), str(seconds))

    def joined(self, pool: HostPool, n: int) -> float:
        """Seconds until so many are in a pool."""
        return wait_until(lambda: len(pool._scheduler.hosts) == n or pool._listen())


@contextlib.contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Hosts, and an end to them."""
    global PORT
    PORT += 1
    with tempfile.TemporaryDirectory() as folder:
        made = Elsewhere(Path(folder), PORT)
        try:
            yield made
        finally:
            for host in made.hosts:
                host.kill()
                host.wait()


PORT = 7600


def throughput(given: argparse.Namespace) -> None:
    where = space("cnn-cell-small")
    program = ImageProgram(where, load("digits"), Child(steps=given.steps, batch=given.batch))
    found: dict[int, float] = {}
    with elsewhere() as there:
        shown = token(there.folder / "token")
        cluster = Cluster(there.address, shown, {"configuration": plain(program.configuration())})
        pool = HostPool(program, 0, cluster=cluster)
        for n in (1, 2):
            command = (sys.executable, "-m", "nao", "evaluate", "--join", there.address, "--devices", "1")
            core = ("taskset", "--cpu-list", str(n - 1))
            there.start(*core, *command, "--token-file", shown.path)
            wait_until(lambda n=n: len(pool._scheduler.hosts) == n or pool._listen())  # type: ignore[misc]
            wait_until(lambda: not any(host.stage for host in pool._hosts.values()) or pool._listen())
            list(pool.evaluate([Request(x, 9) for x in where.sample(np.random.default_rng(9), 2 * n)]))
            asked = [Request(x) for x in where.sample(np.random.default_rng(0), given.children)]
            began = time.monotonic()
            seconds = [result.seconds for result in pool.evaluate(asked)]
            found[n] = 60 * len(asked) / (time.monotonic() - began)
            print(f"{n} hosts: {found[n]:.1f} children a minute, each {np.median(seconds):.1f} s")
        pool.close()
    print(f"ratio {found[2] / found[1]:.2f}")


def waiting(given: argparse.Namespace) -> None:
    found: dict[int, float] = {}
    with elsewhere() as there, driver(Quick(), there.address, there.folder, link=LINK) as pool:
        for n in (1, 2):
            there.quick(2.0)
            there.joined(pool, n)
            asked = [Request(x, n) for x in architectures(given.children)]
            began = time.monotonic()
            answered = len(list(pool.evaluate(asked)))
            found[n] = 60 * answered / (time.monotonic() - began)
    print(f"children of 2 s that wait: {found[1]:.1f} a minute on one host, {found[2]:.1f} on two;", end=" ")
    print(f"ratio {found[2] / found[1]:.2f}")


def cost(given: argparse.Namespace) -> None:
    with elsewhere() as there, driver(Quick(), there.address, there.folder, link=LINK) as pool:
        there.quick(0.05)
        there.quick(0.05)
        there.joined(pool, 2)
        before = cpu_seconds(os.getpid()), cpu_seconds(link_of(pool))
        found = list(pool.evaluate([Request(x) for x in architectures(500)]))
        assert {result.status for result in found} == {"ok"}
        used = cpu_seconds(os.getpid()) - before[0], cpu_seconds(link_of(pool)) - before[1]
        print(f"{len(found)} children: driver {1000 * used[0] / len(found):.1f} ms of CPU for each,", end=" ")
        print(f"its link {1000 * used[1] / len(found):.1f} ms")


def answers(pool: HostPool, n: int) -> list[Request]:
    """What is answered of so many requests, once that is all of them."""
    found: list[Request] = []

    def all_of_them() -> bool:
        pool._listen()
        pool._tell()
        found.extend(result.request for result in pool._scheduler.take())
        return len(found) >= n

    wait_until(all_of_them)
    return found


def kills(given: argparse.Namespace) -> None:
    stalls = []
    with elsewhere() as there, driver(Quick(), there.address, there.folder, link=LINK) as pool:
        there.quick(0.02)
        there.joined(pool, 1)
        for i in range(given.kills):
            victim = there.quick(1e6)
            there.joined(pool, 2)
            asked = [Request(x, i) for x in architectures(4, i)]
            pool._scheduler.submit(asked)
            pool._tell()  # the victim has a lease, and no device has begun it
            victim.kill()
            began = time.monotonic()
            assert sorted(map(str, answers(pool, len(asked)))) == sorted(map(str, asked))
            stalls.append(time.monotonic() - began)
            there.joined(pool, 1)
            pool.notices()
    print(
        f"{given.kills} kills: {max(stalls):.1f} s at most until all four children were answered, once;",
        end=" ",
    )
    print(f"{np.median(stalls):.1f} s in the median; {pool._scheduler.lost} leases lost")


def heads(given: argparse.Namespace) -> None:
    with elsewhere() as there, driver(Quick(), there.address, there.folder, link=LINK) as pool:
        there.quick(0.5)
        there.quick(0.5)
        times = []
        for i in range(given.heads):
            there.joined(pool, 2)
            asked = [Request(x, i) for x in architectures(12, i)]
            found, began = [], time.monotonic()
            for result in pool.evaluate(asked):
                found.append(result.request)
                if len(found) == 3:
                    os.kill(head_of(pool), signal.SIGKILL)
            assert sorted(map(str, found)) == sorted(map(str, asked))
            times.append(time.monotonic() - began)
    print(f"{given.heads} heads killed, 12 children each time: every one answered once;", end=" ")
    print(f"{np.median(times):.0f} s in the median, {max(times):.0f} at most;", end=" ")
    print(f"{pool._scheduler.lost} leases lost")


def new_token(given: argparse.Namespace) -> None:
    with elsewhere() as there:
        file, old = there.folder / "token", there.folder / "old"
        first = driver(Quick(), there.address, there.folder, link=LINK)
        old.write_text(file.read_text())
        old.chmod(0o600)
        same, other = there.quick(0.05), there.quick(0.05, "old")
        there.joined(first, 2)
        first.close(over=False)
        file.unlink()
        with driver(Quick(), there.address, there.folder, link=LINK) as pool:
            began = time.monotonic()
            joined = there.joined(pool, 1)
            wait_until(lambda: other.poll() is not None or pool._listen())
            print(
                f"a new token: the host that has it joined after {joined:.1f} s, the other left after",
                end=" ",
            )
            print(f"{time.monotonic() - began:.1f} s with status {other.wait()}:", end=" ")
            print((there.folder / "1.log").read_text().splitlines()[-1])
            wrong = there.folder / "wrong"
            wrong.write_text("0" * 64)
            wrong.chmod(0o600)
            stranger = there.quick(0.05, "wrong")
            print(f"a stranger is refused after {wait_until(lambda: stranger.poll() is not None):.1f} s")
        assert same.wait(LONG) == 0


def deaths(given: argparse.Namespace) -> None:
    asked = architectures(1000)
    program = Quick(kills=tuple(map(str, asked)))
    with elsewhere() as there, driver(program, there.address, there.folder, link=LINK) as pool:
        there.quick(0.02)
        there.joined(pool, 1)
        parts = {
            "driver": os.getpid(),
            "link": link_of(pool),
            "head": head_of(pool),
            "host": there.hosts[0].pid,
        }
        print(f"| children | {' | '.join(parts)} |\n|---|---|---|---|---|")
        for answered, result in enumerate(pool.evaluate([Request(x) for x in asked]), 1):
            assert result.reason.startswith("its process died twice")
            pool.notices()
            if answered % 200 == 0:
                memory = " | ".join(f"{mebibytes(pid):.0f}" for pid in parts.values())
                print(f"| {answered} | {memory} |", flush=True)


PARTS = {
    "throughput": throughput,
    "waiting": waiting,
    "cost": cost,
    "kills": kills,
    "heads": heads,
    "token": new_token,
    "deaths": deaths,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--heads", type=int, default=20)
    parser.add_argument("--children", type=int, default=40)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=64, help="what a core keeps in its own cache is small")
    given = parser.parse_args()
    for part in given.parts.split(","):
        PARTS[part](given)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
