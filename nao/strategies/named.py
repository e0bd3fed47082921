"""Strategies by name, with their parameters as a user gives them."""

from collections.abc import Mapping
from typing import Any

from nao import spaces
from nao.core import Architecture, Encoder, InputError, Json, SearchSpace, Strategy
from nao.limits import Limits
from nao.settings import build, check_seed
from nao.strategies.evolution import Evolution
from nao.strategies.gaussian_process import GaussianProcess
from nao.strategies.initial import Starts
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
    starts: Starts = (),
    **parameters: Json,
) -> Strategy:
    """The strategy of that name.

    Args:
      name: a key of `STRATEGIES`.
      space: what to search.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed; None for anything.
      starts: architectures to begin with, in place of as many random ones.
      **parameters: fields of its `Settings`.

    Raises:
      InputError: there is no such strategy or parameter, a value is of the wrong type or out of range, or the
        search cannot begin with the starts.
    """
    if name not in STRATEGIES:
        others = ", ".join(STRATEGIES)
        raise InputError(f"there is no strategy {name!r:.40}; beside nao, the strategies are {others}")
    settings = build(STRATEGIES[name].Settings, name, parameters)
    made: Strategy = STRATEGIES[name](space, settings, seed=check_seed(seed), limits=limits, starts=starts)
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
    starts = _read_starts(space, parameters.pop("starts", []))
    if name != NAO.name:
        return strategy(name, space, limits=limits, starts=starts, **parameters)
    seed = parameters.pop("seed", 0)
    parameters.pop("encoder", None)
    if encoder is None:
        raise InputError("nao needs an encoder, which nao.encoders.make makes from the configuration of one")
    settings = build(NAO.Settings, name, parameters)
    return NAO(space, encoder, settings, seed=check_seed(seed), limits=limits, starts=starts)


def _read_starts(space: SearchSpace, written: Json) -> list[Architecture]:
    """The architectures that a configuration has as `starts`."""
    if not isinstance(written, list) or not all(isinstance(text, str) for text in written):
        raise InputError(f"the starts of a strategy are a list of architectures, not {written!r:.40}")
    return [space.parse(text) for text in written]
