"""A text as streams that are read side by side, in windows: what a language model trains on, on the device.

A text of M tokens has M - 1 pairs of a token and the one after it, which is to be predicted. They are cut
into N streams of the same length, and these into windows of T.

Axis letters: W windows of training, E windows of evaluation, T words of a window, N streams, M tokens.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32

from nao.data import Text
from nao.evaluators.language.choices import AnyArray


class Windows(NamedTuple):
    """A text as the training program reads it.

    Attributes:
      x: `[W, T, N]` words of the training split.
      y: `[W, T, N]` the word after each of them.
      x_eval: `[E, T, N]` words of the validation split, then of the test split.
      y_eval: `[E, T, N]` the word after each of them.
      counts: `[E, T, N, 2]` whether a prediction counts for the validation split, and for the test split.
      begins: `[E]` whether a window is the first of its split, where the state is zero.
    """

    x: Int[AnyArray, "W T N"]
    y: Int[AnyArray, "W T N"]
    x_eval: Int[AnyArray, "E T N"]
    y_eval: Int[AnyArray, "E T N"]
    counts: Bool[AnyArray, "E T N 2"]
    begins: Bool[AnyArray, " E"]


def arrange(text: Text, window: int, batch: int) -> Windows:
    """Arranges a text for the training program, on the host.

    What is left of the training split when all windows are full is not read. Of the other splits every
    token but the very first is predicted, once; N - 1 streams begin in the middle of a split, with a state
    that is zero.

    Args:
      text: long enough for one window of the training split.
      window: T.
      batch: N.
    """
    x, y, _ = cut(text.train, window, batch, count_windows(text, window, batch))
    parts = [cut(tokens, window, batch, None) for tokens in (text.valid, text.test)]
    counts = [np.stack([real & (i == 0), real & (i == 1)], axis=-1) for i, (_, _, real) in enumerate(parts)]
    begins = np.concatenate([np.arange(len(part)) == 0 for part, _, _ in parts])
    x_eval, y_eval = (np.concatenate([part[i] for part in parts]) for i in range(2))
    return Windows(x, y, x_eval, y_eval, np.concatenate(counts), begins)


def count_windows(text: Text, window: int, batch: int) -> int:
    """How many full windows of that many streams the training split has."""
    return (len(text.train) - 1) // batch // window


def cut(
    tokens: Int32[np.ndarray, " M"], window: int, batch: int, windows: int | None
) -> tuple[Int32[np.ndarray, "W T N"], Int32[np.ndarray, "W T N"], Bool[np.ndarray, "W T N"]]:
    """Pairs of successive tokens as windows of streams, each of which is a stretch of the text.

    Args:
      tokens: `[M]`.
      window: T.
      batch: N.
      windows: W; as many as hold all pairs when None, the last ones being filled up.

    Returns:
      `[W, T, N]` tokens, the ones after them, and whether they are a pair of the text.
    """
    length = -(-(len(tokens) - 1) // batch) if windows is None else windows * window  # of a stream
    windows = -(-length // window)
    at = np.arange(batch)[:, None] * length + np.arange(windows * window)
    real = (np.arange(windows * window) < length) & (at < len(tokens) - 1)
    at = np.where(real, at, 0)
    x, y, pairs = (
        each.reshape(batch, windows, window).transpose(1, 2, 0) for each in (tokens[at], tokens[at + 1], real)
    )
    return x, y, pairs
