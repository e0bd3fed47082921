"""The devices of this machine, and where compiled programs are kept."""

import contextlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import jax
import platformdirs

from nao.core import InputError


def cache_folder() -> Path:
    """Where compiled programs are kept between runs: a folder of this user's cache."""
    return Path(platformdirs.user_cache_dir("nao")) / "programs"


def set_up_devices(devices: int | None = None, cache: bool = True) -> None:
    """Tells JAX what to use. Must come before anything else uses JAX; after that it changes nothing.

    On a CPU, JAX sees one device; it is told to see as many as there are cores, so that as many children
    train at once. Programs that took more than half a second to compile are kept on disk, if that can be
    written.

    Args:
      devices: virtual devices of a CPU; as many as cores when None. Accelerators are what they are.
      cache: keep compiled programs.

    Raises:
      InputError: the machine has fewer devices (on a CPU, fewer cores), or their number is below 1.
    """
    if devices is not None and devices < 1:
        raise InputError(f"devices must be at least 1, not {devices}")
    cores = len(os.sched_getaffinity(0))
    with contextlib.suppress(RuntimeError):  # JAX is in use already, with the devices that it has
        _set("jax_num_cpu_devices", min(devices or cores, cores))
    _keep_programs(cache)
    if devices is not None:
        local_devices(devices)


def leave_devices_to_others(cache: bool = True) -> None:
    """Tells JAX to compute on the CPU in this process: another one drives the devices, all by itself.

    A TPU serves one process at a time, and on a GPU each takes most of the memory.

    Args:
      cache: keep compiled programs.
    """
    _set("jax_platforms", "cpu")
    _keep_programs(cache)


def _keep_programs(cache: bool) -> None:
    if cache:
        _set("jax_compilation_cache_dir", str(cache_folder()))
        _set("jax_persistent_cache_min_compile_time_secs", 0.5)
        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    else:
        _set("jax_enable_compilation_cache", False)


def local_devices(count: int | None = None) -> list[jax.Device]:
    """The first devices of this machine; all of them when `count` is None.

    Raises:
      InputError: there are fewer, or the number is below 1.
    """
    found: list[jax.Device] = jax.local_devices()
    if count is None:
        return found
    if not 1 <= count <= len(found):
        raise InputError(f"devices must be at least 1 and at most {len(found)}, all there are, not {count}")
    return found[:count]


def check_memory(devices: Sequence[jax.Device], needed: int) -> None:
    """Checks that each device can have that many bytes, all at the same time.

    Raises:
      InputError: the machine has less.
    """
    total, memory = len(devices) * needed, total_memory(devices)
    if memory is not None and total > memory:
        needs, has = (f"{size / 2**30:,.1f} GiB" for size in (total, memory))
        fewer = ", or use fewer devices" if len(devices) > 1 else ""
        raise InputError(
            f"training takes at least {needs} of memory, but there are {has}: make networks smaller{fewer}"
        )


def total_memory(devices: Sequence[jax.Device]) -> int | None:
    """Bytes that the devices have together: the machine's if they are CPUs. None if that is not known."""
    if devices[0].platform == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in devices]
    return sum(limits) if all(limits) else None


def describe(devices: Sequence[jax.Device]) -> dict[str, int | str | None]:
    """How many devices these are, of which kind, and the bytes of memory of each."""
    total = total_memory(devices)
    memory = None if total is None else total // len(devices)
    return {"devices": len(devices), "kind": devices[0].device_kind, "memory": memory}


def _set(name: str, value: object) -> None:
    jax.config.update(name, value)  # type: ignore[no-untyped-call]  # JAX does not annotate it
