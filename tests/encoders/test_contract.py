"""What every encoder and its model owe the rest of the project."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.ascent import ascend
from nao.core import Encoder, InputError, Model
from nao.embedding import Embedding
from nao.encoders import PRESETS, encoder, make
from nao.encoders.fit import fit_members
from nao.encoders.presets import DEFAULT, PROCESS, PUBLISHED
from nao.improve import ascend_and_decode
from tests.encoders.small import JOINT, SMALL, fitted, improved
from tests.fakes import LinearEncoder, PairSpace

pytestmark = pytest.mark.xdist_group("encoders")  # fitted and compiled once, in one process

ENCODERS = {**SMALL, "linear": LinearEncoder()}


class Pairs(PairSpace):
    """The linear encoder knows no grammar: its space has none."""

    def sample_tokens(self, rng, n):
        return np.unique(self.grammar.sample(rng, 2 * n), axis=0)[:n]

    def score(self, tokens):
        return tokens.sum(axis=1).astype(float)


@pytest.fixture(scope="module", params=ENCODERS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def its_space(name, space):
    return Pairs() if name == "linear" else space


@pytest.fixture(scope="module")
def one(name, its_space):
    """An encoder, its model, and the strings that it was fitted to."""
    return ENCODERS[name], *fitted(its_space, ENCODERS[name])


def same(model, other, tokens):
    """Whether two models agree in everything, bit for bit."""
    embeddings = model.embed(tokens[:8]), other.embed(tokens[:8])
    for a, b in zip(*map(jax.tree.leaves, embeddings), strict=True):
        np.testing.assert_array_equal(a, b)
    for function in ("value", "decode"):
        np.testing.assert_array_equal(*(getattr(m, function)(embeddings[0]) for m in (model, other)))
    np.testing.assert_array_equal(model.predict(tokens), other.predict(tokens))
    return True


def test_fulfils_the_protocols(one):
    assert isinstance(one[0], Encoder)
    assert isinstance(one[1], Model)


def test_embeds_values_and_decodes(one, its_space):
    _, model, tokens = one
    e = model.embed(tokens[:8])
    assert np.asarray(e.states).ndim == 3
    assert len(e.states) == len(e.features) == 8
    mean, std = model.posterior(e)
    np.testing.assert_allclose(model.value(e), mean, rtol=1e-5, atol=1e-5)  # two programs, two roundings
    assert mean.shape == std.shape == (8,)
    assert np.isfinite(mean).all()
    assert (std >= 0).all()
    predicted = model.predict(tokens[:8])
    assert predicted.shape == (8,)
    assert np.isfinite(predicted).all()
    assert 0 <= model.quality.pairwise_accuracy <= 1
    assert 0 <= model.quality.hamming <= its_space.length


def test_a_model_crosses_jit_and_grad(one, its_space):
    """To improve an architecture is one compiled expression of the model's functions and the ascent."""
    _, model, tokens = one
    program = jax.jit(lambda model, x, eta: model.decode(ascend(model.value, model.embed(x), eta)))
    decoded = program(model, jnp.asarray(tokens[:8]), 0.0)
    np.testing.assert_array_equal(decoded, model.decode(model.embed(tokens[:8])))
    for eta in (1.0, 1e4):
        moved = np.asarray(program(model, jnp.asarray(tokens[:8]), eta))
        assert all(its_space.grammar.fault(row.tolist()) is None for row in moved)
    e = jax.tree.map(jnp.asarray, model.embed(tokens[:8]))
    slope = jax.grad(lambda h: model.value(Embedding(h, e.features)).sum())(e.states)
    assert np.abs(slope).max() > 0
    # Every value depends on its own embedding alone.
    alone = jax.grad(lambda h: model.value(Embedding(h, e.features))[2])(e.states)
    np.testing.assert_allclose(alone[2], slope[2], rtol=1e-3, atol=1e-6)
    assert not np.asarray(alone)[[0, 1, 3, 4, 5, 6, 7]].any()


def test_what_is_decoded_does_not_depend_on_what_was_decoded_before(one):
    """Neither on other step sizes nor on other seeds."""
    its, model, tokens = one
    once = improved(its, model, tokens[:8], 0.9)
    improved(its, model, tokens[:8], 0.3)
    improved(its, model, tokens[8:16], 0.9)
    for first, again in zip(once, improved(its, model, tokens[:8], 0.9), strict=True):
        np.testing.assert_array_equal(first, again)


def test_arrays_bring_the_model_back(one, its_space, tmp_path):
    its, model, tokens = one
    np.savez(tmp_path / "model.npz", **model.arrays())
    with np.load(tmp_path / "model.npz") as file:  # without pickles
        again = its.load(its_space, dict(file))
    assert same(model, again, tokens)
    np.testing.assert_equal(again.quality, model.quality)
    assert again.best == model.best


def test_a_seed_decides_the_fit(one, name, its_space):
    its, model, tokens = one
    assert same(model, fitted(its_space, its)[0], tokens)
    if name != "linear":
        other, _ = fitted(its_space, its, seed=1)
        assert not np.array_equal(other.predict(tokens), model.predict(tokens))


@pytest.mark.parametrize("n", [2, 3, 7])
def test_few_architectures(name, its_space, n):
    model, tokens = fitted(its_space, ENCODERS[name], n=n)
    assert np.isfinite(model.predict(tokens)).all()


def test_constant_scores(name, its_space):
    model, tokens = fitted(its_space, ENCODERS[name], n=20, scores=np.full(20, 0.7))
    assert np.isfinite(model.predict(tokens)).all()
    if name != "linear":
        assert np.isnan(model.quality.kendall_tau)


def test_predictions_are_in_the_units_of_the_scores(name, its_space):
    tokens = its_space.sample_tokens(np.random.default_rng(1), 60)
    scores = 90 + 3 * its_space.score(tokens)
    model = ENCODERS[name].fit(its_space, tokens, scores, seed=0)
    assert abs(model.predict(tokens).mean() - scores.mean()) < scores.std()
    values = np.asarray(model.value(model.embed(tokens)), np.float64)
    assert abs(model.to_scores(values).mean() - scores.mean()) < scores.std()


def test_configuration_is_json(name):
    configuration = ENCODERS[name].configuration()
    assert json.loads(json.dumps(configuration)) == configuration


CHANGED = [
    dataclasses.replace(JOINT, name="mine", networks=dataclasses.replace(JOINT.networks, hidden_size=7)),
    dataclasses.replace(JOINT, predictor=dataclasses.replace(JOINT.predictor, hidden=())),
    dataclasses.replace(PROCESS, predictor=dataclasses.replace(PROCESS.predictor, inputs=("mean",))),
    dataclasses.replace(DEFAULT, predictor=dataclasses.replace(DEFAULT.predictor, growth=2.0)),
    dataclasses.replace(DEFAULT, training=dataclasses.replace(DEFAULT.training, min_updates=3)),
    dataclasses.replace(PUBLISHED, ascent=dataclasses.replace(PUBLISHED.ascent, step_sizes=(1.0, 2.5))),
]


@pytest.mark.parametrize("its", [*PRESETS.values(), *CHANGED])
def test_a_configuration_makes_the_encoder(its):
    assert make(json.loads(json.dumps(its.configuration()))) == its


def test_says_in_one_line_what_is_wrong(space):
    tokens = space.sample_tokens(np.random.default_rng(1), 4)
    for its in SMALL.values():
        with pytest.raises(InputError, match="finite"):
            its.fit(space, tokens, np.array([1.0, np.nan, 0.0, 1.0]), seed=0)
        with pytest.raises(InputError, match="at least 2"):
            its.fit(space, tokens[:1], np.ones(1), seed=0)
        with pytest.raises(InputError, match=r"\[4, 16\]"):
            its.fit(space, tokens[:, :5], np.ones(4), seed=0)
    with pytest.raises(InputError, match="default, process, published"):
        encoder("lstm")
    with pytest.raises(InputError, match=r"encoder\.networks has no parameter 'depth'"):
        make({**JOINT.configuration(), "networks": {"depth": 3}})
    with pytest.raises(InputError, match="mlp, gaussian_process, stacked, not 'tree'"):
        make({**JOINT.configuration(), "predictor": {"name": "tree"}})
    for part, choice in (("training", "epochs"), ("ascent", "num_steps"), ("networks", "hidden_size")):
        with pytest.raises(InputError, match=rf"encoder\.{part}\.{choice} must be at least"):
            make({**JOINT.configuration(), part: {choice: -1}})
    with pytest.raises(InputError, match="trade_off"):
        dataclasses.replace(JOINT, training=DEFAULT.training)


@pytest.mark.parametrize("name", SMALL)
def test_arrays_of_another_model_are_refused(name, space):
    its = SMALL[name]
    arrays = fitted(space, its, n=20)[0].arrays()
    weights = "encoder.tokens.embedding"
    wrong = {
        r"decoder.query are missing": {k: v for k, v in arrays.items() if k != "decoder.query"},
        r"more should not be there": {**arrays, "more": np.zeros(3)},
        weights: {**arrays, weights: arrays[weights][..., :-1]},
        "transform.scores": {**arrays, "transform.scores": arrays["transform.scores"].astype(np.int64)},
        "space": {**arrays, "space": np.array("{}")},
        "decoder.query must be finite": {**arrays, "decoder.query": np.nan * arrays["decoder.query"]},
    }
    for written in (key for key in arrays if key.endswith("predictor.tokens")):
        wrong[f"{written} must be strings"] = {**arrays, written: arrays[written] + 99}
    for message, given in wrong.items():
        with pytest.raises(InputError, match=message) as error:
            its.load(space, given)
        assert "\n" not in str(error.value)
    other = type(space)("small", space.operations, cells=("normal",), blocks=3)
    with pytest.raises(InputError, match="space"):
        its.load(other, arrays)


def test_a_model_is_the_same_in_another_process(space, tmp_path):
    """What a resumed search needs: nothing depends on what this process computed before."""
    script = """
        import numpy as np
        from tests.encoders.conftest import small_cells
        from tests.encoders.small import DEFAULT, fitted, improved
        model, tokens = fitted(small_cells(), DEFAULT, n=40)
        np.savez(sys.argv[1], predicted=model.predict(tokens),
                 decoded=improved(DEFAULT, model, tokens, 0.9)[0], **model.arrays())
    """
    lines = "\n".join(line.strip() for line in script.splitlines())
    root = Path(__file__).resolve().parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r})\n{lines}"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other.npz")], check=True)
    with np.load(tmp_path / "other.npz") as file:
        theirs = dict(file)
    predicted, decoded = theirs.pop("predicted"), theirs.pop("decoded")
    model, tokens = fitted(space, SMALL["default"], n=40)
    np.testing.assert_array_equal(predicted, model.predict(tokens))
    np.testing.assert_array_equal(decoded, improved(SMALL["default"], model, tokens, 0.9)[0])
    loaded = SMALL["default"].load(space, theirs)
    assert same(model, loaded, tokens)


def test_only_what_changes_the_program_compiles_one(space):
    """A growing study, and another name, length, rate, share of noise or step size, compile nothing."""
    for its in (SMALL["joint"], SMALL["default"]):
        model, tokens = fitted(space, its, n=50)
        improved(its, model, tokens[:40], 0.5)
        programs = fit_members._cache_size(), ascend_and_decode._cache_size()
        changed = dataclasses.replace(
            its,
            name="another",
            training=dataclasses.replace(
                its.training,
                epochs=1,
                min_updates=10,
                learning_rate=1e-2,
                weight_decay=0.1,
                max_grad_norm=2.0,
            ),
        )
        model, tokens = fitted(space, changed, n=60)
        improved(its, model, tokens[:50], 0.7, noise=its.ascent.noise / 2)
        assert (fit_members._cache_size(), ascend_and_decode._cache_size()) == programs
