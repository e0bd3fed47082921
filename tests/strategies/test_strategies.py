"""What every strategy must do, and what NAO does beyond it."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from nao.core import InputError, Request, Strategy
from nao.spaces import SPACES
from nao.strategies import NAO
from nao.strategies.known import Known, first
from nao.strategies.named import STRATEGIES, strategy
from tests.fakes import LinearEncoder, LinearFit, PairSpace, SumEvaluator

SPACE = PairSpace()
# Parameters under which the rounds below lead beyond the random architectures of the beginning.
PARAMETERS = {
    "evolution": {"population": 20, "sample": 5},
    "q-learning": {"budget": 40},
}


def named(name):
    """A function that makes a strategy from a space and a seed."""
    return lambda space=SPACE, seed=0: strategy(name, space, seed=seed, **PARAMETERS.get(name, {}))


MAKERS = {
    **{name: named(name) for name in STRATEGIES},
    "nao-predicted": lambda space=SPACE, seed=0: NAO(space, LinearEncoder(), seeds=10, seed=seed),
    "nao-first": lambda space=SPACE, seed=0: NAO(space, LinearEncoder(), seeds=10, choose="first", seed=seed),
}


def evaluate(proposals):
    """Results in the order of the proposals, some of them failures."""
    evaluator = SumEvaluator()
    return [evaluator.result(Request(p.architecture, 2 * i)) for i, p in enumerate(proposals)]


def played(strategy, rounds=3, n=30):
    """Proposals, states and results of some rounds."""
    history = []
    for _ in range(rounds):
        proposals = strategy.ask(n)
        results = evaluate(proposals)
        history.append((proposals, strategy.state(), results))
        strategy.tell(results)
    return history


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_plays_on_every_space(name, space):
    strategy, keys = named(name)(space), []
    for n in (12, 8, 8):
        proposals = strategy.ask(n)
        assert len(proposals) == n
        assert all(space.grammar.fault(p.architecture.tokens) is None for p in proposals)
        keys += [space.canonical(p.architecture) for p in proposals]
        strategy.tell(evaluate(proposals))
    assert len(set(keys)) == 28


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
class TestContract:
    def test_is_a_strategy(self, make):
        assert isinstance(make(), Strategy)
        assert make().space is SPACE

    def test_begins_with_the_same_random_architectures_as_all_others_however_it_is_asked(self, make):
        expected = first(SPACE, 0, 5)
        at_once, one_by_one = make(), make()
        assert [p.architecture for p in at_once.ask(5)] == expected
        assert [p.architecture for _ in range(5) for p in one_by_one.ask(1)] == expected

    def test_proposals_are_legal_and_as_many_as_asked(self, make):
        for proposals, _, _ in played(make()):
            assert len(proposals) == 30
            for proposal in proposals:
                assert SPACE.grammar.fault(proposal.architecture.tokens) is None
                assert len(proposal.architecture.tokens) == SPACE.length

    def test_no_architecture_comes_twice_in_any_of_its_strings(self, make):
        keys = [SPACE.canonical(p.architecture) for proposals, _, _ in played(make()) for p in proposals]
        assert len(keys) == len(set(keys)) == 90

    def test_never_proposes_what_it_was_told(self, make):
        strategy, other = make(), make(seed=5)
        told = evaluate(other.ask(60))
        # Told in another string of the same architecture.
        told = [
            dataclasses.replace(r, request=Request(next(SPACE.symmetric(r.architecture), r.architecture)))
            for r in told
        ]
        strategy.tell(told)
        keys = {SPACE.canonical(result.architecture) for result in told}
        assert not keys & {SPACE.canonical(p.architecture) for p in strategy.ask(200)}

    def test_same_seed_same_proposals_and_another_seed_others(self, make):
        assert played(make()) == played(make())
        first, other = played(make())[0][0], played(make(seed=1))[0][0]
        assert {p.architecture for p in first} != {p.architecture for p in other}

    def test_restored_and_told_again_it_goes_on_as_if_never_stopped(self, make):
        strategy = make()
        history = played(strategy)
        again = make()
        for _, _, results in history[:-1]:
            again.tell(results)
        again.restore(json.loads(json.dumps(history[-1][1])))
        again.tell(history[-1][2])
        assert again.ask(30) == strategy.ask(30)
        assert again.state() == strategy.state()

    def test_restored_between_small_steps_too(self, make):
        strategy, again = make(), make()
        for n in (12, 5, 1, 1, 9, 7, 1, 5, 3):
            proposals = strategy.ask(n)
            again.restore(json.loads(json.dumps(strategy.state())))
            for each in (strategy, again):
                each.tell(evaluate(proposals))
            assert again.batch == strategy.batch
        assert again.ask(8) == strategy.ask(8)

    def test_batch_is_how_many_it_wants_to_propose_now(self, make):
        strategy = make()
        for _ in range(8):
            n = strategy.batch
            assert type(n) is int
            assert n >= 1
            proposals = strategy.ask(min(n, 60))
            assert len(proposals) == min(n, 60)
            strategy.tell(evaluate(proposals))

    def test_diagnostics_are_numbers(self, make):
        strategy = make()
        played(strategy)
        numbers = strategy.diagnostics()
        assert all(isinstance(name, str) and isinstance(x, int | float) for name, x in numbers.items())

    def test_results_that_all_failed_are_no_obstacle(self, make):
        strategy = make()
        proposals = strategy.ask(20)
        failed = [dataclasses.replace(r, score=None, status="failed") for r in evaluate(proposals)]
        strategy.tell(failed)
        more = strategy.ask(20)
        assert len({SPACE.canonical(p.architecture) for p in [*proposals, *more]}) == 40

    def test_finds_every_architecture_of_a_small_space_and_then_no_more(self, make):
        space = PairSpace(letters=3, length=4)
        strategy = make(space)
        found = []
        while proposals := strategy.ask(7):
            found += [space.canonical(p.architecture) for p in proposals]
            evaluator = SumEvaluator(space, failing=())
            strategy.tell([evaluator.result(Request(p.architecture, 1)) for p in proposals])
        assert len(found) == len(set(found)) == space.classes == 36

    def test_configuration_is_json_and_tells_seeds_apart(self, make):
        assert json.dumps(make().configuration()) == json.dumps(make().configuration())
        assert make().configuration() != make(seed=1).configuration()


class TestByName:
    def test_passes_seed_and_parameters_on(self):
        evolution = strategy("evolution", SPACE, seed=3, population=7, sample=2)
        assert evolution.configuration() == {"name": "evolution", "population": 7, "sample": 2, "seed": 3}

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_the_name_is_the_one_in_the_configuration(self, name):
        assert strategy(name, SPACE).configuration()["name"] == name

    def test_a_whole_number_will_do_for_a_real_one(self):
        assert strategy("q-learning", SPACE, alpha=1).configuration()["alpha"] == 1.0

    @pytest.mark.parametrize(
        ("name", "parameters", "message"),
        [
            (
                "evolutoin",
                {},
                "no strategy 'evolutoin'; beside nao, the strategies are random, local-search, evolution",
            ),
            ("evolution", {"size": 3}, "evolution has no parameter 'size'; it has population, sample$"),
            ("random", {"size": 3}, "random has no parameter 'size'; it has none$"),
            ("evolution", {"population": "many"}, "evolution.population must be of type int, not 'many'$"),
            ("evolution", {"population": 2.5}, "evolution.population must be of type int, not 2.5$"),
            ("evolution", {"sample": 10**20}, r"evolution.sample must be a number within \+-1,000,000,000"),
            ("q-learning", {"start": float("inf")}, r"q-learning.start must be a number within \+-1,000,"),
            ("evolution", {"sample": True}, "evolution.sample must be of type int, not True$"),
            ("evolution", {"sample": 0}, "sample must be at least 1, not 0$"),
            ("evolution", {"population": -1}, "population must be at least 1, not -1$"),
            ("local-search", {"initial": 0}, "initial must be at least 1, not 0$"),
            ("gp", {"initial": 0}, "initial must be at least 1, not 0$"),
            ("gp", {"proposals": 0}, "proposals must be at least 1, not 0$"),
            ("progressive", {"beam": 0}, "beam must be at least 1, not 0$"),
            ("progressive", {"block": 0}, "block must be at least 1, not 0$"),
        ],
    )
    def test_says_in_one_line_what_is_wrong(self, name, parameters, message):
        with pytest.raises(InputError, match=message) as error:
            strategy(name, SPACE, **parameters)
        assert "\n" not in str(error.value)

    def test_finding_the_names_imports_neither_jax_nor_scikit_learn(self):
        program = "import sys, nao, nao.strategies; print(sorted({'jax', 'sklearn'} & set(sys.modules)))"
        printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert printed.stdout == "[]\n"


def test_first_is_the_beginning_of_any_longer_one():
    long = first(SPACE, 4, 150)
    assert len({SPACE.canonical(x) for x in long}) == 150
    for n in (0, 1, 63, 64, 65):
        assert first(SPACE, 4, n) == long[:n]
    assert first(SPACE, 5, 20) != long[:20]


def test_known_draws_uniformly():
    space = PairSpace(letters=2, length=2)  # aa, ab = ba, bb
    rng = np.random.default_rng(0)
    counts = dict.fromkeys(("00", "01", "11"), 0)
    for _ in range(2000):
        counts[space.canonical(Known(space).draw(rng, 1)[0])] += 1
    assert abs(counts["01"] - 1000) < 4 * np.sqrt(2000 / 4)
    assert abs(counts["00"] - 500) < 4 * np.sqrt(2000 * 3 / 16)


class TestNAO:
    def fitted(self, **options):
        """A strategy that has scores, its results, and its encoder."""
        encoder = LinearEncoder(**options.pop("encoder", {}))
        strategy = NAO(SPACE, encoder, **options)
        results = evaluate(strategy.ask(60))
        assert {result.status for result in results} == {"ok", "failed"}
        strategy.tell(results)
        return strategy, results, encoder

    def test_first_it_asks_for_random_architectures(self):
        strategy = NAO(SPACE, LinearEncoder())
        proposals = strategy.ask(5)
        assert [(p.origin, p.parent, p.step, p.predicted) for p in proposals] == [
            ("random", None, None, None)
        ] * 5
        assert strategy.diagnostics() == {}

    def test_fits_to_all_that_succeeded_in_order(self):
        strategy, results, encoder = self.fitted(seeds=10)
        strategy.ask(5)
        tokens, scores, _ = encoder.fits[0]
        succeeded = [r for r in results if r.status == "ok"]
        assert [tuple(row) for row in tokens.tolist()] == [r.architecture.tokens for r in succeeded]
        assert scores.tolist() == [r.score for r in succeeded]

    def test_the_parents_are_the_k_best(self):
        strategy, results, _ = self.fitted(seeds=7, choose="first")
        best = sorted((r for r in results if r.status == "ok"), key=lambda r: -r.score)[:7]
        parents = {p.parent for p in strategy.ask(30) if p.origin == "ascent"}
        assert parents <= {r.architecture for r in best}
        assert strategy.diagnostics()["seeds_mean"] == pytest.approx(np.mean([r.score for r in best]))

    def test_first_takes_what_comes_in_the_order_of_the_steps(self):
        strategy, _, _ = self.fitted(seeds=10, choose="first")
        proposals = [p for p in strategy.ask(12) if p.origin == "ascent"]
        steps = [p.step for p in proposals]
        assert steps == sorted(steps)
        assert steps[0] == 1.0
        assert steps[-1] < 8.0  # it stopped when it had enough

    def test_predicted_takes_the_highest_predictions_of_all_steps(self):
        strategy, results, encoder = self.fitted(seeds=10)
        proposals = [p for p in strategy.ask(12) if p.origin == "ascent"]
        predicted = [p.predicted for p in proposals]
        assert predicted == sorted(predicted, reverse=True)
        # By hand: everything that any step decodes from where it started, scored by f.
        tokens, scores, seed = encoder.fits[0]
        fit = LinearEncoder().fit(SPACE, tokens, scores, seed=seed)
        decoded = {tuple(x) for eta in encoder.steps for x in fit.improve(encoder.starts[0], eta)[0].tolist()}
        known = {SPACE.canonical(r.architecture) for r in results}
        new = {
            x
            for x in decoded
            if SPACE.canonical(dataclasses.replace(proposals[0].architecture, tokens=x)) not in known
        }
        assert {p.architecture.tokens for p in proposals} <= new
        assert strategy.diagnostics()["decoded"] == 10 * len(encoder.steps)

    def test_decoded_architectures_are_better_than_random_ones(self):
        strategy, results, _ = self.fitted(seeds=10)
        decoded = [sum(p.architecture.tokens) for p in strategy.ask(10)]
        assert np.mean(decoded) > np.mean([sum(r.architecture.tokens) for r in results]) + 3

    def test_makes_up_for_too_few_decoded_ones_with_random_ones(self):
        strategy, _, _ = self.fitted(seeds=2, encoder={"steps": (1.0,)})
        origins = [p.origin for p in strategy.ask(20)]
        decoded = origins.count("ascent")
        assert 1 <= decoded <= 2
        assert origins == ["ascent"] * decoded + ["random"] * (20 - decoded)

    def test_more_seeds_than_architectures_takes_them_all(self):
        strategy, _, encoder = self.fitted(seeds=1000, choose="first", encoder={"steps": (1.0,)})
        strategy.ask(1000)
        assert strategy.diagnostics()["decoded"] == len(encoder.fits[0][0])

    @pytest.mark.parametrize(("seeds", "best"), [(1, 1), (9, 5), (10, 5), (1000, None)])
    def test_predicted_starts_from_the_best_half_and_from_random_architectures(self, seeds, best):
        strategy, _, encoder = self.fitted(seeds=seeds)
        for question in range(2):
            strategy.tell(evaluate(strategy.ask(5)))
            tokens, scores, _ = encoder.fits[question]
            top = tokens[np.argsort(-scores, kind="stable")[:best]]
            starts = encoder.starts[question * len(encoder.steps)]
            assert len(starts) == seeds
            np.testing.assert_array_equal(starts[: len(top)], top)
            assert strategy.diagnostics()["seeds_mean"] == pytest.approx(np.sort(scores)[::-1][:best].mean())
        if seeds > 1:  # others at every question
            assert (encoder.starts[0][best or len(scores) :] != starts[best or len(scores) :]).any()

    def test_random_starts_are_parents_too_and_the_same_again(self):
        strategy, results, _ = self.fitted(seeds=1000, encoder={"steps": (1.0,)})
        parents = {p.parent for p in strategy.ask(50) if p.origin == "ascent"}
        assert strategy.diagnostics()["decoded"] == 1000
        assert parents - {r.architecture for r in results}
        again, _, _ = self.fitted(seeds=1000, encoder={"steps": (1.0,)})
        assert {p.parent for p in again.ask(50) if p.origin == "ascent"} == parents

    def test_diagnostics(self):
        strategy, _, _ = self.fitted(seeds=10)
        strategy.ask(5)
        numbers = strategy.diagnostics()
        quality = LinearFit(np.zeros((1, 1)), 0.0, []).quality
        for name in ("pairwise_accuracy", "kendall_tau", "hamming", "held_out"):
            assert numbers[name] == getattr(quality, name)
        assert numbers["fit_seconds"] >= 0
        assert 0 < numbers["share_new"] <= 1

    def test_every_fit_has_the_seed_of_the_search(self):
        # What an encoder learns without scores it can then learn once.
        strategy, _, encoder = self.fitted(seeds=10, seed=3)
        strategy.tell(evaluate(strategy.ask(30)))
        strategy.ask(5)
        assert [seed for _, _, seed in encoder.fits] == [3, 3]

    def test_wants_its_beginning_at_once_and_then_a_few_at_a_time(self):
        strategy = NAO(SPACE, LinearEncoder(), initial=7, proposals=3)
        assert strategy.batch == 7
        strategy.ask(5)
        assert strategy.batch == 2
        strategy.ask(2)
        assert strategy.batch == 3

    @pytest.mark.parametrize("options", [{"seeds": 0}, {"initial": -3}, {"proposals": 0}, {"choose": "best"}])
    def test_refuses_what_makes_no_sense(self, options):
        with pytest.raises(InputError, match=next(iter(options))):
            NAO(SPACE, LinearEncoder(), **options)
