"""What NAO does beyond what every strategy must do (`test_strategies`): the lines of Algorithm 1."""

import dataclasses
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nao.acquisition import kriging_believer
from nao.ascent import AscentConfig
from nao.core import InputError, Proposal, Request
from nao.improve import improve
from nao.search import optimize
from nao.strategies.choices import (
    CHOICES,
    highest_assured,
    highest_predicted,
    improve_on_belief,
    most_promising,
    pick_believed_and_random,
    pick_best,
    pick_best_and_random,
    predict_architectures,
    take_first,
)
from nao.strategies.nao import NAO
from nao.surrogates.gaussian_process import GaussianProcess
from tests.fakes import ASCENT, LinearEncoder, LinearModel, PairSpace, SumEvaluator

SPACE = PairSpace()
ONE_STEP = dataclasses.replace(ASCENT, step_sizes=(0.4,))


def evaluate(proposals, failing=(7,)):
    """Results in the order of the proposals, some of them failures."""
    evaluator = SumEvaluator(failing=failing)
    return [evaluator.result(Request(p.architecture, 2 * i)) for i, p in enumerate(proposals)]


class Played:
    """A strategy that was told 60 results, and what it asked of its parts."""

    def __init__(self, ascent=ASCENT, seed=0, failing=(7,), **settings):
        self.encoder = LinearEncoder(ascent)
        self.starts = []
        self.strategy = NAO(SPACE, self.encoder, NAO.Settings(**settings), seed=seed, improve=self.improve)
        self.results = evaluate(self.strategy.ask(60), failing)
        assert {result.status for result in self.results} == ({"ok", "failed"} if failing else {"ok"})
        self.strategy.tell(self.results)

    def improve(self, model, X_seed, ascent, seed):
        self.starts.append(X_seed)
        return improve(model, X_seed, ascent, seed)

    def decoded(self, n):
        return [p for p in self.strategy.ask(n) if p.origin == "ascent"]


def test_first_it_asks_for_random_architectures():
    strategy = NAO(SPACE, LinearEncoder())
    facts = [(p.origin, p.parent, p.step, p.predicted) for p in strategy.ask(5)]
    assert facts == [("random", None, None, None)] * 5
    assert strategy.diagnostics() == {}
    assert strategy.artifacts() == {}


def test_fits_to_all_that_succeeded_in_order():
    played = Played(seeds=10)
    played.strategy.ask(5)
    tokens, scores, _ = played.encoder.fits[0]
    succeeded = [r for r in played.results if r.status == "ok"]
    assert [tuple(row) for row in tokens.tolist()] == [r.architecture.tokens for r in succeeded]
    assert scores.tolist() == [r.score for r in succeeded]


def test_the_parents_are_the_k_best():
    played = Played(seeds=7, choose="first")
    best = sorted((r for r in played.results if r.status == "ok"), key=lambda r: -r.score)[:7]
    assert {p.parent for p in played.decoded(30)} <= {r.architecture for r in best}
    assert played.strategy.diagnostics()["seeds_mean"] == pytest.approx(np.mean([r.score for r in best]))


def test_first_takes_what_comes_in_the_order_of_the_step_sizes():
    played = Played(seeds=10, choose="first")
    steps = [p.step for p in played.decoded(12)]
    assert steps == sorted(steps)
    assert steps[0] == 0.34  # the first changes nothing
    assert steps[-1] < 1.2  # it stopped when it had enough


def test_predicted_takes_the_highest_predictions_of_all_step_sizes():
    played = Played(seeds=10, failing=())
    proposals = played.decoded(6)
    predicted = [p.predicted for p in proposals]
    assert predicted == sorted(predicted, reverse=True)
    # By hand: everything that any step size decodes from where it started, in the order of its predictions.
    model = played.encoder.fit(SPACE, *played.encoder.fits[0][:2], seed=0)
    known = {SPACE.canonical(r.architecture) for r in played.results}
    new = {}
    for eta in played.encoder.ascent.step_sizes:
        e = model.embed(played.starts[0])
        for x in (e.states + np.float32(eta) * model.weights.astype(np.float32)).argmax(-1).tolist():
            architecture = dataclasses.replace(proposals[0].architecture, tokens=tuple(x))
            new.setdefault(SPACE.canonical(architecture), x)
    new = np.array([x for key, x in new.items() if key not in known])
    expected = -np.sort(-predict_architectures(model, new))[:6]
    np.testing.assert_allclose(predicted, expected)
    assert played.strategy.diagnostics()["decoded"] == 10 * len(played.encoder.ascent.step_sizes)


def test_decoded_architectures_are_better_than_random_ones():
    played = Played(seeds=10)
    decoded = [sum(p.architecture.tokens) for p in played.strategy.ask(10)]
    assert np.mean(decoded) > np.mean([sum(r.architecture.tokens) for r in played.results]) + 3


def test_makes_up_for_too_few_decoded_ones_with_random_ones():
    origins = [p.origin for p in Played(ONE_STEP, seeds=2).strategy.ask(20)]
    decoded = origins.count("ascent")
    assert 1 <= decoded <= 2
    assert origins == ["ascent"] * decoded + ["random"] * (20 - decoded)


def test_more_seeds_than_architectures_takes_them_all():
    played = Played(ONE_STEP, seeds=1000, choose="first")
    played.strategy.ask(1000)
    assert played.strategy.diagnostics()["decoded"] == len(played.encoder.fits[0][0])


@pytest.mark.parametrize(("seeds", "best"), [(1, 1), (9, 5), (10, 5), (1000, None)])
def test_predicted_starts_from_the_best_half_and_from_random_architectures(seeds, best):
    played = Played(ONE_STEP, seeds=seeds)
    for question in range(2):
        played.strategy.tell(evaluate(played.strategy.ask(5)))
        tokens, scores, _ = played.encoder.fits[question]
        top = tokens[np.argsort(-scores, kind="stable")[:best]]
        starts = played.starts[question]
        assert len(starts) == seeds
        np.testing.assert_array_equal(starts[: len(top)], top)
        seeds_mean = played.strategy.diagnostics()["seeds_mean"]
        assert seeds_mean == pytest.approx(np.sort(scores)[::-1][:best].mean())
    if seeds > 1:  # others at every question
        first, second = (starts[best or len(scores) :] for starts in played.starts)
        assert (first != second).any()


def test_random_starts_are_parents_too_and_the_same_again():
    played = Played(ONE_STEP, seeds=1000)
    parents = {p.parent for p in played.decoded(50)}
    assert played.strategy.diagnostics()["decoded"] == 1000
    assert parents - {r.architecture for r in played.results}
    assert {p.parent for p in Played(ONE_STEP, seeds=1000).decoded(50)} == parents


def test_diagnostics():
    played = Played(seeds=10)
    played.strategy.ask(5)
    numbers, quality = played.strategy.diagnostics(), LinearModel(np.zeros((1, 1))).quality
    for name in ("pairwise_accuracy", "kendall_tau", "hamming", "held_out"):
        assert numbers[name] == getattr(quality, name)
    assert numbers["fit_seconds"] >= 0
    assert 0 < numbers["share_new"] <= 1


def test_the_model_of_the_last_question_is_worth_keeping():
    played = Played(seeds=10)
    played.strategy.ask(5)
    kept = played.strategy.artifacts()["models"]
    tokens, scores, _ = played.encoder.fits[0]
    model = played.encoder.load(SPACE, kept)
    again = played.encoder.fit(SPACE, tokens, scores, seed=0)
    np.testing.assert_array_equal(model.predict(tokens), again.predict(tokens))


def test_it_recommends_what_f_is_highest_for_and_not_the_luckiest():
    played = Played(seeds=10)
    luckiest = next(result for result in played.results if result.score is not None)
    lucky = [dataclasses.replace(r, score=99.0) if r is luckiest else r for r in played.results]
    played.strategy._scored.clear()
    played.strategy.tell(lucky)
    recommended = played.strategy.recommend(5)
    tokens, scores, _ = played.encoder.fits[-1]
    f = played.encoder.fit(SPACE, tokens, scores, seed=0).predict(tokens)
    assert [x.tokens for x in recommended] == [tuple(tokens[i].tolist()) for i in np.argsort(-f)[:5]]
    assert scores.max() == 99.0
    assert set(played.strategy.artifacts()) == {"models"}


def test_it_recommends_by_the_posterior_mean_where_there_is_one():
    played = Played(seeds=10)

    class Sure(LinearModel):
        def joint_posterior(self, tokens):  # whatever `predict` says
            return SimpleNamespace(mean=-tokens.sum(axis=1).astype(float))

    played.encoder.load = lambda space, arrays: Sure(arrays["weights"], space=space)
    sums = [sum(x.tokens) for x in played.strategy.recommend(5)]
    assert sums == sorted(sum(x.architecture.tokens) for x in played.results if x.score is not None)[:5]


class SureModel(LinearModel):
    """Believes that the architecture with the lowest score of all is the best."""

    def joint_posterior(self, tokens):
        mean = -self.predict(tokens)
        return SimpleNamespace(mean=mean, variance=np.ones(len(mean)), condition_on_mean=lambda i: None)


def test_by_belief_it_starts_from_what_f_believes_best_and_improves_on_that():
    model = SureModel(np.eye(8, 4), space=SPACE, best=99.0)
    X = SPACE.grammar.sample(np.random.default_rng(0), 30)
    S = model.predict(X)
    top, num_random = pick_believed_and_random(model, X, S, 20)
    assert num_random == 10
    assert sorted(S[top]) == sorted(S)[:10]
    assert improve_on_belief(model, X).best == -S.min()
    assert improve_on_belief(LinearModel(np.eye(8, 4), space=SPACE, best=99.0), X).best == 99.0


def test_to_recommend_all_there_are_it_fits_nothing():
    played = Played(seeds=10)
    scored = [result for result in played.results if result.score is not None]
    assert len(played.strategy.recommend(60)) == len(scored) < 60
    assert played.encoder.fits == []
    assert played.strategy.artifacts() == {}


def test_every_fit_has_the_seed_of_the_search():
    # What an encoder learns without scores it can then learn once.
    played = Played(seeds=10, seed=3)
    played.strategy.tell(evaluate(played.strategy.ask(30)))
    played.strategy.ask(5)
    assert [seed for _, _, seed in played.encoder.fits] == [3, 3]


def test_wants_its_beginning_at_once_and_then_a_few_at_a_time():
    strategy = NAO(SPACE, LinearEncoder(), NAO.Settings(initial=7, proposals=3))
    assert strategy.batch == 7
    strategy.ask(5)
    assert strategy.batch == 2
    strategy.ask(2)
    assert strategy.batch == 3


def test_the_encoder_says_how_to_choose_unless_the_settings_do():
    first = LinearEncoder(AscentConfig(choose="first"))
    assert NAO(SPACE, first).choose is take_first
    assert NAO(SPACE, first).pick_seeds is pick_best
    assert NAO(SPACE, first, NAO.Settings(choose="predicted")).choose is most_promising
    assert NAO(SPACE, LinearEncoder()).pick_seeds is pick_best_and_random
    assert NAO(SPACE, first).configuration()["choose"] == "first"


@pytest.mark.parametrize(("noisy", "chosen"), [(True, "believed"), (False, "predicted")])
def test_an_encoder_may_leave_it_to_the_scores(noisy, chosen):
    auto = LinearEncoder(dataclasses.replace(ASCENT, choose="auto"))
    strategy = NAO(SPACE, auto, noisy=noisy)
    assert strategy.configuration()["choose"] == chosen
    assert (strategy.pick_seeds, strategy.choose) == CHOICES[chosen]
    assert NAO(SPACE, auto, NAO.Settings(choose="first"), noisy=noisy).choose is take_first
    assert NAO(SPACE, LinearEncoder(), NAO.Settings(choose="auto"), noisy=noisy).choose is CHOICES[chosen][1]


def test_a_search_goes_by_belief_where_its_evaluator_says_that_it_is_noisy():
    auto = LinearEncoder(dataclasses.replace(ASCENT, choose="auto"))
    for noisy, chosen in ((True, "believed"), (False, "predicted")):
        evaluator = SumEvaluator()
        evaluator.noisy = noisy
        found = optimize(SPACE, evaluator, auto, iterations=0, initial=1, confirm="none")
        assert found.configuration["strategy"]["choose"] == chosen


def test_its_functions_can_be_replaced():
    def backwards(model, candidates, n, log_chance):
        return list(candidates)[::-1][:n]

    def neighbours(model, X_seed, ascent, seed):
        moved = X_seed.copy()
        moved[:, 0] = (moved[:, 0] + 1) % 4
        yield 0.0, moved, model.predict(moved)

    strategy = NAO(
        SPACE,
        LinearEncoder(),
        NAO.Settings(initial=20),
        pick_seeds=lambda model, X, S, K: (np.array([3, 5, 8]), 0),
        improve=neighbours,
        choose=backwards,
    )
    strategy.tell(evaluate(strategy.ask(20)))
    scored = strategy.encoder
    proposals = strategy.ask(2)
    X = scored.fits[0][0]
    assert [p.parent.tokens for p in proposals] == [tuple(X[8].tolist()), tuple(X[5].tolist())]
    assert all((p.architecture.tokens[0] - p.parent.tokens[0]) % 4 == 1 for p in proposals)


@pytest.mark.parametrize("settings", [{"seeds": 0}, {"initial": -3}, {"proposals": 0}, {"choose": "best"}])
def test_refuses_what_makes_no_sense(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        NAO.Settings(**settings)


class Uncertain(LinearModel):
    """Has observed the first two of the strings it is asked about."""

    def joint_posterior(self, tokens):
        one_hot = np.eye(4)[tokens].reshape(len(tokens), -1)
        return GaussianProcess.fit([one_hot[:2]], np.array([0.0, 1.0])).posterior([one_hot])


def test_candidates_are_chosen_by_expected_improvement_where_f_knows_how_sure_it_is(rng):
    candidates = [Proposal(x, "ascent") for x in SPACE.sample(rng, 6)]
    tokens = np.array([p.architecture.tokens for p in candidates])
    model = Uncertain(np.zeros((8, 4)), best=1.0, space=SPACE)
    chosen = most_promising(model, iter(candidates), 3)
    order = list(kriging_believer(model.joint_posterior(tokens), 1.0))[:3]
    assert [p.architecture for p in chosen] == [candidates[i].architecture for i in order]
    assert [p.predicted for p in chosen] == model.joint_posterior(tokens).mean[order].tolist()
    assert most_promising(model, iter([]), 3) == []
    # The highest predictions are others, whether or not f knows.
    highest = highest_predicted(model, iter(candidates), 3)
    expected = predict_architectures(model, tokens)
    assert [p.predicted for p in highest] == np.sort(expected)[::-1][:3].tolist()
    assert highest_predicted(model, iter([]), 3) == []


def test_where_scores_are_noisy_a_candidate_must_be_good_for_sure(rng):
    candidates = [Proposal(x, "ascent") for x in SPACE.sample(rng, 40)]
    tokens = np.array([p.architecture.tokens for p in candidates])
    model = Uncertain(rng.normal(size=(8, 4)), best=1.0, space=SPACE)
    predicted = predict_architectures(model, tokens)
    deviation = np.sqrt(model.joint_posterior(tokens).variance)
    assert deviation[:2].max() < deviation[2:].min()
    chosen = highest_assured(model, iter(candidates), 10)
    order = np.argsort(-(predicted - deviation), kind="stable")[:10]
    assert [p.architecture for p in chosen] == [candidates[i].architecture for i in order]
    assert [p.predicted for p in chosen] == predicted[order].tolist()  # what f expects, and no less
    assert [p.architecture for p in highest_predicted(model, iter(candidates), 10)] != [
        p.architecture for p in chosen
    ]
    assert CHOICES["believed"][1] is highest_assured


def test_where_f_does_not_know_how_sure_it_is_the_highest_predictions_are_taken(rng):
    candidates = [Proposal(x, "ascent") for x in SPACE.sample(rng, 10)]
    model = LinearModel(rng.normal(size=(8, 4)), best=1.0, space=SPACE)
    chosen = highest_assured(model, iter(candidates), 4)
    assert chosen == highest_predicted(model, iter(candidates), 4)
    assert highest_assured(model, iter([]), 4) == []


def test_finding_it_imports_no_jax():
    program = "import sys; from nao.strategies.nao import NAO; print('jax' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "False\n"
