"""What JAX is told before it is used. Each in a process of its own, since it can be told only once."""

import os
import subprocess
import sys

import pytest

from nao.core import InputError
from nao.evaluators.devices import cache_folder, set_up_devices, total_memory

CORES = len(os.sched_getaffinity(0))
COMPILE = """
import jax, jax.monitoring
from nao.evaluators.devices import set_up_devices
set_up_devices({arguments})
hits = []
def listen(event, **_):
    hits.extend([event] * event.endswith("/cache_hits"))
jax.monitoring.register_event_listener(listen)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # so that a small program is kept
print(jax.jit(lambda x: jax.numpy.sin(x) * 2)(1.0), len(hits))
"""


def run(script, folder):
    """What a script prints, and nothing else; the user's cache folder is `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX")}
    environment |= {"XDG_CACHE_HOME": str(folder), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(("devices", "expected"), [("1", 1), ("", CORES)], ids=["one", "as many as cores"])
def test_virtual_devices(devices, expected, tmp_path):
    script = f"import jax; from nao.evaluators.devices import set_up_devices; set_up_devices({devices})"
    assert run(f"{script}; print(jax.device_count())", tmp_path) == [str(expected)]


def test_more_devices_than_cores(tmp_path):
    script = f"""
from nao.core import InputError
from nao.evaluators.devices import set_up_devices
try:
    set_up_devices({CORES + 1})
except InputError as error:
    print(error)
"""
    message = f"devices must be at least 1 and at most {CORES}, all there are, not {CORES + 1}"
    assert " ".join(run(script, tmp_path)) == message


def test_a_compiled_program_is_found_again(tmp_path):
    script = COMPILE.format(arguments="1")
    first = run(script, tmp_path)
    assert int(first[1]) == 0
    kept = sorted(path for path in tmp_path.rglob("*-cache"))
    assert kept
    assert all(path.is_relative_to(tmp_path / "nao" / "programs") for path in kept)
    again = run(script, tmp_path)
    assert again[0] == first[0]
    assert int(again[1]) >= 1


@pytest.mark.parametrize("where", ["", "nao/programs"])
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(where, tmp_path):
    folder = tmp_path / "cache"
    (folder / where).parent.mkdir(parents=True, exist_ok=True)
    (folder / where).write_text("a file")
    assert run(COMPILE.format(arguments="1"), folder)[1] == "0"


def test_without_a_cache_nothing_is_written(tmp_path):
    assert run(COMPILE.format(arguments="1, cache=False"), tmp_path)[1] == "0"
    assert list(tmp_path.iterdir()) == []


def test_the_cache_is_in_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "nao" / "programs"


@pytest.mark.parametrize("devices", [0, -2])
def test_too_few_devices(devices):
    with pytest.raises(InputError, match=f"devices must be at least 1, not {devices}"):
        set_up_devices(devices)


def test_the_memory_of_cpus_is_that_of_the_machine():
    import jax

    (cpu, *_) = jax.local_devices()
    assert 2**28 < total_memory([cpu]) == total_memory([cpu, cpu]) < 2**50
