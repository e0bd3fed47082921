import jax
import numpy as np
import pytest
from sklearn.decomposition import PCA

from nao.analysis import pca, project
from nao.core import InputError


@pytest.mark.parametrize("shape", [(200, 12), (30, 100), (12, 12)])
def test_pca_is_that_of_scikit_learn_up_to_sign(rng, shape):
    points = (rng.normal(size=shape) * np.geomspace(5, 0.5, shape[1])).astype(np.float32)
    theirs, ours = PCA(3).fit(points), pca(points, 3)
    sign = np.sign((theirs.components_ * ours.components).sum(axis=1))
    np.testing.assert_allclose(ours.components * sign[:, None], theirs.components_, atol=1e-4)
    np.testing.assert_allclose(ours.coordinates * sign[None], theirs.transform(points), atol=2e-3)
    np.testing.assert_allclose(ours.variance, theirs.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(ours.share, theirs.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(ours(points), ours.coordinates, atol=1e-4)
    largest = np.abs(ours.components).argmax(axis=1)
    assert (np.take_along_axis(np.asarray(ours.components), largest[:, None], 1) > 0).all()


def test_components_that_are_not_there_are_zero(rng):
    line = np.outer(rng.normal(size=20), np.ones(6)).astype(np.float32)
    found = pca(line, 3)
    np.testing.assert_allclose(found.share, [1, 0, 0], atol=1e-5)
    assert np.isfinite(found.coordinates).all()
    assert (np.asarray(found.components)[1:] == 0).all()
    assert (np.asarray(found.variance)[1:] == 0).all()
    for few in (np.ones((1, 5)), np.ones((3, 5)), rng.normal(size=(2, 5))):
        assert np.isfinite(project(few.astype(np.float32))).all()
    assert pca(np.ones((3, 1), np.float32), 2).coordinates.shape == (3, 2)


def test_a_batch_is_its_loop(rng):
    points = rng.normal(size=(3, 20, 5)).astype(np.float32)
    batch = jax.vmap(lambda each: pca(each, 2).coordinates)(points)
    np.testing.assert_allclose(batch, np.stack([pca(each, 2).coordinates for each in points]), atol=1e-4)


def test_two_groups_stay_apart(rng):
    points = rng.normal(size=(60, 10)).astype(np.float32)
    points[30:, 0] += 30
    for how in ("pca", "tsne"):
        found = project(points, how, seed=1)
        assert found.shape == (60, 2)
        between = np.linalg.norm(found[:30].mean(axis=0) - found[30:].mean(axis=0))
        assert between > 1.5 * max(found[:30].std(), found[30:].std())
        np.testing.assert_array_equal(found, project(points, how, seed=1))
    with pytest.raises(InputError, match="pca, tsne or umap, not 'mds'"):
        project(points, "mds")


def test_umap_says_what_it_needs(rng, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(InputError, match=r"nao-search\[umap\]"):
        project(rng.normal(size=(9, 3)), "umap")
