"""The devices of this machine, and where compiled programs are kept."""

import contextlib
import os
from pathlib import Path

import jax
import platformdirs

from nao.core import InputError


def cache_folder() -> Path:
    """Where compiled programs are kept between runs: a folder of this user's cache."""
    return Path(platformdirs.user_cache_dir("nao")) / "programs"


def prepare(devices: int | None = None, cache: bool = True) -> None:
    """Tells JAX what to use. Must come before anything else uses JAX; after that it changes nothing.

    On a CPU, JAX sees one device; it is told to see as many as there are cores, so that as many children
    train at once. Programs that took more than half a second to compile are kept on disk.

    Args:
      devices: virtual devices of a CPU; as many as cores when None. Accelerators are what they are.
      cache: keep compiled programs.

    Raises:
      InputError: for a number of devices below 1.
    """
    if devices is not None and devices < 1:
        raise InputError(f"devices must be at least 1, but is {devices}")
    with contextlib.suppress(RuntimeError):  # JAX is in use already, with the devices that it has
        _set("jax_num_cpu_devices", devices or len(os.sched_getaffinity(0)))
    if cache:
        _set("jax_compilation_cache_dir", str(cache_folder()))
        _set("jax_persistent_cache_min_compile_time_secs", 0.5)
    else:
        _set("jax_enable_compilation_cache", False)


def _set(name: str, value: object) -> None:
    jax.config.update(name, value)  # type: ignore[no-untyped-call]  # JAX does not annotate it
