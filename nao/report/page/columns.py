"""The data of a page in few bytes: a table is its columns, and text of few different words is packed.

Axis letters: none.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

Columns = Mapping[str, Sequence[Any]]
"""A data set of a chart: values by the name of the column, all columns of one length."""

# Printable characters that stand for themselves in JSON, and in a script of a page.
ALPHABET = "".join(chr(i) for i in range(35, 127) if chr(i) not in "<>&\\'")


def rounded(values: Sequence[float | int | None], digits: int = 4) -> list[float | None]:
    """Numbers with so many significant digits; None for what is no finite number."""
    return [None if x is None or not math.isfinite(x) else float(f"{x:.{digits}g}") for x in values]


def packed(texts: Sequence[str]) -> Any:
    """Strings as one character for each word, where there are few different words.

    Returns:
      `words`, `alphabet` and `packed`, from which `charts.js` makes the strings again; the strings as they
      are, where there are more words than characters.
    """
    words = list(dict.fromkeys(word for text in texts for word in text.split(" ")))
    if len(words) > len(ALPHABET):
        return list(texts)
    letter = dict(zip(words, ALPHABET, strict=False))
    found = ["".join(letter[word] for word in text.split(" ")) for text in texts]
    return {"words": words, "alphabet": ALPHABET[: len(words)], "packed": found}


def as_rows(columns: Columns) -> list[dict[str, Any]]:
    """The same data as one record for each row, as Vega-Lite takes it."""
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def script_json(value: Any) -> str:
    """JSON that may stand inside a script of a page, whatever strings are in it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
