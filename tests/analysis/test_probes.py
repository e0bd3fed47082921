import jax
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from nao import analysis
from nao.analysis.probes import RIDGES
from nao.spaces import space
from tests.analysis.models import small_model

pytestmark = pytest.mark.xdist_group("encoders")


@pytest.mark.parametrize("shape", [(40, 5), (12, 30)])
def test_leaves_each_out_as_scikit_learn_does(rng, shape):
    points = rng.normal(size=shape).astype(np.float32)
    targets = (points[:, 0] + rng.normal(size=len(points))).astype(np.float32)
    found = analysis.linear_probe(points, targets)
    best = np.inf
    centred = points - points.mean(axis=0)
    scale = (np.linalg.svd(centred, compute_uv=False) ** 2).mean()
    for ridge in RIDGES[2:]:
        left_out = cross_val_predict(Ridge(ridge * scale), points.astype(float), targets, cv=LeaveOneOut())
        best = min(best, ((left_out - targets) ** 2).mean())
    # scikit-learn centres anew for every one that is left out, and so does 1 / N in the leverage.
    assert float(found.r2) == pytest.approx(1 - best / targets.var(), abs=0.02)
    assert float(((found.predicted - targets) ** 2).mean()) == pytest.approx(best, rel=0.03)


def test_a_line_is_found_and_noise_is_not(rng):
    points = rng.normal(size=(80, 20)).astype(np.float32)
    w = rng.normal(size=20).astype(np.float32)
    exact = analysis.linear_probe(points, points @ w + 3)
    assert float(exact.r2) > 0.999
    np.testing.assert_allclose(exact.weights, w, atol=1e-2)
    np.testing.assert_allclose(exact(points[:4]), points[:4] @ w + 3, atol=1e-2)
    assert float(analysis.linear_probe(points, rng.normal(size=80).astype(np.float32)).r2) < 0.1
    assert np.isnan(analysis.linear_probe(points, np.ones(80, np.float32)).r2)
    batch = jax.vmap(analysis.linear_probe, in_axes=(None, 0))(points, np.stack([points @ w, points[:, 0]]))
    assert (np.asarray(batch.r2) > 0.999).all()


def test_a_planted_property_is_in_a_fitted_embedding():
    model, tokens = small_model()
    points = analysis.vectors(analysis.embed(model, tokens))
    first = (tokens[:, 1] == tokens[0, 1]).astype(np.float32)  # whether the first operation is a certain one
    assert float(analysis.linear_probe(points, first).r2) > 0.9
    shuffled = np.random.default_rng(0).permutation(first)
    assert float(analysis.linear_probe(points, shuffled).r2) < 0.3


def test_properties_are_those_of_the_graph():
    where = space("nasbench201")
    best = where.sample(np.random.default_rng(0), 1)[0]
    found = analysis.properties(where, np.array([best.tokens]))
    cell = where.graph(best).cells[0].prune()
    operations = [edge.operation for edge in cell.edges]
    for name, (value,) in found.items():
        if name not in ("depth", "nodes"):
            assert value == operations.count(name)
    assert found["nodes"][0] == len(cell.nodes) - 2
    assert 1 <= found["depth"][0] <= 3

    cells = space("cnn-cell-small")
    x = cells.sample(np.random.default_rng(1), 1)[0]
    found = analysis.properties(cells, np.array([x.tokens, x.tokens]))
    assert {name.split()[0] for name in found} == {"normal", "reduction"}
    both = sum(value[0] for name, value in found.items() if name.split()[1] not in ("depth", "nodes"))
    assert both == 20  # two branches of five blocks of two cells, all of which are used
