"""One compiled program on some of the devices, and the children that are under way on them.

On a CPU each device has a lane of its own. There JAX starts a program that spans devices on none of them
before the one that was sent earlier has ended on all: with children whose times differ by a fifth, two
devices then idle for 8 % of the time, eight for 20 %. Accelerators each have a queue of their own, so that
one lane spans all of them and its program is compiled once.

Axis letters: D devices of a lane.
"""

import collections
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from nao.core import Request, Result
from nao.evaluators.program import Program, PyTree

AHEAD = 2  # children on a device: one that runs, and one that waits behind it
MOST_CALLS = 24  # calls that have not ended on all devices: JAX blocks whoever sends more than 32
SHOWN = 200  # characters of an error that are kept


@dataclasses.dataclass(eq=False)
class Call:
    """One call of the program.

    Attributes:
      requests: what it answers, by the number of the device.
      outcome: what the program returns, still being computed; or why the call could not even be sent.
      sent: when, in seconds.
    """

    requests: Mapping[int, Request]
    outcome: PyTree | Exception
    sent: float

    def on_device(self, d: int) -> PyTree:
        """The part of the outcome that one device computes. Indexing it would wait for all devices."""
        return jax.tree.map(lambda leaf: leaf.addressable_shards[d].data, self.outcome)

    def is_ready(self, d: int) -> bool:
        """Whether a device has computed its part."""
        if isinstance(self.outcome, Exception):
            return True
        return all(leaf.is_ready() for leaf in jax.tree.leaves(self.on_device(d)))

    def collect(self, d: int) -> PyTree | Exception:
        """One device's outcome as NumPy arrays, or what went wrong on it, whatever that was."""
        if isinstance(self.outcome, Exception):
            return self.outcome
        try:
            return jax.tree.map(lambda leaf: np.asarray(leaf)[0], self.on_device(d))
        except Exception as error:
            return error


class Lane:
    """Sends children to D devices and collects what comes of them.

    A call carries at most one child for each device; a device without one is given zero steps. A call that
    fails takes all its children with it, so each of them is then tried alone: the failure is charged to the
    one that fails by itself.
    """

    def __init__(self, program: Program, devices: Sequence[jax.Device], compiled: Any, data: PyTree):
        """Takes the compiled program of these devices, and the program's data as it lies on them."""
        self._program, self._devices, self._compiled, self._data = program, devices, compiled, data
        self._queues: list[collections.deque[Call]] = [collections.deque() for _ in devices]
        self._apart: collections.deque[Request] = collections.deque()  # to be tried alone
        self._idle_since = [0.0] * len(devices)

    @property
    def busy(self) -> bool:
        """Whether any child is under way."""
        return bool(self._apart) or any(self._queues)

    def started(self) -> Iterator[Request]:
        """The children that devices work on."""
        return (queue[0].requests[d] for d, queue in enumerate(self._queues) if queue)

    def room(self, behind: int) -> int:
        """How many children could be sent to devices that have at most so many already."""
        calls = {id(call) for queue in self._queues for call in queue}
        if self._apart or len(calls) >= MOST_CALLS:
            return 0
        return sum(len(queue) <= behind for queue in self._queues)

    def send(self, requests: Sequence[Request]) -> None:
        """Sends at most as many children as there is room for, without waiting for them."""
        emptiest = sorted(range(len(self._queues)), key=lambda d: len(self._queues[d]))
        call = self._call(dict(zip(emptiest, requests, strict=False)))
        for d in call.requests:
            self._queues[d].append(call)

    def collect(self) -> Iterator[Result]:
        """What has come of the children that are finished."""
        for d, queue in enumerate(self._queues):
            while queue and queue[0].is_ready(d):
                call = queue.popleft()
                request, outcome, now = call.requests[d], call.collect(d), time.perf_counter()
                seconds, self._idle_since[d] = now - max(call.sent, self._idle_since[d]), now
                if isinstance(outcome, Exception) and len(call.requests) > 1:
                    self._apart.append(request)
                else:
                    yield self._answer(request, d, seconds, outcome)
        if self._apart and not any(self._queues):
            alone, self._apart = list(self._apart), collections.deque()
            for request in alone:
                self.send([request])

    def _call(self, requests: Mapping[int, Request]) -> Call:
        sent = time.perf_counter()
        try:
            outcome = self._compiled(*arguments(self._program, len(self._devices), requests), self._data)
        except Exception as error:  # told apart request by request, when it is collected
            outcome = error
        return Call(requests, outcome, sent)

    def _answer(self, request: Request, d: int, seconds: float, outcome: PyTree | Exception) -> Result:
        """The result of one request; a failed one where anything went wrong."""
        facts: dict[str, Any] = {"seconds": seconds, "device": str(self._devices[d])}
        try:
            facts["cost"] = self._program.cost(request.architecture)
            if isinstance(outcome, Exception):
                raise outcome
            report = self._program.report(outcome)
        except Exception as error:
            return Result(request, status="failed", reason=describe(error), **facts)
        return Result(
            request,
            report.score,
            test_score=report.test_score,
            metrics=report.metrics,
            status="failed" if report.reason else "ok",
            reason=report.reason,
            **facts,
        )


def arguments(program: Program, D: int, requests: Mapping[int, Request]) -> tuple[PyTree, ...]:
    """Arguments of a program for D devices: those without a request are given zero steps."""
    some = next(iter(requests.values()))
    of = [requests.get(d) for d in range(D)]
    encoded = program.encode([(request or some).architecture for request in of])
    seeds = [request.seed if request else 0 for request in of]
    steps = [program.count_steps(request.fidelity) if request else 0 for request in of]
    return encoded, np.array(seeds, np.uint32), np.array(steps, np.int32)


def describe(error: Exception) -> str:
    """What went wrong, in one short line."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:SHOWN]
    return f"out of memory: {text}" if "RESOURCE_EXHAUSTED" in text else f"{type(error).__name__}: {text}"
