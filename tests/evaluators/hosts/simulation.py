"""Hosts that train nothing, a clock that is set, and the real scheduler.

    python -m tests.evaluators.hosts.simulation --hosts 125 --devices 8 --children 20000

prints how busy a thousand devices are. The times of children spread over a factor of ten, and every message
takes a fifth of a second, each way.
"""

import argparse
import dataclasses
import heapq
import itertools
import resource
import time

import numpy as np

from nao.core import Architecture, Request, Result
from nao.evaluators.hosts.messages import Attempt, Ended, HostInfo, Orders, Report
from nao.evaluators.hosts.scheduler import Scheduler
from tests.evaluators.fake import SPACE

LATENCY = 0.2  # seconds that a message takes
AWAY = 60.0  # seconds until a host that went away is back


def requests(n):
    tokens = itertools.product(range(4), repeat=8)
    return [Request(Architecture(x, SPACE), seed) for seed, x in enumerate(itertools.islice(tokens, n))]


def answered(request, seconds=1.0):
    return Ended("answered", Result(request, 1.0, seconds=seconds).facts())


@dataclasses.dataclass
class SimulatedHost:
    """What a host has, and since when each of its devices is free."""

    info: HostInfo
    orders: Orders = dataclasses.field(default_factory=lambda: Orders(0))
    waiting: list[Attempt] = dataclasses.field(default_factory=list)
    running: dict[str, float] = dataclasses.field(default_factory=dict)
    ended: dict[str, Ended] = dataclasses.field(default_factory=dict)
    free_since: list[float] = dataclasses.field(default_factory=list)

    def obey(self, orders):
        self.orders = orders
        wanted = {attempt.id for attempt in orders.attempts}
        self.ended = {id: each for id, each in self.ended.items() if id in wanted}
        has = {*self.running, *self.ended, *(attempt.id for attempt in self.waiting)}
        self.waiting += [attempt for attempt in orders.attempts if attempt.id not in has]

    def report(self, now):
        running = {id: now - since for id, since in self.running.items()}
        waiting = frozenset(attempt.id for attempt in self.waiting)
        return Report(self.orders.number, waiting, running, dict(self.ended))


class Simulation:
    """Plays children on hosts until all are answered.

    Attributes:
      answers: all of them.
      busy: the share of device time that was used until the last child was started.
      longest_gap: the longest time, in seconds, that a device was free before its next child.
    """

    def __init__(self, hosts, devices, children, deaths, seed):
        rng = np.random.default_rng(seed)
        asked = requests(children)
        self.seconds = dict(zip(asked, rng.uniform(60, 600, children).tolist(), strict=True))
        self.fatal = {asked[i] for i in rng.permutation(children)[: int(deaths * children)]}
        self.scheduler, self.answers, self.gaps, self.spans = Scheduler(), [], [0.0], []
        self.now, self.events, self.numbers, self.hosts, self.told = 0.0, [], itertools.count(), {}, {}
        self.scheduler.submit(asked)
        for i in range(hosts):
            self.join(HostInfo(f"host {i}", devices))
        while self.scheduler.unanswered:
            self.now, _, happens, *given = heapq.heappop(self.events)
            happens(*given)
        last = max(start for start, _ in self.spans)
        used = sum(min(end, last) - start for start, end in self.spans)
        self.busy, self.longest_gap = used / (last * hosts * devices), max(self.gaps)

    def after(self, seconds, happens, *given):
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), happens, *given))

    def join(self, info):
        self.hosts[info.name] = SimulatedHost(info)
        self.scheduler.join(info, self.now)
        self.told[info.name] = 0
        self.tell(info.name)

    def tell(self, name):
        orders = self.scheduler.orders(name)
        if orders.number != self.told[name]:
            self.told[name] = orders.number
            self.after(LATENCY, self.arrive, self.hosts[name], orders)

    def arrive(self, host, orders):
        if host is self.hosts.get(host.info.name):
            host.obey(orders)
            self.go_on(host)

    def go_on(self, host):
        while host.waiting and len(host.running) < host.info.devices:
            attempt = host.waiting.pop(0)
            host.running[attempt.id] = self.now
            if host.free_since:
                self.gaps.append(self.now - host.free_since.pop())
            self.after(self.seconds[attempt.request], self.finish, host, attempt)
        self.after(LATENCY, self.observe, host, host.report(self.now))

    def finish(self, host, attempt):
        if host is not self.hosts.get(host.info.name):
            return
        self.spans.append((host.running.pop(attempt.id), self.now))
        if attempt.request in self.fatal:
            self.fatal.remove(attempt.request)
            del self.hosts[host.info.name]
            self.scheduler.leave(host.info.name, "it went away")
            self.after(AWAY, self.join, host.info)
            for name in self.scheduler.hosts:
                self.tell(name)
            return
        host.ended[attempt.id] = answered(attempt.request, self.seconds[attempt.request])
        host.free_since.append(self.now)
        self.go_on(host)

    def observe(self, host, report):
        if host is self.hosts.get(host.info.name):
            self.scheduler.observe(host.info.name, report, self.now)
            self.answers += self.scheduler.take()
            self.tell(host.info.name)


def simulate(hosts, devices, children, deaths=0.0, seed=0):
    """See `Simulation`; a share `deaths` of the children goes away with its host, once."""
    return Simulation(hosts, devices, children, deaths, seed)


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("hosts", 125), ("devices", 8), ("children", 20_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--deaths", type=float, default=0.0)
    given = parser.parse_args()
    began = time.process_time()
    found = simulate(**vars(given))
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"answers {len(found.answers):,}, attempts lost {found.scheduler.lost:,}")
    print(f"busy {100 * found.busy:.2f} %, longest wait of a free device {found.longest_gap:.2f} s")
    print(
        f"{1000 * spent / given.children:.2f} ms of CPU per child, simulation included; peak {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
