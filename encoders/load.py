"""A fitted model from its arrays, bit for bit as it was; the other way is `Model.arrays`.

Axis letters: K members of an ensemble, N scored architectures, M different scores (padded), T tokens.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from nao.core import InputError, Quality, SearchSpace
from nao.encoders.decode import to_device
from nao.encoders.loss import Networks
from nao.encoders.members import process_inputs
from nao.encoders.model import Model, by_name, describe
from nao.encoders.networks import NetworksConfig
from nao.encoders.predictors.gaussian_process import GaussianProcess, GaussianProcessConfig
from nao.encoders.predictors.mlp import MLPConfig
from nao.surrogates.gaussian_process import Kernel
from nao.surrogates.inducing_points import condition
from nao.surrogates.score_transform import ScoreTransform


def load_model(
    networks: NetworksConfig,
    predictor: MLPConfig | GaussianProcessConfig,
    ensemble_size: int,
    space: SearchSpace,
    arrays: Mapping[str, np.ndarray],
) -> Model:
    """The model of some networks on a space whose `arrays()` these are.

    Raises:
      InputError: an array is missing, or too many, or has the wrong shape, or the space is another one.
    """
    learned = blank(networks, predictor, ensemble_size, space, arrays)
    check(by_name(learned), space, arrays)
    names = list(by_name(learned))
    learned = jax.tree.unflatten(jax.tree.structure(learned), [_value(arrays[name]) for name in names])
    f = learned.pop("predictor")
    if isinstance(predictor, GaussianProcessConfig):
        inputs = process_inputs(learned["encoder"], space, f["tokens"], predictor.inputs)
        regression = condition(inputs, f["targets"], f["kernel"], f.get("rows"))
        f = GaussianProcess.condition(regression, f["tokens"], predictor.inputs)
    grammar = to_device(space.grammar)
    return Model(predictor=f, grammar=grammar, space=space, ensemble_size=ensemble_size, **learned)


def blank(
    networks: NetworksConfig,
    predictor: MLPConfig | GaussianProcessConfig,
    ensemble_size: int,
    space: SearchSpace,
    arrays: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """What `Model.learned` would be, with arrays of the right shapes; N and M are those of the arrays."""
    N, M = (np.size(arrays.get(name, 0)) for name in ("predictor.targets", "transform.scores"))
    mlp = predictor if isinstance(predictor, MLPConfig) else MLPConfig()
    first = Networks.create(networks, mlp, space, np.random.default_rng(0))
    if ensemble_size > 1:
        first = jax.tree.map(lambda x: np.stack([x] * ensemble_size), first)
    f: Any = first.predictor
    metrics = ["L_pp", "L_rec"]
    if isinstance(predictor, GaussianProcessConfig):
        scales = np.zeros(3 + ("graph" in predictor.inputs))
        kernel = Kernel(np.zeros(()), np.zeros(()), scales, predictor.correlation)
        f = {"tokens": np.zeros((N, space.length), np.int32), "targets": np.zeros(N), "kernel": kernel}
        if "predictor.rows" in arrays:
            f["rows"] = np.zeros(np.size(arrays["predictor.rows"]), np.int32)
        metrics = ["noise"]
    quality = Quality(0, 0.0, 0.0, 0.0, dict.fromkeys(metrics, 0.0))
    transform = ScoreTransform(np.zeros(M), np.zeros(M))
    learned = {"predictor": f, "encoder": first.encoder, "decoder": first.decoder}
    return learned | {"transform": transform, "best": 0.0, "quality": quality}


def check(blank: Mapping[str, np.ndarray], space: SearchSpace, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises `InputError` when the arrays are not those of such a model."""
    if "space" not in arrays or str(arrays["space"]) != str(describe(space)):
        raise InputError(f"these are not the arrays of a model of the space {space.name}")
    different = sorted(set(blank).symmetric_difference(set(arrays) - {"space"}))
    if different:
        fault = "are missing" if different[0] in blank else "should not be there"
        raise InputError(f"these are not the arrays of a model of this encoder: {different[0]} {fault}")
    for name, expected in blank.items():
        found = np.asarray(arrays[name])
        if found.shape != expected.shape or found.dtype.kind != expected.dtype.kind:
            raise InputError(
                f"{name} must be {expected.dtype.kind}{list(expected.shape)}, not "
                f"{found.dtype.kind}{list(found.shape)}: these are the arrays of another model"
            )
    rows, N = arrays.get("predictor.rows"), len(arrays.get("predictor.targets", ()))
    if rows is not None and len({*np.asarray(rows).tolist()} & {*range(N)}) < len(rows):
        raise InputError(
            f"predictor.rows must be different numbers from 0 to {N - 1}: which are inducing points"
        )


def _value(array: np.ndarray) -> Any:
    """The array, or the number that was one without axes."""
    return np.asarray(array) if np.ndim(array) else np.asarray(array).item()
