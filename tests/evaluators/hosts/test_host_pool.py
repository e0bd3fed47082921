"""Children in a process of their own: one that dies, hangs or lies costs no more than itself."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import nao
import nao.study
from nao.core import Architecture, Cost, InputError, Request, Result
from nao.evaluators.hosts.pool import HERE, HostPool
from nao.evaluators.pool import DevicePool
from nao.search import search
from tests.evaluators.fake import SPACE
from tests.evaluators.hosts.faulty import COMMAND, DIES_ONCE, HANGS, SEGFAULTS, Faulty
from tests.fakes import SumEvaluator

SEED = 7  # of a search in which one child kills its process, one does so once, and one hangs

PLAIN = [Architecture((i % 3, i // 3 % 4, i // 12 % 4, 0, 0, 0, 0, 0), SPACE) for i in range(24)]


def string(begins):
    return Architecture((*begins, 0, 0, 0, 0, 0, 0), SPACE)


@pytest.fixture
def make_pool(tmp_path):
    """Makes pools, and leaves no process behind."""
    made = []

    def make(command=COMMAND, **options):
        made.append(HostPool(Faulty(marks=str(tmp_path)), 2, command=command, **options))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


def process(pool):
    """The process that drives the devices."""
    return pool._hosts[HERE]._worker.pid


def test_faults_cost_no_more_than_the_children_that_have_them(make_pool, tmp_path):
    pool = make_pool(child_timeout=3.0)
    killed, found = False, {}
    strings = [*PLAIN[:8], string(SEGFAULTS), string(DIES_ONCE), *PLAIN[8:16], string(HANGS), *PLAIN[16:]]
    for result in pool.evaluate([Request(x, 5) for x in strings]):
        assert result.request not in found
        found[result.request] = result
        if len(found) == 2 and not killed:
            os.kill(process(pool), signal.SIGKILL)
            killed = True
    assert len(found) == len(strings)
    failed = {result.architecture: result for result in found.values() if result.status == "failed"}
    assert set(failed) == {string(SEGFAULTS), string(HANGS)}
    died, hung = failed[string(SEGFAULTS)].reason, failed[string(HANGS)].reason
    assert died.startswith("its process died twice, the second time with nothing else in it: ")
    assert "signal 11" in died
    assert hung.startswith("stopped after 3 s: children have 3 s")
    for result in found.values():
        assert result.cost == Cost(sum(result.architecture.tokens), 7)  # also of those that could not say so
        assert result.status == "failed" or result.score == sum(result.architecture.tokens)
    # Beside what runs again with a suspect or because of one, everything is trained once.
    asked = set(map(str, strings))
    tried = [name for path in tmp_path.glob("*-*") if (name := path.name.split("-")[0]) in asked]
    assert all(2 <= tried.count(str(string(begins))) <= 4 for begins in (SEGFAULTS, DIES_ONCE))
    assert len(strings) <= len(tried) <= len(strings) + 16
    pool.close()
    assert pool._hosts[HERE]._worker is None


def test_nothing_is_trained_twice(make_pool, tmp_path):
    pool = make_pool()
    for seed in range(3):  # orders cross with results on their way
        assert len(list(pool.evaluate([Request(x, seed) for x in PLAIN]))) == len(PLAIN)
    tried = [path.name.split("-")[0] for path in tmp_path.glob("*-*")]
    assert [tried.count(str(x)) for x in PLAIN] == [3] * len(PLAIN)


class Known(SumEvaluator):
    """What the children of `Faulty` come to."""

    def result(self, request):
        if request.architecture.tokens[:2] in (SEGFAULTS, HANGS):
            return Result(request, status="failed", reason="died or hung")
        return Result(request, float(sum(request.architecture.tokens)))


def found(history):
    return [(trial.architecture, trial.seed, trial.score, trial.status) for trial in history.trials]


def small_search(evaluator, out=None):
    strategy = nao.strategy("evolution", SPACE, seed=SEED, population=6)
    return search(strategy, evaluator, [6, 4, 4], confirm=None, out=out)


def test_a_search_finds_the_same_when_its_processes_die(make_pool, tmp_path):
    expected = found(small_search(Known()))
    assert {status for *_, status in expected} == {"ok", "failed"}
    script = f"""
        from tests.evaluators.hosts.test_host_pool import COMMAND, Faulty, HostPool, small_search
        pool = HostPool(Faulty(marks={str(tmp_path)!r}), 2, command=COMMAND, child_timeout=2.0)
        small_search(pool, {str(tmp_path / "run")!r})
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)]) as driver:
        wait_until(lambda: evaluated(tmp_path / "run") >= 3)
        children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()
        driver.kill()
    assert children
    wait_until(lambda: all(ended(int(pid)) for pid in children))
    before = evaluated(tmp_path / "run")
    assert 3 <= before < len(expected)
    again = small_search(make_pool(child_timeout=2.0), tmp_path / "run")
    assert found(again) == expected


def wait_until(so, seconds=30.0):
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def evaluated(folder):
    try:
        return nao.study.read(folder, SPACE).evaluated
    except InputError:
        return 0


def test_pools_are_equal_when_they_measure_the_same(make_pool, tmp_path):
    pool, here = make_pool(), DevicePool(Faulty(marks=str(tmp_path)))
    assert pool == here
    assert pool.configuration() == here.configuration()
    assert pool != DevicePool(Faulty(marks="elsewhere"))


def test_a_process_that_is_idle_may_die_too(make_pool):
    pool = make_pool()
    assert list(pool.prepare())[-1] == "compiling"
    for _ in range(2):
        os.kill(process(pool), signal.SIGKILL)
        (result,) = pool.evaluate([Request(PLAIN[1])])
        assert result.score == 1
        (notice,) = pool.notices()
        assert "signal 9" in notice
    assert pool.notices() == []


def test_what_is_asked_no_more_is_ended(make_pool):
    pool = make_pool()
    asked = pool.evaluate([Request(PLAIN[0]), Request(string(HANGS))])
    assert next(asked).score == 0
    time.sleep(0.3)  # it has begun the other, and perhaps that was not heard
    before = process(pool)
    asked.close()
    assert [result.score for result in pool.evaluate([Request(PLAIN[1])])] == [1]
    assert process(pool) != before
    assert ended(before)


def test_another_evaluation_is_the_end_of_one_that_was_left(make_pool):
    pool = make_pool()
    left = pool.evaluate([Request(x) for x in PLAIN])
    next(left)
    scores = {r.architecture: r.score for r in pool.evaluate([Request(x, 1) for x in PLAIN[:3]])}
    assert scores == {x: sum(x.tokens) for x in PLAIN[:3]}
    assert len(list(left)) < len(PLAIN)


def test_a_process_that_cannot_be_started_is_no_fault_of_the_children(make_pool, monkeypatch):
    pool = make_pool()
    list(pool.prepare())

    def full(*_, **__):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    os.kill(process(pool), signal.SIGKILL)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", full)
        with pytest.raises(InputError, match=r"cannot be started: .*Cannot allocate memory"):
            list(pool.evaluate([Request(PLAIN[1])]))
    assert [result.score for result in pool.evaluate([Request(PLAIN[1])])] == [1]


def test_the_process_ends_with_the_one_that_started_it(tmp_path):
    pool = HostPool(Faulty(marks=str(tmp_path)), 1, command=COMMAND)
    pool.open()
    pid = process(pool)
    del pool
    wait_until(lambda: ended(pid))


@pytest.mark.parametrize(
    ("code", "match"),
    [
        ("raise SystemExit(3)", "died 3 times before it began a child: its process ended with the status 3"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9, killed, perhaps for want of memory"),
        (
            "print('[]')",
            "died 3 times before it began a child: its process .*: this is no message: b'\\[\\]'",
        ),
        ('print(\'{"unusable": "no such device"}\')', "^no such device$"),
        ('print(\'{"devices": 1, "color": 2}\')', "these are no devices"),
    ],
)
def test_a_process_that_cannot_be_used(make_pool, code, match):
    pool = make_pool((sys.executable, "-c", code))
    for _ in range(2):
        with pytest.raises(InputError, match=match):
            list(pool.evaluate([Request(PLAIN[0])]))


def test_a_machine_without_enough_devices(tmp_path):
    pool = HostPool(Faulty(marks=str(tmp_path)), 4096, command=COMMAND)
    with pytest.raises(InputError, match="devices must be at least 1 and at most"):
        pool.open()
    pool.close()
