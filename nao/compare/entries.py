"""Reads which strategies to compare, and their parameters, as they are written on a command line."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

from nao.core import InputError, Json

SHARED = {  # what no strategy has of its own, and where it is said
    "seed": "every repeat has a seed of its own; --seed says the first",
    "starts": "all strategies begin with the same architectures; --start names them",
    "limits": "limits hold for all strategies; --limit says them",
    "noisy": "whether scores are noisy follows from what is compared on",
    "space": "all strategies search the same space; --space names it",
    "name": "--strategies LABEL=NAME says which strategy it is",
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One strategy that takes part.

    Attributes:
      name: of the strategy.
      parameters: those that are not to have their defaults.
    """

    name: str
    parameters: Mapping[str, Json]


def entries(strategies: str, parameters: Sequence[str]) -> dict[str, Entry]:
    """The strategies by label.

    Args:
      strategies: `NAME` or `LABEL=NAME`, separated by commas. The label of `NAME` is the name.
      parameters: `LABEL.PARAMETER=VALUE` each; a value is read as JSON, and else is text.

    Raises:
      InputError: they are not written like that, a label comes twice, or one is not known.
    """
    names: dict[str, str] = {}
    for word in strategies.split(","):
        label, _, name = word.strip().rpartition("=")
        if not name:
            raise InputError(
                f"--strategies takes NAME or LABEL=NAME, separated by commas, not {strategies!r}"
            )
        if (label or name) in names:
            raise InputError(f"{label or name} is there twice; tell them apart by labels, LABEL={name}")
        names[label or name] = name
    given: dict[str, dict[str, Json]] = {label: {} for label in names}
    for text in parameters:
        place, equals, value = text.partition("=")
        # A label may have dots, a parameter has none.
        label, dot, parameter = place.rpartition(".")
        if not (equals and dot and parameter):
            raise InputError(f"--param takes LABEL.PARAMETER=VALUE, for instance nao.seeds=50, not {text!r}")
        if label not in names:
            raise InputError(f"--param {text}: there is no {label!r}; the strategies are {', '.join(names)}")
        if parameter in SHARED:
            raise InputError(f"--param {text}: {SHARED[parameter]}")
        given[label][parameter] = _value(value)
    return {label: Entry(name, given[label]) for label, name in names.items()}


def _value(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
