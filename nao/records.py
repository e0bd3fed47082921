"""The records that every room passes around: what is asked of an evaluator, and what comes back.

A `Request` asks for one measurement of an architecture, a `Result` answers one request, and a `Trial` is a
proposal with the results that it has so far. Whatever an evaluator hands over as a number is made a number
of Python's own where a result is made; what cannot be one makes the result a failed one that says so.

Axis letters: T tokens of an architecture.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from nao.architecture import Architecture
from nao.inputs import InputError, Json, real_number, show_wrong, whole_number

if TYPE_CHECKING:
    Real: TypeAlias = float
    Whole: TypeAlias = int
    Text: TypeAlias = str
    Metrics: TypeAlias = Mapping[str, float]
    Status: TypeAlias = Literal["ok", "failed"]
else:  # Whatever is given. The records themselves make it what it should be, or say what is wrong.
    Real = Whole = Text = Metrics = Status = Any

MOST_SEED = 2**31 - 1
SHOWN = 200  # characters of a reason that are kept

JOULES: Mapping[str, str] = {"cpu": "joules_rapl", "gpu": "joules_nvml"}
"""The metric that has the energy of a child, in joules, where counters of such devices have measured it."""


@dataclasses.dataclass(frozen=True)
class Fidelity:
    """How much is spent on one measurement of an architecture.

    Attributes:
      name: what a study calls it.
      steps: training steps; None for as many as the evaluator's own settings say.
    """

    name: str = "standard"
    steps: int | None = None


STANDARD = Fidelity()
"""The measurement that the evaluator's own settings describe."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One measurement to make. Equal requests have equal scores.

    Attributes:
      architecture: what to measure.
      seed: of everything random about it, such as initial weights and the order of batches.
      fidelity: how much to spend on it.

    Raises:
      InputError: the seed is no whole number from 0 to 2^31 - 1.
    """

    architecture: Architecture
    seed: Whole = 0
    fidelity: Fidelity = STANDARD

    def __post_init__(self) -> None:
        seed = whole_number(self.seed)
        if seed is None or not 0 <= seed <= MOST_SEED:
            raise InputError(
                f"a seed must be a whole number from 0 to {MOST_SEED:,}, not {show_wrong(self.seed)}"
            )
        object.__setattr__(self, "seed", seed)


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the network of an architecture costs. It is known before anything is trained.

    Attributes:
      parameters: trainable parameters.
      flops: multiply-adds x 2 of one forward pass on one example.
      others: further costs by name, such as a latency.
    """

    parameters: Whole = 0
    flops: Whole = 0
    others: Metrics = dataclasses.field(default_factory=dict, hash=False)

    def named(self) -> dict[str, int | float]:
        """Every cost by its name."""
        return {"parameters": self.parameters, "flops": self.flops, **self.others}


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one request.

    A result whose status is `ok` has a finite score. A score that is not finite, and anything of the wrong
    type, make a failed result whose reason says what was wrong.

    Attributes:
      request: what was asked.
      score: what the search maximises, from validation data only; None when it failed.
      test_score: what is reported and never searched by, if it was measured.
      metrics: further numbers, which no strategy reads; those that are not finite are dropped.
      cost: of the network.
      seconds: time on the device, from start to finish.
      device: the device that did it.
      status: `ok`, or `failed`.
      reason: why it failed, in one line; empty otherwise.
    """

    request: Request
    score: Real | None = None
    _: dataclasses.KW_ONLY
    test_score: Real | None = None
    metrics: Metrics = dataclasses.field(default_factory=dict)
    cost: Cost = Cost()  # frozen
    seconds: Real = 0.0
    device: Text = ""
    status: Status = "ok"
    reason: Text = ""

    def __post_init__(self) -> None:
        if not isinstance(self.request, Request):
            raise InputError(f"a Result answers a Request, but was given {show_wrong(self.request)}")
        checked = _Checked(self.request)
        facts: dict[str, Any] = {
            "test_score": checked.real("test_score", self.test_score, optional=True),
            "metrics": checked.numbers("metric", self.metrics),
            "cost": checked.cost(self.cost),
            "seconds": checked.real("seconds", self.seconds) or 0.0,
            "device": checked.text("device", self.device),
        }
        score = checked.real("score", self.score, optional=True, finite=False)
        if self.status not in ("ok", "failed"):
            checked.fault("status", self.status, "'ok' or 'failed'")
        reason = " ".join(str(self.reason).split())[:SHOWN]
        if self.status == "failed":
            reason = reason or "no reason was given"
        elif checked.faults:
            reason = checked.faults[0]
        elif score is None or not math.isfinite(score):
            reason = f"its score is {score}"
        else:
            reason = ""
        facts |= {
            "score": None if reason else score,
            "status": "failed" if reason else "ok",
            "reason": reason,
        }
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    @property
    def architecture(self) -> Architecture:
        """What was measured."""
        return self.request.architecture

    @property
    def seed(self) -> int:
        """The seed of the measurement."""
        return self.request.seed

    @property
    def parameters(self) -> int:
        """Trainable parameters of the network."""
        return self.cost.parameters

    @property
    def flops(self) -> int:
        """Multiply-adds x 2 of one forward pass on one example."""
        return self.cost.flops

    def facts(self) -> dict[str, Json]:
        """All but the request, as JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)[1:]}
        cost: dict[str, Json] = {"parameters": self.parameters, "flops": self.flops}
        cost |= {"others": dict(self.cost.others)} if self.cost.others else {}
        return {**facts, "metrics": dict(self.metrics), "cost": cost}

    def record(self) -> Mapping[str, Json]:
        """The whole result for other programs, with the readable string of the architecture."""
        return {
            "architecture": str(self.architecture),
            "seed": self.seed,
            "fidelity": self.request.fidelity.name,
            **self.facts(),
        }

    @classmethod
    def of(cls, request: Request, facts: Mapping[str, Json]) -> "Result":
        """The result that `facts` describes; the inverse of it."""
        return cls(request, **{**facts, "cost": Cost(**facts["cost"])})


@dataclasses.dataclass(frozen=True)
class Proposal:
    """An architecture to evaluate, and where it came from.

    Attributes:
      architecture: what to evaluate.
      origin: `random`, `ascent`, or another strategy's word for the move that made it.
      parent: the architecture it was moved from, if any.
      step: the length eta of the ascent step that made it, if any.
      predicted: the score that was predicted for it, if any (in the units of `Result.score`).
    """

    architecture: Architecture
    origin: str
    parent: Architecture | None = None
    step: float | None = None
    predicted: float | None = None


@dataclasses.dataclass(frozen=True)
class Trial:
    """A proposal of a search, and the results that it has so far.

    Attributes:
      id: its number in the search, from 0, in the order of the proposals.
      iteration: 0 for the initial architectures, then 1, 2, ...
      proposal: the architecture, and where it came from.
      seed: of its measurements.
      results: at most one for each fidelity, in the order in which they came.
      repeats: what came of the same measurement with new seeds, in the order of the seeds. They confirm what
        a search has found; no strategy is told of them.
    """

    id: int
    iteration: int
    proposal: Proposal
    seed: int
    results: tuple[Result, ...] = ()
    repeats: tuple[Result, ...] = ()

    @property
    def architecture(self) -> Architecture:
        """What was proposed."""
        return self.proposal.architecture

    @property
    def result(self) -> Result | None:
        """The newest result; None while there is none."""
        return self.results[-1] if self.results else None

    @property
    def status(self) -> Literal["pending", "ok", "failed"]:
        """`pending` until there is a result, then the status of the newest."""
        return self.result.status if self.result else "pending"

    @property
    def score(self) -> float | None:
        """The score of the newest result; None while there is none, or when it failed."""
        return self.result.score if self.result else None

    def request(self, fidelity: Fidelity = STANDARD, *, repeat: int = 0) -> Request:
        """What to ask an evaluator for; 1, 2, ... is the same again, each with a new seed."""
        seed = child_seed(self.seed, repeat) if repeat else self.seed
        return Request(self.architecture, seed, fidelity)


def child_seed(seed: int, number: int) -> int:
    """The seed of one evaluation, below 2^31: of a trial of a search, or of a repeat of a trial."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1)


@dataclasses.dataclass(frozen=True)
class Quality:
    """How well a fitted encoder does on architectures it was not fitted to.

    Attributes:
      held_out: how many architectures the numbers rest on.
      pairwise_accuracy: share of pairs that the predictor puts in their true order (0.5 is chance).
      kendall_tau: rank correlation of predicted and true scores (0 is chance).
      hamming: mean number of the T tokens that the decoder gets wrong.
      metrics: further numbers of the fit, such as its losses.
    """

    held_out: int
    pairwise_accuracy: float
    kendall_tau: float
    hamming: float
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)


class _Checked:
    """The parts of a result as Python's own numbers, and what was wrong with the others."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.faults: list[str] = []

    def fault(self, field: str, value: Any, right: str) -> None:
        """Notes that a field is not what it should be."""
        self.faults.append(
            f"its {field} must be {right}, not {show_wrong(value)}: {self._request.architecture}"
        )

    def real(self, field: str, value: Any, optional: bool = False, finite: bool = True) -> float | None:
        """A number, None for what is none."""
        if optional and value is None:
            return None
        found = real_number(value)
        if found is None:
            self.fault(field, value, "a number")
        return None if found is None or (finite and not math.isfinite(found)) else found

    def numbers(self, kind: str, values: Any) -> dict[str, float]:
        """The metrics, or the further costs, that are finite numbers."""
        if not isinstance(values, Mapping):
            self.fault(f"{kind}s", values, "a mapping of names to numbers")
            return {}
        for name in values:
            if not isinstance(name, str):
                self.fault(f"{kind}s", name, "named by text")
        found = {str(name): self.real(f"{kind} {name}", value) for name, value in values.items()}
        return {name: value for name, value in found.items() if value is not None}

    def cost(self, cost: Any) -> Cost:
        """Whole numbers of parameters and FLOPs, 0 for what is none."""
        if not isinstance(cost, Cost):
            self.fault("cost", cost, "a Cost")
            return Cost()
        counts = {}
        for field in ("parameters", "flops"):
            value = getattr(cost, field)
            count = whole_number(value)
            if count is None:
                self.fault(field, value, "a whole number of at most 64 bits")
            counts[field] = count or 0
        return Cost(**counts, others=self.numbers("cost", cost.others))

    def text(self, field: str, value: Any) -> str:
        """Text, empty for what is none."""
        if not isinstance(value, str):
            self.fault(field, value, "text")
            return ""
        return value
