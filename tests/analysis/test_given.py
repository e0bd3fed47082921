"""What a stranger hands over: every function takes the same, and refuses the same in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao import analysis
from nao.ascent import AscentConfig
from nao.core import InputError
from tests.analysis.models import linear_model, strings
from tests.spaces.all_spaces import without_repetition

pytestmark = pytest.mark.xdist_group("encoders")

MODEL = linear_model()
X = strings(MODEL.space, 6)
KEY = jax.random.key(0)
CLIMB = AscentConfig(num_steps=2)

ASKS = {  # every function that takes tokens, about the linear model unless it must be another
    "climb": lambda x: analysis.climb(MODEL, x, CLIMB, 0.5).states[0],
    "embed": lambda x: analysis.embed(MODEL, x).states,
    "equivalence_distances": lambda x: analysis.equivalence_distances(MODEL, x, np.random.default_rng(0))[0],
    "gradient_alignment": lambda x: analysis.gradient_alignment(MODEL, x, X[: len(x)]),
    "gradient_alignment, better": lambda x: analysis.gradient_alignment(MODEL, X[: len(x)], x),
    "gradient_times_embedding": lambda x: analysis.gradient_times_embedding(MODEL, x),
    "interpolate": lambda x: analysis.interpolate(MODEL, x, X[: len(x)], points=3).states[0],
    "interpolate, end": lambda x: analysis.interpolate(MODEL, X[: len(x)], x, points=3).states[0],
    "leave_one_out": lambda x: analysis.leave_one_out(MODEL, x),
    "predict": lambda x: analysis.predict(MODEL, x).score,
    "valid": lambda x: analysis.valid(MODEL.space, x),
}
SOME = {  # those that need some, or whose answer is one for all
    "compare_models": lambda x: analysis.compare_models(MODEL, MODEL, x, k=2),
    "nearest_known": lambda x: analysis.nearest_known(MODEL, MODEL.embed(X), x),
    "novelty": lambda x: analysis.novelty(MODEL.space, x, X),
    "novelty, known": lambda x: analysis.novelty(MODEL.space, X, x),
    "uniqueness": lambda x: analysis.uniqueness(MODEL.space, x),
}
SAME = {
    "lists": lambda x: x.tolist(),
    "rows": list,
    "int64": lambda x: x.astype(np.int64),
    "floats": lambda x: x.astype(np.float64),
    "of JAX": jnp.asarray,
}
WRONG = {
    "outside of the vocabulary": (
        np.vstack([X[:1], X[1:] + 99]),
        "row 1 is no architecture of pairs: token 100",
    ),
    "negative": (-1 - X, "row 0 is no architecture of pairs: token -[1-4] at position 0"),
    "not in 32 bits": (X + np.int64(2**32), "row 0 is no architecture of pairs: token 429496729"),
}
NONE = {
    "fractions": (X + 0.5, r"tokens are whole numbers, not \d\.5$"),
    "nan": (X + np.nan, "tokens are whole numbers, not nan$"),
    "one string": (X[0].tolist(), r"pairs are \[B, 8\] tokens, not \[8\]$"),
    "too long": (np.hstack([X, X]), r"pairs are \[B, 8\] tokens, not \[6, 16\]$"),
    "ragged": ([[0, 1], [0]], r"numbers are asked for.* not \[\[0, 1\], \[0\]\] \(list\)$"),
    "text": (["aaaaaaaa"], r"numbers are asked for.* not \['aaaaaaaa'\] \(list\)$"),
}


@pytest.mark.parametrize("as_given", SAME)
@pytest.mark.parametrize("name", [*ASKS, *SOME])
def test_tokens_may_be_of_any_type(name, as_given):
    ask = (ASKS | SOME)[name]
    jax.tree.map(np.testing.assert_array_equal, ask(SAME[as_given](X)), ask(X))


@pytest.mark.parametrize("fault", [*WRONG, *NONE])
@pytest.mark.parametrize("name", [*ASKS, *SOME])
def test_what_is_no_architecture_is_refused(name, fault):
    tokens, message = (WRONG | NONE)[fault]
    if name == "valid" and fault in WRONG:
        assert not analysis.valid(MODEL.space, tokens).all()
        return
    with pytest.raises(InputError, match=message) as said:
        (ASKS | SOME)[name](tokens)
    assert "\n" not in str(said.value)


def test_what_may_not_follow_is_refused():
    """A token of the vocabulary where the grammar has no place for it: a letter that was there."""
    model = linear_model(without_repetition())
    assert len(analysis.embed(model, [[0, 1, 2]]).states) == 1
    with pytest.raises(InputError, match="row 1 is no architecture of different: token 0 at position 2"):
        analysis.embed(model, [[0, 1, 2], [0, 1, 0]])


def test_in_a_program_tokens_are_taken_as_they_are():
    found = jax.jit(lambda x: analysis.vectors(analysis.embed(MODEL, x)))(X)
    np.testing.assert_array_equal(found, analysis.vectors(analysis.embed(MODEL, X)))


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("name", ASKS)
def test_an_answer_has_as_many_rows_as_the_question(name, n):
    assert len(ASKS[name](X[:n])) == n
    assert len(ASKS[name](X[:n].tolist())) == n


POINTS = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
SCORES = POINTS[:, 0]
NUMBERS = {  # functions of arrays: of 7 points and of as many scores
    "cosine": lambda p, s: analysis.cosine(p, p),
    "coverage": lambda p, s: analysis.coverage(s, [0.5, 0.9]),
    "distance_correlation": lambda p, s: analysis.distance_correlation(
        analysis.distances(p), analysis.score_differences(s)
    ),
    "distances": lambda p, s: analysis.distances(p),
    "effective_dimension": lambda p, s: analysis.effective_dimension(p),
    "isotropy": lambda p, s: analysis.isotropy(p),
    "kendall_tau": lambda p, s: analysis.kendall_tau(s, s),
    "linear_cka": lambda p, s: analysis.linear_cka(p, p),
    "linear_probe": lambda p, s: (lambda found: (found.predicted, found.r2))(analysis.linear_probe(p, s)),
    "lipschitz": lambda p, s: analysis.lipschitz(p, s),
    "normal_quantiles": lambda p, s: analysis.normal_quantiles(s, s, s),
    "pairwise_accuracy": lambda p, s: analysis.pairwise_accuracy(s, s),
    "pca": lambda p, s: analysis.pca(p).coordinates,
    "pearson": lambda p, s: analysis.pearson(s, s),
    "project": lambda p, s: analysis.project(p),
    "ranks": lambda p, s: analysis.ranks(s),
    "score_differences": lambda p, s: analysis.score_differences(s),
    "spearman": lambda p, s: analysis.spearman(s, s),
    "top_tau": lambda p, s: analysis.top_tau(s, s),
}
OF_ALL = "distance_correlation effective_dimension kendall_tau linear_cka lipschitz pairwise_accuracy pearson"
OF_ALL = [*OF_ALL.split(), "spearman", "top_tau"]  # which have nothing to say of a single row


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_may_be_lists(name):
    points, scores = np.round(POINTS * 9), np.round(SCORES * 9)
    expected = NUMBERS[name](points, scores)
    for convert in (np.ndarray.tolist, lambda x: x.astype(np.int64), lambda x: jnp.asarray(x, jnp.int32)):
        found = NUMBERS[name](convert(points), convert(scores))
        jax.tree.map(np.testing.assert_array_equal, found, expected)
    with pytest.raises(InputError, match="numbers are asked for"):
        NUMBERS[name]([["a"]], ["a"])


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_too_few_rows(name, n):
    for each in jax.tree.leaves(NUMBERS[name](POINTS[:n], SCORES[:n])):
        if name == "coverage":
            assert np.isnan(each).all() == (n == 0)
        elif np.ndim(each):
            assert len(each) == n
        elif n == 0 or name != "isotropy":
            assert np.isnan(each)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e6 + 0.1, -7.7e-9, 0.0])
@pytest.mark.parametrize(
    "name", ["effective_dimension", "linear_cka", "linear_probe", "pearson", "lipschitz"]
)
@pytest.mark.parametrize("n", [3, 7])
def test_what_does_not_vary_has_no_answer(name, constant, n):
    """Also where the mean of equal numbers is not quite that number."""
    points, scores = np.full((n, 3), constant, np.float32), np.full(n, constant, np.float32)
    assert np.isnan(jax.tree.leaves(NUMBERS[name](points, scores))[-1])


def test_equal_points_are_at_one_place(rng):
    """Where all lie close together and far from 0, and among others that do not."""
    one = rng.normal(size=(40, 64)).astype(np.float32)
    for far in (0, 1e4):
        points = np.concatenate([one, one[::-1], 1e3 * one]) + np.float32(far)
        found = np.asarray(analysis.distances(points))
        exact = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
        np.testing.assert_allclose(found, exact, rtol=1e-5)  # so that 0 is 0
        np.testing.assert_array_equal(found, found.T)
        rows, apart = analysis.neighbours(points[:80], points, 2)
        np.testing.assert_array_equal(rows, np.sort([np.arange(80), 79 - np.arange(80)], axis=0).T)
        np.testing.assert_array_equal(apart, np.zeros((80, 2)))
        values = rng.random(120, np.float32)
        steep = np.abs(values[:, None] - values[None])[exact > 0] / exact[exact > 0]
        assert float(analysis.lipschitz(points, values)) == pytest.approx(steep.max(), rel=1e-4)
    slope = jax.grad(lambda x: analysis.distances(x).sum())(points)
    assert np.isfinite(slope).all()


COUNTS = {
    "neighbours": (lambda k: analysis.neighbours(POINTS, POINTS, k), 7),
    "neighbourhood_overlap": (lambda k: analysis.neighbourhood_overlap(POINTS, POINTS, k), 6),
    "top_k_overlap": (lambda k: analysis.top_k_overlap(SCORES, SCORES, k), 7),
    "compare_models": (lambda k: analysis.compare_models(MODEL, MODEL, X, k=k), 5),
}


@pytest.mark.parametrize("name", COUNTS)
def test_so_many_of_so_few(name):
    ask, most = COUNTS[name]
    for k in (1, most):
        ask(k)
    for k in (-1, 0, most + 1):
        with pytest.raises(InputError, match=rf"^k must be at least 1 and at most {most}, .*, not {k}$"):
            ask(k)


ODD = {
    "radius 0": (lambda: analysis.local_lipschitz(MODEL, MODEL.embed(X), KEY, 0.0), "radius .* not 0.0"),
    "radius nan": (
        lambda: analysis.local_lipschitz(MODEL, MODEL.embed(X), KEY, jnp.nan),
        "radius .* not nan",
    ),
    "no way": (lambda: analysis.local_lipschitz(MODEL, MODEL.embed(X), KEY, 1.0, 0), "1 direction, not 0"),
    "no share": (lambda: analysis.top_tau(SCORES, SCORES, 0.0), "above 0 and at most 1, not 0.0"),
    "more than all": (lambda: analysis.top_tau(SCORES, SCORES, 2.0), "above 0 and at most 1, not 2.0"),
    "no dimension": (lambda: analysis.project(POINTS, dimensions=0), "at least 1 dimension, not 0"),
}


@pytest.mark.parametrize("name", ODD)
def test_settings_that_are_none(name):
    ask, message = ODD[name]
    with pytest.raises(InputError, match=message):
        ask()


def test_a_radius_may_be_traced():
    e = MODEL.embed(X)
    steep = jax.vmap(lambda r: analysis.local_lipschitz(MODEL, e, KEY, r, 2))(jnp.array([0.1, 1.0]))
    np.testing.assert_allclose(steep[0], steep[1], rtol=1e-4)  # f is linear


def test_observations_that_are_not_known_are_left_out():
    quantiles = np.array([0.5, np.nan, 0.0, 0.45, np.nan], np.float32)
    np.testing.assert_allclose(analysis.coverage(quantiles, np.array([0.2, 1.0])), [2 / 3, 1])
    assert np.isnan(analysis.coverage(quantiles[1:2], [0.5])).all()
