"""Pages in a browser, where there is one: nothing goes wrong or overlaps, hovering and schemes work."""

import base64
import functools

import pytest

import nao
from nao.report.comparison_page import Names, comparison_page
from nao.report.curves import figures
from nao.report.search_page import report
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator
from tests.report.chromium import PROGRAM, Chromium
from tests.report.test_curves import with_random

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here"),
    pytest.mark.xdist_group("browser"),  # one browser, in one process
]

SIZES = [(1280, 800), (390, 844)]
POINTS = "document.querySelectorAll('#chart-map .mark-symbol path')"

# For every chart: text that is cut off by its edge, and pairs of texts that overlap by more than a hair.
FAULTS = """
[...document.querySelectorAll('.chart')].flatMap((chart) => {
  const svg = chart.querySelector('svg');
  if (!svg) return [chart.id + ' is not drawn'];
  const edge = chart.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter((t) => t.textContent && t.style.opacity !== '0'
    && t.getAttribute('opacity') !== '0').map((t) => [t.textContent, t.getBoundingClientRect()]);
  const cut = texts.filter(([, r]) => r.left < edge.left - 1 || r.right > edge.right + 1
    || r.top < edge.top - 1 || r.bottom > edge.bottom + 1).map(([t]) => chart.id + ': cut off: ' + t);
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const over = texts.flatMap(([t, a], i) => texts.slice(i + 1).filter(([, b]) => meet(a, b))
    .map(([u]) => `${chart.id}: ${t} over ${u}`));
  return [...cut, ...over];
})
"""
# Parts of the page that reach into the next one, or out of the window.
LAYOUT = """
[...document.querySelectorAll('h1, h2, h3, p, figcaption, .chart, .controls, details, .facts div, article')]
  .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((e) => e.tagName + ' is too wide')
  .concat([...document.querySelectorAll('section, figure, article')].flatMap((whole) => {
    const parts = [...whole.children].map((e) => e.getBoundingClientRect()).filter((r) => r.height);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    return parts.flatMap((a, i) => parts.slice(i + 1).filter((b) => meet(a, b)))
      .map(() => 'parts overlap in ' + whole.id);
  }))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The report of a search, and that of a comparison."""
    folder, encoder, space = tmp_path_factory.mktemp("pages"), LinearEncoder(), PairSpace()
    history = nao.optimize(space, SumEvaluator(), encoder, seeds=5, initial=30, new=10, confirm="3x2")
    fits = [functools.partial(encoder.fit, space, *fit[:2], seed=fit[2]) for fit in list(encoder.fits)]
    search, comparison = folder / "search.html", folder / "comparison.html"
    search.write_text(report(history, dict(enumerate(fits, start=1)), "a & b"))
    found, names = with_random(labels=("nao", "random", "local-search")), Names("a < b", "valid", "test")
    comparison.write_text(comparison_page(found, figures(found, names.signal, names.report), names))
    return {"search": search, "comparison": comparison}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", ["search", "comparison"])
def test_pages_are_whole_in_every_window(name, width, height, dark, browser, pages):
    browser.open(pages[name], width=width, height=height, dark=dark)
    assert browser.errors == []
    assert browser.requests == [pages[name].resolve().as_uri()]
    assert browser.evaluate(FAULTS) == []
    assert browser.evaluate(LAYOUT) == []
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_every_point_has_a_colour(browser, pages):
    browser.open(pages["search"])
    for chart in ("map", "predictions", "best-so-far"):
        fills = browser.evaluate(
            f"[...document.querySelectorAll('#chart-{chart} .mark-symbol path')].map((p) =>"
            " p.getAttribute('fill'))"
        )
        assert len(fills) > 20
        assert None not in fills


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_hovering_shows_the_cell_and_its_string(width, height, browser, pages):
    browser.open(pages["search"], width=width, height=height)
    browser.evaluate("document.getElementById('chart-map').scrollIntoView()")
    at = f"(() => {{ const r = {POINTS}[{POINTS}.length - 1].getBoundingClientRect();"
    x, y = browser.evaluate(f"{at} return [r.x + r.width / 2, r.y + r.height / 2] }})()")
    browser.hover(x, y)
    browser.wait("!document.getElementById('tooltip').hidden")
    shown = browser.evaluate("document.getElementById('tooltip').innerText")
    assert "score" in shown
    assert browser.evaluate("document.querySelectorAll('#tooltip svg rect').length") > 2
    box = browser.evaluate(
        "(() => { const r = document.getElementById('tooltip').getBoundingClientRect();"
        " return [r.left, r.top, r.right, r.bottom] })()"
    )
    assert min(box) >= 0
    assert box[2] <= width
    browser.hover(1, 1)
    browser.wait("document.getElementById('tooltip').hidden")


def test_arrows_can_be_chosen_and_the_choice_outlives_a_change_of_the_scheme(browser, pages):
    browser.open(pages["search"])
    lines = "document.querySelectorAll('#chart-map .role-mark line').length"
    before = browser.evaluate(lines)
    assert before > 0
    browser.evaluate(
        "(() => { const s = document.querySelector('#controls-map select'); s.value = 'none';"
        " s.dispatchEvent(new Event('change')) })()"
    )
    browser.wait(f"{lines} === 0")
    text = "document.querySelector('#chart-map text').getAttribute('fill')"
    light = browser.evaluate(text)
    browser.scheme(dark=True)
    browser.wait(f"{text} !== '{light}'")
    browser.wait(f"{lines} === 0")
    assert browser.errors == []


def test_a_page_can_be_printed(browser, pages):
    browser.open(pages["search"], dark=True)
    printed = base64.b64decode(browser.send("Page.printToPDF", printBackground=True)["data"])
    assert printed[:5] == b"%PDF-"
    assert len(printed) > 30_000
    assert browser.errors == []


def test_without_javascript_there_are_words_and_tables(browser, pages):
    browser.open(pages["search"], scripts=False)
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    text = browser.evaluate("document.body.innerText")
    assert "drawn by JavaScript, which is off" in text
    assert "The numbers as a table" in text
    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert "expected of random ones" in browser.evaluate("document.body.innerText")
