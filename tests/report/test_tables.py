"""What is printed about a run and about the spaces says what is in them."""

import io

import numpy as np
import pytest
from rich.console import Console

import nao
from nao.core import Cost, Result
from nao.report import show_run, show_spaces
from nao.report.tables import duration, list_nodes, number, scientific
from nao.spaces import SPACES, space
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator


def printed(show, *arguments, width=80):
    """What a function prints on a console that is no terminal."""
    console = Console(file=io.StringIO(), width=width)
    show(*arguments, console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_run_is_shown_in_full_on_any_console(width):
    found = nao.optimize(PairSpace(), SumEvaluator(), LinearEncoder(), seeds=5, initial=6, new=4)
    summary, text = found.summary(), printed(show_run, found, "runs/some", width=width)
    assert text.startswith("runs/some  complete\n")
    assert f"M = {summary['evaluations']} architectures evaluated" in text
    rows = {
        line.split()[0]: line.split() for line in text.splitlines() if line.startswith(("initial ", "3 "))
    }
    initial = summary["initial"]
    assert rows["initial"][1:4] == ["6", f"{initial['mean']:.4f}", f"{initial['best']:.4f}"]
    last = summary["iterations"][2]
    scores = ("mean", "predicted", "best", "seeds_mean", "seeds_believed")
    assert rows["3"][1:7] == ["4", *(f"{last[key]:.4f}" for key in scores)]
    assert rows["3"][7:9] == ["0.500", "1.25"]
    assert "\nmean, predicted: of the new ones, as they scored, and as f expected before\n" in text
    best = summary["best"]
    assert f"best: {best['score']:.4f} in validation, test {best['test_score']:.4f}" in text
    assert f"\nloss {best['metrics']['loss']:.4g}\n" in text
    assert text.splitlines()[-1] == best["architecture"]


def test_the_front_of_score_against_costs_is_shown():
    """Of letters that count as much for the score as for the cost, all that differ in their sum are on it."""

    class Costly(SumEvaluator):
        def result(self, request):
            latency = float(request.architecture.tokens[0] == 0)
            cost = Cost(100 * sum(request.architecture.tokens), others={"ms": latency})
            return Result(request, float(sum(request.architecture.tokens)), cost=cost)

    found = nao.optimize(PairSpace(), Costly(), LinearEncoder(), initial=40, iterations=0)
    scores = {int(trial.score) for trial in found.trials}
    best_of = [max(t.score for t in found.trials if (t.architecture.tokens[0] == 0) >= ms) for ms in (0, 1)]
    fronts = found.summary()["fronts"]
    assert [(each["score"], each["cost"]) for each in fronts["parameters"]] == [
        (score, 100 * score) for score in sorted(scores)
    ]
    cheapest = max(t.score for t in found.trials if t.architecture.tokens[0])
    assert (fronts["ms"][0]["score"], fronts["ms"][0]["cost"]) == (cheapest, 0.0)
    assert fronts["ms"][-1]["score"] == max(best_of)
    assert all(each["iteration"] == 0 for each in fronts["parameters"])
    lines = printed(show_run, found, "run").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("On the front: "))
    assert max(map(len, lines[at : at + 18])) <= 80
    table = next(i for i in range(at, len(lines)) if lines[i].startswith("front "))
    assert lines[table].split() == ["front", "set", "score", "parameters", "ms"]
    first = lines[table + 1].split()
    assert first[1] == "initial"
    assert found.trials[int(first[0].removeprefix("#"))].score == max(scores) == float(first[2])
    assert first[3] == f"{100 * max(scores):,}*"


def test_a_run_in_which_everything_failed_is_shown():
    evaluator = SumEvaluator(failing=tuple(range(10)))
    found = nao.optimize(PairSpace(), evaluator, LinearEncoder(), initial=6, iterations=0)
    text = printed(show_run, found, "run")
    assert "M = 6 architectures evaluated, 6 of them failed" in text
    shown = [line.split(" failed: ") for line in text.splitlines() if " failed: " in line]
    assert sum(int(count) for count, _ in shown) == 6
    assert {reason for _, reason in shown} <= {"diverged", "its score is nan"}
    assert "best:" not in text


def test_a_run_in_progress_says_what_is_left(tmp_path):
    class Stop(BaseException):
        pass

    class Stopping(SumEvaluator):
        def evaluate(self, requests):
            for done, result in enumerate(super().evaluate(requests)):
                if len(requests) == 4 and done == 1:
                    raise Stop
                yield result

    with pytest.raises(Stop):
        nao.optimize(PairSpace(), Stopping(), LinearEncoder(), seeds=5, initial=6, new=4, out=tmp_path)
    text = printed(show_run, nao.study.read(tmp_path, PairSpace()), "run")
    assert "not finished: iteration 1 of 3, 3 architectures to evaluate" in text


def test_a_cell_is_written_block_by_block():
    small = space("cnn-cell", blocks=2)
    cells = "node1 conv 3x3 node2 max-pooling 3x3 node3 identity 1x1 node1 avg-pooling 2x2"
    reduction = "node1 conv 1x1 node1 conv 1x1 node2 conv 1x1 node2 conv 1x7+7x1"
    assert list_nodes(small.parse(f"{cells} {reduction}")) == [
        "normal cell",
        "  node3 = conv 3x3(node1) + max-pooling 3x3(node2)",
        "  node4 = identity 1x1(node3) + avg-pooling 2x2(node1)",
        "  output = concat(node4)",
        "",
        "reduction cell",
        "  node3 = conv 1x1(node1) + conv 1x1(node1)",
        "  node4 = conv 1x1(node2) + conv 1x7+7x1(node2)",
        "  output = concat(node3, node4)",
        "",
    ]


@pytest.mark.parametrize("listed", SPACES.values(), ids=SPACES)
def test_an_architecture_of_every_space_is_listed(listed):
    architecture = listed.sample(np.random.default_rng(0), 1)[0]
    lines = list_nodes(architecture)
    assert lines == listed.graph(architecture).lines()
    assert len(lines) > 3


def test_a_space_of_ones_own_is_listed_as_it_was_recorded(tmp_path):
    nao.optimize(PairSpace(), SumEvaluator(), LinearEncoder(), initial=6, iterations=0, out=tmp_path)
    history = nao.study.read(tmp_path)
    assert list_nodes(history.best.architecture) == []
    assert printed(show_run, history, "run").splitlines()[-1] == str(history.best.architecture)


def test_the_output_of_a_cell_is_its_loose_ends():
    small = space("cnn-cell-small")
    for architecture in small.sample(np.random.default_rng(0), 20):
        loose = small.loose_ends(small.branches(np.array(architecture.tokens)))
        outputs = [line for line in list_nodes(architecture) if "output" in line]
        for cell, output in zip(loose, outputs, strict=True):
            names = [f"node{i + 3}" for i in np.flatnonzero(cell)]
            assert output == f"  output = concat({', '.join(names)})"


def test_spaces_are_listed_with_an_example_that_can_be_read_back():
    text = printed(show_spaces, SPACES.values())
    assert "1.8e32" in text
    assert "2.6e25" in text
    lines = text.splitlines()
    for name, listed in SPACES.items():
        assert f"{listed.length}" in next(line for line in lines if line.split()[:1] == [name])
        listed.parse(lines[lines.index(f"{name}, for example") + 1])


@pytest.mark.parametrize(
    ("size", "text"),
    [(256, "256"), (65536, "65,536"), (10**6, "1.0e6"), (1839 * 10**29, "1.8e32"), (2**64, "1.8e19")],
)
def test_sizes(size, text):
    assert scientific(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.04, "0.0 s"), (9.9, "9.9 s"), (9.96, "0:10"), (83.0, "1:23"), (3723.0, "1:02:03")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, ""), (0.0, "0.0000"), (0.98765, "0.9877"), (-12.5, "-12.5000"), (0.0123456, "0.0123")),
        *((0.00151234, "0.00151"), (-0.00151234, "-0.00151"), (1.234e-9, "1.23e-09")),
    ],
)
def test_scores_are_told_apart_however_small_they_are(value, shown):
    assert number(value, 4) == shown
    assert number(0.004, 2) == "0.00"
