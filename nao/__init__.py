"""Neural Architecture Optimization: search in a learned continuous space of architectures.

This is the face of the library: the names that a user needs, each imported when it is first used, so that
`import nao` takes no time and imports no JAX.

    history = nao.optimize("cnn-cell-small", evaluator)
    run = nao.load("runs/mine")  # run.history, run.space, run.model

The rooms, from the records outward; imports flow only upward in this list, and none of them imports the face:

- `nao.core`: the records and protocols. `nao.grammar`, `nao.graph`: the strings and the graphs of a space.
- `nao.limits`: what an architecture may cost.
- `nao.spaces`: search spaces. `nao.surrogates`, `nao.acquisition`, `nao.ascent`, `nao.probe`: what predicts,
  what is climbed, the climb, and what holds it back. `nao.strategies`: ways to propose architectures, NAO
  among them.
- `nao.study`: the durable ledger of one search. `nao.loop`: the one loop. `nao.search`: a search.
- `nao.analysis`: what an embedding has learned, as functions of a model and architectures.
- `nao.compare`: strategies against each other, under one budget and from the same starts.
- `nao.report`: tables, pages, drawings and progress for people. `nao.sinks`: curves that go elsewhere.
  `nao.metrics`: measures of quality.
- `nao.data`: data sets. `nao.encoders`: E, f and D. `nao.evaluators`: the pool of devices, what it runs, and
  `nao.evaluators.tables` of known scores.
- `nao.cli`: the `nao` command.
"""

import dataclasses
import functools
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nao.core import (
        Architecture,
        Cost,
        Encoder,
        Evaluator,
        Fidelity,
        InputError,
        Model,
        Proposal,
        Request,
        Result,
        SearchSpace,
        Strategy,
        Trial,
    )
    from nao.limits import Limits
    from nao.strategies import NAO, Random
    from nao.study import History, Study

LAZY = {
    **dict.fromkeys(("Architecture", "Cost", "Encoder", "Evaluator", "Fidelity", "InputError"), "nao.core"),
    **dict.fromkeys(("Model", "Proposal", "Request", "Result", "SearchSpace", "Strategy"), "nao.core"),
    **dict.fromkeys(("Trial",), "nao.core"),
    **dict.fromkeys(("Limits",), "nao.limits"),
    **dict.fromkeys(("NAO", "Random"), "nao.strategies"),
    **dict.fromkeys(("History", "Study"), "nao.study"),
}
"""Where each name comes from."""

ROOMS = (
    "analysis",
    "compare",
    "data",
    "encoders",
    "evaluators",
    "metrics",
    "report",
    "sinks",
    "spaces",
    "strategies",
    "study",
)

__all__ = [
    "NAO",
    "Architecture",
    "Cost",
    "Encoder",
    "Evaluator",
    "Fidelity",
    "History",
    "InputError",
    "Limits",
    "Model",
    "Proposal",
    "Random",
    "Request",
    "Result",
    "Run",
    "SearchSpace",
    "Strategy",
    "Study",
    "Trial",
    "load",
    "optimize",
    "strategy",
]


def __getattr__(name: str) -> Any:
    """Imports a name, or a room, when it is first used."""
    if name in LAZY:
        return getattr(importlib.import_module(LAZY[name]), name)
    if name in ROOMS:
        return importlib.import_module(f"nao.{name}")
    raise AttributeError(f"nao has no {name!r}")


def __dir__() -> list[str]:
    """All names, those that are not imported yet too."""
    return sorted({*globals(), *LAZY, *ROOMS})


def optimize(
    space: "SearchSpace | str", evaluator: "Evaluator", encoder: "Encoder | str" = "default", **settings: Any
) -> "History":
    """Neural Architecture Optimization: Algorithm 1 of Luo et al. 2018.

    Args:
      space: what to search, or the name of a space.
      evaluator: trains and scores architectures of that space.
      encoder: E, f and D, or the name of an encoder.
      **settings: the other arguments of `nao.search.optimize`, among them `iterations`, `seeds`, `initial`,
        `new`, `confirm`, `limits`, `seed` and `out`.

    Returns:
      All architectures and their scores. `best` is the best of them, None where every one failed, and
      `confirmed` its score over new trainings; `summary()` says what came out.

    Raises:
      InputError: there is no such space or encoder, or see `nao.search.optimize`.
    """
    from nao import encoders, search, spaces

    where = spaces.space(space) if isinstance(space, str) else space
    how = encoders.encoder(encoder) if isinstance(encoder, str) else encoder
    return search.optimize(where, evaluator, how, **settings)


def strategy(
    name: str,
    space: "SearchSpace | str",
    *,
    seed: int = 0,
    limits: "Limits | None" = None,
    noisy: bool = False,
    starts: "Sequence[Architecture]" = (),
    **parameters: Any,
) -> "Strategy":
    """A strategy by its name, as `nao compare` takes it.

    Args:
      name: `nao`, or a key of `nao.strategies.named.STRATEGIES`.
      space: what to search, or the name of a space.
      seed: the same seed and results propose the same.
      limits: what an architecture may cost to be proposed, `nao.Limits.of(bounds, evaluator)`; None for
        anything.
      noisy: whether an architecture might have had another score, as those that are trained; `nao` then does
        not take a high one for what it says.
      starts: architectures to begin with, in place of as many random ones.
      **parameters: its settings; for `nao` also `encoder`, one or the name of one.

    Raises:
      InputError: there is no such strategy, parameter, space or encoder, or a value is out of range.
    """
    from nao import spaces
    from nao.core import Encoder, SearchSpace, check_part
    from nao.strategies import named

    where = spaces.space(space) if isinstance(space, str) else space
    check_part(where, SearchSpace, "the space")
    if name != "nao":
        return named.strategy(name, where, seed=seed, limits=limits, starts=starts, **parameters)
    from nao import encoders
    from nao.settings import build
    from nao.strategies import NAO

    encoder = parameters.pop("encoder", "default")
    how = encoders.encoder(encoder) if isinstance(encoder, str) else encoder
    check_part(how, Encoder, "the encoder")
    settings = build(NAO.Settings, "nao", parameters)
    return NAO(where, how, settings, seed=seed, limits=limits, noisy=noisy, starts=starts)


@dataclasses.dataclass(frozen=True)
class Run:
    """A search that was stored in a folder, finished or not.

    Attributes:
      folder: where.
      history: its architectures, their scores, and how they were proposed.
    """

    folder: Path
    history: "History"

    @property
    def space(self) -> "SearchSpace":
        """What was searched."""
        return self.history.space

    @functools.cached_property
    def encoder(self) -> "Encoder":
        """The encoder of the search.

        Raises:
          InputError: its strategy has none, or one that cannot be made again.
        """
        from nao import encoders
        from nao.core import InputError

        settings: Mapping[str, Any] = self.history.configuration["strategy"]
        if "encoder" not in settings:
            raise InputError(f"{self.folder} is a search by {settings.get('name')}, which has no encoder")
        return encoders.make(settings["encoder"])

    @property
    def model(self) -> "Model":
        """E, f and D as they were fitted last."""
        return self.model_of(self.fitted[-1])

    @property
    def fitted(self) -> list[int]:
        """The iterations whose models are kept, in order.

        Raises:
          InputError: there is none.
        """
        from nao.core import InputError

        models = self.folder / "models"
        found = sorted(int(file.stem) for file in models.glob("*.npz") if file.stem.isdigit())
        if not found:
            if len(self.history.iterations) <= 1:
                raise InputError(f"{self.folder} has no fitted model yet: the first is kept in iteration 1")
            if not any(iteration.diagnostics for iteration in self.history.iterations):
                raise InputError(
                    f"{self.folder} has no fitted model: its strategy fits none, or had too few scores to"
                )
            raise InputError(f"{self.folder} has no models any more: they were in {models}")
        return found

    def model_of(self, iteration: int) -> "Model":
        """E, f and D as they were fitted in an iteration.

        Raises:
          InputError: there is no model of it, or it is damaged or of another space.
        """
        from nao.core import InputError
        from nao.study.arrays import read_arrays

        file = self.folder / "models" / f"{iteration}.npz"
        arrays = read_arrays(file)
        try:
            return self.encoder.load(self.space, arrays)
        except InputError as error:
            raise InputError(f"{file}: {error}") from error


def load(folder: Path | str) -> Run:
    """A search that was stored, with its space, its history and its fitted models.

    Raises:
      InputError: there is no study in that folder, or it cannot be read.
    """
    from nao.inputs import user_path
    from nao.study import read

    return Run(user_path(folder), read(folder))
