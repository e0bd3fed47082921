"""Every space that the contract is held against."""

import itertools

import numpy as np

from nao.grammar import Grammar
from nao.spaces import SPACES, CellSpace, RNNCellSpace, RNNTreeSpace, WordSpace, operations, space

# Three words an operation, whose legality depends on all the words before.
THREE_WORDS = CellSpace("three", operations("a b c", "a b d", "a c c", "b b c"), blocks=2)
# No two strings differ in one word alone.
LATIN = WordSpace.from_rows("latin", [(i, j, (i + j) % 4) for i, j in itertools.product(range(4), repeat=2)])


def without_repetition():
    """Three different ones of four letters: a state is the set of letters so far."""
    letters, states = ("a", "b", "c", "d"), [frozenset()]
    moves = [[], [], []]
    for t in range(3):
        after = {}
        for s, state in enumerate(states):
            for v in range(4):
                if v not in state:
                    then = after.setdefault(state | {v}, len(after))
                    moves[t].append((s, v, then))
        states = list(after)
    return WordSpace("different", vocabulary=letters, grammar=Grammar.from_transitions(moves, 4))


WORDS = {
    "words": WordSpace("words", [("relu", "tanh"), (64, 128, 256), ("tanh", 0.5, np.int64(64)), ("only",)]),
    "one-position": WordSpace("one", [range(7)], positions=["depth"]),
    "latin": LATIN,
    "different": without_repetition(),
}
CELLS = {f"{name}-{b}": space(name, blocks=b) for name in ("cnn-cell", "cnn-cell-small") for b in (1, 3)}
RECURRENT = {
    "rnn-cell-searched": RNNCellSpace(nodes=3, first_activation="searched", averaged="loose"),
    "rnn-tree-3": RNNTreeSpace(base=3),  # whose leaves are not equally deep
}
ALL = {**SPACES, **CELLS, "three": THREE_WORDS, **WORDS, **RECURRENT}


def array(architectures):
    return np.array([a.tokens for a in architectures], np.int32)


def every_string(space):
    """All strings of a small space, by its masks."""
    prefixes = [()]
    for _ in range(space.length):
        prefixes = [(*p, int(v)) for p in prefixes for v in np.flatnonzero(space.legal(p))]
    return prefixes
