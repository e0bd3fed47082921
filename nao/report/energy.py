"""Energy and CO2 of computing, as Strubell et al. 2019 estimate them.

"Energy and Policy Considerations for Deep Learning in NLP" (ACL 2019): a machine that draws p watts for t
hours takes 1.58 t p / 1000 kWh, cooling and the like included, and a kWh of the average of the United States
emits 0.954 pounds of CO2. What a device draws is not measured here, so it is a power for each kind of device.

Axis letters: none.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping

from nao.records import Result

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
    """How long one kind of device has computed.

    Attributes:
      kind: a key of `WATTS`, or the word of the results for a device whose power is not known.
      seconds: of all devices of the kind together.
    """

    kind: str
    seconds: float

    @property
    def watts(self) -> float | None:
        """The power that is assumed; None where nothing is known of the device."""
        return WATTS.get(self.kind)

    @property
    def kwh(self) -> float | None:
        """The estimated energy; None where nothing is known of the device."""
        return None if self.watts is None else energy(self.watts, self.seconds)


def energy(watts: float, seconds: float) -> float:
    """The energy in kWh that a data centre takes for so many watts over so many seconds."""
    return USAGE_EFFECTIVENESS * (seconds / HOUR) * watts / 1000


def emission(kwh: float) -> float:
    """Pounds of CO2 of an energy."""
    return POUNDS_PER_KWH * kwh


def usages(results: Iterable[Result], cpu_seconds: float = 0.0) -> list[Usage]:
    """The time of each kind of device, in the order of their kinds.

    Args:
      results: whose seconds on a device are added up.
      cpu_seconds: what the strategy itself has computed, on cores.
    """
    seconds: dict[str, float] = {"cpu": cpu_seconds} if cpu_seconds else {}
    for result in results:
        if result.seconds:
            kind = device_kind(result.device)
            seconds[kind] = seconds.get(kind, 0.0) + result.seconds
    return [Usage(kind, seconds[kind]) for kind in sorted(seconds)]


def device_kind(device: str) -> str:
    """`cpu`, `gpu` or `tpu` of a device such as `cuda:0` or `host/cpu:1`; else the device itself."""
    found = re.search(r"\b(cpu|gpu|cuda|rocm|tpu)\b", device.lower())
    word = found[0] if found else device or "unknown"
    return ALIASES.get(word, word)


def total(used: Iterable[Usage]) -> float:
    """The energy in kWh of all devices that something is known of."""
    return math.fsum(each.kwh or 0.0 for each in used)
