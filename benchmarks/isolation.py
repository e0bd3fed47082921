"""What does it cost to have children trained in a process of their own?

    python benchmarks/isolation.py [--children 100] [--rounds 4] [--devices 2]

The same children are trained in this process (`DevicePool`) and in one of their own (`HostPool`), in turns.
The table has the seconds on the wall, and the CPU-seconds of both processes together; what it takes to start
and to compile is not in it, but below. Last, what the driver itself computes for each child.
"""

import argparse
import os
import time

import numpy as np

from nao.core import Evaluator, Request
from nao.data import load
from nao.evaluators.devices import set_up_devices
from nao.evaluators.hosts.pool import HERE, HostPool
from nao.evaluators.images import Child, ImageProgram
from nao.evaluators.pool import DevicePool
from nao.spaces import space

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds_of(pid: int) -> float:
    """What a process has computed."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measured(where: Evaluator, requests: list[Request], others: list[int]) -> tuple[float, float, float]:
    """Seconds, CPU-seconds of all processes, and those of this one."""

    def spent() -> float:
        return time.process_time() + sum(map(cpu_seconds_of, others))

    began, cpu, mine = time.perf_counter(), spent(), time.process_time()
    assert all(result.score is not None for result in where.evaluate(requests))
    return time.perf_counter() - began, spent() - cpu, time.process_time() - mine


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, value in (("children", 100), ("rounds", 4), ("devices", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    set_up_devices(given.devices)
    where = space("cnn-cell-small")
    program = ImageProgram(where, load("digits"), Child())
    requests = [Request(x, 1) for x in where.sample(np.random.default_rng(0), given.children)]
    here = DevicePool(program, given.devices)
    began = time.perf_counter()
    apart = HostPool(program, given.devices)
    apart.open()
    started = time.perf_counter() - began
    for pool in (here, apart):
        for _ in pool.prepare():
            pass
        list(pool.evaluate(requests[: 2 * given.devices]))  # what is done once
    pid = apart._hosts[HERE]._worker.pid
    rows = np.array(
        [
            [measured(pool, requests, pids) for pool, pids in ((here, []), (apart, [pid]))]
            for _ in range(given.rounds)
        ]
    )  # [rounds, pools, measures]
    print("| trained | seconds | CPU-seconds |\n|---|---|---|")
    for i, name in enumerate(("in this process", "in one of their own")):
        print(f"| {name} | {np.median(rows[:, i, 0]):.2f} | {np.median(rows[:, i, 1]):.2f} |")
    ratio = np.median(rows[:, 1] / rows[:, 0], axis=0)
    print(f"| the one by the other | {ratio[0]:.3f} | {ratio[1]:.3f} |")
    print(f"\nto start the process: {started:.1f} s")
    print(f"CPU of the driver for a child: {1000 * np.median(rows[:, 1, 2]) / given.children:.2f} ms")


if __name__ == "__main__":
    main()
