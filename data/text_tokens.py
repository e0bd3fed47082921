"""How lines become tokens, and tokens ids.

Axis letters: N tokens of a split.
"""

import functools
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from jaxtyping import Int32

UNKNOWN, END, NUMBER = "<unk>", "<eos>", "N"  # as the Penn Treebank of language models writes them
LEAST = 2  # times that a type occurs in train; rarer ones are read as <unk>
MOST = 10_000  # types, <unk> included: as many as the Penn Treebank has
PLANES = 0x20000  # characters from here on are ideographs, and marks that are not of words
JOINERS = "\u200c\u200d"  # between letters that are written as one, or would be
RULE = f"types that occur once in train, and all but the {MOST:,} most frequent, are {UNKNOWN}"

Tokeniser = Callable[[str], list[str]]


def treebank_words(line: str) -> list[str]:
    """What stands between spaces, and `<eos>` for the end of the line (an empty line is `<eos>` alone)."""
    return _ended(line, line.split())


def plain_words(line: str) -> list[str]:
    """Words in lower case, numbers as `N`, each punctuation mark, and `<eos>` for the end of the line.

    Hyphens, points and apostrophes within a word belong to it, and so do accents, vowel signs and joiners,
    which in many scripts are characters of their own.
    """
    parts = _part().findall(unicodedata.normalize("NFC", line.lower()))
    return _ended(line, [NUMBER if part[0].isdecimal() else part for part in parts])


@functools.cache
def _part() -> re.Pattern[str]:
    """What a line of plain text is made of."""
    marks = "".join(each for each in map(chr, range(PLANES)) if unicodedata.category(each)[0] == "M")
    w = rf"\w{marks}{JOINERS}"  # of words
    return re.compile(rf"{UNKNOWN}|\d(?:[{w}.,]*[{w}])?|[{w}]+(?:[-.'\u2019][{w}]+)*|[^\w\s]")


def _ended(line: str, words: list[str]) -> list[str]:
    if line.endswith("\n"):
        words.append(END)
    return words


def index(lines: Iterable[str], tokenise: Tokeniser, table: dict[str, int]) -> Int32[np.ndarray, " N"]:
    """The ids `[N]` of the tokens of all lines; new types join the table (see `empty_table`)."""
    ids = array("i")
    for line in lines:
        ids.extend(map(table.__getitem__, tokenise(line)))
    return np.array(ids, np.int32)


def empty_table() -> dict[str, int]:
    """A table that gives each type that it is asked for the next id, from 0."""
    table: defaultdict[str, int] = defaultdict()
    table.default_factory = table.__len__
    return table


def restrict(
    splits: Mapping[str, Int32[np.ndarray, " _"]], table: Mapping[str, int]
) -> tuple[dict[str, Int32[np.ndarray, " _"]], tuple[str, ...]]:
    """Reads rare types as `<unk>`: with fewer than `LEAST` occurrences in train, or beyond `MOST` types.

    Args:
      splits: token ids by split; `train` among them.
      table: the id of each type.

    Returns:
      The token ids by split, and the vocabulary: `<unk>`, and the other types in the order of the table.
    """
    counts = np.bincount(splits["train"], minlength=len(table))
    if UNKNOWN in table:
        counts[table[UNKNOWN]] = 0
    kept = np.zeros(len(table), bool)
    kept[np.argsort(-counts, kind="stable")[: MOST - 1]] = True
    kept &= counts >= LEAST
    places = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    vocabulary = (UNKNOWN, *(each for each, stays in zip(table, kept, strict=True) if stays))
    return {split: places[tokens] for split, tokens in splits.items()}, vocabulary
