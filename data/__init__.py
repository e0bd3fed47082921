"""Image sets: each loader returns a `Dataset` of three disjoint splits, with a card saying what it is.

Nothing here imports JAX or TensorFlow, and nothing is downloaded. README.md lists the sets.
"""

if __name__ != "nao.data":
    raise ImportError("import nao.data, not this folder")

from pathlib import Path

from nao.core import InputError
from nao.data.cifar import prepare_cifar
from nao.data.dataset import Card, Dataset
from nao.data.digits import load_digits
from nao.data.npz import load_npz
from nao.data.tfds import load_tfds

__all__ = ["Card", "Dataset", "load", "load_digits", "load_npz", "load_tfds", "prepare_cifar"]


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
        return load_npz(Path(name).expanduser())
    raise InputError(f"unknown data set {name!r}: write digits, tfds:NAME (as in tfds:cifar10) or FILE.npz")
