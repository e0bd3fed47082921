"""What the driver of a search and a host say to each other. Each message is one line of JSON.

Nothing here is code: a line that is not what it should be is refused.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

from nao.core import Fidelity, InputError, Json, Request, Result, SearchSpace


class NoMessage(Exception):
    """A line is no message."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One try at a request. A request that is tried again is another attempt.

    Attributes:
      id: no other attempt has it, whichever driver made it.
      request: what to measure.
    """

    id: str
    request: Request


@dataclasses.dataclass(frozen=True)
class Orders:
    """The complete set of attempts that a host should have.

    Attributes:
      number: 1, 2, ... in the order in which a host is told.
      attempts: in the order in which they should be started.
    """

    number: int
    attempts: tuple[Attempt, ...] = ()


@dataclasses.dataclass(frozen=True)
class HostInfo:
    """What a host says of itself.

    Attributes:
      name: what the driver calls it.
      devices: how many children it can train at a time.
      kind: of the devices, such as `cpu`.
      memory: bytes of each device; None where that is not known.
    """

    name: str
    devices: int
    kind: str = ""
    memory: int | None = None


@dataclasses.dataclass(frozen=True)
class Ended:
    """What came of an attempt.

    Attributes:
      outcome: `answered`, with a result; or `died`: the process that worked on it did, and so did every other
        attempt that it worked on.
      facts: of the result (`Result.facts`).
      reason: how it died.
    """

    outcome: Literal["answered", "died"]
    facts: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """The complete set of attempts that a host has, after the orders with that number.

    Attributes:
      number: of the orders.
      waiting: the attempts that no device has begun.
      running: those that devices work on, and for how many seconds.
      ended: those that are over. They are said again until the host is told that it should not have them.
      leaving: whether the host will begin nothing that it has not begun.
    """

    number: int
    waiting: frozenset[str] = frozenset()
    running: Mapping[str, float] = dataclasses.field(default_factory=dict)
    ended: Mapping[str, Ended] = dataclasses.field(default_factory=dict)
    leaving: bool = False


def attempt_facts(attempt: Attempt) -> dict[str, Json]:
    """An attempt as JSON."""
    request = attempt.request
    return {
        "id": attempt.id,
        "architecture": str(request.architecture),
        "seed": request.seed,
        "fidelity": [request.fidelity.name, request.fidelity.steps],
    }


def attempt_of(space: SearchSpace, facts: Any) -> Attempt:
    """The attempt that `attempt_facts` described.

    Raises:
      NoMessage: it is none of this space.
    """
    try:
        name, steps = facts["fidelity"]
        request = Request(space.parse(facts["architecture"]), facts["seed"], Fidelity(name, steps))
        return Attempt(str(facts["id"]), request)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoMessage(f"this describes no attempt: {facts!r:.100}") from error


def orders_facts(orders: Orders) -> dict[str, Json]:
    """Orders as JSON."""
    return {"number": orders.number, "attempts": [attempt_facts(attempt) for attempt in orders.attempts]}


def report_facts(report: Report) -> dict[str, Json]:
    """A report as JSON."""
    return {
        "number": report.number,
        "waiting": sorted(report.waiting),
        "running": dict(report.running),
        "ended": {id: dataclasses.asdict(ended) for id, ended in report.ended.items()},
        "leaving": report.leaving,
    }


def report_of(facts: Any) -> Report:
    """The report that `report_facts` described.

    Raises:
      NoMessage: it is none.
    """
    try:
        ended = {str(id): _ended_of(each) for id, each in facts["ended"].items()}
        running = {str(id): float(seconds) for id, seconds in facts["running"].items()}
        waiting = frozenset(map(str, facts["waiting"]))
        return Report(int(facts["number"]), waiting, running, ended, facts["leaving"] is True)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NoMessage(f"this is no report: {facts!r:.100}") from error


def _ended_of(facts: Any) -> Ended:
    outcome: Any = facts["outcome"]
    if outcome not in ("answered", "died"):
        raise NoMessage(f"an attempt cannot have ended like this: {outcome!r:.100}")
    return Ended(outcome, dict(facts["facts"]), str(facts["reason"]))


def host_info_of(name: str, facts: Any) -> HostInfo:
    """What a host has, from what its process says of the devices.

    Raises:
      NoMessage: it is no such thing.
    """
    try:
        devices, memory = facts["devices"], facts["memory"]
        whole = isinstance(devices, int) and devices > 0 and (memory is None or isinstance(memory, int))
        if not whole or set(facts) != {"devices", "kind", "memory"}:
            raise NoMessage(f"these are no devices: {facts!r:.100}")
        return HostInfo(name, devices, str(facts["kind"]), memory)
    except (KeyError, TypeError) as error:
        raise NoMessage(f"these are no devices: {facts!r:.100}") from error


def result_of(request: Request, facts: Any) -> Result:
    """The result of a request that its facts describe; a failed one where they describe none."""
    try:
        return Result.of(request, facts)
    except (AttributeError, KeyError, TypeError, InputError) as error:
        return Result(request, status="failed", reason=f"its host answered with no result: {error}")


def line(message: Mapping[str, Any]) -> bytes:
    """A message as a line."""
    return json.dumps(message, allow_nan=False).encode() + b"\n"


def parsed(text: bytes) -> dict[str, Any]:
    """The message of a line.

    Raises:
      NoMessage: it is none.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise NoMessage(f"this is no message: {text[:100]!r}")
    return message
