"""The embedded default text: English of Python's own documentation, which every Python has.

Axis letters: none.
"""

import platform
import re
from collections.abc import Mapping

from nao.core import InputError
from nao.data.text import Level, Text, made_text, prefix_of
from nao.data.text_tokens import RULE, empty_table, index, plain_words, restrict

SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
CLOSED = re.compile(r"""[.,:;!?][^\w\s]*( \[\d+\])?$""")  # as prose ends; signatures and headings do not
MARKUP = re.compile(r"::=|>>>|\+--|----|====|\*\*\*\*")  # grammars, sessions, tables, underlines
EMPHASIS = re.compile(r"(?<!\w)\*{1,2}(\w[^*]*)\*{1,2}")
BULLET = re.compile(r"^(\*|\d+\.|\[\d+\]) ")
SENTENCE = re.compile(r"""(?<=[.!?:])\s+(?=[A-Z"*(])""")


def load_topics(level: Level = "word") -> Text:
    """The English sentences of the help topics (`help("TOPIC")`) that come with Python, one on each line.

    It differs between versions of Python. What is no prose is left out, and so is a paragraph that has come
    before: many stand in several topics. Each topic is in one split.

    Raises:
      InputError: this Python has no such topics.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise InputError("this Python lacks the topics of its help; give text:FILE or text:FOLDER") from error
    table, tokenise = empty_table(), list if level == "character" else plain_words
    parts = divide(sentences(topics))
    splits, vocabulary = restrict({split: index(parts[split], tokenise, table) for split in SHARES}, table)
    return made_text(
        prefix_of(level),
        level,
        splits,
        vocabulary,
        origin=f"the help topics of Python {platform.python_version()}; other versions have other ones",
        licence="PSF-2.0",
        split=f"80% / 10% / 10% by topics, no paragraph twice; {RULE}",
    )


def sentences(topics: Mapping[str, str]) -> dict[str, list[str]]:
    """The English sentences of each topic, as lines; those that a topic before it has are left out."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for topic in sorted(topics):
        found[topic] = []
        for block in re.split(r"\n\s*\n", topics[topic]):
            paragraph = EMPHASIS.sub(r"\1", BULLET.sub("", " ".join(block.split()), count=1))
            if paragraph not in seen and CLOSED.search(paragraph) and not MARKUP.search(paragraph):
                found[topic] += [f"{sentence}\n" for sentence in SENTENCE.split(paragraph)]
            seen.add(paragraph)
    return found


def divide(topics: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The lines of each split: from the longest on, each topic goes where most characters are missing."""
    lengths = {topic: sum(map(len, lines)) for topic, lines in topics.items()}
    missing = {split: share * sum(lengths.values()) for split, share in SHARES.items()}
    parts: dict[str, list[str]] = {split: [] for split in SHARES}
    for topic in sorted(topics, key=lambda topic: (-lengths[topic], topic)):
        split = max(missing, key=missing.__getitem__)
        missing[split] -= lengths[topic]
        parts[split] += topics[topic]
    return parts
