"""Pools of language models; each is compiled once."""

import pytest

from tests.evaluators.language.small import CHILD, GATED, TREE, text


@pytest.fixture(scope="session", params=[GATED, TREE], ids=["gated", "tree"])
def language_pool(request):
    """A pool of two devices that trains small language models."""
    from nao.evaluators import pool as pools
    from nao.evaluators.language import LanguageProgram

    pool = pools.DevicePool(LanguageProgram(request.param, text(), CHILD))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "MOST_LANES", 1)  # compiles once for both devices
        assert list(pool.prepare()) == ["compiling"]
    return pool
