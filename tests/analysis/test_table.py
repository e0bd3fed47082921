"""The table of an embedding: every column against the history and the model it comes from."""

import dataclasses

import numpy as np
import pytest

from nao.analysis import project, table
from nao.analysis.table import embedding_table
from nao.core import InputError, Proposal, Trial
from nao.study import read
from tests.analysis.searches import searched, tokens_of
from tests.fakes import LinearModel, PairSpace, another_string


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A folder, the history and the model of a search, the last set of which is not evaluated."""
    folder = tmp_path_factory.mktemp("search")
    return folder, *searched(folder, evaluate_last=False)


@pytest.fixture(scope="module")
def made(found):
    return embedding_table(found[1], found[2])


def none(values):
    return [np.nan if value is None else value for value in values]


def test_rows_are_the_trials_in_their_order(found, made):
    trials = found[1].trials
    assert made.id.tolist() == [*range(36)]
    assert made.iteration.tolist() == [trial.iteration for trial in trials]
    assert made.architecture.tolist() == [str(trial.architecture) for trial in trials]
    np.testing.assert_array_equal(made.tokens, tokens_of(found[1]))
    assert made.origin.tolist() == [trial.proposal.origin for trial in trials]
    np.testing.assert_array_equal(made.predicted, none(trial.proposal.predicted for trial in trials))
    assert np.isnan(made.predicted[:20]).all()


def test_scores_and_costs_are_those_of_the_results(found, made):
    trials = found[1].trials
    np.testing.assert_array_equal(made.score, none(trial.score for trial in trials))
    tests = [trial.result.test_score if trial.result else None for trial in trials]
    np.testing.assert_array_equal(made.test_score, none(tests))
    assert made.status.tolist() == [trial.status for trial in trials]
    assert set(made.status) == {"ok", "failed", "pending"}
    sums = made.tokens.sum(axis=1)
    done = made.status != "pending"
    np.testing.assert_array_equal(made.parameters, np.where(done, 10 * sums, -1))
    np.testing.assert_array_equal(made.flops, np.where(done, 1000 * sums, -1))


def test_the_embedding_and_what_is_believed_are_the_model_s(found, made):
    _, history, model = found
    one_hot = np.eye(4, dtype=np.float32)[tokens_of(history)].reshape(36, -1)
    np.testing.assert_array_equal(made.embedding, one_hot)
    assert made.embedding.dtype == np.float32
    np.testing.assert_allclose(made.believed, one_hot @ model.weights.reshape(-1), rtol=1e-6)
    points = project(one_hot)
    np.testing.assert_allclose(np.stack([made.x, made.y], axis=1), points, atol=1e-5)
    assert made.about == {"space": "pairs", "projection": "pca", "seed": 0}


def test_an_architecture_s_parent_is_the_trial_it_was_moved_from(found, made):
    for trial, parent in zip(found[1].trials, made.parent, strict=True):
        if trial.proposal.parent is None:
            assert parent == -1
        elif parent >= 0:
            meant = found[1].trials[parent].architecture
            assert meant.space.canonical(meant) == meant.space.canonical(trial.proposal.parent)
            assert parent < trial.id
    assert (made.parent >= 0).any()


def test_a_parent_may_be_written_otherwise_or_be_no_trial(found):
    history, model = found[1:]
    first = history.trials[0].architecture
    known = {first.space.canonical(trial.architecture) for trial in history.trials}
    rng = np.random.default_rng(5)
    unknown = next(x for x in first.space.sample(rng, 99) if first.space.canonical(x) not in known)
    added = [
        Trial(36 + i, 3, Proposal(first.space.sample(rng, 1)[0], "ascent", parent), 0)
        for i, parent in enumerate([another_string(first), first, unknown])
    ]
    assert added[0].proposal.parent != first
    longer = dataclasses.replace(history, trials=[*history.trials, *added])
    assert embedding_table(longer, model).parent[36:].tolist() == [0, 0, -1]


def test_a_search_that_is_read_has_the_same_table(found, made):
    again = embedding_table(read(found[0]), found[2])
    for name, column in made.columns().items():
        np.testing.assert_array_equal(getattr(again, name), column)


def test_many_architectures_are_asked_about_in_parts(found, made, monkeypatch):
    asked = []

    class Counting(LinearModel):
        def predict(self, tokens):
            asked.append(len(tokens))
            return super().predict(tokens)

    monkeypatch.setattr(table, "CHUNK", 10)
    model = Counting(found[2].weights, space=PairSpace())
    again = embedding_table(found[1], model)
    assert asked == [10, 10, 10, 6]
    np.testing.assert_array_equal(again.embedding, made.embedding)
    np.testing.assert_allclose(again.believed, made.believed)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_architectures(found, count):
    few = dataclasses.replace(found[1], trials=found[1].trials[:count])
    made = embedding_table(few, found[2], projection="tsne")
    assert made.embedding.shape == (count, 32)
    assert np.isfinite([made.x, made.y]).all()


def test_nothing_to_embed(found):
    with pytest.raises(InputError, match="the search has no architecture yet"):
        embedding_table(dataclasses.replace(found[1], trials=[]), found[2])


def test_no_such_projection(found):
    with pytest.raises(InputError, match="pca, tsne or umap, not 'mds'"):
        embedding_table(found[1], found[2], projection="mds")
