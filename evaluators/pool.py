"""The device pool: trains child networks on all local devices, one architecture per device.

One compiled program (`nao.evaluators.training`) runs under `jax.pmap`. Each call carries one architecture
for every device; a call is sent while the one before it still runs, so that a device which finishes early
starts its next child at once, and each result is delivered as soon as its own device has it.

Axis letters: D devices.
"""

import collections
import dataclasses
import functools
import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from nao.core import Architecture, Cost, InputError, Json, Request, Result
from nao.data import Dataset
from nao.evaluators import training
from nao.evaluators.child import Child
from nao.evaluators.cost import cost
from nao.evaluators.native import NATIVE
from nao.evaluators.network import Network
from nao.evaluators.operations import operation
from nao.evaluators.shifted import SHIFTED
from nao.spaces.cells import CellSpace

AHEAD = 2  # calls in flight: one that runs, and one that waits on the devices
PATIENCE = 0.002  # seconds between two looks at the devices


@dataclasses.dataclass
class Flight:
    """One call that is under way.

    Attributes:
      rows: the index of the architecture on each device, at most D of them.
      outcome: what the program returns, still being computed; or why the call could not even be sent.
      sent: when.
      waiting: the devices whose result has not been collected.
    """

    rows: Sequence[int]
    outcome: training.Outcome | Exception
    sent: float
    waiting: set[int]


class DevicePool:
    """Trains cell architectures on the local devices (an `Evaluator`).

    Attributes:
      space: the cell space whose architectures it trains.
      devices: D, how many are trained at a time.
    """

    def __init__(self, space: CellSpace, dataset: Dataset, child: Child, devices: int | None = None):
        """Checks that the parts fit. Nothing is compiled before the first child is trained.

        Args:
          space: cells made of operations that child networks know: a normal and a reduction cell.
          dataset: what to train on.
          child: how.
          devices: how many local devices to use; all of them when None.

        Raises:
          InputError: fewer devices than asked for, a space of other than two cells, images too small to
            halve twice, no validation images, fewer training images than a batch.
        """
        local = jax.local_devices()
        if devices is not None and not 1 <= devices <= len(local):
            raise InputError(
                f"devices must be between 1 and {len(local)}, the devices here, but is {devices}"
            )
        if len(space.cells) != 2:
            raise InputError(
                f"{space.name}: a child needs a normal and a reduction cell, not {len(space.cells)} cells"
            )
        if min(dataset.shape[:2]) < 4:
            raise InputError(
                f"images must be 4x4 at least, since they are halved twice, not {dataset.shape[:2]}"
            )
        if len(dataset.y_valid) < 1 or len(dataset.y_train) < child.batch:
            raise InputError(
                f"{dataset.name}: a batch of {child.batch} needs as many training images, of which there are "
                f"{len(dataset.y_train)}, and a score needs validation images, of which there are "
                f"{len(dataset.y_valid)}"
            )
        self.space = space
        self.dataset = dataset
        self.child = child
        self.network = Network(
            tuple(operation(op.name) for op in space.operations),
            space.blocks,
            child.cells,
            child.channels,
            dataset.shape,
            dataset.classes,
            SHIFTED if local[0].platform == "cpu" else NATIVE,
        )
        self._local = local[: devices or len(local)]

    @property
    def devices(self) -> int:
        """D, how many architectures are trained at a time."""
        return len(self._local)

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the measurement: data and child. The number of devices is no part of it."""
        return {"data": self.dataset.configuration(), "child": dataclasses.asdict(self.child)}

    @functools.cached_property
    def _data(self) -> training.Images:
        """The data set, once on every device."""
        mesh = jax.sharding.Mesh(np.asarray(self._local), ("children",))
        everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())  # type: ignore[no-untyped-call]
        images: training.Images = jax.device_put(training.images(self.dataset), everywhere)
        return images

    @functools.cached_property
    def _program(self) -> Any:
        """The compiled program. What compiling raises is raised: no child could be trained."""
        train = functools.partial(training.train, self.network, self.child)
        mapped = jax.pmap(train, in_axes=(0, 0, 0, None), devices=self._local, axis_name="children")
        # Tracing makes millions of small objects that live on: looking for garbage among them costs a fifth.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return mapped.lower(*self._stacked([], [], []), self._data).compile()
        finally:
            if collecting:
                gc.enable()

    def _stacked(
        self, rows: Sequence[int], branches: Sequence[np.ndarray], seeds: Sequence[int]
    ) -> tuple[Any, ...]:
        """Arguments of the program for up to D children; devices without one are given zero steps."""
        choices = np.zeros((self.devices, 2, self.space.blocks, 2, 2), np.int32)
        start, steps = np.zeros(self.devices, np.uint32), np.zeros(self.devices, np.int32)
        steps[: len(rows)] = self.child.length(len(self.dataset.y_train))
        for device, row in enumerate(rows):
            choices[device], start[device] = branches[row], seeds[row]
        return training.architecture_data(choices), start, steps

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """See `nao.core.Evaluator`.

        A call that fails takes all its children with it, so each of them is then tried alone: the failure
        is charged to the child that fails by itself.
        """
        if not requests:
            return
        architectures = [request.architecture for request in requests]
        seeds = [request.seed for request in requests]
        branches = [self.space.branches(np.asarray(a.tokens)) for a in architectures]
        everything = range(len(architectures))
        calls = collections.deque(everything[i : i + self.devices] for i in everything[:: self.devices])
        flights: list[Flight] = []
        idle_since = [0.0] * self.devices
        _ = self._program  # compiles before the clock of the first child starts
        while calls or flights:
            while calls and len(flights) < AHEAD:
                flights.append(self._send(calls.popleft(), branches, seeds))
            landed = [(f, device) for f in flights for device in sorted(f.waiting) if _is_ready(f, device)]
            for flight, device in landed:
                flight.waiting.remove(device)
                row, outcome, now = flight.rows[device], _collect(flight, device), time.perf_counter()
                seconds, idle_since[device] = now - max(flight.sent, idle_since[device]), now
                if isinstance(outcome, Exception) and len(flight.rows) > 1:
                    calls.appendleft(range(row, row + 1))
                else:
                    yield self._result(requests[row], device, seconds, outcome)
            flights = [flight for flight in flights if flight.waiting]
            if not landed:
                time.sleep(PATIENCE)

    def _send(self, rows: Sequence[int], branches: Sequence[np.ndarray], seeds: Sequence[int]) -> Flight:
        """Sends one call to the devices, without waiting for it."""
        sent = time.perf_counter()
        try:
            outcome = self._program(*self._stacked(rows, branches, seeds), self._data)
        except Exception as error:  # told apart child by child, when it is collected
            outcome = error
        return Flight(rows, outcome, sent, set(range(len(rows))))

    def _result(
        self, request: Request, device: int, seconds: float, outcome: training.Outcome | Exception
    ) -> Result:
        """One child's result; a failed one where training went wrong."""
        reason, metrics, score = "", {}, None
        if isinstance(outcome, Exception):
            reason = _reason(outcome)
        else:
            metrics = {"train_loss": float(outcome.train_loss)}
            for i, (split, images) in enumerate(
                (("valid", self.dataset.y_valid), ("test", self.dataset.y_test))
            ):
                if len(images):
                    metrics[f"{split}_score"] = int(outcome.right[i]) / len(images)
                    metrics[f"{split}_loss"] = float(outcome.loss[i]) / len(images)
            if np.isfinite([outcome.train_loss, outcome.loss[0]]).all():
                score = metrics["valid_score"]
            else:
                reason = f"diverged: the loss was not finite after {int(outcome.finished)} steps"
        return Result(
            request,
            score,
            test_score=metrics.pop("test_score", None),
            metrics=metrics,
            cost=self.cost([request.architecture])[0],
            seconds=seconds,
            device=str(self._local[device]),
            status="failed" if reason else "ok",
            reason=reason,
        )

    def cost(self, architectures: Sequence[Architecture]) -> list[Cost]:
        """Parameters and FLOPs of each child network."""
        return [Cost(*cost(self.network, self.space.branches(np.asarray(x.tokens)))) for x in architectures]


def _on_device(flight: Flight, device: int) -> training.Outcome:
    """The part of an outcome that one device computes. Indexing it would wait for all devices."""
    part: training.Outcome = jax.tree.map(lambda leaf: leaf.addressable_shards[device].data, flight.outcome)
    return part


def _is_ready(flight: Flight, device: int) -> bool:
    if isinstance(flight.outcome, Exception):
        return True
    ready: bool = _on_device(flight, device).finished.is_ready()  # type: ignore[union-attr]  # all arrays have it
    return ready


def _collect(flight: Flight, device: int) -> training.Outcome | Exception:
    """One device's outcome as numbers, or what went wrong on it, whatever that was."""
    if isinstance(flight.outcome, Exception):
        return flight.outcome
    try:
        outcome: training.Outcome = jax.tree.map(lambda leaf: np.asarray(leaf)[0], _on_device(flight, device))
        return outcome
    except Exception as error:
        return error


def _reason(error: Exception) -> str:
    """What went wrong, in one short line."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return f"out of memory: {text}" if "RESOURCE_EXHAUSTED" in text else f"{type(error).__name__}: {text}"
