"""`HostPool`: an evaluator whose children are trained by hosts, on this machine and elsewhere."""

import dataclasses
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence

from nao.configuration import plain
from nao.core import Cost, InputError, Request, Result
from nao.evaluators.hosts.cluster import SILENCE, Cluster, RemoteHost
from nao.evaluators.hosts.scheduler import Scheduler
from nao.evaluators.hosts.supervisor import WORKER, Supervisor
from nao.evaluators.program import Program, ProgramEvaluator, check_requests

PATIENCE = 1.0  # seconds between two looks at the clock of children that run
UNHEARD = 10.0  # seconds after which whoever listens again has not listened, as while f is fitted
HERE = "this machine"


class HostPool(ProgramEvaluator):
    """Runs a program in processes of their own, which drive devices (a `nao.core.Evaluator`).

    A child that kills its process, or never ends, is a failed result, and the search goes on; one whose
    machine goes away is tried again. The program is made anew in each process from its configuration, so it
    must be one that `nao.evaluators.make` knows. Pools of equal programs are equal.

    Attributes:
      program: what is run.
    """

    def __init__(
        self,
        program: Program,
        devices: int | None = None,
        *,
        cache: bool = True,
        child_timeout: float | None = None,
        command: Sequence[str] = WORKER,
        cluster: Cluster | None = None,
    ):
        """Starts the process of this machine, without waiting for it.

        Args:
          program: what to run.
          devices: how many local devices to use; all of them when None. 0 for none, where others join.
          cache: keep compiled programs.
          child_timeout: seconds that a child may take; by default many times the median of those that
            finished.
          command: the process.
          cluster: hosts elsewhere, which run the same program.
        """
        super().__init__(program)
        self._scheduler = Scheduler(child_timeout)
        self._turn = 0  # which evaluation is the newest
        self._listened = time.monotonic()
        recipe = {"configuration": plain(program.configuration()), "devices": devices, "cache": cache}
        self._cluster = cluster
        self._here = {} if cluster and devices == 0 else {HERE: Supervisor(HERE, recipe, command)}

    def open(self) -> None:
        """Waits until it is known what devices there are.

        Raises:
          InputError: they cannot be used.
        """
        if self._cluster:
            self._cluster.open()
        while self._here.keys() - set(self._scheduler.hosts):
            self._listen()

    def prepare(self) -> Iterator[str]:
        """Yields what is done to make a host ready, and waits until one is.

        Raises:
          InputError: it cannot be made ready.
        """
        said = ""
        while all(stages := [host.stage for host in self._hosts.values()]):
            yield from self.notices()
            stage = stages[0] if stages else "waiting for a host to join"
            if stage != said:
                said = stage
                yield said
            self._listen()

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Result]:
        """See `nao.core.Evaluator`. What was asked before and is not answered yet is given up."""
        check_requests(self.program, requests)
        self._turn += 1
        turn = self._turn
        self._scheduler.withdraw()
        self._scheduler.submit(requests)
        try:
            self._tell()
            while turn == self._turn and self._scheduler.unanswered:
                self._listen()
                self._tell()  # first the devices, then whoever waits for the answers
                yield from map(self._with_cost, self._scheduler.take())
        finally:
            if turn == self._turn:
                self._scheduler.withdraw()
                self._tell()

    def notices(self) -> list[str]:
        """What has happened to the hosts since this was last asked."""
        sources = [host.notices for host in self._here.values()]
        if self._cluster:
            sources.append(self._cluster.notices)
        found = [notice for notices in sources for notice in notices]
        for notices in sources:
            notices.clear()
        return found

    def close(self, over: bool = True) -> None:
        """Ends the process. If all is over, hosts elsewhere are told so, and end as well; else they wait."""
        self._turn += 1  # whoever evaluates has nobody to tell it
        for host in self._here.values():
            host.stop()
        if self._cluster:
            self._cluster.stop(over)

    def __enter__(self) -> "HostPool":
        """Closes it in the end; all is over then, unless somebody has stopped it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """See `__enter__`."""
        self.close(over=kind is None or issubclass(kind, InputError))

    def _with_cost(self, result: Result) -> Result:
        """The result with what its architecture costs, which a child that was stopped did not come to say."""
        if result.cost != Cost():
            return result
        return dataclasses.replace(result, cost=self.program.cost(result.request.architecture))

    @property
    def _hosts(self) -> Mapping[str, Supervisor | RemoteHost]:
        return {**self._here, **self._cluster.hosts} if self._cluster else self._here

    def _tell(self) -> None:
        hosts = self._hosts
        for name in self._scheduler.hosts:
            if name in hosts:
                hosts[name].tell(self._scheduler.orders(name))

    def _listen(self) -> None:
        """Waits until a host has said something, but not longer than children may go unwatched."""
        with selectors.DefaultSelector() as selector:
            for here in self._here.values():
                selector.register(here, selectors.EVENT_READ)
            if self._cluster and (file := self._cluster.fileno()) is not None:
                selector.register(file, selectors.EVENT_READ)
            selector.select(PATIENCE)
        now = time.monotonic()
        if now - self._listened > UNHEARD:  # while nobody listened, nobody was silent
            self._scheduler.excuse(now - self._listened)
        self._listened = now
        if self._cluster:
            self._cluster.listen()
            self._forget_the_gone(self._cluster)
        for name, host in self._hosts.items():
            report = host.hear()
            if host.info and name not in self._scheduler.hosts:
                self._scheduler.join(host.info, now)
            if report and name in self._scheduler.hosts:
                self._scheduler.observe(name, report, now)
        if self._cluster:
            for name in self._scheduler.silent(now, SILENCE):
                self._cluster.dismiss(name, f"it has not been heard of for {SILENCE:.0f} s")
            self._forget_the_gone(self._cluster)

    def _forget_the_gone(self, cluster: Cluster) -> None:
        for name, reason in cluster.gone().items():
            if name in self._scheduler.hosts:
                self._scheduler.leave(name, reason)
