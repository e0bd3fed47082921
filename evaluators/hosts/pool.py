"""`HostPool`: an evaluator whose children are trained by hosts."""

import selectors
import time
from collections.abc import Iterator, Sequence

from nao.configuration import plain
from nao.core import Request, Result
from nao.evaluators.hosts.scheduler import Scheduler
from nao.evaluators.hosts.supervisor import WORKER, Supervisor
from nao.evaluators.program import Program, ProgramEvaluator, check_requests

PATIENCE = 1.0  # seconds between two looks at the clock of children that run
HERE = "this machine"


class HostPool(ProgramEvaluator):
    """Runs a program in a process of its own, which drives the devices (a `nao.core.Evaluator`).

    A child that kills the process, or never ends, is a failed result, and the search goes on. The program is
    made anew in that process from its configuration, so it must be one that `nao.evaluators.make` knows.
    Pools of equal programs are equal.

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
    ):
        """Starts the process, without waiting for it.

        Args:
          program: what to run.
          devices: how many local devices to use; all of them when None.
          cache: keep compiled programs.
          child_timeout: seconds that a child may take; by default many times the median of those that
            finished.
          command: the process.
        """
        super().__init__(program)
        self._scheduler = Scheduler(child_timeout)
        self._turn = 0  # which evaluation is the newest
        recipe = {"configuration": plain(program.configuration()), "devices": devices, "cache": cache}
        self._hosts = {HERE: Supervisor(HERE, recipe, command)}

    def open(self) -> None:
        """Waits until it is known what devices there are.

        Raises:
          InputError: they cannot be used.
        """
        while not self._scheduler.hosts:
            self._listen()

    def prepare(self) -> Iterator[str]:
        """Yields what the process does to make itself ready, and waits for it.

        Raises:
          InputError: it cannot be made ready.
        """
        said = ""
        for host in self._hosts.values():
            while host.stage:
                if host.stage != said:
                    said = host.stage
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
                yield from self._scheduler.take()
        finally:
            if turn == self._turn:
                self._scheduler.withdraw()
                self._tell()

    def notices(self) -> list[str]:
        """What has happened to the process since this was last asked."""
        found = [notice for host in self._hosts.values() for notice in host.notices]
        for host in self._hosts.values():
            host.notices.clear()
        return found

    def close(self) -> None:
        """Ends the process."""
        for host in self._hosts.values():
            host.stop()

    def _tell(self) -> None:
        for name in self._scheduler.hosts:
            self._hosts[name].tell(self._scheduler.orders(name))

    def _listen(self) -> None:
        """Waits until a host has said something, but not longer than children may go unwatched."""
        with selectors.DefaultSelector() as selector:
            for host in self._hosts.values():
                selector.register(host, selectors.EVENT_READ)
            selector.select(PATIENCE)
        for name, host in self._hosts.items():
            report, now = host.hear(), time.monotonic()
            if host.info and name not in self._scheduler.hosts:
                self._scheduler.join(host.info, now)
            if name in self._scheduler.hosts:
                self._scheduler.observe(name, report, now)
