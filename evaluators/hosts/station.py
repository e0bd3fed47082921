"""What a host elsewhere does for a search: it has the data and the devices, and obeys.

All that it is told, and all that it says, is complete: see `nao.evaluators.hosts.letterbox`.
"""

import hashlib
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from nao.core import InputError, Json
from nao.evaluators.hosts.cluster import VERSION
from nao.evaluators.hosts.messages import HostInfo, Report, report_facts
from nao.evaluators.hosts.supervisor import WORKER, Supervisor

TFDS = "tfds:"  # begins the names of sets that every machine keeps where it wants
SETTLED = 0.5  # seconds after which the process that drives the devices has heard what it was told
PER_CHIP = {"GPU": (1,), "TPU": (1, 2)}  # devices of JAX for each that the engine counts


class Station:
    """Does what a search says, on the devices of this machine.

    Attributes:
      info: what there is; None until the process that drives the devices has said so.
      running: how many children it works on.
      needs: the fingerprint of the data that has to be sent; empty where none has to be.
      said: what there is to say to the search.
    """

    def __init__(
        self,
        name: str,
        notice: Callable[[str], None],
        *,
        devices: int | None = None,
        cache: bool = True,
        data_dir: Path | None = None,
        command: Sequence[str] = WORKER,
    ):
        """Has nothing to do.

        Args:
          name: of the host.
          notice: is handed what whoever watches should know.
          devices: how many of the machine's to use; all when None.
          cache: keep compiled programs.
          data_dir: where tfds keeps its data here.
          command: the process that drives the devices.
        """
        self._name, self._notice, self._command = name, notice, command
        self._devices, self._cache, self._data_dir = devices, cache, data_dir
        self._supervisor: Supervisor | None = None
        self._told: Mapping[str, Any] = {}
        self._recipe: Mapping[str, Any] = {}
        self._counts: Mapping[str, int] = {}
        self._left = math.inf  # when it was told to leave
        self.needs = ""
        self._report = Report(0)
        self.said: dict[str, Json] = {"visit": ""}

    @property
    def info(self) -> HostInfo | None:
        """See `Station`."""
        return self._supervisor.info if self._supervisor else None

    @property
    def running(self) -> int:
        """See `Station`."""
        return len(self._report.running)

    @property
    def idle(self) -> bool:
        """Whether it has nothing, as far as the search knows as well."""
        return not (self._report.waiting or self._report.running or self._report.ended)

    def leave(self) -> None:
        """Begins nothing any more."""
        if self._left < math.inf:
            return
        self._left = time.monotonic()
        if self._supervisor:
            self._supervisor.withhold()

    @property
    def kept(self) -> Path:
        """Where the data that it needs is to be kept."""
        return kept_data(self.needs)

    def fileno(self) -> int | None:
        """What becomes readable when the devices have done something; None while there is nothing to do."""
        return self._supervisor.fileno() if self._supervisor else None

    def stop(self) -> None:
        """Ends all that it does."""
        if self._supervisor:
            self._supervisor.stop()

    def joined(self, counts: Mapping[str, int]) -> None:
        """Is in a search, whose engine counts so many of each kind of device on this machine."""
        self._counts, self.said = counts, {"visit": ""}

    def obey(self, told: Mapping[str, Any]) -> None:
        """Has the devices do what the search says.

        Raises:
          InputError: they cannot; `said` has the reason.
        """
        self._told = told
        if told["version"] != VERSION:
            raise self._unusable(
                f"it has nao {VERSION} and the search has {told['version']}: install the same"
            )
        if told["recipe"] != self._recipe:
            self.stop()
            self._supervisor, self._report = None, Report(0)
            self.begin()
        if self._supervisor:
            self._supervisor.obey(told["orders"])
        self.hear()

    def begin(self) -> None:
        """Starts the process that drives the devices, if the data is here, or has come.

        Raises:
          InputError: the data is not what the search has.
        """
        self.needs, self._recipe = "", self._told["recipe"]
        try:
            configuration = self._found_here(self._recipe["configuration"])
        except InputError as error:
            raise self._unusable(str(error)) from error
        if not self.needs:
            recipe = {"configuration": configuration, "devices": self._devices, "cache": self._cache}
            self._supervisor = Supervisor(self._name, recipe, self._command)
            if self._left < math.inf:
                self._supervisor.withhold()
            self._supervisor.obey(self._told["orders"])

    def hear(self) -> None:
        """Takes in what the devices have done.

        Raises:
          InputError: they cannot be used; `said` has the reason.
        """
        said = {"visit": self._told.get("visit", ""), "needs": self.needs, "stage": "waiting for data"}
        if self._supervisor:
            known = self.info
            try:
                self._report = self._supervisor.hear()
            except InputError as error:
                raise self._unusable(str(error)) from error
            if self.info and not known:
                self._check(self.info)
            for notice in self._supervisor.notices:
                self._notice(notice)
            self._supervisor.notices.clear()
            said |= {"stage": self._supervisor.stage}
            # What was about to be begun when it was told to leave has been by then, and is known.
            leaving = time.monotonic() - self._left > SETTLED
            said |= {"report": report_facts(self._report) | {"leaving": leaving}}
        if info := self.info:
            said |= {"devices": {"devices": info.devices, "kind": info.kind, "memory": info.memory}}
        self.said = said

    def _check(self, info: HostInfo) -> None:
        """Says what there is.

        Raises:
          InputError: it is not what the engine counts.
        """
        memory = "" if info.memory is None else f", {info.memory / 2**30:.1f} GiB each"
        self._notice(
            f"JAX has {info.devices} x {info.kind}{memory}; the engine counts {counted(self._counts)}"
        )
        if self._devices is None and (wrong := mismatch(info, self._counts)):
            raise self._unusable(wrong)

    def _unusable(self, reason: str) -> InputError:
        self.said = {"visit": self._told.get("visit", ""), "unusable": reason}
        return InputError(reason)

    def _found_here(self, configuration: Mapping[str, Any]) -> dict[str, Json]:
        """The configuration with the data where this machine has it; what it does not have, it `needs`.

        Raises:
          InputError: what was sent is not what it should be.
        """
        from nao import data

        found = dict(configuration)
        given = found.get("data")
        if not isinstance(given, Mapping):
            return found
        if given["name"].startswith(TFDS):
            found["data"] = {**given, "path": None if self._data_dir is None else str(self._data_dir)}
        elif given.get("path") and given["name"].endswith("/"):  # a folder is not sent
            if not os.path.isdir(given["path"]):
                raise InputError(f"it lacks the folder {given['path']}: copy it there, or give one file")
        elif given.get("path"):
            kept = kept_data(given["fingerprint"])
            for path in (Path(given["path"]), kept):
                if os.path.exists(path):  # of a path that may not be looked at too
                    found["data"] = {**given, "path": str(path)}
                    try:
                        data.make(found["data"])
                        return found
                    except (InputError, OSError):
                        if path == kept:
                            kept.unlink()
                            raise
            self.needs = given["fingerprint"]
        return found


def kept_data(fingerprint: str) -> Path:
    """Where data is kept that a search has sent. The name is no part of a path, whatever was sent."""
    name = hashlib.sha256(fingerprint.encode()).hexdigest()[:32]
    return Path(platformdirs.user_cache_dir("nao")) / "data" / f"{name}.npz"


def counted(counts: Mapping[str, int]) -> str:
    """What the engine counts, for a message."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing"


def mismatch(info: HostInfo, counts: Mapping[str, int]) -> str:
    """Why the devices of JAX are not those that the engine counts; empty if they are.

    On a CPU JAX has as many as it is told to have.
    """
    accelerators = {kind: count for kind, count in counts.items() if kind in PER_CHIP and count}
    right = [n * count for kind, count in accelerators.items() for n in PER_CHIP[kind]]
    on_cpu = info.kind == "cpu"
    if (on_cpu and not accelerators) or (not on_cpu and info.devices in right):
        return ""
    return (
        f"JAX has {info.devices} x {info.kind}, but the engine counts {counted(counts)}: install JAX for"
        " these devices, or say with --devices how many to use"
    )
