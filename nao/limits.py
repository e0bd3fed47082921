"""Limits: what an architecture may cost at most.

What an architecture costs is known before it is trained (`nao.core.Evaluator.cost`). What is beyond a limit
is left out of the space: no strategy proposes it, and no evaluation is spent on it.
`nao.strategies.archive.Archive` is where all strategies are held to that.

Axis letters: B architectures, M random strings, T tokens.
"""

import dataclasses
import itertools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from nao.core import Architecture, Cost, Evaluator, InputError, SearchSpace
from nao.inputs import real_number
from nao.records import Metrics

BATCH = 64  # strings drawn at a time
MOST_DRAWS = 20_000  # random strings, none of which is within the limits, before they are refused
MOST_LISTED = 1_000_000  # strings of a space that is small enough to look at all of them
CACHED = 100_000  # architectures whose costs are remembered


@dataclasses.dataclass(frozen=True, eq=False)
class Limits:
    """Upper bounds of what an architecture costs. `x in limits` says whether x is within all of them.

    Attributes:
      bounds: the highest value of each cost that is allowed, by the name of the cost.
      space: the space whose architectures they are.
      cost: `Evaluator.cost`.
    """

    bounds: Mapping[str, float]
    space: SearchSpace
    cost: Callable[[Sequence[Architecture]], Sequence[Cost]]
    _known: dict[tuple[int, ...], tuple[float, ...]] = dataclasses.field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, bounds: Metrics, evaluator: Evaluator) -> "Limits":
        """The limits of a search with an evaluator.

        Args:
          bounds: by the name of a cost: `parameters`, `flops`, or one of `nao.Cost.others`.
          evaluator: knows the costs.

        Raises:
          InputError: there is no such cost, a bound is no number, or (almost certainly) no architecture is
            within them.
        """
        drawn = evaluator.space.sample(np.random.default_rng(0), BATCH)
        known = known_costs(evaluator.cost(drawn))
        knows = f"it knows {', '.join(known)}" if known else "it knows none"
        if not isinstance(bounds, Mapping):
            raise InputError(
                f"limits are a mapping of names of costs to numbers, not {bounds!r:.40}; {knows}"
            )
        checked = {}
        for name, bound in bounds.items():
            if name not in known:
                raise InputError(f"the evaluator has no cost {name!r:.40} that could be limited; {knows}")
            number = real_number(bound)
            if number is None or not math.isfinite(number):
                raise InputError(f"the limit of {name} must be a finite number, not {bound!r:.40}; {knows}")
            checked[name] = number
        limits = cls(checked, evaluator.space, evaluator.cost)
        limits._check_not_empty(knows)
        return limits

    def __contains__(self, architecture: Architecture) -> bool:
        return self.within([architecture])[0]

    def within(self, architectures: Sequence[Architecture]) -> list[bool]:
        """Whether each architecture is within all limits."""
        bounds = list(self.bounds.values())
        return [all(map(operator.le, costs, bounds)) for costs in self._look_up(architectures)]

    def costs(self, architectures: Sequence[Architecture]) -> dict[str, Float[np.ndarray, " B"]]:
        """The limited costs `[B]` of architectures by name, NaN where one is not known."""
        columns = np.array(self._look_up(architectures), float).reshape(-1, len(self.bounds)).T
        return dict(zip(self.bounds, columns, strict=True))

    def _look_up(self, architectures: Sequence[Architecture]) -> list[tuple[float, ...]]:
        """The limited costs of each architecture. Those that were asked for are remembered.

        Raises:
          InputError: the evaluator does not answer with a cost for each.
        """
        if len(self._known) > CACHED:
            self._known.clear()
        new = list({x.tokens: x for x in architectures if x.tokens not in self._known}.values())
        if new:
            found = [each.named() for each in self.cost(new)]
            if len(found) != len(new):
                raise InputError(
                    "the evaluator must know the cost of each architecture: it was asked for"
                    f" {len(new)} and gave {len(found)}"
                )
            for x, costs in zip(new, found, strict=True):
                self._known[x.tokens] = tuple(float(costs.get(name, math.nan)) for name in self.bounds)
        return [self._known[x.tokens] for x in architectures]

    def sample(self, rng: np.random.Generator, n: int) -> Int[np.ndarray, "M T"]:
        """Draws n strings uniformly from those within the limits, with replacement; fewer where few are."""
        inside: list[tuple[int, ...]] = []
        for drawn in self._draws(rng, MOST_DRAWS):
            if len(inside) >= n:
                break
            inside += [x.tokens for x, within in zip(drawn, self.within(drawn), strict=True) if within]
        return np.array(inside[:n], np.int32).reshape(-1, self.space.length)

    def _draws(self, rng: np.random.Generator, most: int) -> Iterator[list[Architecture]]:
        """Random architectures, a batch at a time."""
        for _ in range(-(-most // BATCH)):
            yield self.space.sample(rng, BATCH)

    def _everything(self) -> Iterator[list[Architecture]]:
        """All architectures of a small space, a batch at a time."""
        strings = self.space.grammar.every_string().tolist()
        for at in range(0, len(strings), BATCH):
            yield [Architecture(tuple(tokens), self.space) for tokens in strings[at : at + BATCH]]

    def _check_not_empty(self, knows: str) -> None:
        """Raises InputError when no architecture is found within the limits."""
        least = dict.fromkeys(self.bounds, math.inf)
        drawn, listed = self.space.size > MOST_DRAWS, self.space.size <= MOST_LISTED
        for architectures in itertools.chain(
            self._draws(np.random.default_rng(0), MOST_DRAWS) if drawn else (),
            self._everything() if listed else (),
        ):
            if any(self.within(architectures)):
                return
            for name, values in self.costs(architectures).items():
                least[name] = min(least[name], float(np.nanmin(values, initial=math.inf)))
        wanted = ", ".join(f"{name}={bound:,.10g}" for name, bound in self.bounds.items())
        there = ", ".join(f"{name} {value:,.10g}" for name, value in least.items())
        looked = f"all {self.space.size:,}" if listed else f"{MOST_DRAWS:,} random ones"
        raise InputError(
            f"no architecture is within the limits {wanted}: of {looked} the least has {there}; {knows}"
        )


def known_costs(costs: Sequence[Cost]) -> list[str]:
    """The names of the costs that are known: where all parameters, or all FLOPs, are 0, these are not."""
    counted = [name for name in Cost().named() if any(cost.named()[name] for cost in costs)]
    return list(dict.fromkeys([*counted, *(name for cost in costs for name in cost.others)]))


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """Reads limits as they are written on a command line, `NAME=VALUE` each.

    Raises:
      InputError: one is not written like that, or a name comes twice.
    """
    bounds: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            bound = float(value)
        except ValueError:
            bound = math.nan
        if not (equals and name) or not math.isfinite(bound):
            raise InputError(
                f"--limit takes NAME=VALUE, for instance parameters=500000, not {text!r:.60}; NAME is"
                " parameters, flops, or a column of costs in a table"
            )
        if name in bounds:
            raise InputError(f"--limit {name} is there twice; give one bound for it")
        bounds[name] = bound
    return bounds
