"""Attribution of a linear f in closed form, and of a target that is planted."""

import dataclasses

import numpy as np
import pytest

from nao import analysis
from nao.spaces.words import WordSpace
from tests.analysis.models import linear_model, small_model, strings
from tests.encoders.conftest import small_cells
from tests.encoders.small import PROCESS
from tests.fakes import LinearModel

pytestmark = pytest.mark.xdist_group("encoders")


def test_both_are_exact_for_a_linear_f():
    model = linear_model()
    x = strings(model.space, 5)
    weights = model.weights[np.arange(8)[None], x]
    others = (model.weights.sum(axis=1)[None] - weights) / (model.space.letters - 1)
    np.testing.assert_allclose(analysis.gradient_times_embedding(model, x), weights - others, atol=1e-5)
    np.testing.assert_allclose(analysis.leave_one_out(model, x), weights - others, atol=1e-5)


def test_leaving_out_tries_every_other_legal_token():
    model, tokens = small_model()
    where, x = model.space, tokens[:2]
    found = analysis.leave_one_out(model, x)
    for row, contributions in zip(x, found, strict=True):
        for t, contribution in enumerate(contributions):
            others = [
                changed
                for v in range(len(where.vocabulary))
                if v != row[t]
                and where.grammar.fault(changed := [*row[:t].tolist(), v, *row[t + 1 :].tolist()]) is None
            ]
            expected = model.predict(row[None])[0] - model.predict(np.array(others, np.int32)).mean()
            assert contribution == pytest.approx(expected, abs=1e-5)


def test_a_token_without_an_alternative_counts_for_nothing(rng):
    where = WordSpace("words", [("only",), ("a", "b", "c"), ("x", "y")])
    weights = rng.normal(size=(3, len(where.vocabulary))).astype(np.float32)
    model = dataclasses.replace(LinearModel(weights), space=where)
    for attribute in (analysis.leave_one_out, analysis.gradient_times_embedding):
        found = attribute(model, strings(where, 9))
        assert (found[:, 0] == 0).all()
        assert (found[:, 1:] != 0).all()


def test_a_planted_target_is_found(space):
    """Two of sixteen tokens decide the score: they are ranked first, by what f has learned of 64 strings."""
    process = dataclasses.replace(PROCESS.predictor, inputs=("mean", "states"))
    for encoder in (PROCESS, dataclasses.replace(PROCESS, predictor=process)):
        rng = np.random.default_rng(1)
        tokens = space.sample_tokens(rng, 64).astype(np.int32)
        value = rng.normal(size=(2, len(space.vocabulary))) * 2
        model = encoder.fit(space, tokens, value[0, tokens[:, 5]] + value[1, tokens[:, 7]], seed=0)
        found = [analysis.leave_one_out(model, tokens)]
        found += [analysis.gradient_times_embedding(model, tokens)] if encoder is not PROCESS else []
        for contributions in found:
            assert set(np.abs(contributions).mean(axis=0).argsort()[-2:]) == {5, 7}


@pytest.fixture(scope="module")
def space():
    return small_cells()
