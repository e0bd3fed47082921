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
from nao.encoders.predictors.stacked import StackedConfig
from nao.encoders.stacked import Stacked
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
    learned = restore(blank(networks, predictor, ensemble_size, space, arrays), space, arrays)
    return assemble(learned, predictor, ensemble_size, space)


def load_stacked(
    networks: NetworksConfig, config: StackedConfig, space: SearchSpace, arrays: Mapping[str, np.ndarray]
) -> Model | Stacked:
    """The model of a process and, where they have a weight, of members whose `arrays()` these are.

    Raises:
      InputError: as `load_model`.
    """
    if "weight" not in arrays:
        return load_model(networks, config.process, 1, space, arrays)
    K = config.joint.ensemble_size
    parts = {
        "process": blank(networks, config.process, 1, space, _within("process.", arrays)),
        "members": blank(networks, config.mlp, K, space, _within("members.", arrays)),
    }
    quality = Quality(0, 0.0, 0.0, 0.0, dict.fromkeys(["noise", "L_pp", "L_rec", "weight"], 0.0))
    numbers = {"weight": 0.0, "scale": np.zeros(2), "best": 0.0, "quality": quality}
    learned = restore(parts | numbers, space, arrays)
    process = assemble(learned.pop("process"), config.process, 1, space)
    return Stacked(process, assemble(learned.pop("members"), config.mlp, K, space), **learned)


def _within(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, without that."""
    return {key.removeprefix(name): x for key, x in arrays.items() if key.startswith(name)}


def restore(blank: Mapping[str, Any], space: SearchSpace, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The arrays in the places of those of a blank.

    Raises:
      InputError: they are not those of such a model.
    """
    check(by_name(blank), space, arrays)
    values = [_value(arrays[name]) for name in by_name(blank)]
    restored: dict[str, Any] = jax.tree.unflatten(jax.tree.structure(blank), values)
    return restored


def assemble(
    learned: dict[str, Any], predictor: MLPConfig | GaussianProcessConfig, K: int, space: SearchSpace
) -> Model:
    """The model of what it keeps (`Model.learned`), with all that follows from that."""
    f = learned.pop("predictor")
    if isinstance(predictor, GaussianProcessConfig):
        inputs = process_inputs(learned["encoder"], space, f["tokens"], predictor.inputs)
        regression = condition(inputs, f["targets"], f["kernel"], f.get("rows"))
        f = GaussianProcess.condition(regression, f["tokens"], predictor.inputs)
    return Model(predictor=f, grammar=to_device(space.grammar), space=space, ensemble_size=K, **learned)


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
        if "quality." not in name and found.dtype.kind == "f" and not np.isfinite(found).all():
            raise InputError(f"{name} must be finite numbers: the model is damaged")
    for name in (name for name in arrays if name.endswith("predictor.tokens")):
        if not space.grammar.accepts(np.asarray(arrays[name])).all():
            raise InputError(f"{name} must be strings of the space {space.name}: the model is damaged")
    for name in (name for name in arrays if name.endswith("predictor.rows")):
        N = len(arrays[name.replace("rows", "targets")])
        rows = np.asarray(arrays[name]).tolist()
        if len({*rows} & {*range(N)}) < len(rows):
            raise InputError(f"{name} must be different numbers from 0 to {N - 1}: which are inducing points")


def _value(array: np.ndarray) -> Any:
    """The array, or the number that was one without axes."""
    return np.asarray(array) if np.ndim(array) else np.asarray(array).item()
