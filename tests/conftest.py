"""Every test runs JAX strictly, on two virtual devices, and with the shape annotations checked."""

import os
import shutil
import tempfile
from importlib.metadata import version

import pytest
from jaxtyping import install_import_hook

# Matrices are small here, and threads that wait for them take two thirds of the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"

# Compiling takes longer here than running, so it is done with little care.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if tuple(map(int, version("jax").split(".")[:2])) < (0, 12):  # later ones end a process with this flag
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

# What one process has compiled, the others find. Those that are started inherit the folder.
CACHE = tempfile.mkdtemp() if "JAX_COMPILATION_CACHE_DIR" not in os.environ else ""
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", CACHE)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

# Must run before the first import of the package.
install_import_hook("nao", "beartype.beartype")


@pytest.fixture
def rng():
    """A NumPy generator with a fixed seed."""
    import numpy as np

    return np.random.default_rng(0)


def pytest_collection_modifyitems(items):
    """The longest tests come first, so that no process is left alone with one of them at the end."""
    items.sort(key=lambda item: item.path.name not in ("test_readme.py", "test_ray.py"))


def pytest_unconfigure():
    """The process that made the cache removes it."""
    if CACHE:
        shutil.rmtree(CACHE, ignore_errors=True)
