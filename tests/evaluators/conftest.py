"""Small evaluators for the tests of this room; the one that trains is compiled once."""

import itertools

import pytest

from tests.evaluators.fake import FakeProgram
from tests.evaluators.small import CHILD, SPACE, dataset


@pytest.fixture(scope="session", autouse=True)
def without_counters():
    """Nothing counts what this machine draws: results have the metrics of their program alone."""
    from nao.evaluators import pool

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "counters", lambda devices: None)
        yield


@pytest.fixture
def table(tmp_path):
    """A table of 27 architectures, read from a file: their scores, and what they cost."""
    from nao.evaluators.tables import table

    rows = [
        [*x, sum(map(int, x)) / 2, sum(map(int, x)) / 4, int(x[0]) / 8]
        for x in itertools.product("123", repeat=3)
    ]
    lines = [["a", "b", "c", "valid", "test", "ms"], *rows]
    (tmp_path / "table.csv").write_text("\n".join(",".join(map(str, line)) for line in lines))
    return table("words", tmp_path / "table.csv", "valid", "test", ["ms"])


@pytest.fixture
def fake_pool():
    """A pool of two devices that runs a program which takes no time."""
    from nao.evaluators.pool import DevicePool

    return DevicePool(FakeProgram())


@pytest.fixture(scope="session")
def pool():
    """A pool of two devices that trains small children."""
    from nao.evaluators import pool as pools
    from nao.evaluators.images import ImageProgram

    pool = pools.DevicePool(ImageProgram(SPACE, dataset(), CHILD))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "MOST_LANES", 1)  # compiles once for both devices
        assert list(pool.prepare()) == ["compiling"]
    return pool
