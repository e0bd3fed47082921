"""Strategies that need nothing but a space, by name, with their parameters as a user gives them."""

import inspect
from collections.abc import Callable, Mapping

from nao.core import InputError, Json, SearchSpace, Strategy
from nao.strategies.evolution import Evolution
from nao.strategies.gaussian_process import GaussianProcess
from nao.strategies.local_search import LocalSearch
from nao.strategies.progressive import Progressive
from nao.strategies.q_learning import QLearning
from nao.strategies.random import Random
from nao.strategies.reinforce import Reinforce

MOST = 1_000_000_000  # a parameter that is larger is taken to be a mistake

STRATEGIES: Mapping[str, Callable[..., Strategy]] = {
    "random": Random,
    "local-search": LocalSearch,
    "evolution": Evolution,
    "reinforce": Reinforce,
    "gp": GaussianProcess,
    "progressive": Progressive,
    "q-learning": QLearning,
}
"""Every strategy that needs nothing but a space, by its name on the command line."""


def strategy(
    name: str, space: SearchSpace, /, *, seed: int = 0, **parameters: int | float | str | bool
) -> Strategy:
    """The strategy of that name.

    Args:
      name: a key of `STRATEGIES`.
      space: what to search.
      seed: the same seed and results propose the same.
      **parameters: keyword arguments of its constructor, beside the seed.

    Raises:
      InputError: there is no such strategy or parameter, or a value is of the wrong type or out of range.
    """
    if name not in STRATEGIES:
        others = ", ".join(STRATEGIES)
        raise InputError(f"there is no strategy {name[:40]!r}; beside nao, the strategies are {others}")
    return STRATEGIES[name](space, seed=seed, **checked(name, STRATEGIES[name], parameters))


def checked(name: str, make: Callable[..., Strategy], parameters: Mapping[str, Json]) -> dict[str, Json]:
    """Parameters as `make` takes them: whole numbers also where it wants a float.

    Raises:
      InputError: `make` has no such keyword argument, or it is of another type or out of all proportion.
    """
    keywords = inspect.signature(make).parameters.values()
    types = {k.name: k.annotation for k in keywords if k.kind is k.KEYWORD_ONLY and k.name != "seed"}
    taken = dict(parameters)
    for key, value in parameters.items():
        if key not in types:
            has = f"it has {', '.join(types)}" if types else "it has none"
            raise InputError(f"{name} has no parameter {key[:40]!r}; {has}")
        whole = types[key] is float and type(value) is int
        if not whole and type(value) is not types[key]:
            raise InputError(f"{name}.{key} must be of type {types[key].__name__}, not {value!r:.40}")
        if isinstance(value, int | float) and not -MOST <= value <= MOST:
            raise InputError(f"{name}.{key} must be a number within +-{MOST:,}, not {value!r:.40}")
        if whole:
            taken[key] = float(value)
    return taken
