"""`default` with one thing changed."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import jax

from nao.core import Json
from nao.encoders import NeuralEncoder, fit, stacked, strings
from nao.encoders.loss import Networks, joint_loss
from nao.encoders.predictors.features import PARTS, Part
from nao.encoders.presets import DEFAULT

ALONE = dataclasses.replace(DEFAULT, predictor=DEFAULT.predictor.process)
"""The process of `default`, without members."""


def changed(part: str, **choices: Json) -> NeuralEncoder:
    """`default` with other choices in one of its parts, such as `ascent` or `predictor.process`."""
    return _changed(DEFAULT, part.split("."), choices)


def _changed(whole: Any, way: list[str], choices: dict[str, Json]) -> Any:
    if not way:
        return dataclasses.replace(whole, **choices)
    part = _changed(getattr(whole, way[0]), way[1:], choices)
    return dataclasses.replace(whole, **{way[0]: part})


def without(*parts: Part) -> NeuralEncoder:
    """`default` with inputs of f left out."""
    f, inputs = DEFAULT.predictor, tuple(other for other in PARTS if other not in parts)
    mlp = dataclasses.replace(f.mlp, features="features" in inputs)
    process = dataclasses.replace(f.process, inputs=inputs)
    return dataclasses.replace(DEFAULT, predictor=dataclasses.replace(f, mlp=mlp, process=process))


@contextlib.contextmanager
def frozen_encoders() -> Iterator[None]:
    """While it lasts no fit changes the weights of E, neither to strings nor to scores."""

    def loss(networks: Networks, *rest: Any) -> Any:
        fixed = jax.lax.stop_gradient(networks.encoder)
        return joint_loss(dataclasses.replace(networks, encoder=fixed), *rest)

    def forget() -> None:
        for made in (fit.fit_members.clear_cache, strings.fit_strings.cache_clear):
            made()
        stacked._fit_members.cache_clear()

    forget()
    fit.joint_loss = loss
    try:
        yield
    finally:
        fit.joint_loss = joint_loss
        forget()
