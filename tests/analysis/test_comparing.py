import numpy as np
import pytest
from scipy import stats

from nao import analysis
from nao.core import InputError
from tests.analysis.models import linear_model, small_model

pytestmark = pytest.mark.xdist_group("encoders")


def test_alignment_does_not_see_turns_moves_and_scales(rng):
    a = rng.normal(size=(40, 6)).astype(np.float32)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0].astype(np.float32)
    assert float(analysis.linear_cka(a, 3 * a @ turn + 7)) == pytest.approx(1, abs=1e-4)
    b = rng.normal(size=(40, 3)).astype(np.float32)
    X, Y = a - a.mean(axis=0), b - b.mean(axis=0)
    expected = np.linalg.norm(Y.T @ X) ** 2 / np.linalg.norm(X.T @ X) / np.linalg.norm(Y.T @ Y)
    assert float(analysis.linear_cka(a, b)) == pytest.approx(expected, rel=1e-4)


def test_neighbours_in_both(rng):
    a = rng.normal(size=(300, 4)).astype(np.float32)
    np.testing.assert_array_equal(analysis.neighbourhood_overlap(a, 2 * a + 1, 5), np.ones(300))
    other = rng.normal(size=(300, 4)).astype(np.float32)
    assert float(analysis.neighbourhood_overlap(a, other, 30).mean()) == pytest.approx(30 / 299, abs=0.02)
    twice = np.repeat(a[:5], 2, axis=0)  # every point is there twice: the other one is its neighbour
    np.testing.assert_array_equal(analysis.neighbourhood_overlap(twice, twice, 1), np.ones(10))


def test_two_models():
    model, tokens = small_model()
    same = analysis.compare_models(model, model, tokens)
    assert same.cka == pytest.approx(1, abs=1e-4)
    assert (same.overlap, same.tau) == pytest.approx((1, 1))
    assert same.chance == pytest.approx(10 / 59)
    found = analysis.compare_models(model.member(0), model.process, tokens, k=3)
    assert found.chance < found.overlap <= 1
    expected = stats.kendalltau(model.member(0).predict(tokens), model.process.predict(tokens)).statistic
    assert found.tau == pytest.approx(expected, abs=1e-5)
    with pytest.raises(InputError, match="one space, not on small and pairs"):
        analysis.compare_models(model, linear_model(), tokens)
    with pytest.raises(InputError, match="at most 3, one less than the architectures, not 10"):
        analysis.compare_models(model, model, tokens[:4])
