"""Image sets and texts: each loader returns three disjoint splits, with a card saying what they are.

`load(name)` finds one by the name that the command line takes; `make(data.configuration()) == data`.
Nothing here imports JAX or TensorFlow, and nothing is downloaded. README.md lists the sets.
"""

if __name__ != "nao.data":
    raise ImportError("import nao.data, not this folder")

import platform
from collections.abc import Mapping
from pathlib import Path

from nao.core import InputError, Json
from nao.data.cifar import prepare_cifar
from nao.data.dataset import Card, Dataset
from nao.data.digits import load_digits
from nao.data.npz import load_npz
from nao.data.text import PREFIXES, Text
from nao.data.text_files import load_text
from nao.data.text_topics import load_topics
from nao.data.tfds import load_tfds
from nao.inputs import user_path

__all__ = [
    "Card",
    "Dataset",
    "Text",
    "as_images",
    "as_text",
    "load",
    "load_digits",
    "load_npz",
    "load_text",
    "load_tfds",
    "load_topics",
    "make",
    "prepare_cifar",
]

IMAGES = "digits, tfds:NAME (as in tfds:cifar10) or FILE.npz"
TEXTS = "text, text:FOLDER, text:FILE, or characters in place of text"


def load(name: str | Path, *, data_dir: Path | None = None) -> Dataset | Text:
    """Loads a data set by the name the command line takes.

    Args:
      name: of images: `digits`, `tfds:NAME`, or a path that ends in `.npz`; of a text: `text`,
        `text:FOLDER` or `text:FILE`, read as words, and `characters`, `characters:FOLDER` or
        `characters:FILE`.
      data_dir: where TensorFlow Datasets keeps its sets, if not in its default place; for `tfds:` only.

    Raises:
      InputError: no such set, or it cannot be read; at once, never after trying the network.
    """
    name = str(name)
    prefix, colon, place = name.partition(":")
    if prefix in PREFIXES and (place or not colon):
        level = PREFIXES[prefix]
        return load_text(user_path(place), level) if place else load_topics(level)
    if name == "digits":
        return load_digits()
    if name.startswith("tfds:"):
        return load_tfds(name.removeprefix("tfds:"), data_dir)
    if name.endswith(".npz"):
        return load_npz(user_path(name))
    raise InputError(f"unknown data set {name!r}: write {IMAGES}; or {TEXTS}")


def make(configuration: Mapping[str, Json]) -> Dataset | Text:
    """The data set with this configuration, read again from its `path` or its usual place.

    Raises:
      InputError: it cannot be read, or is not the same any more.
    """
    if not isinstance(configuration, Mapping) or not {"name", "fingerprint"} <= configuration.keys():
        raise InputError("the configuration of a data set has a name and a fingerprint")
    name, path = str(configuration["name"]), configuration.get("path")
    prefix = name.partition(":")[0]
    made: Dataset | Text
    if prefix in PREFIXES:
        made = load_text(Path(path), PREFIXES[prefix]) if path else load(name)
    elif name.endswith(".npz"):
        made = load_npz(Path(path or name))
    else:
        made = load(name, data_dir=None if path is None else Path(path))
    if made.fingerprint != configuration["fingerprint"]:
        what = "images" if isinstance(made, Dataset) else "tokens"
        right = "give the data of then, or start anew"
        if name in PREFIXES:
            right = (
                f"it comes with Python and differs between its versions, of which this is"
                f" {platform.python_version()}: use the version of then, or start anew"
            )
        raise InputError(
            f"{path or name} has changed: its {what} have the fingerprint {made.fingerprint}, not"
            f" {configuration['fingerprint']}; {right}"
        )
    return made


def as_images(data: Dataset | Text) -> Dataset:
    """The images that a network of images trains on.

    Raises:
      InputError: it is a text.
    """
    if isinstance(data, Text):
        raise InputError(f"{data.name} is a text, and this space is of image networks: write {IMAGES}")
    return data


def as_text(data: Dataset | Text) -> Text:
    """The text that a language model trains on.

    Raises:
      InputError: it has images.
    """
    if isinstance(data, Dataset):
        raise InputError(f"{data.name} has images, and this space is of language models: write {TEXTS}")
    return data
