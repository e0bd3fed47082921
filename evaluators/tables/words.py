"""Any space of words whose scores are known: a CSV file with one column for each position.

    activation,width,dropout,valid,test
    relu,64,0.1,91.2,90.8
    tanh,128,0.5,88.4,88.0

The positions are the columns to the left of the scores: of the signal or the report, whichever comes first.
Their cells are words, numbers among them. Other columns, to the right of that, are not read. The space is the
set of strings that have a row, whether or not that is every combination of the words.
"""

from collections.abc import Sequence
from pathlib import Path

from nao.core import InputError
from nao.evaluators.tables.files import SHOWN, Sheet
from nao.evaluators.tables.row import Row, number
from nao.spaces.listed import Tokens
from nao.spaces.words import WordSpace

MOST_WORDS = 100  # of one position: a column of more is an identifier or a measurement
FEW = 10  # a column of more, another one in each row, is an identifier even so
RULE = "the positions are the columns to the left of the scores"


def rows(
    file: Path, signal: str, report: str, costs: Sequence[str] = ()
) -> tuple[WordSpace, dict[Tokens, Row]]:
    """The space that a table describes, and its rows by the tokens of their architecture.

    Args:
      file: the CSV file; it may be compressed (`.gz`, `.bz2`).
      signal: the column to search by.
      report: the column to report.
      costs: columns to the right of the scores that say what an architecture costs.

    Raises:
      InputError: there is no such column, no position or only one architecture; a cell is no word, a score no
        finite number; a row comes twice; or the file cannot be read.
    """
    sheet = Sheet(file)
    sheet.check((signal, report))
    positions = sheet.columns[: min(map(sheet.columns.index, (signal, report)))]
    if not positions:
        raise InputError(f"{file} has no positions: {RULE}, but {signal!r} or {report!r} is the first column")
    sheet.check(positions)
    sheet.check_costs(costs, (*positions, signal, report))
    found: dict[tuple[str, ...], Row] = {}
    for where, line in sheet.lines():
        words = tuple(line[column] for column in positions)
        for column, word in zip(positions, words, strict=True):
            if len(word.split()) != 1:
                what = f"is {word[:SHOWN]!r}, but a word has no spaces" if word else "is empty"
                raise InputError(f"{file}, {where}: {column[:SHOWN]!r} {what}")
        if words in found:
            raise InputError(f"{file}, {where}: a second row for {' '.join(words)}")
        score, test_score = (number(line[column], file, where, column) for column in (signal, report))
        others = {name: number(line[name], file, where, name) for name in costs}
        found[words] = Row(score, test_score, costs=others)
    if not found:
        raise InputError(f"{file} has no rows, only the names of its columns")
    _check_words(file, positions, list(found))
    try:
        space = WordSpace.from_rows("words", list(found), positions)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    return space, {space.parse(" ".join(words)).tokens: row for words, row in found.items()}


def _check_words(file: Path, positions: Sequence[str], strings: Sequence[Sequence[str]]) -> None:
    """Refuses a position that is an identifier or a measurement."""
    for column, words in zip(positions, zip(*strings, strict=True), strict=False):
        different = len(set(words))
        if different > MOST_WORDS or (len(positions) > 1 and FEW < different == len(strings)):
            raise InputError(
                f"{file}: {column[:SHOWN]!r} has {different:,} different words in {len(strings):,} rows: that"
                f" is no choice among a few ({MOST_WORDS} at most); {RULE}, so put it to their right"
            )
