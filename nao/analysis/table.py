"""Everything that a fitted model makes of the architectures of a search, in one table.

Axis letters: N architectures, T tokens, D numbers of an embedding.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped

from nao.analysis.asking import embed, vectors
from nao.analysis.projection import project
from nao.core import Architecture, InputError, Json, Model, SearchSpace, Trial
from nao.study.history import History

NONE = -1  # a whole number that is not there; of the others it is nan
CHUNK = 4096  # architectures at a time: a size of `nao.pytree.bucket_size`, so that none is padded


@dataclasses.dataclass(frozen=True)
class EmbeddingTable:
    """The architectures of a search in the order of their trials: a row for each, a column for each fact.

    Attributes:
      id: `[N]` of the trial.
      iteration: `[N]` in which it was proposed.
      architecture: `[N]` the readable string.
      tokens: `[N, T]` the string.
      score: `[N]` what the search maximises; nan where there is none.
      test_score: `[N]` nan where there is none.
      status: `[N]` `ok`, `failed` or `pending`.
      origin: `[N]` how it was proposed, such as `random` or `ascent`.
      parent: `[N]` the id of the trial that it was moved from; -1 where there is none, as of one that was
        moved from an architecture which was never evaluated.
      predicted: `[N]` the score that was predicted when it was proposed; nan where there was none.
      believed: `[N]` what the model predicts of it, in the units of the scores.
      parameters: `[N]` of its network; -1 while that is not evaluated.
      flops: `[N]` of a forward pass on one example; -1 likewise.
      x: `[N]` the first coordinate of the projection.
      y: `[N]` the second.
      embedding: `[N, D]` the hidden states h_1, ..., h_S of E, one after the other; of a model with several
        members those of the first.
      about: the space, the projection and its seed.
    """

    id: Int[np.ndarray, " N"]
    iteration: Int[np.ndarray, " N"]
    architecture: Shaped[np.ndarray, " N"]
    tokens: Int[np.ndarray, "N T"]
    score: Float[np.ndarray, " N"]
    test_score: Float[np.ndarray, " N"]
    status: Shaped[np.ndarray, " N"]
    origin: Shaped[np.ndarray, " N"]
    parent: Int[np.ndarray, " N"]
    predicted: Float[np.ndarray, " N"]
    believed: Float[np.ndarray, " N"]
    parameters: Int[np.ndarray, " N"]
    flops: Int[np.ndarray, " N"]
    x: Float[np.ndarray, " N"]
    y: Float[np.ndarray, " N"]
    embedding: Float[np.ndarray, "N D"]
    about: Mapping[str, Json]

    def columns(self) -> dict[str, Shaped[np.ndarray, " N *_"]]:
        """All columns by their names, in order."""
        return {name: column for name, column in vars(self).items() if name != "about"}


def embedding_table(
    history: History, model: Model, *, projection: str = "pca", seed: int = 0
) -> EmbeddingTable:
    """What a model makes of all architectures of a search.

    Args:
      history: of the search.
      model: one that was fitted in it.
      projection: `pca`, `tsne` or `umap`, as `nao.analysis.project` takes it.
      seed: of the projection.

    Raises:
      InputError: there is no architecture, or no such projection, or its package is not installed.
    """
    trials = history.trials
    if not trials:
        raise InputError("the search has no architecture yet")
    results = [trial.result for trial in trials]
    tokens = np.array([trial.architecture.tokens for trial in trials], np.int32)
    points, believed = _asked(model, tokens)
    coordinates = project(points, projection, seed=seed).astype(np.float32)
    return EmbeddingTable(
        id=_whole([trial.id for trial in trials]),
        iteration=_whole([trial.iteration for trial in trials]),
        architecture=_texts([str(trial.architecture) for trial in trials]),
        tokens=tokens,
        score=_real([trial.score for trial in trials]),
        test_score=_real([result.test_score if result else None for result in results]),
        status=_texts([trial.status for trial in trials]),
        origin=_texts([trial.proposal.origin for trial in trials]),
        parent=_parents(model.space, trials),
        predicted=_real([trial.proposal.predicted for trial in trials]),
        believed=believed,
        parameters=_whole([result.parameters if result else None for result in results]),
        flops=_whole([result.flops if result else None for result in results]),
        x=coordinates[:, 0],
        y=coordinates[:, 1],
        embedding=points,
        about={"space": history.space.name, "projection": projection, "seed": seed},
    )


def _asked(
    model: Model, tokens: Int[np.ndarray, "N T"]
) -> tuple[Float[np.ndarray, "N D"], Float[np.ndarray, " N"]]:
    """Embeddings and predictions, so many at a time that what a model remembers on the way stays small."""
    chunks = [tokens[i : i + CHUNK] for i in range(0, len(tokens), CHUNK)]
    points = [np.asarray(vectors(embed(model, some)), np.float32) for some in chunks]
    believed = [np.asarray(model.predict(some), np.float64) for some in chunks]
    return np.concatenate(points), np.concatenate(believed)


def _parents(space: SearchSpace, trials: Sequence[Trial]) -> Int[np.ndarray, " N"]:
    """The earlier trial that each one was moved from: of the same string, or of one that means the same."""
    ids = {trial.architecture.tokens: trial.id for trial in trials}
    meanings: dict[str, int] = {}

    def trial_of(parent: Architecture) -> int | None:
        if parent.tokens in ids:
            return ids[parent.tokens]
        if not meanings:
            meanings.update((space.canonical(trial.architecture), trial.id) for trial in trials)
        return meanings.get(space.canonical(parent))

    parents = [trial.proposal.parent for trial in trials]
    found = [None if parent is None else trial_of(parent) for parent in parents]
    return _whole([i if i is not None and i < n else None for n, i in enumerate(found)])


def _whole(values: Sequence[int | None]) -> Int[np.ndarray, " N"]:
    return np.array([NONE if value is None else value for value in values], np.int64)


def _real(values: Sequence[float | None]) -> Float[np.ndarray, " N"]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _texts(values: Sequence[str]) -> Shaped[np.ndarray, " N"]:
    return np.array(values, np.str_)
