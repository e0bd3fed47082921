"""The energy that children take, where the machine counts it.

Linux shows what each package of a processor has taken since the machine was started (RAPL, in `powercap`),
and NVIDIA's library what each graphics card has (NVML). Such a counter knows nothing of children, so what was
drawn between two readings is shared equally among those that the devices worked on meanwhile. It counts all
that its package or card does, for other programs too: two hosts on one machine both count all of it. Of a
child on a graphics card only what the card takes is measured.

Where nothing counts, or the counters may not be read (often by root alone), nothing is measured.

Axis letters: none.
"""

import dataclasses
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from nao.core import Request, Result
from nao.inputs import imported
from nao.records import JOULES

POWERCAP = Path("/sys/class/powercap")
PACKAGE = re.compile(r"intel-rapl:\d+")  # AMD's have the same name; those with two numbers are parts of one
MOST_WATTS = 2000.0  # more than any package or card draws
LAG = 1.0  # seconds: a counter may be that late
EVERY = 10.0  # seconds between two readings: within them no counter can begin again unnoticed


@dataclasses.dataclass(frozen=True)
class Counters:
    """Counters of energy, which only grow.

    Attributes:
      metric: what a result calls the energy that they counted.
      ranges: joules after which each begins again with 0; infinity for one that never does.
      read: what each has counted, in joules; None where that cannot be read.
    """

    metric: str
    ranges: Sequence[float]
    read: Callable[[], Sequence[float] | None]

    def drawn(self, before: Sequence[float] | None, after: Sequence[float] | None, seconds: float) -> float:
        """The joules that were drawn between two readings, so far apart; NaN where that is not known.

        It is not known either where a counter may have begun again unnoticed, or has counted more than
        can have been drawn, as one that was set back seems to have.
        """
        if before is None or after is None:
            return math.nan
        most, total = MOST_WATTS * (seconds + LAG), 0.0
        for b, a, begins_again in zip(before, after, self.ranges, strict=True):
            joules = a - b if a >= b else a - b + begins_again
            if not (0 <= a <= begins_again and joules <= most < begins_again):
                return math.nan
            total += joules
        return total


class Meter:
    """Shares what counters measure among the children that devices work on.

    A reading is taken when a child begins or ends, and every `EVERY` seconds.
    """

    def __init__(self, counters: Counters | None, clock: Callable[[], float] = time.perf_counter):
        """Takes the counters, which are None where nothing is measured, and a clock that says seconds."""
        self._counters, self._clock = counters, clock
        self._children: list[Request] = []
        self._joules: dict[Request, float] = {}
        self._values: Sequence[float] | None = None
        self._since = 0.0

    def watch(self, children: Iterable[Request]) -> None:
        """Takes note of the children that devices work on from now on."""
        if self._counters is None:
            return
        now, before, after = self._clock(), self._children, list(children)
        same = sorted(map(id, after)) == sorted(map(id, before))  # to compare what they are takes far longer
        if same and not (before and now - self._since > EVERY):
            return
        values = self._counters.read()
        if before:
            share = self._counters.drawn(self._values, values, now - self._since) / len(before)
            for child in before:
                self._joules[child] = self._joules.get(child, 0.0) + share
        self._children, self._values, self._since = after, values, now

    def measured(self, result: Result) -> Result:
        """The result of a child that has ended, with its share of the energy, if that is known."""
        if self._counters is None:
            return result
        # A child that began and ended between two looks has had no share. NaN is dropped by the result.
        joules = self._joules.pop(result.request, 0.0)
        return dataclasses.replace(result, metrics={**result.metrics, self._counters.metric: joules})


def counters(devices: Sequence[jax.Device]) -> Counters | None:
    """What counts the energy of these devices; None where nothing does."""
    if devices[0].platform == "cpu":
        return packages()
    if str(devices[0]).startswith("cuda"):
        return cards([device.local_hardware_id for device in devices])
    return None


def packages(tree: Path = POWERCAP) -> Counters | None:
    """The counters of all packages of this machine's processors; None unless all can be read.

    Args:
      tree: where Linux shows them.
    """

    def joules(name: str) -> list[float]:
        return [int((zone / name).read_text()) / 1e6 for zone in zones]

    def read() -> list[float] | None:
        try:
            return joules("energy_uj")
        except (OSError, ValueError):
            return None

    try:
        zones = [zone for zone in sorted(tree.iterdir()) if PACKAGE.fullmatch(zone.name)]
        zones = [zone for zone in zones if (zone / "name").read_text().startswith("package-")]
        return _counting(Counters(JOULES["cpu"], joules("max_energy_range_uj"), read))
    except (OSError, ValueError):
        return None


def cards(
    devices: Sequence[int], library: Any = None, environment: Mapping[str, str] = os.environ
) -> Counters | None:
    """The counters of some graphics cards; None unless all can be read.

    Args:
      devices: their numbers among the cards that CUDA shows to this process.
      library: NVML; the package `pynvml`, if it is installed, when None.
      environment: says which cards CUDA shows.
    """
    try:
        nvml = library or imported("pynvml", "energy", "the energy of graphics cards")
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        uuids = [nvml.nvmlDeviceGetUUID(handle) for handle in handles]
        alike = len({nvml.nvmlDeviceGetName(handle) for handle in handles}) == 1
        shown = visible(environment, uuids, alike)
        used = [handles[shown[device]] for device in devices]
    except Exception:  # there is no such library, driver or card
        return None

    def read() -> list[float] | None:
        try:
            return [nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000 for handle in used]
        except Exception:  # as of old cards
            return None

    return _counting(Counters(JOULES["gpu"], [math.inf] * len(used), read))


def visible(environment: Mapping[str, str], uuids: Sequence[str], alike: bool) -> list[int]:
    """NVML's numbers of the cards that CUDA shows, in CUDA's order, as far as they are known.

    Args:
      environment: of the process.
      uuids: of all cards, in the order of NVML.
      alike: whether all cards are of one kind: CUDA counts the fastest first if it is not told otherwise.
    """
    in_order = alike or environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    everything = range(len(uuids)) if in_order else range(0)
    names = environment.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return list(everything)
    found: list[int] = []
    for name in map(str.strip, names.split(",")):
        if name.isdecimal():
            hits = [i for i in everything if i == int(name)]
        else:  # the beginning of a UUID will do
            hits = [i for i, uuid in enumerate(uuids) if name.startswith("GPU-") and uuid.startswith(name)]
        if len(hits) != 1:
            break  # nor does CUDA show any behind a name that it does not know
        found += hits
    return found


def _counting(found: Counters) -> Counters | None:
    """The counters, if there are any and all can be read: one that stands at 0 does not count."""
    first = found.read()
    return found if first and all(first) else None
