"""The plots of a comparison: they are there, they show what was found, and they load nothing."""

import dataclasses
import re
import struct

import numpy as np
import pytest

from nao.compare import Comparison, Runs
from nao.compare.tables import TOP, tops
from nao.report.curves import COLOURS, draw, figure

NAMES = {"title": "a < b", "signal": "valid", "report": "test"}


def comparison(labels=("nao", "random"), optimum=1.0, repeats=6, budget=40):
    """Runs that rise to the optimum, the first strategy faster."""
    rng = np.random.default_rng(0)
    runs = {}
    for i, label in enumerate(labels):
        signal = rng.random((repeats, budget)) ** (i + 1)
        signal[:, 20:] = np.maximum(signal[:, 20:], float(i == 0))
        runs[label] = Runs(signal, 100 * signal, np.cumsum(np.ones_like(signal), axis=1))
    return Comparison(budget, optimum, None, runs)


@pytest.fixture
def page(tmp_path):
    draw(comparison(), tmp_path, **NAMES)
    return (tmp_path / "curves.html").read_text()


def test_the_picture_is_a_png_of_two_panels(tmp_path):
    draw(comparison(), tmp_path, **NAMES)
    two = _size(tmp_path / "curves.png")
    draw(comparison(optimum=None), tmp_path, **NAMES)
    one = _size(tmp_path / "curves.png")
    assert two[0] > 1.5 * one[0]
    assert two[1] == one[1]


def _size(file):
    """Width and height of a PNG in pixels."""
    content = file.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


def test_the_lines_are_the_means(tmp_path):
    found = comparison()
    scores, regret = figure(found, **NAMES).axes
    for line, runs in zip(scores.get_lines(), found.runs.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), runs.best_reported.mean(axis=0))
    first, dot, second = regret.get_lines()
    # All runs of the first are at the optimum from query 21 on: the line ends in a dot at query 20.
    np.testing.assert_allclose(first.get_ydata()[:20], 1 - found.runs["nao"].best_signal.mean(axis=0)[:20])
    assert np.isnan(first.get_ydata()[20:]).all()
    assert dot.get_xdata().tolist() == [20]
    assert not np.isnan(second.get_ydata()).any()
    assert regret.get_yscale() == "log"


def with_random(**settings):
    return dataclasses.replace(comparison(**settings), random="random")


def test_below_them_is_how_far_the_best_are_above_those_of_random_search():
    found = with_random()
    _, _, *gaps = figure(found, **NAMES).axes
    signal = {label: np.sort(runs.signal, axis=1)[:, ::-1] for label, runs in found.runs.items()}
    for k, axes in zip(TOP, gaps, strict=True):
        ours, randoms = axes.get_lines()
        expected = (signal["nao"] - signal["random"])[:, :k].mean()
        assert ours.get_ydata()[-1] == pytest.approx(expected)
        assert ours.get_xdata().tolist() == [m for m in (1, 2, 5, 10, 20, 30, 40) if m >= k]
        assert not randoms.get_ydata().any()


@pytest.mark.parametrize("settings", [{"optimum": None}, {"budget": 3}, {"repeats": 1}], ids=str)
def test_the_page_has_the_gaps_too(settings, tmp_path):
    found = with_random(**settings)
    draw(found, tmp_path, **NAMES)
    page = (tmp_path / "curves.html").read_text()
    assert "valid of the best k, above random search" in page
    last = [row for row in tops(found) if (row.strategy, row.k, row.m) == ("nao", 1, found.budget)]
    assert f"<td>nao</td><td>1</td><td>{last[0].mean:.4f}</td><td>{last[0].gap:.4f}</td>" in page


def test_every_strategy_looks_different():
    labels = [f"s{i}" for i in range(len(COLOURS) + 2)]
    lines = figure(comparison(labels), **NAMES).axes[0].get_lines()
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(labels)
    assert [line.get_label() for line in lines] == labels


@pytest.mark.parametrize(
    "settings",
    [{"repeats": 1}, {"budget": 1, "optimum": None}, {"budget": 1}, {"labels": ("alone",)}],
    ids=str,
)
def test_small_comparisons_can_be_drawn(settings, tmp_path):
    draw(comparison(**settings), tmp_path, **NAMES)


def test_runs_that_begin_at_the_optimum_can_be_drawn(tmp_path):
    best = np.ones((2, 5))
    found = Comparison(5, 1.0, None, dict.fromkeys(("nao", "random"), Runs(best, best, best)))
    draw(found, tmp_path, **NAMES)


def test_what_is_above_the_optimum_has_no_regret():
    signal = np.array([[0.0, 2.0, 2.0], [0.0, 0.5, 0.5]])
    found = Comparison(3, 1.0, None, {"nao": Runs(signal, signal, signal)})
    regret = figure(found, **NAMES).axes[1].get_lines()[0].get_ydata()
    assert regret.tolist() == [1.0, 0.25, 0.25]


def test_dollars_in_names_are_drawn_as_they_stand(tmp_path):
    draw(comparison(), tmp_path, title="a^$^b", signal="$^$", report="$x_$")
    assert "a^$^b" in (tmp_path / "curves.html").read_text()


def test_nothing_that_succeeded_can_be_drawn(tmp_path):
    nothing = np.full((2, 5), np.nan)
    draw(Comparison(5, 1.0, None, {"nao": Runs(nothing, nothing, nothing)}), tmp_path, **NAMES)


def test_the_page_loads_nothing(page):
    assert "http" not in page
    assert not re.search(r"<(script|link|img|iframe|image)\b|url\((?!#)|@import|src=", page)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))


def test_the_page_has_the_plot_and_the_numbers(page):
    mean = comparison().runs["nao"].best_reported[:, -1].mean()
    assert page.count("<svg") == page.count("</svg>") == 1
    assert f"<td>nao</td><td>{mean:.4f}</td>" in page
    assert "nao minus random" in page
    assert "After 40 queries" in page
    assert "<title>a &lt; b</title>" in page


def test_the_same_comparison_is_the_same_file(page, tmp_path):
    picture = (tmp_path / "curves.png").read_bytes()
    draw(comparison(), tmp_path, **NAMES)
    assert (tmp_path / "curves.html").read_text() == page
    assert (tmp_path / "curves.png").read_bytes() == picture
