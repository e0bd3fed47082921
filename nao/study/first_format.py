"""The first format of the file of a study, in which a trial was one flat row.

A number of NumPy was stored as its bytes, a parent as its readable string, and an encoder as one record of 30
fields. What is read is what today's format would hold, so that a search can go on.
"""

import itertools
import json
import sqlite3
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nao.configuration import fingerprint
from nao.core import Architecture, Cost, Json, Proposal, Result, Trial
from nao.study.history import History, Iteration
from nao.study.recorded import RecordedSpace, space_of

if TYPE_CHECKING:
    from nao.core import SearchSpace

PROPOSALS = """
SELECT p.id, iteration, tokens, architecture, origin, parent, step, predicted, seed, status, score, metrics,
    parameters, flops, seconds, device, reason
FROM proposals p LEFT JOIN results r ON p.id = r.id ORDER BY p.id
"""
ENCODERS = {"63083f94": "5bfd5a43", "509e4999": "5bfd5a43", "87433e53": "6e65ee6e", "43a1ba5c": "6e65ee6e"}
"""Fingerprints that encoders had, and that the same ones have today: `default` as a flat record and in the
second format, which is now `process`; `published` as a flat record, and before f could read features."""


def read(connection: sqlite3.Connection, space: "SearchSpace | None") -> History:
    """The history in a file of the first format; `space` is what was searched, if that is given."""
    meta = {name: json.loads(value) for name, value in connection.execute("SELECT * FROM meta")}
    found = connection.execute(PROPOSALS).fetchall()
    meta["configuration"] = _configuration(meta["configuration"])
    space = space or space_of(meta["configuration"], {tuple(json.loads(row[2])): row[3] for row in found})
    iterations = [
        Iteration(number, _state(json.loads(state)), json.loads(diagnostics), seconds)
        for number, state, diagnostics, seconds in connection.execute("SELECT * FROM iterations ORDER BY 1")
    ]
    trials = [_trial(row, space) for row in found]
    return History(space, **meta, iterations=iterations, trials=trials, confirmations=[])


def with_encoder(configuration: Mapping[str, Json], ours: Mapping[str, Json]) -> Mapping[str, Json]:
    """A configuration with our encoder in the place of its own, if that is ours under another fingerprint."""
    then, now = (each.get("strategy", {}).get("encoder") for each in (configuration, ours))
    if not (then and now and ENCODERS.get(fingerprint(then)) == fingerprint(now)):
        return configuration
    return {**configuration, "strategy": {**configuration["strategy"], "encoder": now}}


def _configuration(then: Mapping[str, Json]) -> Mapping[str, Json]:
    """A configuration as it would be written today, but for its encoder."""
    space, evaluator = then["space"], dict(then["evaluator"])
    program = {"program": "images"} if {"data", "child"} <= evaluator.keys() else {}
    kept = {"budget": then["budget"]} if "budget" in then else {}
    return {
        "strategy": {**then["strategy"], "space": space},
        "evaluator": {**program, **evaluator, "space": space},
        **kept,
    }


def _state(then: Json) -> Json:
    """A strategy's state as it would be written today."""
    if not isinstance(then, Mapping):
        return then
    now = {{"begun": "given"}.get(key, key): value for key, value in then.items()}
    if isinstance(
        now.get("asked"), list
    ):  # results told, and proposals wanted, at each ask: now runs of them
        told = [0, *(told for told, _ in now["asked"])]
        asks = [[told[i + 1] - told[i], n] for i, (_, n) in enumerate(now["asked"])]
        now["asked"] = [[*ask, len(list(run))] for ask, run in itertools.groupby(asks)]
    return now


def _trial(row: tuple[Any, ...], space: "SearchSpace") -> Trial:
    """A trial. Its parent was stored as text, which a recorded space cannot read."""
    id_, iteration, tokens, _, origin, parent, step, predicted, seed, status, score, metrics, *rest = row
    parent = parent and not isinstance(space, RecordedSpace) and space.parse(parent)
    architecture = Architecture(tuple(json.loads(tokens)), space)
    trial = Trial(id_, iteration, Proposal(architecture, origin, parent or None, step, predicted), seed)
    if status is None:
        return trial
    parameters, flops, seconds, device, reason = rest
    numbers = json.loads(metrics)
    result = Result(
        trial.request(),
        _real(score),
        test_score=numbers.pop("test_score", None),
        metrics=numbers,
        cost=Cost(_whole(parameters), _whole(flops)),
        seconds=_real(seconds) or 0.0,
        device=device,
        status=status,
        reason=reason,
    )
    return Trial(id_, iteration, trial.proposal, seed, (result,))


def _real(value: Any) -> float | None:
    """A number, also one that was stored as 4 or 8 bytes, little-endian."""
    if isinstance(value, bytes):
        return float(struct.unpack({4: "<f", 8: "<d"}[len(value)], value)[0])
    return None if value is None else float(value)


def _whole(value: Any) -> int:
    """A whole number, also one that was stored as 4 or 8 bytes, little-endian."""
    if isinstance(value, bytes):
        return int(struct.unpack({4: "<i", 8: "<q"}[len(value)], value)[0])
    return int(value)
