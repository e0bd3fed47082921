"""A worker whose children can kill their process, or never end: `python faulty.py`.

What a string begins with decides: `dd` ends the process by a segmentation fault, `dc` hangs, `db` ends it
when it is first tried. All others are scored by the sum of their tokens.
"""

import dataclasses
import os
import signal
import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from nao import evaluators
from nao.evaluators.hosts import worker
from tests.evaluators.fake import FakeProgram

COMMAND = (sys.executable, __file__)
SEGFAULTS, HANGS, DIES_ONCE = (3, 3), (3, 2), (3, 1)


@dataclasses.dataclass(frozen=True)
class Faulty(FakeProgram):
    """The program; the folder `marks` has a file for each string that was tried."""

    marks: str = ""

    def encode(self, architectures):
        for architecture in architectures:
            begins = architecture.tokens[:2]
            with tempfile.NamedTemporaryFile(dir=self.marks, prefix=f"{architecture}-", delete=False):
                pass
            if begins == SEGFAULTS:
                os.kill(os.getpid(), signal.SIGSEGV)
            if begins == DIES_ONCE and not os.path.exists(f"{self.marks}/died"):
                Path(self.marks, "died").touch()
                os._exit(7)
        return super().encode(architectures)

    def train(self, tokens, seed, steps, data):
        hangs = (tokens[0] == HANGS[0]) & (tokens[1] == HANGS[1]) & (steps > 0)
        # So much work that JAX does not do it in the thread that sends it.
        ended = jax.lax.while_loop(lambda x: hangs & (x[0] < 2), jnp.sin, jnp.zeros(4096))
        return super().train(tokens, 0 * seed, steps, data + ended.sum())

    def configuration(self):
        return {"program": "faulty", "marks": self.marks}


def make(configuration):
    return Faulty(marks=configuration["marks"])


if __name__ == "__main__":
    evaluators.PROGRAMS = {"faulty": "tests.evaluators.hosts.faulty"}
    worker.main()
    os._exit(0)
