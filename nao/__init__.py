"""Neural Architecture Optimization: search in a learned continuous space of architectures.

The rooms, from the records outward; imports flow only upward in this list:

- `nao.core`: the records and protocols. `nao.grammar`: which strings belong to a space.
- `nao.spaces`: search spaces. `nao.strategies`: ways to propose architectures, NAO among them;
  `nao.strategies.named` has those that need nothing but a space by name.
- `nao.study`: the durable ledger of one search (`nao.database`: its file). `nao.history`: what it holds, as
  plain data. `nao.search`: the loop that fills it (`nao.observer`: who watches it).
- `nao.compare`: strategies against each other, under one budget and from the same starts.
- `nao.analysis`, `nao.report`: measures of quality; tables and progress for people.
- `nao.data`: image sets. `nao.encoders`: E, f, D and the ascent. `nao.evaluators`: child networks, and
  `nao.evaluators.tables` of known scores.
- `nao.cli`: the `nao` command.

Importing `nao` does not import JAX; encoders and evaluators do.
"""

from nao.core import (
    Architecture,
    Encoder,
    Evaluator,
    InputError,
    Proposal,
    Result,
    SearchSpace,
    Strategy,
)
from nao.history import History
from nao.search import optimize
from nao.strategies import NAO, Random
from nao.study import Study

__all__ = [
    "NAO",
    "Architecture",
    "Encoder",
    "Evaluator",
    "History",
    "InputError",
    "Proposal",
    "Random",
    "Result",
    "SearchSpace",
    "Strategy",
    "Study",
    "optimize",
]
