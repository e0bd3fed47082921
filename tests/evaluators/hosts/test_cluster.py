"""Hosts that join a search and leave it, with a link that carries letters as files: no engine is needed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from nao.core import Architecture, InputError, Request
from nao.data import load, load_digits, load_npz
from nao.evaluators.hosts import station
from tests.evaluators.fake import SPACE
from tests.evaluators.hosts.driving import Quick, driver
from tests.evaluators.hosts.elsewhere import FAKE_LINK
from tests.evaluators.hosts.test_host_pool import wait_until

PLAIN = [Architecture((i % 3, i // 3 % 4, i // 12 % 4, 0, 0, 0, 0, 0), SPACE) for i in range(24)]


class Elsewhere:
    """A driver, and hosts that join it."""

    def __init__(self, folder):
        self.folder, self.address = folder, folder / "letters"
        self.address.mkdir()
        self.hosts, self.pools = [], []

    def pool(self, program=None, **options):
        self.pools.append(driver(program or Quick(), self.address, self.folder, **options))
        return self.pools[-1]

    def host(self, seconds="0.02", **environment):
        log = self.folder / f"host{len(self.hosts)}.log"
        command = [sys.executable, "-m", "tests.evaluators.hosts.elsewhere", str(self.address)]
        command += [str(self.folder / "token"), seconds, *FAKE_LINK]
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache"), **environment}
        with open(log, "wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
        process.log = log
        self.hosts.append(process)
        return process


@pytest.fixture
def elsewhere(tmp_path):
    found = Elsewhere(tmp_path)
    yield found
    for host in found.hosts:
        host.kill()
        host.wait()
    for pool in found.pools:
        pool.close(over=False)


def scores(results):
    return {result.architecture: result.score for result in results}


REFUSAL = '{"refused": "the port is taken"}'
EXPECTED = {x: float(sum(x.tokens)) for x in PLAIN}


def test_children_are_trained_by_whoever_has_joined(elsewhere):
    pool = elsewhere.pool()
    first = elsewhere.host()
    pool.open()
    said = list(pool.prepare())
    asked = pool.evaluate([Request(x) for x in PLAIN])
    found = [next(asked)]
    second = elsewhere.host()
    found += asked
    assert len(found) == len(PLAIN)
    assert scores(found) == EXPECTED
    assert any("has joined: 1 x cpu" in notice for notice in [*said, *pool.notices()])
    wait_until(lambda: len(pool._hosts) == 2 or pool._listen())
    again = list(pool.evaluate([Request(x, 1) for x in PLAIN]))
    assert {result.device.split(".")[0] for result in again} == {name.split(".")[0] for name in pool._hosts}
    pool.close()
    for host in (first, second):
        assert host.wait(20) == 0
        assert "the search is over: " in host.log.read_text()


def test_this_machine_works_as_well(elsewhere):
    pool = elsewhere.pool(devices=1)
    elsewhere.host()
    wait_until(lambda: len(pool._scheduler.hosts) == 2 or pool._listen())
    found = list(pool.evaluate([Request(x) for x in PLAIN]))
    assert scores(found) == EXPECTED
    assert len({result.device for result in found}) == 2


def test_what_a_killed_host_had_is_trained_elsewhere(elsewhere):
    pool = elsewhere.pool()
    first, second = elsewhere.host(), elsewhere.host()
    wait_until(lambda: len(pool._scheduler.hosts) == 2 or pool._listen())
    found = []
    for result in pool.evaluate([Request(x) for x in PLAIN]):
        found.append(result)
        if len(found) == 3:
            first.kill()
            first.wait()
    assert len(found) == len(PLAIN)
    assert scores(found) == EXPECTED
    assert any("it has left" in notice for notice in pool.notices())
    pool.close()
    assert second.wait(20) == 0


def test_a_host_that_is_told_to_leave_finishes_what_it_has_begun(elsewhere):
    pool = elsewhere.pool()
    leaving = elsewhere.host("0.5")
    wait_until(lambda: pool._scheduler.hosts or pool._listen())
    asked = pool.evaluate([Request(x) for x in PLAIN[:4]])
    found = [next(asked)]
    leaving.send_signal(signal.SIGTERM)
    staying = elsewhere.host()
    found += asked
    assert scores(found) == {x: EXPECTED[x] for x in PLAIN[:4]}
    assert leaving.wait(20) == 0
    assert "stopped: 2 scored, 0 failed" in leaving.log.read_text()
    pool.close()
    assert staying.wait(20) == 0
    assert pool._scheduler.lost == 0


def test_the_second_signal_stops_a_host_at_once(elsewhere):
    pool = elsewhere.pool()
    host = elsewhere.host("60")
    wait_until(lambda: pool._scheduler.hosts or pool._listen())
    pool._scheduler.submit([Request(PLAIN[0])])
    wait_until(lambda: pool._tell() or pool._listen() or pool._scheduler._hosts.values())
    wait_until(
        lambda: "leaving" in host.log.read_text() or host.send_signal(signal.SIGINT) or time.sleep(0.2)
    )
    host.send_signal(signal.SIGINT)
    assert host.wait(20) == 130


def test_hosts_join_the_next_driver_when_one_is_killed(elsewhere):
    pool = elsewhere.pool()
    host = elsewhere.host("0.1")
    wait_until(lambda: pool._scheduler.hosts or pool._listen())
    asked = pool.evaluate([Request(x) for x in PLAIN])
    assert next(asked).score is not None
    pool._cluster._link.end()  # with kill -9
    again = elsewhere.pool()
    found = list(again.evaluate([Request(x) for x in PLAIN]))
    assert scores(found) == EXPECTED
    assert "trying to join again" in host.log.read_text()


def test_a_link_that_ends_is_replaced(elsewhere, monkeypatch):
    monkeypatch.setattr("nao.evaluators.hosts.cluster.AGAIN", 0.1)
    pool = elsewhere.pool()
    elsewhere.host("0.05")
    found = []
    for result in pool.evaluate([Request(x) for x in PLAIN]):
        found.append(result)
        if len(found) == 5:
            os.kill(pool._cluster._link.pid, signal.SIGKILL)
    assert len(found) == len(PLAIN)
    assert scores(found) == EXPECTED
    assert any("the link to the hosts has ended: " in notice for notice in pool.notices())


def test_faults_of_children_elsewhere(elsewhere):
    kills, hangs = str(PLAIN[4]), str(PLAIN[9])
    pool = elsewhere.pool(Quick(kills=(kills,), hangs=(hangs,)), child_timeout=1.5)
    elsewhere.host()
    found = list(pool.evaluate([Request(x) for x in PLAIN]))
    failed = {str(result.architecture): result.reason for result in found if result.status == "failed"}
    assert set(failed) == {kills, hangs}
    assert "its process died twice" in failed[kills]
    assert failed[hangs].startswith("stopped after")


def npz(path, digits, scale=1):
    arrays = {f"{a}_{s}": getattr(digits, f"{a}_{s}") for a in "xy" for s in ("train", "valid", "test")}
    arrays["x_train"] = arrays["x_train"] // scale
    np.savez(path, **arrays)
    return load_npz(path)


def test_data_that_a_host_does_not_have_is_sent_once(elsewhere, tmp_path, monkeypatch):
    data = npz(tmp_path / "own.npz", load_digits()).configuration()
    away = tmp_path / "away.npz"
    (tmp_path / "own.npz").rename(away)  # so it is not where a host would look for it
    program = Quick(more=(("data", {**data, "path": str(tmp_path / "own.npz")}),))
    pool = elsewhere.pool(program)
    pool._cluster._data = {**data, "path": str(away)}  # the host shares this machine's files
    host = elsewhere.host()
    assert scores(pool.evaluate([Request(x) for x in PLAIN])) == EXPECTED
    (host_in_pool,) = pool._cluster.hosts.values()
    assert host_in_pool.sent == {data["fingerprint"]}
    assert (elsewhere.address / "sends").read_text() == "1"
    kept = list((tmp_path / "cache" / "nao" / "data").iterdir())
    assert [path.read_bytes() for path in kept] == [away.read_bytes()]
    pool.close()
    assert host.wait(20) == 0
    again = elsewhere.pool(program)  # and now it is not needed any more
    again._cluster._data = {**data, "path": "/nowhere"}
    elsewhere.host()
    assert scores(again.evaluate([Request(x, 1) for x in PLAIN])) == EXPECTED


def test_data_that_is_not_what_it_should_be(elsewhere, tmp_path):
    right = npz(tmp_path / "right.npz", load_digits()).configuration()
    npz(tmp_path / "wrong.npz", load_digits(), scale=2)
    program = Quick(more=(("data", {**right, "path": "/nowhere/right.npz"}),))
    pool = elsewhere.pool(program)
    pool._cluster._data = {**right, "path": str(tmp_path / "wrong.npz")}
    host = elsewhere.host()
    wait_until(lambda: host.poll() is not None or pool._listen())
    assert host.wait() == 2
    assert "has changed: its images have the fingerprint" in host.log.read_text()
    wait_until(lambda: pool._listen() or any("it cannot be used: " in notice for notice in pool.notices()))
    assert not list((tmp_path / "cache" / "nao" / "data").iterdir())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "0.0.1"}, "it has nao .* and the search has 0.0.1: install the same"),
        ({"recipe": {"configuration": {"unusable": "no such device"}}}, "no such device"),
    ],
)
def test_a_host_that_cannot_do_what_the_search_wants(elsewhere, change, reason):
    pool = elsewhere.pool()
    pool._cluster.introduction |= change
    host = elsewhere.host()
    said = []
    wait_until(
        lambda: pool._listen() or said.extend(pool.notices()) or any("cannot be used" in n for n in said)
    )
    assert host.wait(20) == 2
    assert any(re.search(reason, notice) for notice in said)
    good = elsewhere.pool(devices=1)  # and the search goes on with others
    assert len(list(good.evaluate([Request(x) for x in PLAIN]))) == len(PLAIN)


def test_a_host_that_is_refused(elsewhere):
    elsewhere.pool()
    (elsewhere.address / "refuses").touch()
    host = elsewhere.host()
    assert host.wait(20) == 2
    assert host.log.read_text() == "error: the token is refused\n"


@pytest.mark.parametrize(
    "said",
    [
        [],
        {"devices": 3},
        {"report": {"number": "x"}},
        {"report": None},
        {"report": {}},
        {"devices": {"devices": 0}},
    ],
)
def test_a_host_that_says_what_makes_no_sense_is_dismissed(elsewhere, said):
    pool = elsewhere.pool(devices=1)
    elsewhere.host()
    wait_until(lambda: pool._cluster.hosts or pool._listen())
    (host,) = pool._cluster.hosts.values()
    pool._cluster._take_from(host, {**said, "visit": host._visit} if isinstance(said, dict) else said)
    assert not pool._cluster.hosts
    assert any("it has lost its mind" in notice for notice in pool.notices())
    assert len(list(pool.evaluate([Request(x) for x in PLAIN]))) == len(PLAIN)


def test_a_host_that_is_silent_is_taken_to_be_away_until_it_speaks(elsewhere, monkeypatch):
    monkeypatch.setattr("nao.evaluators.hosts.pool.SILENCE", 2.5)
    pool = elsewhere.pool(devices=1)
    host = elsewhere.host("0.3")
    wait_until(lambda: len(pool._scheduler.hosts) == 2 or pool._listen())
    host.send_signal(signal.SIGSTOP)
    try:
        found = list(pool.evaluate([Request(x) for x in PLAIN]))
    finally:
        host.send_signal(signal.SIGCONT)
    assert scores(found) == EXPECTED
    assert any("has not been heard of" in notice for notice in pool.notices())
    wait_until(lambda: len(pool._scheduler.hosts) == 2 or pool._listen())
    assert scores(pool.evaluate([Request(x, 1) for x in PLAIN])) == EXPECTED


def test_a_fit_that_takes_long_is_no_silence_of_the_hosts(elsewhere, monkeypatch):
    monkeypatch.setattr("nao.evaluators.hosts.pool.SILENCE", 1.5)
    monkeypatch.setattr("nao.evaluators.hosts.pool.UNHEARD", 0.5)
    pool = elsewhere.pool()
    elsewhere.host()
    assert scores(pool.evaluate([Request(x) for x in PLAIN])) == EXPECTED
    time.sleep(2.0)
    assert scores(pool.evaluate([Request(x, 1) for x in PLAIN])) == EXPECTED
    assert pool._scheduler.lost == 0
    assert not any("has not been heard of" in notice for notice in pool.notices())


def test_a_host_is_told_to_leave_while_the_search_is_away(elsewhere):
    pool = elsewhere.pool()
    host = elsewhere.host("0.7")
    asked = pool.evaluate([Request(x) for x in PLAIN])
    next(asked)
    pool._cluster._link.end()
    wait_until(lambda: "trying to join again" in host.log.read_text())
    host.send_signal(signal.SIGTERM)
    assert host.wait(10) == 0
    assert "stopped: " in host.log.read_text()


def test_a_pool_that_is_closed_while_it_evaluates(elsewhere):
    pool = elsewhere.pool(devices=1)
    elsewhere.host()
    asked = pool.evaluate([Request(x) for x in PLAIN])
    next(asked)
    pool.close(over=False)
    asked.close()


def test_a_refusal_after_hosts_could_join_ends_nothing(elsewhere, monkeypatch):
    monkeypatch.setattr("nao.evaluators.hosts.cluster.AGAIN", 0.1)
    pool = elsewhere.pool(devices=1)
    pool.open()
    pool._cluster._command = (sys.executable, "-c", f"print({REFUSAL!r})")
    os.kill(pool._cluster._link.pid, signal.SIGKILL)
    assert scores(pool.evaluate([Request(x) for x in PLAIN])) == EXPECTED
    wait_until(lambda: pool._listen() or any("the port is taken" in notice for notice in pool.notices()))


def test_a_folder_that_a_host_may_not_look_into(monkeypatch, tmp_path):
    right = npz(tmp_path / "right.npz", load_digits()).configuration()
    there = station.Station("x", print)

    def refuses(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("nao.data.make", lambda data: refuses(data))
    there._found_here({"data": right})
    assert there.needs == right["fingerprint"]


def test_a_folder_of_text_is_not_sent(tmp_path):
    for split, lines in {"train": 400, "valid": 40, "test": 40}.items():
        (tmp_path / f"{split}.txt").write_text("a cat sat <unk>\n" * lines)
    recipe = {"data": load(f"text:{tmp_path}").configuration()}
    there = station.Station("x", print)
    assert there._found_here(recipe) == recipe
    shutil.rmtree(tmp_path)
    with pytest.raises(InputError, match=r"it lacks the folder .*: copy it there"):
        there._found_here(recipe)


def test_an_address_at_which_nobody_can_join(elsewhere):
    pool = elsewhere.pool(link=(sys.executable, "-c", 'print(\'{"lost": "it is in use"}\')'))
    with pytest.raises(InputError, match=r"hosts cannot join at .*: it is in use"):
        pool.open()


@pytest.mark.parametrize(
    ("counts", "devices", "kind", "wrong"),
    [
        ({"CPU": 8}, 2, "cpu", False),
        ({"CPU": 8, "GPU": 4}, 4, "NVIDIA H100", False),
        ({"CPU": 8, "GPU": 4}, 2, "NVIDIA H100", True),
        ({"CPU": 8, "GPU": 4}, 8, "cpu", True),
        ({"CPU": 8}, 1, "NVIDIA H100", True),
        ({"CPU": 96, "TPU": 4}, 8, "TPU v3", False),
        ({"CPU": 96, "TPU": 4}, 4, "TPU v5 lite", False),
        ({"CPU": 96, "TPU": 8}, 7, "TPU v5 lite", True),
    ],
)
def test_devices_that_the_engine_counts_otherwise(counts, devices, kind, wrong):
    info = station.HostInfo("x", devices, kind, None)
    assert bool(station.mismatch(info, counts)) == wrong
