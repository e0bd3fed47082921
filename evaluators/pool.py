"""The device pool: trains architectures on the local devices, one architecture per device.

The pool only schedules. What a device does is said by a `Program`, which runs under `jax.pmap`
(`nao.evaluators.lane`). A child is sent while the one before it still runs, so that a device which finishes
early starts its next architecture at once, and each result is delivered as soon as its own device has it.
"""

import collections
import functools
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from nao.core import InputError, Request, Result
from nao.evaluators.devices import check_memory, local_devices
from nao.evaluators.energy import Counters, Meter, counters
from nao.evaluators.lane import AHEAD, Lane, arguments, describe
from nao.evaluators.program import Program, ProgramEvaluator, check_requests

MOST_LANES = 8  # each compiles the program once more, on a core of its own
PATIENCE = 0.002  # seconds between two looks at the devices


class DevicePool(ProgramEvaluator):
    """Runs a program on the local devices (a `nao.core.Evaluator`). Pools of equal programs are equal.

    Attributes:
      program: what is run.
      devices: the devices that it runs on.
    """

    def __init__(self, program: Program, devices: int | None = None):
        """Checks that the program can run here. It is compiled before the first request is answered.

        Args:
          program: what to run.
          devices: how many local devices to use; all of them when None.

        Raises:
          InputError: there are fewer devices, or less memory than the program says it needs.
        """
        super().__init__(program)
        self.devices = local_devices(devices)
        check_memory(self.devices, program.memory)

    def prepare(self) -> Iterator[str]:
        """Yields `compiling`, and compiles the program; yields nothing once that is done.

        Raises:
          InputError: it cannot be compiled, or needs more memory than there is.
        """
        if "_compiled" not in vars(self):
            yield "compiling"
            _ = self._compiled

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """See `nao.core.Evaluator`."""
        check_requests(self.program, requests)
        if not requests:
            return
        waiting = collections.deque(requests)
        running = self.begin()  # compiles before the clock of the first starts
        while waiting or running.busy:
            running.feed(waiting)
            found = running.collect()
            yield from found
            if not found:
                time.sleep(PATIENCE)

    def begin(self) -> "Running":
        """The devices, ready to be sent children."""
        return Running([Lane(self.program, *parts) for parts in self._compiled], Meter(self._counters))

    @functools.cached_property
    def _counters(self) -> Counters | None:
        return counters(self.devices)

    @functools.cached_property
    def _compiled(self) -> list[tuple[list[jax.Device], Any, Any]]:
        """For each lane its devices, the compiled program and the data on them.

        What stands in the way of compiling stands in the way of every architecture.
        """
        lanes = min(len(self.devices), MOST_LANES) if self.devices[0].platform == "cpu" else 1
        groups = [self.devices[i::lanes] for i in range(lanes)]
        # Tracing makes millions of small objects that live on: looking for garbage among them costs a fifth.
        collecting = gc.isenabled()
        gc.disable()
        try:
            data = [self._data(group) for group in groups]
            lowered = [self._lower(group, arrays) for group, arrays in zip(groups, data, strict=True)]
            with ThreadPoolExecutor(lanes) as threads:
                compiled = list(threads.map(lambda each: each.compile(), lowered))
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"the training program cannot be compiled: {describe(error)}") from error
        finally:
            if collecting:
                gc.enable()
        analysis = compiled[0].memory_analysis()  # None where the backend has none
        check_memory(self.devices, analysis.temp_size_in_bytes if analysis else 0)
        return list(zip(groups, compiled, data, strict=True))

    def _data(self, devices: Sequence[jax.Device]) -> Any:
        """The program's data, once on each of some devices."""
        mesh = jax.sharding.Mesh(np.asarray(devices), ("children",))
        everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())  # type: ignore[no-untyped-call]
        return jax.device_put(self.program.data, everywhere)

    def _lower(self, devices: Sequence[jax.Device], data: Any) -> Any:
        mapped = jax.pmap(self.program.train, in_axes=(0, 0, 0, None), devices=devices, axis_name="children")
        some = Request(self.space.sample(np.random.default_rng(0), 1)[0])
        return mapped.lower(*arguments(self.program, len(devices), {0: some}), data)


class Running:
    """All children that are under way on the devices of a pool."""

    def __init__(self, lanes: Sequence[Lane], meter: Meter):
        """Takes lanes without any, and what measures their energy."""
        self._lanes, self._meter = lanes, meter

    @property
    def busy(self) -> bool:
        """Whether there are any."""
        return any(lane.busy for lane in self._lanes)

    def started(self) -> Iterator[Request]:
        """Those that devices work on."""
        return (request for lane in self._lanes for request in lane.started())

    def feed(
        self,
        waiting: collections.deque[Request],
        starting: Callable[[Sequence[Request]], None] = lambda _: None,
    ) -> None:
        """Sends as many of those that wait as devices take.

        None is sent behind another while it may find a free device later: the last of all must not wait for
        a slow one while others idle.

        Args:
          waiting: those that are sent are taken from it.
          starting: is told of those that a device is about to work on, which may be the end of the process.
        """
        devices = sum(lane.room(AHEAD) for lane in self._lanes)
        for behind in range(AHEAD):
            for lane in self._lanes:
                spare = len(waiting) if behind == 0 else len(waiting) - devices
                take = min(lane.room(behind), spare)
                if take > 0:
                    taken = [waiting.popleft() for _ in range(take)]
                    if behind == 0:
                        starting(taken)
                        self._meter.watch([*self.started(), *taken])
                    lane.send(taken)

    def collect(self) -> list[Result]:
        """What has come of those that are finished."""
        found = [result for lane in self._lanes for result in lane.collect()]
        self._meter.watch(self.started())
        return [self._meter.measured(result) for result in found]
