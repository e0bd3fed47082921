"""Texts that a user has: a folder with three files in the Penn Treebank convention, or one file.

Axis letters: none.
"""

import os
import re
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Int32

from nao.core import InputError
from nao.data.text import FEWEST, Level, Text, made_text, prefix_of
from nao.data.text_lines import numbered_lines, plain_lines
from nao.data.text_tokens import (
    MOST,
    RULE,
    UNKNOWN,
    empty_table,
    index,
    plain_words,
    restrict,
    treebank_words,
)
from nao.inputs import file_name

SPLITS = tuple(FEWEST)
CUTS = (0.8, 0.9)  # of one file: where train ends, and where valid
MOST_UNKNOWN = 0.4  # of the words of train; with more, they are no words
LICENCE = "not known: its owner decides"


def load_text(path: Path | str, level: Level = "word") -> Text:
    """Reads a folder of three files, or one file; UTF-8, with any line ends.

    A folder has one file for each split, with `train`, `valid` and `test` as a word of their names
    (`train.txt`, `ptb.train.txt`, `wiki.train.tokens`). Words are what stands between spaces, and each line,
    also an empty one, ends with `<eos>`; the vocabulary is that of train, in the order of first occurrence,
    and other words are read as `<unk>`, if train has it. So the Penn Treebank has 929,589 / 73,760 / 82,430
    tokens and 10,000 types.

    One file is plain text: see `nao.data.text_tokens.plain_words`. The first 80% of its tokens are train,
    the next 10% valid and the rest test.

    Characters are read as they are, each line with its end. They, and the words of one file, are read as
    `<unk>` when they are rare: see `nao.data.text_tokens.restrict`.

    Args:
      path: of the folder or file.
      level: what a token is.

    Raises:
      InputError: it cannot be read, is no such text, or is too short.
    """
    if level not in get_args(Level):
        raise InputError(f"a token of a text is a {' or a '.join(get_args(Level))}, not {level!r:.40}")
    path = Path(path)
    if os.path.isdir(path):
        return _load_folder(path, level)
    if not os.path.isfile(path):
        what = "is no file" if os.path.exists(path) else "no such file or folder"
        raise InputError(f"{path}: {what}; name a text file, or a folder with train, valid and test files")
    return _load_file(path, level)


def _load_file(path: Path, level: Level) -> Text:
    """One file, cut in three."""
    table = empty_table()
    tokens = index(plain_lines(path), list if level == "character" else plain_words, table)
    parts = np.split(tokens, [int(cut * len(tokens)) for cut in CUTS])
    splits, vocabulary = restrict(dict(zip(SPLITS, parts, strict=True)), table)
    name = file_name(path.resolve())
    unknown = float((splits["train"] == 0).mean())
    if level == "word" and unknown > MOST_UNKNOWN and len(tokens) >= sum(FEWEST.values()):
        raise InputError(
            f"{path}: {unknown:.0%} of its words are rare, or beyond the {MOST:,} most frequent ones; if"
            f" its language has no spaces between words, write characters:{path} in place of text:{path}"
        )
    return made_text(
        f"{prefix_of(level)}:{name}",
        level,
        splits,
        vocabulary,
        origin=f"the file {name}",
        licence=LICENCE,
        split=f"80% / 10% / 10% in the order of the file; {RULE}",
        path=path,
    )


def _load_folder(path: Path, level: Level) -> Text:
    """Three files."""
    files = {split: _only_file(path, split) for split in SPLITS}
    if level == "word":
        splits, vocabulary, lacking = _treebank(files)
        how = f"{lacking:,} words of valid and test that train lacks are {UNKNOWN}"
    else:
        table = empty_table()
        raw = {split: index(plain_lines(file), list, table) for split, file in files.items()}
        splits, vocabulary = restrict(raw, table)
        how = RULE
    name = f"{file_name(path.resolve())}/"
    return made_text(
        f"{prefix_of(level)}:{name}",
        level,
        splits,
        vocabulary,
        origin=f"the folder {name}",
        licence=LICENCE,
        split=f"splits as in the folder; {how}",
        path=path,
    )


def _only_file(folder: Path, split: str) -> Path:
    """The file of a split."""
    try:
        names = sorted(each.name for each in folder.iterdir() if each.is_file() and each.name[0] != ".")
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    words = {name: re.split(r"[\W_]+", name.lower()) for name in names}
    found = [name for name in names if split in words[name]]
    found = found or [name for name in names if any(word.startswith(split) for word in words[name])]
    if len(found) != 1:
        there = " and ".join(found[:3]) or "none"
        raise InputError(
            f"{folder} must have one file with {split} in its name, such as {split}.txt, but has {there}"
        )
    return folder / found[0]


def _treebank(
    files: Mapping[str, Path],
) -> tuple[dict[str, Int32[np.ndarray, " _"]], tuple[str, ...], int]:
    """Token ids by split, the vocabulary of train, and how many words of the others are not in it."""
    table = empty_table()
    splits = {"train": index(plain_lines(files["train"]), treebank_words, table)}
    unknown, lacking = table.get(UNKNOWN, -1), 0
    for split in SPLITS[1:]:
        ids = array("i")
        for number, line in numbered_lines(files[split]):
            words = treebank_words(line)
            found = [table.get(word, -1) for word in words]
            if unknown < 0 and -1 in found:
                raise InputError(
                    f"{files[split]}: line {number} has {words[found.index(-1)][:40]!r}, but"
                    f" {files['train'].name} has neither it nor {UNKNOWN}: write {UNKNOWN} for rare words"
                    " in all three files, or give one file, in which rare words become that"
                )
            ids.extend(found)
        tokens = np.array(ids, np.int32)
        lacking += int((tokens < 0).sum())
        splits[split] = np.where(tokens < 0, np.int32(unknown), tokens)
    return splits, tuple(table), lacking
