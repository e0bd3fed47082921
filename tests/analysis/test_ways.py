import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from nao import analysis
from nao.acquisition import expected_improvement
from nao.ascent import AscentConfig, ascend
from nao.core import InputError
from tests.analysis.models import linear_model, small_model, strings
from tests.encoders.small import STACKED

pytestmark = pytest.mark.xdist_group("encoders")


@pytest.mark.parametrize("how", ["linear", "spherical"])
def test_a_way_leads_from_one_architecture_to_the_other(how):
    model, tokens = small_model()
    way = analysis.interpolate(model, tokens[:5], tokens[5:10], points=7, how=how)
    for end, those in ((0, tokens[:5]), (-1, tokens[5:10])):
        e = analysis.embed(model, those)
        np.testing.assert_allclose(way.states[end], e.states, atol=1e-5)
        np.testing.assert_allclose(way.values[end], model.member(0).value(e), rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(way.tokens[end], analysis.decode(model, e))
    assert analysis.valid(model.space, np.asarray(way.tokens).reshape(35, -1)).all()


def test_on_a_great_circle_the_length_stays_and_the_angle_grows_evenly():
    model = linear_model()
    a, b = strings(model.space, 2)[:, None]
    way = analysis.interpolate(model, a, b, points=5, how="spherical")
    points = np.asarray(way.states).reshape(5, -1)
    length = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(length, length[0], rtol=1e-5)
    angle = np.arccos(np.clip(points @ points[0] / length**2, -1, 1))
    np.testing.assert_allclose(angle, np.linspace(0, angle[-1], 5), atol=1e-3)
    middle = np.asarray(analysis.interpolate(model, a, b, points=3).states)[1]
    np.testing.assert_allclose(middle, (way.states[0] + way.states[-1]) / 2, atol=1e-6)
    same = analysis.interpolate(model, a, a, points=3, how="spherical")
    np.testing.assert_allclose(same.states[1], same.states[0], atol=1e-6)


@pytest.mark.parametrize(("how", "points"), [("curved", 5), ("linear", 1), ("spherical", 0)])
def test_ways_that_are_none(how, points):
    model = linear_model()
    x = strings(model.space, 2)
    with pytest.raises(InputError, match="linear or spherical and has at least 2 points"):
        analysis.interpolate(model, x, x, points=points, how=how)


@pytest.mark.parametrize("acquisition", [None, expected_improvement])
def test_the_climb_ends_where_the_ascent_does(acquisition):
    model, tokens = small_model()
    ascent = dataclasses.replace(STACKED.ascent, noise=0.0)
    way = analysis.climb(model, tokens[:4], ascent, 0.6, acquisition=acquisition)
    assert way.states.shape[0] == way.values.shape[0] == ascent.num_steps + 1
    one = model.member(0)
    e = one.embed(tokens[:4])

    def objective(e):
        return one.value(e) if acquisition is None else acquisition(*one.posterior(e), one.best)

    end = ascend(objective, e, jnp.float32(0.6), num_steps=ascent.num_steps, normalize=ascent.normalize)
    np.testing.assert_allclose(way.states[-1], end.states, atol=1e-3)
    np.testing.assert_array_equal(way.tokens[0], analysis.decode(model, e))
    assert (np.asarray(way.values)[-1] > np.asarray(way.values)[0]).all()


def test_the_climb_of_a_linear_f_in_closed_form():
    model = linear_model()
    x = strings(model.space, 3)
    way = analysis.climb(model, x, AscentConfig(num_steps=4, unit_length=False), 2.0)
    start = model.embed(x).states
    for p, states in enumerate(way.states):
        np.testing.assert_allclose(states, start + 2.0 * p / 4 * model.weights[None], atol=1e-6)
        np.testing.assert_array_equal(way.tokens[p], np.asarray(states).argmax(axis=2))
