"""Failures inform the search: those strategies that have a model propose ever fewer that fail."""

import numpy as np
import pytest

from nao.core import Proposal
from nao.strategies.choices import most_promising, take_first
from nao.strategies.named import strategy
from nao.strategies.nao import NAO
from nao.strategies.outcomes import Outcomes
from tests.fakes import LinearEncoder, LinearModel, PairSpace
from tests.strategies.results import play, result, scored, total

SPACE = PairSpace()
BEST = 3 * SPACE.length - 2  # of those that succeed
SETTINGS = {"evolution": {"population": 20, "sample": 5}}
LEARNING = ("nao", "gp", "progressive", "evolution")


def unless_it_fails(architecture):
    """The sum of the tokens; 41 % fail, the best of all and its neighbours among them."""
    x = architecture.tokens
    return None if 3 in x[:2] and any(x[4:6]) else total(architecture)


def make(name, seed=0):
    if name == "nao":
        return NAO(SPACE, LinearEncoder(), NAO.Settings(seeds=50), seed=seed)
    return strategy(name, SPACE, seed=seed, **SETTINGS.get(name, {}))


def share(history):
    return np.mean([score is None for _, score in history])


@pytest.mark.parametrize("name", LEARNING)
def test_what_fails_is_hardly_proposed_once_a_rule_is_learnt(name):
    history = play(make(name), 90, unless_it_fails)
    assert share(history[60:]) < 0.15
    assert max(score for _, score in history if score is not None) > BEST - 4
    assert share(play(make("random"), 400, unless_it_fails)) > 0.35


@pytest.mark.parametrize("name", LEARNING)
def test_where_nothing_fails_the_strings_are_never_asked_about(name, monkeypatch):
    expected = play(make(name), 60)
    monkeypatch.setattr(Outcomes, "log_chance", None)
    assert play(make(name), 60) == expected


def told(failing, n=60, seed=0):
    """What was told of random architectures."""
    outcomes = Outcomes(SPACE)
    drawn = SPACE.sample(np.random.default_rng(seed), n)
    outcomes.add([result(x, None if failing(x) else 1.0) for x in drawn])
    return outcomes


def test_there_is_something_to_learn_once_some_failed_and_some_did_not():
    assert told(lambda x: False).log_chance is None
    assert told(lambda x: True).log_chance is None
    outcomes = told(lambda x: x.tokens[3] == 0)
    assert 0 < outcomes.failed < 60
    tokens = SPACE.grammar.sample(np.random.default_rng(5), 200)
    log_chance = outcomes.log_chance(tokens)
    assert np.mean((log_chance < np.log(0.5)) == (tokens[:, 3] == 0)) > 0.95
    np.testing.assert_allclose(
        outcomes.feasible.log_odds(tokens), log_chance - np.log(-np.expm1(log_chance)), rtol=1e-4, atol=1e-4
    )


def test_what_is_told_later_is_learnt_too():
    outcomes = told(lambda x: x.tokens[3] == 0)
    tokens = SPACE.grammar.sample(np.random.default_rng(5), 50)
    before = outcomes.log_chance(tokens)
    np.testing.assert_array_equal(outcomes.log_chance(tokens), before)
    outcomes.add(
        scored([Proposal(x, "random") for x in SPACE.sample(np.random.default_rng(9), 20)], lambda _: None)
    )
    assert (outcomes.log_chance(tokens) != before).any()


def test_candidates_are_chosen_by_the_expected_rank_where_f_does_not_know_how_sure_it_is(rng):
    candidates = [Proposal(x, "ascent") for x in SPACE.sample(rng, 20)]
    model = LinearModel(rng.normal(size=(8, 4)), space=SPACE)
    in_order = most_promising(model, iter(candidates), 20)
    ranks = {p.architecture: 20 - i for i, p in enumerate(in_order)}

    def log_chance(tokens):
        return np.where(tokens[:, 0] < 2, np.log(0.25), 0.0)

    def expected(proposal):
        x = proposal.architecture
        return (ranks[x] - 0.5) / 20 * (0.25 if x.tokens[0] < 2 else 1.0)

    chosen = most_promising(model, iter(candidates), 20, log_chance)
    values = [expected(p) for p in chosen]
    np.testing.assert_allclose(values, sorted(values, reverse=True))
    assert [p.architecture for p in chosen] != [p.architecture for p in in_order]
    # What is all but certain to fail gives way to random architectures.
    few = most_promising(model, iter(candidates), 20, lambda tokens: 9 * log_chance(tokens))
    assert {p.architecture for p in few} == {x for x in ranks if x.tokens[0] >= 2}
    # The published choice is by order alone.
    assert take_first(model, iter(candidates), 5, log_chance) == candidates[:5]


def test_evolution_still_mutates_the_best_of_its_sample():
    one = strategy("evolution", SPACE, population=10, sample=500)
    results = scored(one.ask(10), unless_it_fails)
    one.tell(results)
    best = max((r for r in results if r.score is not None), key=lambda r: r.score).architecture
    assert {p.parent for p in one.ask(20)} == {best}


def test_nao_says_how_many_failed_and_what_it_expects():
    one = make("nao")
    one.tell(scored(one.ask(40), unless_it_fails))
    one.ask(5)
    numbers = one.diagnostics()
    assert 5 < numbers["failed"] < 35
    assert 0.5 < numbers["chance"] <= 1
