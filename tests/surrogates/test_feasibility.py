"""The chance to succeed: learnt rules, the closed form, and what is kept of many architectures."""

import numpy as np
import pytest
from scipy import stats

from nao.surrogates.feasibility import MAX_OBSERVED, Feasibility, balanced, log_expected_rank
from nao.surrogates.gaussian_process import GaussianProcess


def positions(tokens):
    """A part for each position, one-hot."""
    return list(np.moveaxis(np.eye(4)[tokens], 1, 0))


def rule(tokens):
    """Succeeds unless two tokens meet, which a quarter of all strings fail."""
    return ~((tokens[:, 1] >= 2) & (tokens[:, 6] % 2 == 1))


def test_it_learns_a_rule_of_two_tokens(rng):
    known, new = rng.integers(4, size=(120, 8)), rng.integers(4, size=(400, 8))
    chance = np.exp(Feasibility.fit(positions(known), rule(known)).log_chance(positions(new)))
    assert np.mean((chance > 0.5) == rule(new)) > 0.97
    assert -np.mean(np.log(np.where(rule(new), chance, 1 - chance))) < 0.15  # the share alone has 0.56


def test_failures_at_random_hold_hardly_any_architecture_back(rng):
    known, new = rng.integers(4, size=(150, 8)), rng.integers(4, size=(400, 8))
    succeeded = rng.random(150) < 0.7
    chance = np.exp(Feasibility.fit(positions(known), succeeded).log_chance(positions(new)))
    assert chance.mean() == pytest.approx(succeeded.mean(), abs=0.1)
    assert np.mean(chance > 0.5) > 0.8


def test_the_chance_is_that_of_a_label_above_0(rng):
    known, new = rng.integers(4, size=(40, 8)), rng.integers(4, size=(30, 8))
    labels = np.where(rule(known), 1.0, -1.0)
    process = GaussianProcess.fit(positions(known), (labels - labels.mean()) / labels.std())
    posterior = process.posterior(positions(new))  # of every part with its scale
    std = labels.std() * np.sqrt(posterior.variance + process.kernel.noise)
    expected = stats.norm.cdf((labels.mean() + labels.std() * posterior.mean) / std)
    feasibility = Feasibility.fit(positions(known), rule(known))
    chance = np.exp(feasibility.log_chance(positions(new)))
    np.testing.assert_allclose(chance, expected, rtol=1e-6)
    np.testing.assert_allclose(
        feasibility.log_odds(positions(new)), np.log(expected / (1 - expected)), rtol=1e-3
    )


@pytest.mark.parametrize(("successes", "failures"), [(1, 1), (3, 6), (30, 4), (4, 30), (30, 30)])
def test_half_of_what_is_kept_failed_where_as_many_did(successes, failures, rng):
    succeeded = rng.permutation([True] * successes + [False] * failures)
    kept = balanced(succeeded, 10)
    assert len(kept) == min(10, successes + failures)
    assert (np.diff(kept) > 0).all()
    failed = np.count_nonzero(~succeeded[kept])
    assert failed == min(failures, max(5, 10 - successes))
    assert failed < len(kept)
    for kind in (True, False):  # the latest
        of_kind = [i for i in kept if succeeded[i] == kind]
        assert of_kind == np.flatnonzero(succeeded == kind)[-len(of_kind) :].tolist()


def test_of_thousands_a_few_hundred_are_observed_and_rare_failures_are_among_them(rng):
    known, new = rng.integers(4, size=(6000, 8)), rng.integers(4, size=(400, 8))
    known = known[rule(known) | (rng.random(6000) < 0.1)][:4000]
    feasibility = Feasibility.fit(positions(known), rule(known))
    assert len(feasibility.process.targets) == MAX_OBSERVED
    assert np.mean((feasibility.log_chance(positions(new)) > np.log(0.5)) == rule(new)) > 0.97


def test_the_expected_rank_is_that_of_a_coin():
    predicted, chance = stats.norm.ppf([0.9, 0.5, 0.9]), np.array([1.0, 1.0, 0.5])
    np.testing.assert_allclose(np.exp(log_expected_rank(predicted, np.log(chance))), [0.9, 0.5, 0.45])
