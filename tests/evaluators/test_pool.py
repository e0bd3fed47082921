"""The device pool: how it schedules a program, and what it makes of one that fails."""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.core import Architecture, Cost, Fidelity, InputError, Request
from nao.evaluators import pool
from nao.evaluators.pool import DevicePool
from nao.evaluators.program import Report
from tests.evaluators.fake import SPACE, FakeProgram

STRINGS = [Architecture((1,) * i + (0,) * (8 - i), SPACE) for i in range(5)]  # i is the sum
MIDDLE = STRINGS[2]


@pytest.fixture(params=[1, 8], autouse=True)
def most_lanes(request, monkeypatch):
    """Every device a lane of its own, and one for all of them, as on accelerators."""
    monkeypatch.setattr(pool, "MOST_LANES", request.param)


def measure(program, architectures=STRINGS, **options):
    """The results by architecture, in the order in which they came."""
    requests = [Request(architecture, **options) for architecture in architectures]
    return {result.architecture: result for result in DevicePool(program).evaluate(requests)}


class TestResults:
    def test_what_the_program_reports(self):
        for architecture, result in measure(FakeProgram(data=0.5), seed=3).items():
            assert result.score == sum(architecture.tokens) + 3.5
            assert (result.status, result.metrics) == ("ok", {"steps": 10})
            assert result.cost == Cost(sum(architecture.tokens), 7)
            assert result.device in map(str, jax.local_devices())

    def test_a_fidelity_decides_the_steps(self):
        for result in measure(FakeProgram(), fidelity=Fidelity("short", 4)).values():
            assert result.metrics == {"steps": 4}

    def test_devices_run_at_the_same_time_and_each_goes_on_when_it_is_ready(self):
        slow, *others = STRINGS

        class Slow(FakeProgram):
            def train(self, tokens, seed, steps, data):
                rounds = jnp.where((tokens == jnp.array(slow.tokens)).all() & (steps > 0), 40_000, 1)
                work = jax.lax.fori_loop(0, rounds, lambda _, x: jnp.sin(x), jnp.ones(4096))
                return super().train(tokens, seed, steps, data + 0 * work.sum())

        found = measure(Slow())
        assert next(iter(found)) == others[0]  # delivered while the slow one still runs
        if pool.MOST_LANES > 1:
            assert list(found).index(slow) == 3  # the other device has trained all but the one behind it
        assert found[slow].seconds > 10 * found[others[0]].seconds

    def test_the_clock_does_not_include_compiling(self):
        class Slow(FakeProgram):
            def train(self, *arguments):
                time.sleep(0.5)  # while it is traced
                return super().train(*arguments)

        assert max(result.seconds for result in measure(Slow()).values()) < 0.3

    def test_it_is_compiled_once(self):
        traced = []

        class Counts(FakeProgram):
            def train(self, *arguments):
                traced.append(1)
                return super().train(*arguments)

        counts = DevicePool(Counts())
        assert not traced
        assert list(counts.prepare()) == ["compiling"]
        before = list(traced)
        for _ in range(2):
            assert len(list(counts.evaluate([Request(x) for x in STRINGS]))) == 5
        assert traced == before


def raising(error):
    """A function that raises, whatever it is given."""

    def fail(*_):
        raise error

    return fail


def fails(method, instead):
    """A program of which one method does something else when it is given `MIDDLE` alone or among others."""

    def changed(self, given):
        several = given if isinstance(given, list) else [given]
        return instead(self, given) if MIDDLE in several else getattr(FakeProgram, method)(self, given)

    return type("Failing", (FakeProgram,), {method: changed})()


def checked(found, reason):
    """Asserts that all succeeded, except for `MIDDLE`, which has that reason."""
    assert sorted(found, key=STRINGS.index) == STRINGS
    failed = found.pop(MIDDLE)
    assert (failed.status, failed.score) == ("failed", None)
    assert failed.reason.startswith(reason)
    assert {result.status for result in found.values()} == {"ok"}
    return failed


ERRORS = [
    (ValueError("broken\nin two"), "ValueError: broken"),
    (MemoryError(), "MemoryError: MemoryError"),
    (RuntimeError("RESOURCE_EXHAUSTED: no room\nfor it"), "out of memory: RESOURCE_EXHAUSTED: no room"),
]


class TestFailures:
    @pytest.mark.parametrize(("error", "reason"), ERRORS)
    @pytest.mark.parametrize("method", ["encode", "cost"])
    def test_an_error_on_the_host_is_that_of_the_one_it_came_from(self, method, error, reason):
        failed = checked(measure(fails(method, raising(error))), reason)
        assert failed.reason == reason

    @pytest.mark.parametrize(("error", "reason"), ERRORS)
    def test_an_error_in_the_report(self, error, reason):
        class Failing(FakeProgram):
            def report(self, outcome):
                if outcome["score"] == sum(MIDDLE.tokens):
                    raise error
                return super().report(outcome)

        assert checked(measure(Failing()), reason).cost == Cost(sum(MIDDLE.tokens), 7)

    def test_arrays_that_the_program_was_not_compiled_for(self):
        def shorter(self, architectures):
            return FakeProgram.encode(self, architectures)[:, :3]

        checked(measure(fails("encode", shorter)), "TypeError: ")

    @pytest.mark.filterwarnings("ignore")
    def test_an_error_on_the_device(self):
        def fail(tokens, steps):
            if steps > 0 and tuple(tokens.tolist()) == MIDDLE.tokens:
                raise RuntimeError("broken")
            return np.float32(1)

        checked(measure(FakeProgram(fail)), "JaxRuntimeError: ")
        measure(FakeProgram(fail), STRINGS[:2])  # JAX raises at exit what a device's last callback raised

    @pytest.mark.parametrize(
        ("report", "reason"),
        [
            (Report(float("nan")), "its score is nan"),
            (Report(None), "its score is None"),
            (Report(0.5, reason="diverged"), "diverged"),
        ],
    )
    def test_what_is_reported_is_no_score(self, report, reason):
        class Failing(FakeProgram):
            def report(self, outcome):
                return report if outcome["score"] == sum(MIDDLE.tokens) else super().report(outcome)

        checked(measure(Failing()), reason)


class TestBadInput:
    @pytest.mark.parametrize("devices", [0, -1, 3])
    def test_devices(self, devices):
        with pytest.raises(InputError, match=f"devices must be at least 1 and at most 2, .* not {devices}"):
            DevicePool(FakeProgram(), devices)

    def test_more_memory_than_the_machine_has(self):
        with pytest.raises(InputError, match=r"training takes at least 16,777,216\.0 GiB of memory"):
            DevicePool(FakeProgram(memory=2**53))

    def test_more_memory_than_was_known_before_it_was_compiled(self):
        class Large(FakeProgram):
            def train(self, tokens, seed, steps, data):
                large = jnp.full((2**21, 2**21), data)
                return super().train(tokens, seed, steps, (large @ large)[0, 0])

        with pytest.raises(InputError, match=r"training takes at least .* GiB of memory"):
            list(DevicePool(Large()).prepare())

    def test_a_program_that_cannot_be_compiled(self):
        class Broken(FakeProgram):
            def train(self, *arguments):
                raise TypeError("no such shape\nat all")

        for use in (lambda pool: list(pool.prepare()), lambda pool: list(pool.evaluate([Request(MIDDLE)]))):
            with pytest.raises(InputError, match=r"^the training program .* TypeError: no such shape$"):
                use(DevicePool(Broken()))

    def test_a_request_that_cannot_be_answered_is_refused_before_anything_is_trained(self):
        evaluated = []

        def count(tokens, steps):
            evaluated.append(int(steps))
            return np.float32(1)

        counted = DevicePool(FakeProgram(count))
        other = dataclasses.replace(SPACE, name="other")
        for request, match in (
            (Request(dataclasses.replace(MIDDLE, space=other)), "is not of the space pairs"),
            (Request(MIDDLE, fidelity=Fidelity("shared weights")), "no fidelity shared weights"),
        ):
            with pytest.raises(InputError, match=match):
                list(counted.evaluate([Request(MIDDLE), request]))
        assert not evaluated


def test_pools_are_equal_when_they_measure_the_same():
    assert DevicePool(FakeProgram(), devices=1) == DevicePool(FakeProgram())
    assert DevicePool(FakeProgram()) != DevicePool(FakeProgram(data=1.0))
    assert DevicePool(FakeProgram()) != FakeProgram()
