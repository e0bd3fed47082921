"""Image sets: each loader returns a `Dataset` of three disjoint splits, with a card saying what it is.

`load(name)` finds one by the name that the command line takes; `make(dataset.configuration()) == dataset`.
Nothing here imports JAX or TensorFlow, and nothing is downloaded. README.md lists the sets.
"""

if __name__ != "nao.data":
    raise ImportError("import nao.data, not this folder")

from collections.abc import Mapping
from pathlib import Path

from nao.core import InputError, Json
from nao.data.cifar import prepare_cifar
from nao.data.dataset import Card, Dataset
from nao.data.digits import load_digits
from nao.data.npz import load_npz
from nao.data.tfds import load_tfds
from nao.inputs import user_path

__all__ = ["Card", "Dataset", "load", "load_digits", "load_npz", "load_tfds", "make", "prepare_cifar"]


def load(name: str, *, data_dir: Path | None = None) -> Dataset:
    """Loads a data set by the name the command line takes.

    Args:
      name: `digits`, `tfds:NAME`, or a path that ends in `.npz`.
      data_dir: where TensorFlow Datasets keeps its sets, if not in its default place; for `tfds:` only.

    Raises:
      InputError: no such set, or it cannot be read; at once, never after trying the network.
    """
    if name == "digits":
        return load_digits()
    if name.startswith("tfds:"):
        return load_tfds(name.removeprefix("tfds:"), data_dir)
    if name.endswith(".npz"):
        return load_npz(user_path(name))
    raise InputError(f"unknown data set {name!r}: write digits, tfds:NAME (as in tfds:cifar10) or FILE.npz")


def make(configuration: Mapping[str, Json]) -> Dataset:
    """The data set with this configuration, read again from its `path` or its usual place.

    Raises:
      InputError: it cannot be read, or is not the same any more.
    """
    name, path = configuration["name"], configuration.get("path")
    if name.endswith(".npz"):
        made = load_npz(Path(path or name))
    else:
        made = load(name, data_dir=None if path is None else Path(path))
    if made.fingerprint != configuration["fingerprint"]:
        raise InputError(
            f"{path or name} has changed: its images have the fingerprint {made.fingerprint}, not"
            f" {configuration['fingerprint']}; give the data of then, or start anew"
        )
    return made
