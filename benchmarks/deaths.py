r"""Does a search outlive any number of children that kill their process?

    python benchmarks/deaths.py [--children 1000]

Every child kills the process that drives the devices, twice, and has then failed. The process is one that
trains nothing, so that it starts at once. For each tenth of the children the script prints the memory of the
driver, how many processes and open files it has, and the milliseconds from one death to the next.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

from nao.core import Request
from nao.data import load
from nao.evaluators.hosts.pool import HostPool
from nao.evaluators.images import Child, ImageProgram
from nao.spaces import space

WORKER = """
import json, os, sys
sys.stdin.readline()
print(json.dumps({"devices": 1, "kind": "none", "memory": None}), flush=True)
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    for attempt in json.loads(line)["attempts"]:
        print(json.dumps({"started": [attempt["id"]]}), flush=True)
        os.kill(os.getpid(), 11)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--children", type=int, default=1000)
    given = parser.parse_args()
    where = space("cnn-cell-small")
    command = (sys.executable, "-S", "-E", "-c", WORKER)
    pool = HostPool(ImageProgram(where, load("digits"), Child()), 1, command=command)
    requests = [Request(x) for x in where.sample(np.random.default_rng(0), given.children)]
    began = time.perf_counter()
    print("| children | MiB | at most | files | processes | ms for a death |\n|---|---|---|---|---|---|")
    for answered, result in enumerate(pool.evaluate(requests), 1):
        assert result.reason.startswith("its process died twice")
        if answered % (given.children // 10) == 0:
            now = time.perf_counter()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            files, pid = len(os.listdir("/proc/self/fd")), os.getpid()
            processes = len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            for_a_death = 1000 * (now - began) / (2 * given.children / 10)
            cells = (
                answered,
                f"{pages * 4 / 1024:.0f}",
                f"{peak:.0f}",
                files,
                processes,
                f"{for_a_death:.0f}",
            )
            print(f"| {' | '.join(map(str, cells))} |")
            began = now
    pool.close()


if __name__ == "__main__":
    main()
