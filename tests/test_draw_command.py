"""The command that draws an architecture, or the answer of a search."""

import dataclasses
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from nao import search, study
from nao.cli import app
from nao.report.drawing import svg, text
from nao.spaces import SPACES, RNNCellSpace, WordSpace, space, zoo
from nao.strategies import Random
from tests.compare.small import small
from tests.fakes import PairSpace, SumEvaluator

WORDS = WordSpace("words", [("relu", "tanh"), (64, 128, 256), ("adam", "sgd")])


def draw(*arguments):
    """Runs the command in this process."""
    return CliRunner().invoke(app, ["draw", *map(str, arguments)])


@dataclasses.dataclass
class WordEvaluator(SumEvaluator):
    """Scores words; or none, when every one fails."""

    space: WordSpace = WORDS


def search_in(folder, evaluator):
    search.search(Random(evaluator.space, seed=0), evaluator, [6], out=folder)
    return folder


def some(name, count):
    return SPACES[name].sample(np.random.default_rng(0), count)


def sampled(name):
    (architecture,) = some(name, 1)
    return architecture


@pytest.mark.parametrize("name", SPACES)
def test_a_string_of_every_space_is_drawn(name):
    architecture = sampled(name)
    result = draw(architecture, "--space", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == text(SPACES[name].graph(architecture)) + "\n"


def test_the_default_space_and_its_blocks():
    architecture = sampled("cnn-cell-small")
    assert draw(architecture).stdout == draw(architecture, "--space", "cnn-cell-small", "--blocks", 5).stdout
    small = space("cnn-cell-small", blocks=2)
    (architecture,) = small.sample(np.random.default_rng(0), 1)
    assert draw(architecture, "--blocks", 2).stdout == text(small.graph(architecture)) + "\n"


def test_a_published_cell_is_drawn_as_it_was_published_or_as_one_of_the_space():
    cell = zoo.published("DARTS-V2").architecture
    assert cell.space.averaged == "searched"
    assert draw("darts-v2").stdout == text(cell.space.graph(cell)) + "\n"
    ours = RNNCellSpace(nodes=9)
    result = draw("DARTS-V2", "--space", "rnn-cell", "--space-param", "nodes=9")
    assert result.stdout == text(ours.graph(zoo.express(cell, ours))) + "\n"


def test_a_drawing_is_written_into_a_file(tmp_path):
    architecture, file = sampled("nasbench201"), tmp_path / "cell.svg"
    result = draw(architecture, "--space", "nasbench201", "--out", file)
    assert (result.exit_code, result.stdout.replace("\n", "")) == (0, f"drawing: {file}")
    assert file.read_text() == svg(SPACES["nasbench201"].graph(architecture))


def test_the_answer_of_a_search_is_drawn(tmp_path):
    run = search_in(tmp_path / "run", WordEvaluator())
    best = study.read(run).best.architecture
    assert draw(run).stdout == text(WORDS.graph(best)) + "\n"
    result = draw(run, "--space", "cnn-cell")
    assert result.exit_code == 2
    assert "leave out --space and its parameters" in result.stderr


def test_what_cannot_be_drawn_is_one_line(tmp_path):
    failed = search_in(tmp_path / "failed", WordEvaluator(failing=tuple(range(10))))
    own = search_in(tmp_path / "own", SumEvaluator())
    assert isinstance(SumEvaluator().space, PairSpace)
    small(out=tmp_path / "comparison", budget=10, repeats=1)
    (tmp_path / "empty").mkdir()
    (two := tmp_path / "two.txt").write_text("\n".join(map(str, some("cnn-cell-small", 2))))
    wrong = {
        (failed,): "no architecture in .* has a score",
        (own,): "a class of your own",
        (tmp_path / "comparison",): "is the folder of a comparison",
        (tmp_path / "empty",): "there is no study in",
        (tmp_path / "nowhere",): "there is no file .*; and as a string: cnn-cell-small: position 1",
        (sampled("cnn-cell"),): "position 2 is",
        (sampled("cnn-cell-small"), "--blocks", 4): "only node1, node2 may stand there",
        (sampled("cnn-cell-small"), "--space", "mine"): "there is no space 'mine'",
        (sampled("nasbench-macro"), "--space", "nasbench-macro", "--blocks", 4): "has no blocks",
        (sampled("cnn-cell-small"), "--out", tmp_path / "cell.gif"): "ends in .svg, .png or .pdf",
        (sampled("cnn-cell-small"), "--out", tmp_path / "none" / "cell.svg"): "there is no folder",
        (
            "NAO",
            "--space",
            "cnn-cell",
        ): "NAO: an architecture of rnn-cell cannot be written as one of cnn-cell",
        (two,): "has 2 architectures: draw one of them",
        ("",): "a string has 40 words",
    }
    for arguments, message in wrong.items():
        result = draw(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ")
        assert re.search(message, line), line
