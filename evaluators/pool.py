"""The device pool: trains architectures on the local devices, one architecture per device.

The pool only schedules. What a device does is said by a `Program`, which runs under `jax.pmap`. Each call
carries one architecture for every device. A call is sent while the one before it still runs, so that a
device which finishes early starts its next architecture at once, and each result is delivered as soon as its
own device has it.

Axis letters: D devices.
"""

import collections
import dataclasses
import functools
import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from nao.core import Architecture, Cost, InputError, Json, Request, Result, SearchSpace
from nao.evaluators.devices import check_memory, local_devices
from nao.evaluators.program import Program, PyTree

AHEAD = 2  # calls in flight: one that runs, and one that waits on the devices
PATIENCE = 0.002  # seconds between two looks at the devices
SHOWN = 200  # characters of an error that are kept


@dataclasses.dataclass
class InFlight:
    """One call that is under way.

    Attributes:
      requests: what each of the first devices answers, at most D of them.
      outcome: what the program returns, still being computed; or why the call could not even be sent.
      sent: when, in seconds.
      waiting: the devices whose result has not been collected.
    """

    requests: Sequence[Request]
    outcome: PyTree | Exception
    sent: float
    waiting: set[int]


class DevicePool:
    """Runs a program on the local devices (a `nao.core.Evaluator`). Pools of equal programs are equal.

    Attributes:
      program: what is run.
      devices: the D devices that it runs on.
      noisy: true, as weights and batches of a child are random.
    """

    noisy: ClassVar[bool] = True

    def __init__(self, program: Program, devices: int | None = None):
        """Checks that the program can run here. It is compiled before the first request is answered.

        Args:
          program: what to run.
          devices: how many local devices to use; all of them when None.

        Raises:
          InputError: there are fewer devices, or less memory than the program says it needs.
        """
        self.program = program
        self.devices = local_devices(devices)
        check_memory(self.devices, program.memory)

    @property
    def space(self) -> SearchSpace:
        """The space whose architectures the program takes."""
        return self.program.space

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DevicePool) and self.program == other.program

    def configuration(self) -> Mapping[str, Json]:
        """That of the program. The number of devices is no part of it."""
        return self.program.configuration()

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """See `nao.core.Evaluator`."""
        return [self.program.cost(architecture) for architecture in architectures]

    def prepare(self) -> Iterator[str]:
        """Yields `compiling`, and compiles the program; yields nothing once that is done.

        Raises:
          InputError: it cannot be compiled, or needs more memory than there is.
        """
        if "_compiled" not in vars(self):
            yield "compiling"
            _ = self._compiled

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """See `nao.core.Evaluator`.

        A call that fails takes all its requests with it, so each of them is then tried alone: the failure
        is charged to the one that fails by itself.
        """
        for request in requests:
            if request.architecture.space != self.space:
                raise InputError(f"{request.architecture} is not of the space {self.space.name}")
            self.program.count_steps(request.fidelity)
        if requests:
            _ = self._compiled  # before the clock of the first one starts
        count = len(self.devices)
        calls = collections.deque(requests[i : i + count] for i in range(0, len(requests), count))
        in_flight: list[InFlight] = []
        idle_since = [0.0] * count
        while calls or in_flight:
            while calls and len(in_flight) < AHEAD:
                in_flight.append(self._send(calls.popleft()))
            ready = [(call, d) for call in in_flight for d in sorted(call.waiting) if _is_ready(call, d)]
            for call, device in ready:
                call.waiting.remove(device)
                request, outcome, now = call.requests[device], _collect(call, device), time.perf_counter()
                seconds, idle_since[device] = now - max(call.sent, idle_since[device]), now
                if isinstance(outcome, Exception) and len(call.requests) > 1:
                    calls.appendleft([request])
                else:
                    yield self._answer(request, device, seconds, outcome)
            in_flight = [call for call in in_flight if call.waiting]
            if not ready:
                time.sleep(PATIENCE)

    @functools.cached_property
    def _data(self) -> PyTree:
        """The program's data, once on every device."""
        mesh = jax.sharding.Mesh(np.asarray(self.devices), ("children",))
        everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())  # type: ignore[no-untyped-call]
        return jax.device_put(self.program.data, everywhere)

    @functools.cached_property
    def _compiled(self) -> Any:
        """The compiled program. What stands in its way stands in the way of every architecture."""
        mapped = jax.pmap(
            self.program.train, in_axes=(0, 0, 0, None), devices=self.devices, axis_name="children"
        )
        # Tracing makes millions of small objects that live on: looking for garbage among them costs a fifth.
        collecting = gc.isenabled()
        gc.disable()
        try:
            some = self.space.sample(np.random.default_rng(0), 1)
            compiled = mapped.lower(*self._arguments([Request(some[0])]), self._data).compile()
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"the training program cannot be compiled: {_describe(error)}") from error
        finally:
            if collecting:
                gc.enable()
        analysis = compiled.memory_analysis()  # None where the backend has none
        check_memory(self.devices, analysis.temp_size_in_bytes if analysis else 0)
        return compiled

    def _arguments(self, requests: Sequence[Request]) -> tuple[PyTree, np.ndarray, np.ndarray]:
        """Arguments of the program for 1 to D requests; devices without one are given zero steps."""
        spare = len(self.devices) - len(requests)
        architectures = [request.architecture for request in requests]
        seeds = [request.seed for request in requests]
        steps = [self.program.count_steps(request.fidelity) for request in requests]
        encoded = self.program.encode(architectures + architectures[:1] * spare)
        return encoded, np.array(seeds + [0] * spare, np.uint32), np.array(steps + [0] * spare, np.int32)

    def _send(self, requests: Sequence[Request]) -> InFlight:
        """Sends one call to the devices, without waiting for it."""
        sent = time.perf_counter()
        try:
            outcome = self._compiled(*self._arguments(requests), self._data)
        except Exception as error:  # told apart request by request, when it is collected
            outcome = error
        return InFlight(requests, outcome, sent, set(range(len(requests))))

    def _answer(self, request: Request, device: int, seconds: float, outcome: PyTree | Exception) -> Result:
        """The result of one request; a failed one where anything went wrong."""
        facts: dict[str, Any] = {"seconds": seconds, "device": str(self.devices[device])}
        try:
            facts["cost"] = self.program.cost(request.architecture)
            if isinstance(outcome, Exception):
                raise outcome
            report = self.program.report(outcome)
        except Exception as error:
            return Result(request, status="failed", reason=_describe(error), **facts)
        return Result(
            request,
            report.score,
            test_score=report.test_score,
            metrics=report.metrics,
            status="failed" if report.reason else "ok",
            reason=report.reason,
            **facts,
        )


def _on_device(call: InFlight, device: int) -> PyTree:
    """The part of an outcome that one device computes. Indexing it would wait for all devices."""
    return jax.tree.map(lambda leaf: leaf.addressable_shards[device].data, call.outcome)


def _is_ready(call: InFlight, device: int) -> bool:
    """Whether a device has computed its part of a call."""
    if isinstance(call.outcome, Exception):
        return True
    return all(leaf.is_ready() for leaf in jax.tree.leaves(_on_device(call, device)))


def _collect(call: InFlight, device: int) -> PyTree | Exception:
    """One device's outcome as NumPy arrays, or what went wrong on it, whatever that was."""
    if isinstance(call.outcome, Exception):
        return call.outcome
    try:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[0], _on_device(call, device))
    except Exception as error:
        return error


def _describe(error: Exception) -> str:
    """What went wrong, in one short line."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:SHOWN]
    return f"out of memory: {text}" if "RESOURCE_EXHAUSTED" in text else f"{type(error).__name__}: {text}"
