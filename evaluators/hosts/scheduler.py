"""Who is to have which child, and what becomes of one that dies, hangs or is lost.

The scheduler is pure: it is told what happened and what time it is, and says what each host should have. So
the process on this machine, hosts elsewhere and a simulation of a thousand devices are scheduled alike.
"""

import collections
import dataclasses
import statistics
import uuid
from collections.abc import Iterator, Sequence

from nao.core import Fidelity, Request, Result
from nao.evaluators.hosts.messages import Attempt, Ended, HostInfo, Orders, Report, result_of

AHEAD = 2  # attempts that a host has for each device beyond the one it works on, while many wait
FINISHED = 5  # this many children must have finished before their median says anything
SHORTEST, LONGEST = 60.0, 86_400.0  # seconds: the shortest time-out, and the one before that
REMEMBERED = 501  # children whose times are known, the newest
PATIENCE = 20  # times the median: how long a child may take
MOST_LOSSES = 3  # hosts that may go away while they work on a child before it is taken to be the cause
OUT_OF_MEMORY = "out of memory"  # what the reason of a child without enough memory begins with


@dataclasses.dataclass
class Lease:
    """An attempt that a host has.

    Attributes:
      attempt: which.
      number: of the first orders with it.
      alone: whether the host is to have nothing else meanwhile.
      started: whether a device was heard to work on it.
    """

    attempt: Attempt
    number: int
    alone: bool = False
    started: bool = False


@dataclasses.dataclass
class Host:
    """A host that has joined.

    Attributes:
      info: what it says of itself.
      leases: by the id of the attempt.
      number: of its newest orders.
      heard: when it was last heard of, in seconds.
      draining: whether it gets nothing new until it has nothing.
      leaving: whether it gets nothing new any more.
    """

    info: HostInfo
    heard: float
    leases: dict[str, Lease] = dataclasses.field(default_factory=dict)
    number: int = 0
    draining: bool = False
    leaving: bool = False


class Scheduler:
    """Leases requests to hosts until each is answered once.

    - A child whose process died is tried once more, alone on a host: of several that died together, one is
      the cause. One that dies again is a failed result with both reasons.
    - A child that takes longer than the time-out is a failed result.
    - A child whose host went away is tried again, elsewhere or when a host is back. One that this happens to
      time and again is tried alone, and has failed if its host goes away then too.
    - A child without enough memory is tried again on a device that has more, where there is one.

    Attributes:
      timeout: seconds that a child may take; None derives it from those that finished.
      lost: how many attempts went away with their hosts.
    """

    def __init__(self, timeout: float | None = None):
        """Has no hosts and nothing to do."""
        self.timeout = timeout
        self.lost = 0
        self._driver = uuid.uuid4().hex[:12]  # attempts of a driver that is restarted are others
        self._made = 0
        self._hosts: dict[str, Host] = {}
        self._waiting: collections.deque[Request] = collections.deque()
        self._alone: collections.deque[Request] = collections.deque()
        self._larger: dict[Request, tuple[int, Result]] = {}  # to be tried with more memory than that
        self._deaths: set[Request] = set()  # whose process has died
        self._losses: collections.Counter[Request] = collections.Counter()
        self._unanswered: set[Request] = set()
        self._answers: list[Result] = []
        self._seconds: dict[Fidelity, collections.deque[float]] = {}  # of those that finished

    @property
    def unanswered(self) -> int:
        """How many requests have no answer yet."""
        return len(self._unanswered)

    @property
    def hosts(self) -> Sequence[str]:
        """The names of those that have joined."""
        return list(self._hosts)

    def submit(self, requests: Sequence[Request]) -> None:
        """Takes on requests, each once."""
        new = [request for request in dict.fromkeys(requests) if request not in self._unanswered]
        self._waiting.extend(new)
        self._unanswered.update(new)

    def take(self) -> list[Result]:
        """The answers since it was last asked."""
        answers, self._answers = self._answers, []
        return answers

    def withdraw(self) -> None:
        """Wants no more answers: hosts are to end what they have."""
        for host in self._hosts.values():
            for id in list(host.leases):
                self._end(host, id)
            host.draining = False
        for forgotten in (self._waiting, self._alone, self._larger, self._deaths, self._losses):
            forgotten.clear()
        self._unanswered.clear()
        self._answers.clear()

    def join(self, info: HostInfo, now: float) -> None:
        """A host is there, with nothing to do. If it was there before, it has lost what it had."""
        if info.name in self._hosts:
            self.leave(info.name, "it started anew")
        self._hosts[info.name] = Host(info, now)

    def leave(self, name: str, reason: str) -> None:
        """A host has gone away, with all that it had."""
        host = self._hosts.pop(name)
        for lease in reversed(host.leases.values()):
            self._lose(lease, f"{name}: {reason}")
        for request, (memory, failed) in list(self._larger.items()):
            if not self._has_more_memory(memory):
                self._answer(failed)
                del self._larger[request]

    def excuse(self, seconds: float) -> None:
        """For so long nobody could have been heard."""
        for host in self._hosts.values():
            host.heard += seconds

    def silent(self, now: float, seconds: float) -> list[str]:
        """The hosts that were not heard of for so long."""
        return [name for name, host in self._hosts.items() if now - host.heard > seconds]

    def orders(self, name: str) -> Orders:
        """What a host should have now: what it has already, and as much more as it can use."""
        host = self._hosts[name]
        before = len(host.leases)
        if host.leaving:
            return Orders(host.number, tuple(lease.attempt for lease in host.leases.values()))
        host.draining = bool(self._alone) and (host.draining or self._should_drain(host))
        if self._alone and not host.leases:
            host.draining = False
            self._lease(host, self._alone.popleft(), alone=True)
        elif not host.draining and not any(lease.alone for lease in host.leases.values()):
            for request in self._next(host):
                self._lease(host, request)
        if len(host.leases) != before or not host.number:
            host.number += 1
        return Orders(host.number, tuple(lease.attempt for lease in host.leases.values()))

    def observe(self, name: str, report: Report, now: float) -> None:
        """Takes into account what a host has."""
        host = self._hosts[name]
        host.heard = now
        if report.leaving:
            self._retire(host, report)
        for id, ended in report.ended.items():
            if lease := self._end(host, id):  # else it is said again, or of an attempt that nobody waits for
                self._conclude(host, lease, ended)
        for id, seconds in report.running.items():
            if id not in host.leases:
                continue
            lease = host.leases[id]
            lease.started = True
            limit, why = self._time_out(lease.attempt.request.fidelity)
            if seconds > limit:
                self._end(host, id)
                reason = f"stopped after {seconds:.0f} s: {why}"
                self._answer(Result(lease.attempt.request, status="failed", reason=reason, seconds=seconds))
        for id, lease in list(host.leases.items()):
            known = id in report.waiting or id in report.running or id in report.ended
            if report.number >= lease.number and not known:
                self._end(host, id)
                self._lose(lease, f"{name} has lost it")

    def _retire(self, host: Host, report: Report) -> None:
        """A host wants to leave once it has finished what it has begun: the rest is for others."""
        host.leaving = True
        for id in report.waiting:
            if lease := self._end(host, id):
                (self._alone if lease.alone else self._waiting).appendleft(lease.attempt.request)

    def _should_drain(self, host: Host) -> bool:
        """Whether a host should make room for a child that is to be alone: as many as these, the idlest."""
        staying = [each for each in self._hosts.values() if not each.leaving]
        others = [each for each in staying if not each.draining]
        idlest = min(others, key=lambda each: len(each.leases))
        return host is idlest and len(staying) - len(others) < len(self._alone)

    def _next(self, host: Host) -> Iterator[Request]:
        """The requests that a host should have as well.

        None is given to a host ahead of time while it may find a free device elsewhere later.
        """
        for request, (memory, _) in list(self._larger.items()):
            if len(host.leases) < host.info.devices and (host.info.memory or 0) > memory:
                del self._larger[request]
                yield request
        devices = sum(each.info.devices for each in self._hosts.values() if not each.leaving)
        for behind in range(1 + AHEAD):
            while (
                len(host.leases) < (1 + behind) * host.info.devices and len(self._waiting) > behind * devices
            ):
                yield self._waiting.popleft()

    def _lease(self, host: Host, request: Request, alone: bool = False) -> None:
        self._made += 1
        id = f"{self._driver}-{self._made}"
        host.leases[id] = Lease(Attempt(id, request), host.number + 1, alone)

    def _end(self, host: Host, id: str) -> Lease | None:
        """Ends a lease, if the host has it. Its orders are then others."""
        lease = host.leases.pop(id, None)
        host.number += lease is not None
        return lease

    def _conclude(self, host: Host, lease: Lease, ended: Ended) -> None:
        """What becomes of a request of which an attempt is over."""
        request = lease.attempt.request
        if ended.outcome == "died":
            if request not in self._deaths or not lease.alone:
                self._deaths.add(request)
                self._alone.append(request)
                return
            reason = f"its process died twice, the second time with nothing else in it: {ended.reason}"
            self._answer(Result(request, status="failed", reason=reason, device=host.info.name))
            return
        result = result_of(request, ended.facts)
        if result.status == "ok":
            known = self._seconds.setdefault(request.fidelity, collections.deque(maxlen=REMEMBERED))
            known.append(result.seconds)
        memory = host.info.memory or 0
        needs_more = result.reason.startswith(OUT_OF_MEMORY) and request not in self._deaths
        if needs_more and self._has_more_memory(memory):
            self._larger[request] = memory, result
        else:
            self._answer(result)

    def _lose(self, lease: Lease, reason: str) -> None:
        """A host has gone away with an attempt: its request is the next to be tried again."""
        request = lease.attempt.request
        self.lost += 1
        self._losses[request] += lease.started
        if lease.started and lease.alone and self._losses[request] >= MOST_LOSSES:
            said = f"{self._losses[request]} hosts went away while they worked on it, the last one {reason}"
            self._answer(Result(request, status="failed", reason=said))
        elif lease.alone or self._losses[request] >= MOST_LOSSES:
            self._alone.append(request)
        else:
            self._waiting.appendleft(request)

    def _has_more_memory(self, memory: int) -> bool:
        return any((host.info.memory or 0) > memory for host in self._hosts.values())

    def _answer(self, result: Result) -> None:
        """Answers a request, once."""
        if result.request in self._unanswered:
            self._unanswered.remove(result.request)
            self._answers.append(result)
            self._deaths.discard(result.request)
            self._losses.pop(result.request, None)

    def _time_out(self, fidelity: Fidelity) -> tuple[float, str]:
        """How many seconds a child may take, and why."""
        if self.timeout is not None:
            return self.timeout, f"children have {self.timeout:g} s (--child-timeout)"
        known = self._seconds.get(fidelity, ())
        if len(known) < FINISHED:
            return LONGEST, "children have a day until five have finished (--child-timeout)"
        median = statistics.median(known)
        return max(SHORTEST, PATIENCE * median), (
            f"children have {PATIENCE} times the median of those that finished, {median:.1f} s, and at least"
            f" {SHORTEST:.0f} s (--child-timeout)"
        )
