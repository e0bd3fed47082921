"""Damaged files of architectures and of scores: is each refused in one line, or else read for what it says?

    python benchmarks/damaged_scores.py [--files 10000] [--seed 0]

Every second file is one of architectures, the others are of scores, damaged as in `damaged_tables.py`.
Whatever else happens than an `InputError` of one line, architectures of the space, or requests that `nao
evaluate` goes on with, ends this in a traceback; so does a file that takes more than 5 seconds, and one of
scores that has lost more than its last line.
"""

import argparse
import collections
import random
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
from damaged_tables import SECONDS, damage, late

from nao.core import Architecture, InputError, Request, Result
from nao.scores import read_architectures, scores_file
from nao.spaces import space

SPACE = space("cnn-cell-small")
MADE = {"program": "a fake one"}


def read(path: Path, content: bytes) -> str:
    """What comes of reading a damaged file."""
    try:
        if path.suffix == ".txt":
            found = read_architectures(content, path.name, SPACE)
            assert all(isinstance(x, Architecture) and SPACE.parse(str(x)) == x for x in found)
            return "read"
        with scores_file(path, MADE) as file:
            return "read, the last line dropped" if file.dropped else "read"
    except InputError as error:
        if len(str(error).splitlines()) != 1:
            raise RuntimeError(f"refused in the wrong way: {error}") from error
        return "refused"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, late)
    rng, counts, slowest = random.Random(given.seed), collections.Counter[tuple[str, str]](), 0.0
    architectures = SPACE.sample(np.random.default_rng(0), 8)
    with tempfile.TemporaryDirectory() as folder:
        text, scores = Path(folder, "x.txt"), Path(folder, "s.jsonl")
        with scores_file(scores, MADE) as file:
            for x in architectures:
                file.append(Result(Request(x, 1), 0.5))
        wholes = {scores: scores.read_bytes(), text: "".join(f"{x}\n" for x in architectures).encode()}
        for n in range(given.files):
            path = text if n % 2 else scores
            content = damage(wholes[path], rng)
            path.write_bytes(content)
            start = time.monotonic()
            signal.alarm(SECONDS)
            found = read(path, content)
            signal.alarm(0)
            slowest = max(slowest, time.monotonic() - start)
            counts[path.name, found] += 1
            left = path.read_bytes()
            if not content.startswith(left) or b"\n" in content[len(left) :]:
                raise RuntimeError("more is lost than the last line")
    for (name, found), count in sorted(counts.items()):
        print(f"{name}: {count:,} {found}")
    print(f"{given.files:,} files; the slowest took {slowest:.2f} s")


if __name__ == "__main__":
    main()
