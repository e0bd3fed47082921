"""The report of a search is whole for every search, at every moment, and shows what was found."""

import dataclasses
import functools
import itertools
import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import nao
from nao import cli
from nao.core import Architecture, InputError, Proposal, Request, Result, Trial
from nao.report.figures import (
    attribution,
    best_so_far,
    calibration,
    cells,
    cost,
    embedding_map,
    iterations,
    predictions,
    summary,
    trials,
)
from nao.report.search_page import report
from nao.spaces import space
from nao.study import History
from nao.study.history import Iteration
from nao.study.recorded import RecordedSpace
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

SPACE = PairSpace()
FIGURES = ("best-so-far", "iterations", "predictions", "map", "tokens", "positions", "time")


@dataclasses.dataclass
class Searched:
    """A search, and the models of its iterations."""

    history: History
    models: dict


@pytest.fixture(scope="module")
def searched():
    encoder = LinearEncoder()
    history = nao.optimize(
        SPACE, SumEvaluator(), encoder, seeds=5, initial=12, new=6, iterations=2, confirm="3x2"
    )
    fits = [functools.partial(LinearEncoder().fit, SPACE, *fit[:2], seed=fit[2]) for fit in encoder.fits]
    return Searched(history, dict(enumerate(fits, start=1)))


@pytest.fixture(scope="module")
def page(searched):
    return report(searched.history, searched.models, "a & b")


def content(text):
    """The JSON of a page."""
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', text)[1])


def trial(i, score, origin="random", iteration=0, parent=None, predicted=None):
    architecture = Architecture(tuple(int(digit) for digit in np.base_repr(i, 4).zfill(8)), SPACE)
    proposal = Proposal(architecture, origin, parent, predicted=predicted)
    failure = {"status": "failed", "reason": f"loss is nan at step {i}"} if score is None else {}
    result = Result(Request(architecture), score, device="cpu:0", seconds=1.0, **failure)
    return Trial(i, iteration, proposal, i, (result,))


class TestExpectation:
    def test_it_is_the_mean_over_all_draws(self):
        scores = np.array([3.0, 1.0, 4.0, 1.5, 9.0])
        m = np.array([1, 2, 3, 5])
        draws = [[max(draw) for draw in itertools.combinations(scores, n)] for n in m]
        expected = [np.mean(draw) for draw in draws]
        np.testing.assert_allclose(best_so_far.expected_best(scores, 5, m), expected)

    def test_failures_are_below_every_score(self):
        scores, m = np.array([3.0, 1.0, 4.0]), np.array([1, 2, 3, 5])
        everything = [-np.inf, -np.inf, *scores]
        draws = [[max(draw) for draw in itertools.combinations(everything, n)] for n in m]
        expected = [np.mean([best for best in draw if np.isfinite(best)]) for draw in draws]
        np.testing.assert_allclose(best_so_far.expected_best(scores, 5, m), expected)

    def test_it_ends_at_the_best_of_large_pools(self):
        scores = np.random.default_rng(0).normal(size=20_000)
        m = best_so_far.places(20_000)
        found = best_so_far.expected_best(scores, 20_000, m)
        assert found[0] == pytest.approx(scores.mean())
        assert found[-1] == pytest.approx(scores.max())
        assert (np.diff(found) > 0).all()
        assert len(m) <= best_so_far.PLACES

    def test_the_pool_is_what_the_search_began_with(self):
        found = [trial(0, 1.0), trial(1, None), trial(2, 3.0, "ascent", 1), trial(3, 4.0, "random", 1)]
        assert best_so_far.random_pool(found) == found[:2]
        assert best_so_far.random_pool(found[:2]) == found[:2]
        assert best_so_far.random_pool(found[2:]) == []


def test_the_best_so_far_counts_failures_and_rises():
    found = [trial(0, None), trial(1, 2.0), trial(2, 1.0), trial(3, None), trial(4, 5.0)]
    assert trials.best_so_far(found) == [None, 2.0, 2.0, 2.0, 5.0]
    figure = best_so_far.figure(found, trials.columns(found))
    assert figure.data["steps"] == {"m": [2, 5, 5], "best": [2.0, 5.0, 5.0]}
    assert figure.data["trials"]["score"] == [None, 2.0, 1.0, None, 5.0]


def test_few_bad_scores_do_not_flatten_the_axis():
    good = [trial(i, 0.9 + i / 1000) for i in range(97)]
    scale, below = best_so_far.score_scale([*good, trial(97, 0.1), trial(98, -50.0)])
    assert 0.8 < scale["domain"][0] < 0.91
    assert scale["domain"][1] > 0.996
    assert below == 2
    assert best_so_far.score_scale(good)[1] == 0
    assert best_so_far.score_scale([trial(0, None)]) == ({}, 0)


def test_iterations_are_shown_beside_their_seeds(searched):
    data = iterations.figure(searched.history).data["sets"]
    rows = searched.history.summary()["iterations"]
    for key in ("seeds_mean", "seeds_believed", "predicted", "mean", "best"):
        name = iterations.SERIES[key][0]
        values = {s: v for s, n, v in zip(*data.values(), strict=True) if n == name}
        assert [values[1], values[2]] == pytest.approx([row[key] for row in rows], rel=1e-3)


def test_predictions_are_compared_set_by_set(searched):
    found = trials.evaluated(searched.history)
    figure = predictions.figure(found, trials.columns(found))
    assert [row[0] for row in figure.table.rows] == ["1", "2", "all"]
    pairs = [
        (t.proposal.predicted, t.score)
        for t in found
        if t.proposal.predicted is not None and t.score is not None
    ]
    assert figure.table.rows[-1][1] == str(len(pairs))
    rmse = np.sqrt(np.mean([(p - s) ** 2 for p, s in pairs]))
    assert float(figure.table.rows[-1][4]) == pytest.approx(rmse, abs=1e-4)
    domain = figure.spec["layer"][1]["encoding"]["color"]["scale"]["domain"]
    assert domain == [1, 2]  # numbers, as in the data
    assert predictions.figure([trial(0, 1.0)], {}) is None


class TestCalibration:
    def test_coverage_of_uniform_quantiles_is_the_level(self):
        figure = calibration.coverage_figure({1: (np.arange(1000) + 0.5) / 1000})
        assert figure.data["coverage"]["share"] == pytest.approx(figure.data["coverage"]["level"])
        assert figure.table.rows[-1] == ["all", "1,000", "50%", "80%", "95%"]

    def test_the_figures_count_every_score(self):
        sets = {1: np.array([0.01, 0.5, 0.99, 1.0]), 3: np.array([0.0, 0.55])}
        coverage, histogram = calibration.figures(sets)
        assert sum(histogram.data["quantiles"]["count"]) == 6
        assert [row[-1] for row in histogram.table.rows] == ["2", "0", "0", "0", "0", "2", "0", "0", "0", "2"]
        assert [row[:2] for row in coverage.table.rows] == [["1", "4"], ["3", "2"], ["all", "6"]]
        assert calibration.figures({}) == []

    def test_an_f_that_does_not_know_how_sure_it_is_has_none(self, page):
        assert "this f does not know how sure it is" in page


def test_arrows_go_from_seeds_to_the_best_that_became_of_them():
    seeds = [trial(0, 1.0), trial(1, 2.0)]
    parent, stranger = seeds[0].architecture, trial(99, 0.0).architecture
    children = [trial(2 + i, float(i), "ascent", 1, parent) for i in range(embedding_map.MOST_ARROWS + 5)]
    found = [*seeds, *children, trial(80, 9.0, "ascent", 2, stranger)]
    where = np.arange(2.0 * len(found)).reshape(-1, 2)
    arrows = embedding_map.arrow_columns(found, where)
    assert len(arrows["x"]) == embedding_map.MOST_ARROWS
    assert set(arrows["set"]) == {1}
    assert (arrows["x"][0], arrows["y"][0]) == (0.0, 1.0)
    best = found.index(children[-1])
    assert (arrows["x2"][0], arrows["y2"][0]) == tuple(where[best])


def test_tokens_and_positions_contribute_the_means():
    best = [trial(0, 1.0), trial(1, 2.0)]  # aaaaaaaa and aaaaaaab
    found = np.zeros((2, 8))
    found[:, 0], found[1, 7] = (1.0, 3.0), 5.0
    tokens, positions = attribution.figures(best, found, SPACE.vocabulary)
    assert dict(zip(tokens.data["tokens"]["token"], tokens.data["tokens"]["contribution"], strict=True)) == {
        "b": 5.0,
        "a": pytest.approx(4 / 15, rel=1e-3),
    }
    assert positions.data["positions"]["contribution"] == [2.0, 0, 0, 0, 0, 0, 0, 2.5]
    assert positions.data["positions"]["token"][0] == "1  a"


def test_the_answer_is_drawn_first_and_then_the_best(searched):
    best = cells.best(searched.history)
    assert best[0] is searched.history.best
    scores = [each.score for each in best[1:]]
    assert len(best) == cells.MOST
    assert scores == sorted(scores, reverse=True)


def test_the_paragraph_says_what_was_searched_and_found(searched, page):
    text = summary.paragraph(searched.history).text
    found = searched.history.summary()
    assert text.startswith("The space pairs, 65,536 strings, was searched by nao")
    assert f"M = {found['evaluations']}." in text
    assert f"scores {found['best']['score']:.4f} in validation, the mean of 2 new trainings" in text
    assert f"Measured beside it: loss {found['best']['metrics']['loss']:.4g}." in text
    assert text.endswith("Complete.")
    assert "Search a &amp; b" in page


def test_time_is_added_up_and_energy_says_how_it_was_estimated():
    history = History(SPACE, {}, {}, "", {}, [], [trial(0, 1.0), trial(1, None)])
    text, table = cost.energy_parts(history)
    assert text.text.startswith("Estimated, not measured")
    assert "10 W for a core of a processor" in text.text
    assert "1/" in text.text
    assert table.rows[0][:3] == ["cpu", "2.0 s", "10"]
    assert "3.0 times as much" in cost.compared(3 * 1984.0)
    (sentence,) = cost.energy_parts(dataclasses.replace(history, trials=[]))
    assert "Nothing is known" in sentence.text


def measured(i, device, joules):
    """A trial whose child took that energy."""
    known = trial(i, 1.0)
    result = dataclasses.replace(known.result, device=device, metrics=joules)
    return dataclasses.replace(known, results=(result,))


class TestMeasuredEnergy:
    HERE = (measured(0, "cpu:0", {"joules_rapl": 25.0}), measured(1, "cpu:1", {"joules_rapl": 35.0}))
    OWN = Iteration(0, {}, {}, 3.0, cpu_seconds=6.0)

    def energy(self, *trials, iterations=()):
        history = History(SPACE, {}, {}, "", {}, [*iterations], [*trials])
        *texts, table = cost.energy_parts(history)
        (fact,) = [fact for fact in summary.facts(history).facts if fact[0].startswith("Energy")]
        return " ".join(each.text for each in texts), table.rows, fact

    def test_all_of_it(self):
        text, rows, (name, amount, remark) = self.energy(*self.HERE)
        assert text.startswith("What children drew is measured")
        assert "by the counters of the processors' packages (RAPL)." in text
        assert "estimated" not in text.lower()
        assert [row[:3] for row in rows] == [["cpu, measured", "2.0 s", "30"], ["all", "", ""]]
        assert float(rows[-1][3]) == pytest.approx(1.58 * 60 / 3.6e6, rel=0.01)
        assert (name, amount) == ("Energy, measured", "0.0263 Wh")
        assert remark == "0.0114 g of CO2"

    def test_the_strategy_computes_on_the_same_machine(self):
        text, rows, (name, _, remark) = self.energy(*self.HERE, iterations=[self.OWN])
        assert "The rest, what the strategy itself computed included, is estimated." in text
        assert "counted twice" in text
        assert [row[0] for row in rows] == ["cpu, measured", "cpu, estimated", "all"]
        assert (name, remark[:13]) == ("Energy, partly measured", "50% measured,")

    def test_a_host_that_tells_and_one_that_does_not(self):
        text, rows, (name, _, _) = self.energy(*self.HERE, trial(2, 1.0))
        assert "The rest is estimated." in text
        assert "10 W for a core of a processor" in text
        assert "counted twice" not in text
        assert [row[:2] for row in rows[:2]] == [["cpu, measured", "2.0 s"], ["cpu, estimated", "1.0 s"]]
        assert name == "Energy, partly measured"

    def test_cards_do_not_see_the_strategy(self):
        card = measured(0, "there cuda:0", {"joules_nvml": 400.0})
        text, rows, _ = self.energy(card, measured(1, "table", {}), iterations=[self.OWN])
        assert "of the graphics cards alone (NVML)" in text
        assert "counted twice" not in text
        assert [row[0] for row in rows] == ["cpu, estimated", "gpu, measured", "table", "all"]
        assert "Not counted, as nothing is known of the device: table." in text

    def test_a_child_that_failed_has_drawn_as_much(self):
        failed = trial(0, None)
        result = dataclasses.replace(failed.result, metrics={"joules_rapl": 50.0})
        _, rows, _ = self.energy(dataclasses.replace(failed, results=(result,)))
        assert rows[0][:3] == ["cpu, measured", "1.0 s", "50"]


def test_failures_have_their_reasons(page):
    history = History(SPACE, {}, {}, "", {}, [], [trial(i, None) for i in range(3)])
    _, table = cost.failure_parts(history)
    assert table.rows == [["loss is nan at step 0", "3"]]
    assert "diverged" in page
    (sentence,) = cost.failure_parts(dataclasses.replace(history, trials=[]))
    assert sentence.text == "No training has failed."


class TestReport:
    def test_it_has_every_figure(self, page, searched):
        found = content(page)
        assert [name for name in FIGURES if name in found["charts"]] == [*FIGURES]
        assert len(found["data"]["trials"]["m"]) == searched.history.evaluated
        assert all(found["data"]["trials"]["graph"])
        assert page.count('class="nao-drawing"') == cells.MOST
        assert page.count("<style>") == 1

    def test_the_same_search_has_the_same_report(self, page, searched):
        assert report(searched.history, searched.models, "a & b") == page

    @pytest.mark.parametrize("evaluated", [0, 1, 2, 12, 15, 18, 20])
    def test_it_can_be_made_at_any_moment(self, evaluated, searched):
        history = searched.history
        so_far = [t if t.id < evaluated else dataclasses.replace(t, results=()) for t in history.trials[:18]]
        so_far = [dataclasses.replace(t, repeats=()) for t in so_far]
        running = dataclasses.replace(
            history, trials=so_far, iterations=history.iterations[:2], confirmations=[]
        )
        text = report(running, {1: searched.models[1]}, "running")
        assert "Not finished" in text
        assert ("best-so-far" in content(text)["charts"]) == (evaluated > 0)

    def test_before_anything_is_proposed(self, searched):
        history = dataclasses.replace(searched.history, trials=[], iterations=[], confirmations=[])
        assert "None has a score yet" in report(history, {}, "new")

    def test_without_models_it_says_why(self, searched):
        assert "no longer in its folder" in report(searched.history, {}, "no models")
        history = searched.history
        begun = dataclasses.replace(history, iterations=history.iterations[:1], trials=history.of(0))
        assert "no model has been fitted yet" in report(begun, {}, "begun")
        other = dataclasses.replace(searched.history, configuration={"strategy": {"name": "evolution"}})
        assert "by evolution, which has no encoder" in report(other, {}, "evolution")

    def test_a_damaged_model_is_named(self, searched):
        def damaged():
            raise InputError("models/2.npz is damaged")

        text = report(searched.history, {1: damaged, 2: damaged}, "damaged")
        assert text.count("Left out: models/2.npz is damaged.") == 1
        assert "Calibration is left out: models/2.npz is damaged." in text

    def test_everything_failed(self, searched):
        failed = [trial(i, None) for i in range(5)]
        history = dataclasses.replace(
            searched.history, trials=failed, iterations=searched.history.iterations[:1], confirmations=[]
        )
        text = report(history, searched.models, "failed")
        assert "None has a score yet" in text
        assert "map" not in content(text)["charts"]

    def test_a_space_of_the_users_own_has_strings_and_no_drawings(self, searched):
        texts = {t.architecture.tokens: str(t.architecture) for t in searched.history.trials}
        own = RecordedSpace("mine <b>", {}, texts)
        moved = [
            dataclasses.replace(
                t,
                proposal=dataclasses.replace(
                    t.proposal, architecture=Architecture(t.architecture.tokens, own)
                ),
            )
            for t in searched.history.trials
        ]
        history = dataclasses.replace(searched.history, space=own, trials=moved)
        text = report(history, searched.models, "own")
        assert "a class of the user&#x27;s own" in text
        assert "nao-drawing" not in text
        assert "mine &lt;b&gt;" in text

    def test_a_large_search_is_below_5_mb(self):
        where = space("cnn-cell-small")
        tokens = where.grammar.sample(np.random.default_rng(0), 2000).tolist()
        rng = np.random.default_rng(0)
        found = []
        for i, x in enumerate(tokens):
            architecture = Architecture(tuple(x), where)
            result = Result(Request(architecture), rng.random())
            found.append(Trial(i, 0, Proposal(architecture, "random"), i, (result,)))
        graphs = trials.columns(found, ["1:" + "abc" * 15 + " 2:" + "abc" * 15] * 2000, rng.random((2000, 2)))
        # The library and the words of a page are about 1.1 MB.
        assert 10 * len(json.dumps(graphs)) < 3_900_000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a search."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    how = {"seeds": 5, "initial": 8, "new": 4, "iterations": 1, "confirm": "none"}
    nao.optimize(SPACE, SumEvaluator(), LinearEncoder(), out=folder, **how)
    return folder


class TestCommand:
    def call(self, *arguments):
        return CliRunner().invoke(cli.app, ["report", *map(str, arguments)])

    def test_it_writes_into_the_folder_and_says_where(self, run):
        result = self.call(run)
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{run / 'report.html'}\n"
        # The encoder is a class of the test's own: the report says that it cannot be made again.
        assert "Left out: " in (run / "report.html").read_text()

    def test_it_writes_where_it_is_told(self, run, tmp_path):
        assert self.call(run, "--out", tmp_path / "x.html").exit_code == 0
        assert "Search one" in (tmp_path / "x.html").read_text()

    @pytest.mark.parametrize(
        ("out", "said"),
        [("study.sqlite", "a report is an HTML file"), ("nowhere/x.html", "there is no folder")],
    )
    def test_it_refuses_what_is_no_place_for_a_page(self, out, said, run):
        result = self.call(run, "--out", run / out)
        assert result.exit_code != 0
        assert said in result.stderr
        assert (run / "study.sqlite").stat().st_size > 1000

    def test_there_is_no_search(self, tmp_path):
        result = self.call(tmp_path / "none")
        assert result.exit_code != 0
        assert "no study" in result.stderr
