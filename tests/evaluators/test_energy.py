"""The energy of children: what counters say, how it is shared, and what becomes of it."""

import itertools
import math
import os
import threading
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

import jax
import numpy as np
import pytest

import nao
from nao.core import Request, Result
from nao.evaluators import energy, pool
from nao.evaluators.energy import Counters, Meter, cards, packages, visible
from nao.evaluators.pool import DevicePool
from nao.report.figures import cost
from nao.report.search_page import report
from tests.evaluators.fake import SPACE, FakeProgram
from tests.fakes import LinearEncoder

RANGE = 65_532.0  # J, as of many processors


def request(i):
    return Request(SPACE.parse("a b c d a b c d"), i)


def zone(tree, folder, name, joules=100.0, most=RANGE):
    """A zone as Linux shows it."""
    where = tree / folder
    where.mkdir(parents=True, exist_ok=True)
    (where / "name").write_text(f"{name}\n")
    (where / "energy_uj").write_text(f"{round(joules * 1e6)}\n")
    (where / "max_energy_range_uj").write_text(f"{round(most * 1e6)}\n")
    return where


@pytest.fixture
def tree(tmp_path):
    """A machine with one package, with parts of it and with what is beside it."""
    (tmp_path / "intel-rapl").mkdir()
    zone(tmp_path, "intel-rapl:0", "package-0", 100.0)
    zone(tmp_path, "intel-rapl:0:0", "core", 60.0)
    zone(tmp_path, "intel-rapl:0:1", "package-like", 30.0)
    zone(tmp_path, "intel-rapl:1", "psys", 170.0)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 100.0)
    return tmp_path


class TestPackages:
    def test_only_whole_packages_count(self, tree):
        found = packages(tree)
        assert (found.metric, found.ranges, found.read()) == ("joules_rapl", [RANGE], [100.0])

    def test_all_packages_count(self, tree):
        zone(tree, "intel-rapl:2", "package-1", 7.5, most=262_143.0)
        found = packages(tree)
        assert (found.ranges, found.read()) == ([RANGE, 262_143.0], [100.0, 7.5])

    def test_what_is_not_there(self, tmp_path):
        assert packages(tmp_path / "none") is None
        assert packages(tmp_path) is None
        zone(tmp_path, "intel-rapl:0", "psys")
        assert packages(tmp_path) is None

    @pytest.mark.parametrize("file", ["name", "energy_uj", "max_energy_range_uj"])
    @pytest.mark.parametrize("content", [None, b"", b"many\n", b"1.5", b"\xff\xfe", b"nan"])
    def test_what_cannot_be_read_is_not_measured(self, file, content, tree):
        where = zone(tree, "intel-rapl:2", "package-1") / file
        where.unlink()
        if content is None:
            where.mkdir()  # cannot be read by root either
        else:
            where.write_bytes(content)
        found = packages(tree)
        if file == "name" and content not in (None, b"\xff\xfe"):
            assert len(found.ranges) == 1  # it has another name
        else:
            assert found is None

    def test_a_counter_that_does_not_count(self, tree):
        zone(tree, "intel-rapl:2", "package-1", 0.0)
        assert packages(tree) is None

    def test_one_that_fails_later(self, tree):
        found = packages(tree)
        (tree / "intel-rapl:0" / "energy_uj").unlink()
        assert found.read() is None


def library(joules, names=None, fails=False):
    """A fake of NVML, of cards that have taken so much."""

    def total(card):
        if fails:
            raise RuntimeError("Not Supported")
        return round(1000 * joules[card])

    return SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(joules),
        nvmlDeviceGetHandleByIndex=lambda i: i,
        nvmlDeviceGetUUID=lambda i: f"GPU-{i}abc-{i}",
        nvmlDeviceGetName=lambda i: names[i] if names else "a card",
        nvmlDeviceGetTotalEnergyConsumption=total,
    )


class TestCards:
    @pytest.mark.parametrize(
        ("shown", "expected"),
        [
            (None, [10, 30]),
            ("2,1,0", [30, 10]),
            ("GPU-1, GPU-0,GPU-2a", [20, 30]),
            *[(few, None) for few in ("1,GPU-9,0", "0,1", "", "-1", "1,0,7", "MIG-1,0,2", "GPU-,0,1")],
        ],
    )
    def test_those_that_the_process_uses(self, shown, expected):
        environment = {} if shown is None else {"CUDA_VISIBLE_DEVICES": shown}
        found = cards([0, 2], library([10.0, 20.0, 30.0]), environment)
        assert (found and found.read()) == expected
        if found:
            assert (found.metric, found.ranges) == ("joules_nvml", [math.inf] * 2)

    def test_the_order_of_different_cards_must_be_known(self):
        fake = library([10.0, 20.0], names=["slow", "fast"])
        assert cards([0], fake, {}) is None
        assert cards([0], fake, {"CUDA_VISIBLE_DEVICES": "1"}) is None
        in_order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        assert cards([0], fake, in_order).read() == [10.0]
        assert cards([0], fake, {**in_order, "CUDA_VISIBLE_DEVICES": "1"}).read() == [20.0]
        assert cards([0], fake, {"CUDA_VISIBLE_DEVICES": "GPU-1"}).read() == [20.0]

    def test_a_uuid_must_say_which(self):
        assert visible({"CUDA_VISIBLE_DEVICES": "GPU-a"}, ["GPU-ab", "GPU-ac"], True) == []

    def test_without_a_driver_a_card_or_a_counter_nothing_is_measured(self):
        fake = library([10.0])
        fake.nvmlInit = lambda: 1 / 0
        assert cards([0], fake, {}) is None
        assert cards([0], library([]), {}) is None
        assert cards([0], library([10.0], fails=True), {}) is None

    def test_without_the_library_nothing_is_measured(self, monkeypatch):
        def missing(*_):
            raise nao.core.InputError("install it")

        monkeypatch.setattr(energy, "imported", missing)
        assert cards([0]) is None


@pytest.mark.parametrize(
    ("name", "metric"),
    [("cpu:0", "joules_rapl"), ("cuda:3", "joules_nvml"), ("rocm:3", None), ("TPU_0(process=0)", None)],
)
def test_each_kind_of_device_has_its_counters(name, metric, monkeypatch):
    platform = {"cuda:3": "gpu", "rocm:3": "gpu"}.get(name, name[:3].lower())
    device = MagicMock(spec=jax.Device, platform=platform, local_hardware_id=3)
    device.__str__.return_value = name
    monkeypatch.setattr(energy, "packages", lambda: Counters("joules_rapl", [], list))
    monkeypatch.setattr(energy, "cards", lambda numbers: Counters("joules_nvml", [float(*numbers)], list))
    found = energy.counters([device])
    assert (found and found.metric) == metric
    if name.startswith("cuda"):
        assert found.ranges == [3]


class Machine:
    """Counters and a clock that are told what happens."""

    def __init__(self, *ranges):
        self.now, self.reads, self.fails = 0.0, 0, False
        self.ranges, self.totals = ranges, [0.9 * each if each < math.inf else 5.0 for each in ranges]
        self.meter = Meter(Counters("joules_rapl", ranges, self.read), lambda: self.now)

    def read(self):
        self.reads += 1
        return None if self.fails else [t % r for t, r in zip(self.totals, self.ranges, strict=True)]

    def run(self, seconds, *joules):
        self.now += seconds
        self.totals = [total + more for total, more in zip(self.totals, joules, strict=True)]

    def end(self, child):
        return self.meter.measured(Result(child, 1.0)).metrics.get("joules_rapl")


A, B, C = map(request, range(3))


class TestMeter:
    def test_what_is_drawn_is_shared_equally_by_those_in_flight(self):
        machine = Machine(RANGE, math.inf)
        watch = machine.meter.watch
        machine.run(1.0, 50.0, 50.0)  # nobody's
        watch([A])
        machine.run(1.0, 10.0, 2.0)
        watch([A, B])
        machine.run(1.0, 10.0, 10.0)
        watch([B])
        assert machine.end(A) == pytest.approx(12 + 10)
        machine.run(1.0, 0.0, 1.0)
        watch([])
        machine.run(1.0, 50.0, 50.0)  # nobody's
        assert machine.end(B) == pytest.approx(10 + 1)
        assert machine.reads == 4

    @pytest.mark.parametrize("seed", range(20))
    def test_the_shares_are_all_that_was_drawn_while_a_child_was_in_flight(self, seed):
        rng = np.random.default_rng(seed)
        machine = Machine(26_000.0, 32_000.0, math.inf)  # begin again now and then
        children, in_flight, drawn, shares = map(request, itertools.count()), [], 0.0, []
        for _ in range(200):
            ended = [child for child in in_flight if rng.random() < 0.4]
            in_flight = [child for child in in_flight if child not in ended]
            in_flight += [next(children) for _ in range(rng.integers(0, 3))]
            machine.meter.watch(in_flight)
            shares += [machine.end(child) for child in ended]
            joules = rng.uniform(0, 900, 3)
            machine.run(rng.uniform(0, 1.5), *joules)
            drawn += joules.sum() if in_flight else 0
        machine.meter.watch([])
        shares += [machine.end(child) for child in in_flight]
        assert sum(shares) == pytest.approx(drawn)
        assert min(shares) >= 0
        assert machine.totals[0] > 3 * 26_000

    def test_nothing_is_read_but_at_a_beginning_an_end_and_now_and_then(self):
        machine = Machine(RANGE)
        for _ in range(5):
            machine.meter.watch([])
        assert machine.reads == 0
        for _ in range(100):
            machine.meter.watch([A, B])
            machine.run(1.0, 3.0)
        assert 1 < machine.reads <= 1 + 100 / energy.EVERY
        machine.meter.watch([])
        assert machine.end(A) == pytest.approx(150)
        before = machine.reads
        machine.run(1e9, 0.0)
        machine.meter.watch([])
        assert machine.reads == before

    @pytest.mark.parametrize("fault", ["fails", "set back", "far back", "too much", "too long"])
    def test_what_is_not_known_is_not_measured_and_what_comes_later_is(self, fault):
        machine = Machine(RANGE)
        machine.meter.watch([A, B])
        machine.run(1.0, 10.0)
        machine.meter.watch([B, C])
        assert machine.end(A) == 5
        machine.fails = fault == "fails"
        drawn = {"set back": -1.0, "far back": -0.8 * RANGE, "too much": 10_000.0}
        machine.run(100.0 if fault == "too long" else 1.0, drawn.get(fault, 10.0))
        machine.meter.watch([C])
        assert machine.end(B) is None
        machine.fails = False
        machine.run(1.0, 10.0)
        machine.meter.watch([A])
        assert machine.end(C) is None
        machine.run(1.0, 10.0)
        machine.meter.watch([])
        assert machine.end(A) == pytest.approx(10)

    def test_one_that_never_begins_again_cannot_be_behind(self):
        machine = Machine(math.inf)
        machine.meter.watch([A])
        machine.run(1.0, -3.0)
        machine.meter.watch([])
        assert machine.end(A) is None

    def test_more_than_the_range_is_no_count(self):
        found = Counters("joules_rapl", [RANGE], lambda: None)
        assert math.isnan(found.drawn([RANGE - 1], [RANGE + 1], 1.0))
        assert found.drawn([RANGE - 1], [2.0], 1.0) == 3

    def test_a_child_that_failed_has_its_share(self):
        machine = Machine(RANGE)
        machine.meter.watch([A])
        machine.run(1.0, 10.0)
        machine.meter.watch([])
        result = machine.meter.measured(Result(A, status="failed", reason="diverged", metrics={"loss": 2.0}))
        assert (result.status, result.reason) == ("failed", "diverged")
        assert result.metrics == {"loss": 2.0, "joules_rapl": pytest.approx(10)}

    def test_without_counters_a_result_is_what_it_was(self):
        meter, result = Meter(None, lambda: 1 / 0), Result(A, 1.0)
        meter.watch([A])
        assert meter.measured(result) is result


class Growing:
    """A tree of one package, and a program each of whose children takes a joule."""

    def __init__(self, tree):
        self.file, self.total, self.lock = (
            zone(tree, "intel-rapl:0", "package-0") / "energy_uj",
            0,
            threading.Lock(),
        )

    def measure(self, tokens, steps):
        if steps > 0:
            time.sleep(0.005)
            with self.lock:
                self.total += 1
                written = self.file.with_suffix(".new")
                written.write_text(str(round((100 + self.total) * 1e6)))
                os.replace(written, self.file)
        return np.float32(tokens.sum())


def test_a_search_on_a_machine_that_counts_says_what_was_measured(tmp_path, monkeypatch):
    machine = Growing(tmp_path)
    monkeypatch.setattr(pool, "counters", lambda devices: packages(tmp_path))
    evaluator = DevicePool(FakeProgram(machine.measure))
    history = nao.optimize(SPACE, evaluator, LinearEncoder(), seeds=3, initial=12, new=4, iterations=1)
    results = list(cost.results(history))  # with those that confirm the answer
    shares = [result.metrics["joules_rapl"] for result in results]
    assert all(result.metrics["steps"] == 10 for result in results)
    assert sum(shares) == pytest.approx(machine.total)
    assert machine.total == len(results) > len(history.trials)
    page = report(history, {}, "measured")
    assert "by the counters of the processors&#x27; packages (RAPL)" in page
    assert "cpu, measured" in page
    assert "measured</dt>" in page


def test_a_search_on_one_that_does_not_is_only_estimated(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "counters", lambda devices: packages(tmp_path))
    results = list(DevicePool(FakeProgram()).evaluate([A, B, C]))
    assert [result.metrics for result in results] == [{"steps": 10}] * 3
