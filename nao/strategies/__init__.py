"""Ways to propose architectures. Each is a `nao.core.Strategy`, and runs on any space.

- `nao`: `NAO`, gradient ascent in the embedding space of an encoder (Luo et al. 2018), which it is handed.
- `random`: `Random`, uniform sampling without repetition, what every other one has to beat.
- `local_search`: uphill from neighbour to neighbour (White, Nolen and Savani 2021).
- `evolution`: a population in which the oldest die (Real et al. 2019).
- `reinforce`: a recurrent policy and its gradient (Zoph and Le 2017).
- `gaussian_process`: Bayesian optimisation by expected improvement.
- `progressive`: from short strings to long ones, under a predictor (Liu et al. 2018).
- `q_learning`: the values of the next token (Baker et al. 2017).

Each has a record of `Settings` beside it. What they have in common is in `mixin`, `archive`, `initial` and
`outcomes`.
`make` makes a strategy from its configuration, and `named.strategy` from its name on the command line.
"""

from nao.core import Encoder, Json, Strategy
from nao.limits import Limits
from nao.strategies.nao import NAO
from nao.strategies.random import Random

__all__ = ["NAO", "Random", "make"]


def make(configuration: Json, encoder: Encoder | None = None, limits: Limits | None = None) -> Strategy:
    """The strategy that has a configuration, new: `make(x.configuration()) == x`.

    Args:
      configuration: of the strategy.
      encoder: for NAO, the one that was made from the configuration's `encoder`.
      limits: where the configuration has `limits`, those that were made from them for an evaluator.

    Raises:
      InputError: there is no such strategy, or something in the configuration is missing or wrong.
    """
    from nao.strategies import named  # all strategies: SciPy makes them slow to import

    return named.make(configuration, encoder, limits)
