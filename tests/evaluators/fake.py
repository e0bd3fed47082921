"""A program that takes no time, and can be made to fail in every way that a real one can."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from nao.core import STANDARD, Cost, InputError
from nao.evaluators.program import Report
from tests.fakes import PairSpace

SPACE = PairSpace()
SCALAR = jax.ShapeDtypeStruct((), jnp.float32)


@dataclasses.dataclass(frozen=True)
class FakeProgram:
    """Scores a string by the sum of its tokens and its seed, or by what `measure` of its tokens says."""

    measure: Callable | None = None  # called while the program runs, by the device's own thread
    data: float = 0.0
    memory: int = 0
    space: PairSpace = SPACE

    def encode(self, architectures):
        return np.array([architecture.tokens for architecture in architectures], np.int32)

    def count_steps(self, fidelity):
        if fidelity != STANDARD and fidelity.steps is None:
            raise InputError(f"no fidelity {fidelity.name}")
        return fidelity.steps or 10

    def train(self, tokens, seed, steps, data):
        if self.measure:
            return {"score": jax.pure_callback(self.measure, SCALAR, tokens, steps), "steps": steps}
        return {"score": data + tokens.sum() + seed.astype(jnp.float32), "steps": steps}

    def report(self, outcome):
        return Report(float(outcome["score"]), metrics={"steps": float(outcome["steps"])})

    def cost(self, architecture):
        return Cost(sum(architecture.tokens), 7)

    def configuration(self):
        return {"program": "fake", "data": self.data}
