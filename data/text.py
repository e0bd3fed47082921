"""The record of a text: the token ids of three splits, the vocabulary, and where it comes from.

Axis letters: N, M, L tokens of the training, validation and test split.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int32

from nao.core import InputError, Json
from nao.data.dataset import Card
from nao.data.identity import Identified, fingerprint_of

Level = Literal["word", "character"]
PREFIXES: dict[str, Level] = {"text": "word", "characters": "character"}  # begin the names of texts
FEWEST = {"train": 1000, "valid": 100, "test": 100}  # tokens; with fewer, no score means anything


@dataclasses.dataclass(frozen=True, eq=False)
class Text(Identified):
    """One text in three disjoint splits, in its order. A search selects by the validation split alone.

    Texts are equal when their configurations are, wherever they were read from.

    Attributes:
      name: what `load` was asked for; of a file, without its folder; of a folder, with a `/` at its end.
      level: what a token is, a `word` or a `character`.
      train: `[N]` token ids, from 0.
      valid: `[M]` token ids.
      test: `[L]` token ids.
      vocabulary: the types by id. All but `<unk>` occur in the training split.
      card: where it comes from and how it was split.
      path: the file or folder that it was read from; None for the text that comes with Python.
    """

    name: str
    level: Level
    train: Int32[np.ndarray, " N"]
    valid: Int32[np.ndarray, " M"]
    test: Int32[np.ndarray, " L"]
    vocabulary: tuple[str, ...]
    card: Card
    path: str | None = None

    @property
    def types(self) -> int:
        """V, the size of the vocabulary; every token id is in 0..V - 1."""
        return len(self.vocabulary)

    @functools.cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits (BLAKE2b) that change with any token of any split and any type."""
        return fingerprint_of((self.train, self.valid, self.test), json.dumps(self.vocabulary).encode())

    @functools.cached_property
    def unigram_entropy(self) -> float:
        """Nats per token of the validation split, if each is guessed by its frequency in train alone.

        Frequencies are smoothed by one: p(w) = (count of w in train + 1) / (N + V). A language model that
        has learned from what comes before a token is below this.
        """
        counts = np.bincount(self.train, minlength=self.types) + 1
        return float(-np.log(counts / counts.sum())[self.valid].mean())

    def configuration(self) -> Mapping[str, Json]:
        """What identifies this text in a study, and the `path` that `nao.data.make` reads again."""
        return {
            "name": self.name,
            "path": self.path,
            "level": self.level,
            "train": len(self.train),
            "valid": len(self.valid),
            "test": len(self.test),
            "types": self.types,
            "fingerprint": self.fingerprint,
        }


def prefix_of(level: Level) -> str:
    """What begins the names of texts of this level."""
    return next(prefix for prefix, of in PREFIXES.items() if of == level)


def made_text(
    name: str,
    level: Level,
    splits: Mapping[str, Int32[np.ndarray, " _"]],
    vocabulary: tuple[str, ...],
    *,
    origin: str,
    licence: str,
    split: str,
    path: Path | None = None,
) -> Text:
    """The text with these token ids by split, once it is known to be one; `Text` and `Card` say the rest.

    Raises:
      InputError: a split is too short, or there is nothing to learn.
    """
    where = path or name
    if any(len(tokens) < FEWEST[part] for part, tokens in splits.items()):
        there = " / ".join(f"{len(tokens):,}" for tokens in splits.values())
        least = " / ".join(f"{fewest:,}" for fewest in FEWEST.values())
        raise InputError(
            f"{where} is too short: its train / valid / test have {there} tokens, where the least is {least}"
        )
    if (splits["train"] == splits["train"][0]).all():
        raise InputError(f"{where}: train is one and the same token throughout; give a text")
    for other in ("valid", "test"):
        if np.array_equal(splits["train"], splits[other]):
            raise InputError(f"{where}: train and {other} are the same text, and scores mean nothing")
    sizes = " / ".join(f"{len(tokens):,}" for tokens in splits.values())
    return Text(
        name=name,
        level=level,
        train=splits["train"],
        valid=splits["valid"],
        test=splits["test"],
        vocabulary=vocabulary,
        card=Card(
            origin=origin,
            licence=licence,
            size=f"{sizes} tokens, each a {level}, of {len(vocabulary):,} types",
            split=split,
        ),
        path=None if path is None else str(path.resolve()),
    )
