"""Which strings belong to a search space: a small finite automaton over tokens.

A space writes its rules down once, as two tables. Everything that needs the rules reads them from
there: the parser and the sampler on the host, and the decoder's mask inside a compiled program.

Axis letters: B strings, T positions of a string, S states of the automaton, V tokens.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int


@dataclasses.dataclass(frozen=True, eq=False)
class Grammar:
    """A deterministic automaton that reads one token a step, starting in state 0.

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

    @property
    def length(self) -> int:
        """T, the number of tokens in every string."""
        return int(self.legal.shape[0])

    def after(self, prefix: Sequence[int]) -> Bool[np.ndarray, " V"]:
        """The tokens `[V]` that may follow a legal prefix."""
        state = 0
        for t, token in enumerate(prefix):
            state = int(self.following[t, state, token])
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
