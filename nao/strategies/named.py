"""Strategies by name, with their parameters as a user gives them."""

from collections.abc import Mapping
from typing import Any

from nao import spaces
from nao.core import Encoder, InputError, Json, SearchSpace, Strategy
from nao.limits import Limits
from nao.settings import build, check_seed
from nao.strategies.evolution import Evolution
from nao.strategies.gaussian_process import GaussianProcess
from nao.strategies.local_search import LocalSearch
from nao.strategies.nao import NAO
from nao.strategies.progressive import Progressive
from nao.strategies.q_learning import QLearning
from nao.strategies.random import Random
from nao.strategies.reinforce import Reinforce

STRATEGIES: Mapping[str, Any] = {
    each.name: each
    for each in (Random, LocalSearch, Evolution, Reinforce, GaussianProcess, Progressive, QLearning)
}
"""The class of every strategy that needs nothing but a space, by its name on the command line."""


def strategy(
    name: str,
    space: SearchSpace,
    /,
    *,
    seed: Json = 0,
    limits: Limits | None = None,
    **parameters: Json,
) -> Strategy:
    """The strategy of that name.

    Args:
      name: a key of `STRATEGIES`.
      space: what to search.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
      **parameters: fields of its `Settings`.

    Raises:
      InputError: there is no such strategy or parameter, or a value is of the wrong type or out of range.
    """
    if name not in STRATEGIES:
        others = ", ".join(STRATEGIES)
        raise InputError(f"there is no strategy {name!r:.40}; beside nao, the strategies are {others}")
    settings = build(STRATEGIES[name].Settings, name, parameters)
    made: Strategy = STRATEGIES[name](space, settings, seed=check_seed(seed), limits=limits)
    return made


def make(configuration: Json, encoder: Encoder | None = None, limits: Limits | None = None) -> Strategy:
    """See `nao.strategies.make`."""
    if not isinstance(configuration, Mapping) or not {"name", "space"} <= configuration.keys():
        raise InputError("the configuration of a strategy has a name, a space, and the strategy's parameters")
    parameters = {str(key): value for key, value in configuration.items()}
    name, space = str(parameters.pop("name")), spaces.make(parameters.pop("space"))
    bounds = parameters.pop("limits", None)
    if bounds != (None if limits is None else limits.bounds):
        raise InputError(
            f"the strategy has the limits {bounds}: give Limits.of(them, evaluator), which knows the costs"
        )
    if name != NAO.name:
        return strategy(name, space, limits=limits, **parameters)
    seed = parameters.pop("seed", 0)
    parameters.pop("encoder", None)
    if encoder is None:
        raise InputError("nao needs an encoder, which nao.encoders.make makes from the configuration of one")
    return NAO(space, encoder, build(NAO.Settings, name, parameters), seed=check_seed(seed), limits=limits)
