"""Energy and CO2: the formula of Strubell et al. 2019, and whose seconds count as what."""

import pytest

from nao.core import Request, Result
from nao.report import energy
from nao.report.energy import Usage, device_kind, emission, total, usages
from tests.fakes import PairSpace


def result(seconds, device, **metrics):
    request = Request(PairSpace().parse("a b c d a b c d"))
    return Result(request, 1.0, seconds=seconds, device=device, metrics=metrics)


def test_the_published_numbers_come_out():
    # A machine of 1,415.78 W for 12 hours; 656,347 kWh are 626,155 pounds of CO2.
    assert energy.energy(1415.78, 12 * 3600.0) == pytest.approx(26.84, abs=0.01)
    assert emission(energy.energy(1415.78, 12 * 3600.0)) == pytest.approx(25.6, abs=0.05)
    assert emission(656_347.0) == pytest.approx(626_155, abs=1)


def test_energy_grows_with_power_and_with_time():
    assert energy.energy(1000.0, 3600.0) == pytest.approx(1.58)
    assert energy.energy(2000.0, 1800.0) == pytest.approx(1.58)
    assert energy.energy(0.0, 3600.0) == 0


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("cpu:0", "cpu"),
        ("cuda:3", "gpu"),
        ("gpu:1", "gpu"),
        ("TPU:0", "tpu"),
        ("a-host/cpu:1", "cpu"),
        ("TFRT_CPU_0", "cpu"),
        ("TPU_0(process=0,(0,0,0,0))", "tpu"),
        ("table", "table"),
        ("", "unknown"),
        ("cpuish", "cpuish"),
    ],
)
def test_kinds_of_devices(device, kind):
    assert device_kind(device) == kind


def test_seconds_are_added_up_by_kind_and_the_strategys_own_are_those_of_a_core():
    found = usages(
        [result(3.0, "cpu:0"), result(4.0, "cpu:1"), result(5.0, "cuda:0"), result(9.0, "table")], 10.0
    )
    assert found == [Usage("cpu", 17.0), Usage("gpu", 5.0), Usage("table", 9.0)]
    assert found[2].kwh is None
    assert total(found) == pytest.approx(energy.energy(10.0, 17.0) + energy.energy(300.0, 5.0))
    assert usages([result(0.0, "cpu:0")]) == []


def test_what_was_measured_takes_the_place_of_an_estimate():
    results = [
        result(3.0, "cpu:0", joules_rapl=60.0),
        result(1.0, "there cpu:1", joules_rapl=20.0),
        result(2.0, "elsewhere cpu:0"),
        result(5.0, "cuda:0", joules_nvml=1500.0),
    ]
    found = usages(results, 10.0)
    assert found == [Usage("cpu", 4.0, 80.0), Usage("cpu", 12.0), Usage("gpu", 5.0, 1500.0)]
    assert [each.watts for each in found] == [20.0, 10.0, 300.0]
    assert found[0].kwh == pytest.approx(1.58 * 80 / 3.6e6)
    assert total(found) == pytest.approx(1.58 * (80 + 120 + 1500) / 3.6e6)


@pytest.mark.parametrize("device", ["cuda:0", "TPU:0", "table", ""])
def test_counters_of_other_devices_measure_nothing_of_a_child(device):
    (found,) = usages([result(3.0, device, joules_rapl=60.0)])
    assert not found.measured
