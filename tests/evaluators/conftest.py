"""One compiled pool for all tests of this room."""

import pytest

from tests.evaluators.small import CHILD, SPACE, dataset


@pytest.fixture(scope="session")
def pool():
    """A pool of two devices that trains small children."""
    import jax

    from nao.evaluators.pool import DevicePool

    pool = DevicePool(SPACE, dataset(), CHILD)
    jax.config.update("jax_disable_most_optimizations", True)  # compiles in half of the time
    try:
        assert pool._program
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
    return pool
