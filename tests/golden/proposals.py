"""The first proposals of the strategies: a search of old is the same search, proposal for proposal.

`proposals.json` was written before the strategies had settings records. To write it anew, when a strategy
is meant to propose something else:

    python -m tests.golden.proposals

What `gp` and `progressive` propose rests on floating-point arithmetic of BLAS and libsvm, which rounds
differently on other processors. They are in here because it does not matter: with noise of relative size 1e-9
on everything that their models learn, a million times what rounding does, each proposes the same. `reinforce`
is left out, as its policy would have to be compiled for each space.
"""

import json
from pathlib import Path

from nao.spaces import SPACES
from nao.strategies.named import strategy
from tests.strategies.results import play

FILE = Path(__file__).with_suffix(".json")
NAMES = ("nasbench201", "nasbench-macro", "cnn-cell-small")
# Small enough that a few proposals lead beyond the initial design.
STRATEGIES = {
    "random": {},
    "local-search": {"initial": 5},
    "evolution": {"population": 8, "sample": 3},
    "gp": {"initial": 8, "proposals": 4},
    "progressive": {"initial": 8, "beam": 4},
    "q-learning": {"budget": 15},
}


def score(architecture):
    """A rule on the tokens, in whole numbers."""
    return float(sum((7 * t + 3 * x * x + t * x) % 11 for t, x in enumerate(architecture.tokens)))


def proposals(name, space, n=20):
    """The first n proposals, each as its origin and its tokens."""
    found = play(strategy(name, SPACES[space], seed=1, **STRATEGIES[name]), n, score)
    return [f"{p.origin} {' '.join(map(str, p.architecture.tokens))}" for p, _ in found]


if __name__ == "__main__":
    recorded = {f"{name} {space}": proposals(name, space) for name in STRATEGIES for space in NAMES}
    FILE.write_text(json.dumps(recorded, indent=1) + "\n")
