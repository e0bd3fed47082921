"""Strategies by name: their parameters are checked before anything runs."""

import pytest

from nao.core import InputError
from nao.strategies.named import checked


def make(space, *, seeds: int = 3, rate: float = 0.5, choose: str = "best", seed: int = 0):
    """Something with parameters."""


class TestParameters:
    @pytest.mark.parametrize("parameters", [{}, {"seeds": 4}, {"rate": 1}, {"rate": 0.1, "choose": "worst"}])
    def test_fitting(self, parameters):
        checked("make", make, parameters)

    @pytest.mark.parametrize(
        ("parameters", "complaint"),
        [
            ({"sedes": 4}, "make has no parameter 'sedes'; it has seeds, rate, choose"),
            ({"seed": 4}, "make has no parameter 'seed'"),
            ({"seeds": 4.5}, "make.seeds must be of type int, not 4.5"),
            ({"seeds": True}, "make.seeds must be of type int, not True"),
            ({"rate": "much"}, "make.rate must be of type float, not 'much'"),
        ],
    )
    def test_refused(self, parameters, complaint):
        with pytest.raises(InputError, match=complaint):
            checked("make", make, parameters)
