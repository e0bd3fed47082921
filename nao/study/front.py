"""The Pareto front of a search: the architectures that are worth what they cost."""

from collections.abc import Iterable, Mapping

from nao.inputs import Json
from nao.limits import known_costs
from nao.records import Result, Trial


def fronts(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    """The Pareto front of score against each cost that is known.

    An architecture is on it when none that costs as little has as high a score. Of those that are equal in
    both, the first is on it.

    Args:
      trials: those that have no score are on no front.

    Returns:
      for each cost, by its name, the trials from the cheapest to the best.
    """
    scored = [(t, t.result, t.result.score) for t in trials if t.result and t.result.score is not None]
    found: dict[str, list[Trial]] = {}
    for name in known_costs([result.cost for _, result, _ in scored]):
        with_cost = [(cost_of(r, name), -score, t.id, t) for t, r, score in scored if name in r.cost.named()]
        found[name], best = [], float("-inf")
        for _, loss, _, trial in sorted(with_cost, key=lambda row: row[:3]):
            if -loss > best:
                found[name].append(trial)
                best = -loss
    return found


def cost_of(result: Result, name: str) -> int | float:
    """One cost of a result that has it."""
    return result.cost.named()[name]


def records(found: Mapping[str, list[Trial]]) -> dict[str, Json]:
    """Fronts for `json.dumps`."""
    return {
        name: [
            {
                "architecture": str(trial.architecture),
                "score": trial.score,
                "cost": trial.result and cost_of(trial.result, name),
                "iteration": trial.iteration,
            }
            for trial in front
        ]
        for name, front in found.items()
    }
