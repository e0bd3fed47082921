"""A search whose hosts are reached by Ray, on the loopback interface, with all that can go wrong at once."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

import nao
import nao.study
from nao.core import InputError, Result
from nao.events import Noticed
from nao.search import search
from tests.evaluators.fake import SPACE
from tests.evaluators.hosts.driving import Quick, driver
from tests.evaluators.hosts.elsewhere import LINK
from tests.evaluators.hosts.test_host_pool import found, wait_until
from tests.fakes import SumEvaluator

COUNTS = (20, 20, 20)
SECONDS = "0.3"  # of a child: whoever is refused must come before the search is over
LONGEST = 4.0  # seconds that a child may take


def strategy():
    return nao.strategy("evolution", SPACE, seed=5, population=12)


FIRST = [str(proposal.architecture) for proposal in strategy().ask(COUNTS[0])]
KILLS, HANGS = FIRST[7], FIRST[15]


class Known(SumEvaluator):
    """What the children come to."""

    def result(self, request):
        if str(request.architecture) in (KILLS, HANGS):
            return Result(request, status="failed", reason="died or hung")
        return Result(request, float(sum(request.architecture.tokens)))


def say(event):
    """What a user would read."""
    if isinstance(event, Noticed):
        print(event.notice, flush=True)


def played(evaluator, out=None):
    return search(strategy(), evaluator, COUNTS, confirm=None, out=out, observer=say)


def main(folder, address):
    """The driver, in a process of its own."""
    program = Quick(kills=(KILLS,), hangs=(HANGS,))
    with driver(program, address, Path(folder), link=LINK, child_timeout=LONGEST) as pool:
        played(pool, Path(folder) / "run")


class Playground:
    """Processes that can be told from others by what is in their environment."""

    def __init__(self, folder):
        self.folder, self.id = folder, uuid.uuid4().hex
        self.temporary = tempfile.mkdtemp(prefix="nao")  # short, for the names of sockets
        self.environment = {**os.environ, "NAO_TEST": self.id, "TMPDIR": self.temporary}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

    def start(self, log, *arguments):
        with open(self.folder / log, "ab") as file:
            command = [sys.executable, "-m", *arguments]
            process = subprocess.Popen(command, stdout=file, stderr=file, env=self.environment)
        process.log = self.folder / log
        return process

    def driver(self):
        return self.start("driver.log", "tests.evaluators.hosts.test_ray", str(self.folder), self.address)

    def host(self, number, token="token"):
        module = "tests.evaluators.hosts.elsewhere"
        return self.start(f"host{number}.log", module, self.address, str(self.folder / token), SECONDS)

    def processes(self):
        """Those of this test that are there."""
        mark = f"NAO_TEST={self.id}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes() and (path / "cmdline").read_bytes():
                    found.append(path)
            except OSError:
                continue
        return found

    def listeners(self):
        """The local addresses at which they listen, as the kernel writes them."""
        sockets = set()
        for path in self.processes():
            for file in (path / "fd").glob("*"):
                try:
                    sockets.add(os.readlink(file))
                except OSError:
                    continue
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for fields in map(str.split, Path(table).read_text().splitlines()[1:]):
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    found.add(fields[1].partition(":")[0])
        return found

    def evaluated(self):
        try:
            return nao.study.read(self.folder / "run", SPACE).evaluated
        except InputError:
            return 0


@pytest.fixture
def playground(tmp_path):
    made = Playground(tmp_path)
    yield made
    for path in made.processes():
        os.kill(int(path.name), signal.SIGKILL)
    shutil.rmtree(made.temporary, ignore_errors=True)


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_a_search_by_hosts_ends_as_an_undisturbed_one(playground):
    expected = found(played(Known()))
    one = playground.driver()
    wait_until((playground.folder / "token").exists)
    first, second = playground.host(1), playground.host(2)
    wait_until(lambda: playground.evaluated() >= 6, 60)
    first.kill()
    assert playground.listeners() <= LOOPBACK

    (playground.folder / "wrong").write_text("0" * 64)
    (playground.folder / "wrong").chmod(0o600)
    stranger, began = playground.host(3, "wrong"), time.monotonic()
    host, port = playground.address.split(":")
    with socket.create_connection((host, int(port))) as garbage:
        garbage.sendall(b"\0" + os.urandom(4095))
    late = playground.host(4)
    wait_until(lambda: stranger.poll() is not None)
    assert time.monotonic() - began < 10  # 5 on an idle machine
    assert stranger.wait() == 2
    assert stranger.log.read_text().count("\n") == 1
    assert "refuses the token of this host" in stranger.log.read_text()
    for reason in ("its token is not the one of this search", "it does not speak as a host does"):
        wait_until(lambda: f"refused 127.0.0.1: {reason}\n" in one.log.read_text())  # noqa: B023

    wait_until(lambda: playground.evaluated() >= 30, 60)
    one.kill()
    one.wait()
    two = playground.driver()
    assert two.wait(90) == 0, two.log.read_text()
    assert [host.wait(30) for host in (second, late)] == [0, 0]
    history = nao.study.read(playground.folder / "run", SPACE)
    assert found(history) == expected
    reasons = {str(t.architecture): t.result.reason for t in history.trials if t.status == "failed"}
    assert set(reasons) == {KILLS, HANGS}
    assert "its process died twice, the second time with nothing else in it" in reasons[KILLS]
    assert "stopped after 4 s: children have 4 s" in reasons[HANGS]
    assert history.evaluated == sum(COUNTS)
    first.wait()
    wait_until(lambda: not playground.processes())


if __name__ == "__main__":
    main(*sys.argv[1:])
