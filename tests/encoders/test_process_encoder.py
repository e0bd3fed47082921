"""The encoder whose predictor is a Gaussian process: what it owes the project, and what it achieves."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.analysis.ranking import kendall_tau, pairwise_accuracy
from nao.analysis.regression import Process, log_expected_improvement, squared_distances
from nao.core import InputError
from nao.encoders import ProcessEncoder
from nao.encoders.belief import Belief
from nao.encoders.configuration import DEFAULT

SMALL = dataclasses.replace(DEFAULT, width=24, embedding=12, hidden=(8,), unlabelled=64, updates=400)
TINY = dataclasses.replace(SMALL, width=8, embedding=4, updates=30, unlabelled=16, moves=3)
UNGUIDED = dataclasses.replace(SMALL, gradient=0.0)
STRAIGHT = dataclasses.replace(SMALL, noise=0.0)


def fitted(space, n=60, seed=0, scores=None, choices=SMALL):
    tokens = space.sample_tokens(np.random.default_rng(1), n)
    scores = space.score(tokens) if scores is None else scores
    return ProcessEncoder(choices).fit(space, tokens, scores, seed=seed), tokens


@pytest.fixture(scope="module")
def learnt(space):
    return fitted(space, n=200)[0]


def test_contract(space):
    model, tokens = fitted(space)
    assert np.isfinite(model.predict(tokens[:7])).all()
    for eta in (0.0, 1.0, 1e4):
        decoded, values = model.improve(tokens[:7], eta)
        assert decoded.shape == (7, space.length)
        assert values.shape == (7,)
        assert np.isfinite(values).all()
        assert all(space.grammar.fault(row.tolist()) is None for row in decoded)
    mean, states = model.embed(tokens[:7])
    assert mean.shape == (7, 24)
    assert states.shape == (7, space.length // space.group, 24)
    chosen, predicted = model.choose(tokens, 5)
    assert len(set(chosen.tolist())) == 5
    np.testing.assert_allclose(predicted, model.predict(tokens)[chosen])
    assert len(model.choose(tokens[:3], 5)[0]) == 3
    json.dumps(dict(ProcessEncoder(SMALL).configuration()))
    assert ProcessEncoder(SMALL).steps == SMALL.steps


def test_a_seed_decides_everything(space):
    one, again, other = (fitted(space, seed=seed) for seed in (3, 3, 4))
    tokens = one[1]
    np.testing.assert_array_equal(one[0].predict(tokens), again[0].predict(tokens))
    np.testing.assert_array_equal(one[0].improve(tokens, 0.9)[0], again[0].improve(tokens, 0.9)[0])
    assert one[0].quality == again[0].quality
    assert not np.array_equal(one[0].predict(tokens), other[0].predict(tokens))


def test_a_seed_decides_everything_in_another_process_too(space, tmp_path):
    """What a resumed search needs: nothing depends on what this process computed before."""
    script = """
        import numpy as np
        from tests.encoders.conftest import SmallCells
        from tests.encoders.test_process_encoder import TINY, fitted
        from nao.spaces.operations import operations
        space = SmallCells("small", operations("conv", "pool", "identity"), cells=("normal",), blocks=4)
        model, tokens = fitted(space, n=40, choices=TINY)
        print(model.predict(tokens).tolist(), model.improve(tokens, 0.9)[0].tolist())
    """
    root = Path(__file__).resolve().parents[2]
    lines = "\n".join(line.strip() for line in script.splitlines())
    code = f"import sys; sys.path.insert(0, {str(root)!r})\nimport tests.conftest\n{lines}"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    fitted(space, n=60, choices=TINY)[0].predict(space.sample_tokens(np.random.default_rng(7), 50))
    model, tokens = fitted(space, n=40, choices=TINY)
    expected = f"{model.predict(tokens).tolist()} {model.improve(tokens, 0.9)[0].tolist()}"
    assert os.linesep.join(done.stdout.splitlines()) == expected


@pytest.mark.parametrize("n", [2, 3, 70])
def test_pools_of_any_size(n, space):
    model, tokens = fitted(space, n=n)
    assert np.isfinite(model.predict(tokens)).all()
    assert np.isfinite(model.improve(tokens, 0.6)[1]).all()
    assert model.quality.held_out == n


def test_constant_scores(space):
    model, tokens = fitted(space, n=20, scores=np.full(20, 0.7))
    assert np.isnan(model.quality.kendall_tau)
    assert np.isfinite(model.predict(tokens)).all()


def test_bad_input(space):
    tokens = space.sample_tokens(np.random.default_rng(1), 4)
    with pytest.raises(InputError, match="finite"):
        ProcessEncoder(SMALL).fit(space, tokens, np.array([1.0, np.nan, 0.0, 1.0]), seed=0)
    with pytest.raises(InputError, match="at least 2"):
        ProcessEncoder(SMALL).fit(space, tokens[:1], np.ones(1), seed=0)


def test_strings_are_learnt_once_for_a_search(space):
    first, _ = fitted(space, n=20)
    later, _ = fitted(space, n=40, choices=dataclasses.replace(SMALL, noise=0.0))
    assert first.autoencoder is later.autoencoder
    assert fitted(space, n=20, seed=1)[0].autoencoder is not first.autoencoder


def test_the_decoder_writes_what_it_reads(learnt):
    assert learnt.quality.hamming < 0.1


def test_f_sees_the_embedding_from_which_the_ascent_starts(space):
    model, tokens = fitted(space)
    e, h = model.embed(tokens)
    mean, states, _ = model.process.parts
    np.testing.assert_allclose(mean, e, atol=1e-5)
    np.testing.assert_allclose(states, h.reshape(len(h), -1), atol=1e-5)


def test_what_is_decoded_does_not_depend_on_what_was_decoded_before(space):
    """Neither on other step lengths nor on other seeds."""
    model, tokens = fitted(space)
    once = model.improve(tokens[:7], 0.9)
    model.improve(tokens[:7], 0.3)
    model.improve(tokens[7:14], 0.9)
    for first, again in zip(once, model.improve(tokens[:7], 0.9), strict=True):
        np.testing.assert_array_equal(first, again)


@pytest.fixture
def process(rng):
    parts = [rng.normal(size=(9, 3)), rng.normal(size=(9, 6)), rng.normal(size=(9, 4))]
    return Process(parts, rng.normal(size=9), np.array([0.2, -2.0, -1.0, -1.5, -2.0]))


def test_the_belief_is_the_process(process, rng):
    h, features = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 4))
    others = np.exp(process.theta[-1]) * squared_distances(features, process.parts[-1])
    belief = Belief.of(process, others, np.ones(2))
    mean, s = belief.posterior(jnp.asarray(h, jnp.float32))
    expected = process.posterior([h.mean(axis=1), h.reshape(5, 6), features])
    np.testing.assert_allclose(mean, expected.mean, atol=1e-4)
    np.testing.assert_allclose(s**2, expected.variance, atol=1e-4)


def test_what_is_climbed_has_the_direction_of_the_expected_improvement(process, rng):
    h, features = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 4))
    others = np.exp(process.theta[-1]) * squared_distances(features, process.parts[-1])
    belief = Belief.of(process, others, np.ones(2))
    gradient = np.asarray(jax.grad(lambda h: belief.improvement(h).sum())(jnp.asarray(h, jnp.float32)))

    def improvement(h):
        at = process.posterior([h.mean(axis=1), h.reshape(5, 6), features])
        return log_expected_improvement(at.mean, at.variance, float(process.y.max()))

    numeric = np.zeros_like(h)
    for place in np.ndindex(2, 3):
        moved = np.zeros_like(h)
        moved[:, *place] = 1e-5
        numeric[:, *place] = (improvement(h + moved) - improvement(h - moved)) / 2e-5
    for a, b in zip(gradient.reshape(5, -1), numeric.reshape(5, -1), strict=True):
        assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) > 0.9999


@pytest.mark.parametrize("name", ["mean", "states", "features"])
def test_an_input_can_be_left_out(name, learnt, space):
    """Then no distance in it counts, neither for a prediction nor on the way up."""
    inputs = tuple(other for other in SMALL.inputs if other != name)
    model, tokens = fitted(space, choices=dataclasses.replace(SMALL, inputs=inputs))
    part = model.process.parts[SMALL.inputs.index(name)]
    assert not part.any()
    assert np.ptp(model.predict(tokens)) > 0
    at_rest = model.improve(tokens[:7], 0.0)[1]
    moved = model.improve(tokens[:7], 0.6)[1]
    assert np.isfinite(moved).all()
    assert not np.array_equal(at_rest, moved)


def test_what_chooses_by_the_mean_takes_the_highest(space):
    model, _ = fitted(space, choices=dataclasses.replace(SMALL, acquisition="mean"))
    others = space.sample_tokens(np.random.default_rng(4), 50)
    chosen, _ = model.choose(others, 5)
    np.testing.assert_array_equal(chosen, np.argsort(-model.predict(others), kind="stable")[:5])
    straight = fitted(space, choices=dataclasses.replace(STRAIGHT, acquisition="mean"))[0]
    at_rest, moved = (straight.improve(others, eta)[1] for eta in (0.0, 0.05))
    assert np.mean(moved >= at_rest) > 0.95


def test_predicts(learnt, space):
    fresh = space.sample_tokens(np.random.default_rng(9), 300)
    assert pairwise_accuracy(learnt.predict(fresh), space.score(fresh)) > 0.7
    measured = kendall_tau(learnt.predict(fresh), space.score(fresh))
    assert learnt.quality.kendall_tau == pytest.approx(measured, abs=0.1)


def test_predictions_are_in_the_units_of_the_scores(space):
    tokens = space.sample_tokens(np.random.default_rng(1), 100)
    scores = 90 + 3 * space.score(tokens)
    model = ProcessEncoder(SMALL).fit(space, tokens, scores, seed=0)
    assert abs(model.predict(tokens).mean() - scores.mean()) < 0.2 * scores.std()


def test_the_gradient_leads_to_better_architectures_than_a_random_direction(space):
    def decoded(choices):
        model, tokens = fitted(space, n=200, choices=choices)
        seeds = tokens[np.argsort(-space.score(tokens))[:40]]
        return space.score(model.improve(seeds, 0.9)[0]).mean() - space.score(seeds).mean()

    spread = space.score(space.sample_tokens(np.random.default_rng(1), 200)).std()
    assert decoded(STRAIGHT) > 0
    assert decoded(STRAIGHT) > decoded(SMALL) > decoded(UNGUIDED) + 0.1 * spread
