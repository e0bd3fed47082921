"""The curves of a comparison show what was found, and its page and picture are there."""

import dataclasses
import struct

import numpy as np
import pytest

from nao.compare import Comparison, Runs
from nao.compare.tables import TOP, tops
from nao.report.comparison_page import Names, draw
from nao.report.curves import PLACES, figures
from nao.report.page.theme import LIGHT
from nao.report.tables import number

NAMES = Names("a < b", "valid", "test")


def comparison(labels=("nao", "random"), optimum=1.0, repeats=6, budget=40):
    """Runs that rise to the optimum, the first strategy faster."""
    rng = np.random.default_rng(0)
    runs = {}
    for i, label in enumerate(labels):
        signal = rng.random((repeats, budget)) ** (i + 1)
        signal[:, 20:] = np.maximum(signal[:, 20:], float(i == 0))
        runs[label] = Runs(signal, 100 * signal, np.cumsum(np.ones_like(signal), axis=1))
    return Comparison(budget, optimum, None, runs)


def with_random(**settings):
    return dataclasses.replace(comparison(**settings), random="random")


def drawn(found):
    """The figures of a comparison, by their names."""
    return {figure.name: figure for figure in figures(found, NAMES.signal, NAMES.report)}


def curve(figure, label):
    """The columns of one strategy, as arrays."""
    data = figure.data[figure.name]
    ours = [i for i, strategy in enumerate(data["strategy"]) if strategy == label]
    return {name: np.array([data[name][i] for i in ours], float) for name in ("m", "mean", "low", "high")}


@pytest.fixture
def page(tmp_path):
    draw(comparison(), tmp_path / "curves.html", NAMES)
    return (tmp_path / "curves.html").read_text()


def test_the_picture_is_a_png_of_two_panels(tmp_path):
    draw(comparison(), tmp_path / "two.html", NAMES)
    draw(comparison(optimum=None), tmp_path / "one.html", NAMES)
    two, one = _size(tmp_path / "two.png"), _size(tmp_path / "one.png")
    assert two[0] > 1.5 * one[0]
    assert abs(two[1] - one[1]) < 40


def _size(file):
    """Width and height of a PNG in pixels."""
    content = file.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


def test_the_lines_are_the_means():
    found = comparison()
    both = drawn(found)
    for label, runs in found.runs.items():
        line = curve(both["scores"], label)
        np.testing.assert_allclose(line["mean"], runs.best_reported.mean(axis=0), rtol=1e-5)
        assert (line["low"] <= line["mean"]).all()
        assert (line["mean"] <= line["high"]).all()
    first, second = (curve(both["regret"], label) for label in found.runs)
    # All runs of the first are at the optimum from query 21 on: the line ends in a dot at query 20.
    expected = 1 - found.runs["nao"].best_signal.mean(axis=0)[:20]
    np.testing.assert_allclose(first["mean"][:20], expected, rtol=1e-5)
    assert np.isnan(first["mean"][20:]).all()
    ends = both["regret"].data["regret-ends"]
    assert (ends["m"], ends["strategy"]) == ([20], ["nao"])
    assert not np.isnan(second["mean"]).any()
    assert both["regret"].spec["layer"][1]["encoding"]["y"]["scale"]["type"] == "log"


def test_below_them_is_how_far_the_best_are_above_those_of_random_search():
    found = with_random()
    signal = {label: np.sort(runs.signal, axis=1)[:, ::-1] for label, runs in found.runs.items()}
    for k in TOP:
        ours, randoms = (curve(drawn(found)[f"gap-{k}"], label) for label in found.runs)
        expected = (signal["nao"] - signal["random"])[:, :k].mean()
        assert ours["mean"][-1] == pytest.approx(expected, rel=1e-5)
        assert ours["m"].tolist() == [m for m in (1, 2, 5, 10, 20, 30, 40) if m >= k]
        assert not randoms["mean"].any()


@pytest.mark.parametrize("settings", [{"optimum": None}, {"budget": 3}, {"repeats": 1}], ids=str)
def test_the_page_has_the_gaps_too(settings, tmp_path):
    found = with_random(**settings)
    draw(found, tmp_path / "curves.html", NAMES)
    page = (tmp_path / "curves.html").read_text()
    assert "valid of the best k, above random search" in page
    last = [row for row in tops(found) if (row.strategy, row.k, row.m) == ("nao", 1, found.budget)]
    cells = f"<td>1</td><td>{last[0].mean:.4f}</td><td>{number(last[0].gap, 4)}</td>"
    assert f'<td class="words">nao</td>{cells}' in page


def test_every_strategy_looks_different():
    labels = [f"s{i}" for i in range(len(LIGHT.series) + 2)]
    encoding = drawn(comparison(labels))["scores"].spec["layer"][1]["encoding"]
    assert encoding["color"]["scale"]["domain"] == labels
    dashes = encoding["strokeDash"]["scale"]["range"]
    looks = {(LIGHT.series[i % len(LIGHT.series)], tuple(dash)) for i, dash in enumerate(dashes)}
    assert len(looks) == len(labels)


def test_a_long_curve_has_no_more_places_than_can_be_seen():
    line = curve(drawn(comparison(budget=3000))["scores"], "nao")
    assert len(line["m"]) == PLACES
    assert [line["m"][0], line["m"][-1]] == [1, 3000]


@pytest.mark.parametrize(
    "settings",
    [{"repeats": 1}, {"budget": 1, "optimum": None}, {"budget": 1}, {"labels": ("alone",)}],
    ids=str,
)
def test_small_comparisons_can_be_drawn(settings, tmp_path):
    draw(comparison(**settings), tmp_path / "curves.html", NAMES)


def test_runs_that_begin_at_the_optimum_can_be_drawn(tmp_path):
    best = np.ones((2, 5))
    found = Comparison(5, 1.0, None, dict.fromkeys(("nao", "random"), Runs(best, best, best)))
    draw(found, tmp_path / "curves.html", NAMES)


def test_what_is_above_the_optimum_has_no_regret():
    signal = np.array([[0.0, 2.0, 2.0], [0.0, 0.5, 0.5]])
    found = Comparison(3, 1.0, None, {"nao": Runs(signal, signal, signal)})
    assert curve(drawn(found)["regret"], "nao")["mean"].tolist() == [1.0, 0.25, 0.25]


def test_dollars_in_names_are_drawn_as_they_stand(tmp_path):
    draw(comparison(), tmp_path / "curves.html", Names("a^$^b", "$^$", "x_$"))
    assert "a^$^b" in (tmp_path / "curves.html").read_text()


def test_nothing_that_succeeded_can_be_drawn(tmp_path):
    nothing = np.full((2, 5), np.nan)
    draw(Comparison(5, 1.0, None, {"nao": Runs(nothing, nothing, nothing)}), tmp_path / "curves.html", NAMES)


def test_the_page_has_the_curves_and_the_numbers(page):
    mean = comparison().runs["nao"].best_reported[:, -1].mean()
    assert page.count('<div class="chart"') == 2
    assert f'<td class="words">nao</td><td>{mean:.4f}</td>' in page
    assert "nao minus random" in page
    assert "After 40 queries" in page
    assert "<title>a &lt; b</title>" in page


def test_the_same_comparison_is_the_same_file(page, tmp_path):
    picture = (tmp_path / "curves.png").read_bytes()
    draw(comparison(), tmp_path / "curves.html", NAMES)
    assert (tmp_path / "curves.html").read_text() == page
    assert (tmp_path / "curves.png").read_bytes() == picture


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (
            {
                "evaluator": {
                    "table": "t",
                    "file": "t.csv",
                    "signal": "v",
                    "report": "w",
                    "space": {"space": "s"},
                }
            },
            Names("t, t.csv", "v", "w"),
        ),
        (
            {"evaluator": {"space": {"space": "s"}, "data": {"name": "digits"}}},
            Names("s on digits", "validation score", "test score"),
        ),
        (
            {"evaluator": "a class of the user's own"},
            Names("a space on its data", "validation score", "test score"),
        ),
    ],
)
def test_names_follow_from_the_settings(settings, names):
    assert Names.of(settings) == names
