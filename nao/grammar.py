"""Which strings belong to a search space: a small finite automaton over tokens.

A space writes its rules down once, as two tables. Everything that needs the rules reads them from
there: the parser, the sampler, every walk over prefixes, and the mask of a decoder in a compiled program.

Axis letters: B strings or prefixes, t tokens of a prefix, T tokens of a string, S states of the automaton,
V vocabulary, M strings or prefixes that come out.
"""

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class GrammarArrays(NamedTuple):
    """A grammar for a compiled program, which takes it as NumPy arrays or as JAX arrays.

    Attributes:
      viable: `[T, S, V]` the legal tokens after which a string can still be finished.
      following: `[T, S, V]` the state after each.
    """

    viable: Bool[Any, "T S V"]
    following: Int[Any, "T S V"]


MAX_TABLE = 2**25  # most entries of a grammar's tables that is made from a list of strings


@dataclasses.dataclass(frozen=True, eq=False)
class Grammar:
    """A deterministic automaton that reads one token a step, starting in state 0.

    Grammars are equal when their transitions are.

    Attributes:
      legal: `[T, S, V]` whether a token may stand at position t when the automaton is in state s.
      following: `[T, S, V]` the state after that token (meaningless where it is not legal).
    """

    legal: Bool[np.ndarray, "T S V"]
    following: Int[np.ndarray, "T S V"]

    @classmethod
    def from_positions(cls, legal: Bool[np.ndarray, "T V"]) -> "Grammar":
        """The grammar whose positions do not depend on each other: one state.

        Args:
          legal: `[T, V]` the tokens that may stand at each position.
        """
        return cls(legal[:, None, :], np.zeros((legal.shape[0], 1, legal.shape[1]), np.int32))

    @classmethod
    def from_transitions(cls, transitions: Sequence[Sequence[Sequence[int]]], tokens: int) -> "Grammar":
        """The grammar with these transitions; the inverse of `transitions`.

        Args:
          transitions: for each of the T positions, its (state, token, following state).
          tokens: V.

        Raises:
          ValueError: a number is negative, or a token is not below V; or the tables would be too large.
        """
        states = 1 + max((max(s, then) for moves in transitions for s, _, then in moves), default=0)
        shape = (len(transitions), states, tokens)
        if math.prod(shape) > MAX_TABLE:
            raise ValueError(f"a grammar of {shape[0]} positions, {states} states and {tokens} tokens")
        legal, following = np.zeros(shape, np.bool_), np.zeros(shape, np.int32)
        for t, moves in enumerate(transitions):
            for state, token, then in moves:
                if min(state, token, then) < 0 or token >= tokens:
                    raise ValueError(f"the transition {state}, {token}, {then}")
                legal[t, state, token] = True
                following[t, state, token] = then
        legal.setflags(write=False)
        following.setflags(write=False)
        return cls(legal, following)

    @classmethod
    def from_strings(cls, strings: Int[np.ndarray, "N T"], tokens: int) -> "Grammar":
        """The grammar of some strings and no others.

        Two prefixes lead to the same state when the same endings may follow them. So a full product of
        choices has one state, and no grammar of the same strings has fewer.

        Args:
          strings: `[N, T]` at least one; a string that comes twice counts once.
          tokens: V.

        Raises:
          ValueError: a token is not from 0 to V - 1, or the tables would be too large.
        """
        rows = [tuple(row) for row in np.unique(strings, axis=0).tolist()]
        state = dict.fromkeys(rows, 0)  # after each prefix of t + 1 tokens
        transitions = []
        for t in reversed(range(strings.shape[1])):
            moves: dict[tuple[int, ...], list[tuple[int, int]]] = {}
            for prefix, then in state.items():
                moves.setdefault(prefix[:t], []).append((prefix[t], then))
            number: dict[tuple[tuple[int, int], ...], int] = {}
            state = {prefix: number.setdefault(tuple(m), len(number)) for prefix, m in moves.items()}
            transitions.append([(s, token, then) for m, s in number.items() for token, then in m])
        return cls.from_transitions(transitions[::-1], tokens)

    @functools.cached_property
    def transitions(self) -> list[list[list[int]]]:
        """For each of the T positions, its [state, token, following state], in ascending order."""
        found: list[list[list[int]]] = [[] for _ in range(self.length)]
        for t, s, v in np.argwhere(self.legal).tolist():
            found[t].append([s, v, int(self.following[t, s, v])])
        return found

    @functools.cached_property
    def digest(self) -> str:
        """A fingerprint (SHA-256) that is equal for equal grammars."""
        described = json.dumps([self.legal.shape[2], self.transitions])
        return hashlib.sha256(described.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Grammar) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[type["Grammar"], tuple[np.ndarray, np.ndarray]]:
        """Pickles the two tables, and nothing that was computed from them."""
        return type(self), (self.legal, self.following)

    @property
    def length(self) -> int:
        """T, the number of tokens in every string."""
        return int(self.legal.shape[0])

    def states(self, prefixes: Int[np.ndarray, "B t"]) -> Int[np.ndarray, "B t1"]:
        """Walks along legal prefixes.

        Returns:
          `[B, t + 1]` the state before each token, and last the state after all of them.
        """
        states = np.zeros((prefixes.shape[0], prefixes.shape[1] + 1), np.int32)
        for t, token in enumerate(prefixes.T):
            states[:, t + 1] = self.following[t, states[:, t], token]
        return states

    def after(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a legal prefix."""
        state = self.states(np.array([prefix], np.int32))[0, -1]
        allowed: Bool[np.ndarray, " V"] = self.legal[len(prefix), state]
        return allowed

    def fault(self, tokens: Sequence[int]) -> int | None:
        """The first position whose token is not legal there, or None when there is none.

        Reads at most T tokens; the length is the caller's to check.
        """
        state = 0
        for t, token in enumerate(tokens[: self.length]):
            if not (0 <= token < self.legal.shape[2] and self.legal[t, state, token]):
                return t
            state = int(self.following[t, state, token])
        return None

    def accepts(self, tokens: Int[np.ndarray, "B T"]) -> Bool[np.ndarray, " B"]:
        """Which strings `[B]` are legal; they may have any numbers as tokens."""
        V = self.legal.shape[2]
        states, fine = np.zeros(len(tokens), np.int64), np.ones(len(tokens), np.bool_)
        for t, token in enumerate(tokens.T):
            known = (token >= 0) & (token < V)
            token = np.where(known, token, 0)
            fine &= known & self.legal[t, states, token]
            states = np.where(fine, self.following[t, states, token], 0)
        return fine

    @functools.cached_property
    def completions(self) -> list[list[int]]:
        """`[T + 1][S]` exact number of ways to finish a string from each state, by position."""
        _, states, _ = self.legal.shape
        counts = [[1] * states]
        for legal, following in zip(self.legal[::-1], self.following[::-1], strict=True):
            later = counts[0]
            counts.insert(
                0,
                [sum(later[following[s, v]] for v in np.flatnonzero(legal[s])) for s in range(states)],
            )
        return counts

    @property
    def size(self) -> int:
        """The exact number of strings."""
        return self.completions[0][0]

    @functools.cached_property
    def viable(self) -> Bool[np.ndarray, "T S V"]:
        """The legal tokens `[T, S, V]` after which a string can still be finished.

        The others lead into a dead end, a state from which there is no way to the end of a string.
        """
        ends = np.array([[ways > 0 for ways in row] for row in self.completions])  # [T + 1, S]
        after = ends[1:][np.arange(self.length)[:, None, None], self.following]
        viable: Bool[np.ndarray, "T S V"] = self.legal & after
        return viable

    def arrays(self) -> GrammarArrays:
        """The grammar as arrays."""
        return GrammarArrays(self.viable, self.following.astype(np.int32))

    def expand(
        self,
        prefixes: Int[np.ndarray, "B t"],
        length: int,
        *,
        most: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> Int[np.ndarray, "M u"]:
        """Continues prefixes in every possible way.

        Args:
          prefixes: `[B, t]` legal prefixes.
          length: u, the number of tokens to continue them to.
          most: how many prefixes are kept at each position. Of more, this many are drawn; None keeps all.
          rng: draws them; it is advanced.

        Returns:
          `[M, u]` prefixes that can be finished, in the order of the given ones, then of their tokens.
        """
        state = self.states(prefixes)[:, -1]
        for t in range(prefixes.shape[1], length):
            row, token = np.nonzero(self.viable[t, state])
            if most is not None and len(row) > most:
                assert rng is not None, "to keep some of the prefixes takes a generator"
                kept = np.sort(rng.choice(len(row), most, replace=False))
                row, token = row[kept], token[kept]
            prefixes = np.concatenate([prefixes[row], token[:, None].astype(np.int32)], axis=1)
            state = self.following[t, state[row], token]
        return prefixes

    def complete(
        self, prefixes: Int[np.ndarray, "B t"], preference: Float[np.ndarray, "T V"] | None = None
    ) -> Int[np.ndarray, "B T"]:
        """Finishes each prefix in one way.

        Args:
          prefixes: `[B, t]` legal prefixes that can be finished.
          preference: `[T, V]` positive numbers; at each position the possible token with the largest one is
            taken. Without them it is the possible token with the lowest number.
        """
        state = self.states(prefixes)[:, -1]
        for t in range(prefixes.shape[1], self.length):
            possible = self.viable[t, state]
            token = (possible if preference is None else possible * preference[t]).argmax(axis=1)
            prefixes = np.concatenate([prefixes, token[:, None].astype(np.int32)], axis=1)
            state = self.following[t, state, token]
        return prefixes

    def every_string(self) -> Int[np.ndarray, "M T"]:
        """All `size` strings, in the order of their tokens."""
        return self.expand(np.zeros((1, 0), np.int32), self.length)

    @functools.cached_property
    def _cumulative(self) -> np.ndarray:
        """`[T, S, V]` cumulative token probabilities under which every string is equally likely."""
        table = np.zeros(self.legal.shape)
        for t, s, v in np.argwhere(self.legal):
            total = self.completions[t][s]
            if total:
                table[t, s, v] = self.completions[t + 1][self.following[t, s, v]] / total
        return np.cumsum(table, axis=-1)

    def sample(self, rng: np.random.Generator, n: int) -> Int[np.ndarray, "B T"]:
        """Draws strings uniformly.

        Args:
          rng: NumPy generator; it is advanced.
          n: number of strings B.

        Returns:
          `[B, T]` legal strings, each of the grammar's strings equally likely.
        """
        tokens = np.zeros((n, self.length), np.int32)
        state = np.zeros(n, np.int32)
        for t in range(self.length):
            cumulative = self._cumulative[t, state]
            # Scaling by the last entry keeps a rounding error from falling off the end.
            draw = rng.random((n, 1)) * cumulative[:, -1:]
            tokens[:, t] = (cumulative <= draw).sum(axis=-1)
            state = self.following[t, state, tokens[:, t]]
        return tokens
