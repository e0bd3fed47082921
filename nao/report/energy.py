"""Energy and CO2 of computing: measured where results say what counters counted, else estimated.

"Energy and Policy Considerations for Deep Learning in NLP" (Strubell et al., ACL 2019): a machine that draws
p watts for t hours takes 1.58 t p / 1000 kWh, cooling and the like included, and a kWh of the average of the
United States emits 0.954 pounds of CO2. Where p t was not measured, p is a power for each kind of device.

Axis letters: none.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping

from nao.records import JOULES, Result

USAGE_EFFECTIVENESS = 1.58  # what a data centre takes in all, for each unit that computes
POUNDS_PER_KWH = 0.954  # of CO2
POUND = 0.45359237  # kg
HOUR = 3600.0  # seconds

WATTS: Mapping[str, float] = {"cpu": 10.0, "gpu": 300.0, "tpu": 200.0}
"""The power that is assumed for one device: a core of a processor, a graphics card, a chip of a TPU."""

ALIASES = {"cuda": "gpu", "rocm": "gpu"}

COMPARABLE: Mapping[str, float] = {
    "a passenger's flight between New York and San Francisco": 1984,
    "a human life, one year on average": 11_023,
    "an American life, one year on average": 36_156,
    "a car with its fuel, one lifetime on average": 126_000,
}
"""Pounds of CO2 of what is known from life, as Strubell et al. 2019 compare them with training."""


@dataclasses.dataclass(frozen=True)
class Usage:
    """How long one kind of device has computed, and what it drew.

    Attributes:
      kind: a key of `WATTS`, or the word of the results for a device whose power is not known.
      seconds: of all devices of the kind together.
      joules: that counters have measured; None where the energy is estimated.
    """

    kind: str
    seconds: float
    joules: float | None = None

    @property
    def measured(self) -> bool:
        """Whether counters have measured the energy."""
        return self.joules is not None

    @property
    def watts(self) -> float | None:
        """What one device drew on average, or is assumed to; None where nothing is known of it."""
        return WATTS.get(self.kind) if self.joules is None else self.joules / self.seconds

    @property
    def kwh(self) -> float | None:
        """The energy of the data centre; None where nothing is known of the device."""
        return None if self.watts is None else energy(self.watts, self.seconds)


def energy(watts: float, seconds: float) -> float:
    """The energy in kWh that a data centre takes for so many watts over so many seconds."""
    return USAGE_EFFECTIVENESS * (seconds / HOUR) * watts / 1000


def emission(kwh: float) -> float:
    """Pounds of CO2 of an energy."""
    return POUNDS_PER_KWH * kwh


def usages(results: Iterable[Result], cpu_seconds: float = 0.0) -> list[Usage]:
    """The time of each kind of device, in the order of their kinds; of each what is measured comes first.

    Args:
      results: whose seconds on a device are added up, and whose joules, where those were measured.
      cpu_seconds: what the strategy itself has computed, on cores.
    """
    estimated: dict[str, float] = {"cpu": cpu_seconds} if cpu_seconds else {}
    measured: dict[str, Usage] = {}
    for result in results:
        if not result.seconds:
            continue
        kind = device_kind(result.device)
        joules = result.metrics.get(JOULES.get(kind, ""))
        if joules is None:
            estimated[kind] = estimated.get(kind, 0.0) + result.seconds
        else:
            so_far = measured.get(kind, Usage(kind, 0.0, 0.0))
            measured[kind] = Usage(kind, so_far.seconds + result.seconds, (so_far.joules or 0.0) + joules)
    found = [*measured.values(), *(Usage(kind, seconds) for kind, seconds in estimated.items())]
    return sorted(found, key=lambda each: (each.kind, not each.measured))


def device_kind(device: str) -> str:
    """`cpu`, `gpu` or `tpu` of a device such as `cuda:0` or `TFRT_CPU_0`; else the device itself."""
    found = re.search(r"(?<![a-z])(cpu|gpu|cuda|rocm|tpu)(?![a-z])", device.lower())
    word = found[0] if found else device or "unknown"
    return ALIASES.get(word, word)


def total(used: Iterable[Usage]) -> float:
    """The energy in kWh of all devices that something is known of."""
    return math.fsum(each.kwh or 0.0 for each in used)
