"""What every encoder asks of the scores it is fitted to."""

import numpy as np

from nao.core import InputError, SearchSpace


def check_scores(space: SearchSpace, tokens: np.ndarray, scores: np.ndarray) -> None:
    """Raises `InputError` when there are too few, the wrong ones, or some that are not numbers."""
    if len(tokens) < 2:
        raise InputError(f"an encoder is fitted to at least 2 architectures, not {len(tokens)}")
    if tokens.shape != (len(scores), space.length):
        raise InputError(
            f"{len(scores)} scores need tokens [{len(scores)}, {space.length}], not {tokens.shape}"
        )
    if not np.isfinite(scores).all():
        raise InputError("every score must be a finite number; leave failed architectures out")
