"""Files of an embedding: each is read back by what it is for; and the command that writes them."""

import dataclasses
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from nao import encoders, search, spaces
from nao.analysis.export import writer
from nao.analysis.table import embedding_table
from nao.cli import app
from nao.core import InputError
from nao.strategies import Random
from nao.study.arrays import read_arrays
from tests.analysis.searches import searched
from tests.compare.small import random, small
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator

REAL = ("score", "test_score", "predicted", "believed", "x", "y")
WHOLE = ("id", "iteration", "parent", "parameters", "flops")
TEXT = ("architecture", "status", "origin")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table with numbers that are not there, and a string with what files of lines cannot hold."""
    table = embedding_table(*searched(tmp_path_factory.mktemp("search"), evaluate_last=False))
    assert np.isnan(table.score).any()
    assert (table.parameters < 0).any()
    texts = table.architecture.astype(object)
    texts[:2] = "tab\there\nand a line", "ünïcödé <b>&amp;</b> \"quotes\" 'too'"
    return dataclasses.replace(table, architecture=texts.astype(np.str_))


def test_npz_has_every_column_and_no_pickle(made, tmp_path):
    writer(tmp_path / "a.npz")(made)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive.files == [*made.columns(), "about"]
        for name, column in made.columns().items():
            assert archive[name].dtype == column.dtype
            np.testing.assert_array_equal(archive[name], column)
        assert json.loads(str(archive["about"])) == made.about


def test_parquet_has_every_column_and_nulls(made, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    writer(tmp_path / "a.parquet")(made)
    found = parquet.read_table(tmp_path / "a.parquet")
    assert found.column_names == [*made.columns()]
    for name in REAL:
        expected = [None if np.isnan(x) else x for x in getattr(made, name).tolist()]
        assert found[name].to_pylist() == expected
    for name in WHOLE:
        assert found[name].to_pylist() == [None if x == -1 else x for x in getattr(made, name).tolist()]
    for name in TEXT:
        assert found[name].to_pylist() == getattr(made, name).tolist()
    for name in ("tokens", "embedding"):
        assert found[name].to_pylist() == getattr(made, name).tolist()
        assert found[name].type.list_size == getattr(made, name).shape[1]
    assert json.loads(found.schema.metadata[b"nao"]) == made.about


def test_a_projector_has_a_line_for_each_architecture(made, tmp_path):
    writer(f"{tmp_path}/shown/")(made)
    writer(tmp_path / "shown")(made)  # again, into the folder that is there now
    names = {"embeddings.tsv", "metadata.tsv", "projector_config.pbtxt"}
    assert {file.name for file in (tmp_path / "shown").iterdir()} == names
    vectors = np.loadtxt(tmp_path / "shown" / "embeddings.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, made.embedding, rtol=1e-5)
    lines = (tmp_path / "shown" / "metadata.tsv").read_text().split("\n")
    assert lines.pop() == ""
    rows = [line.split("\t") for line in lines]
    header, *rows = rows
    assert header == [name for name in made.columns() if name not in ("tokens", "embedding")]
    assert [len(row) for row in rows] == [len(header)] * 36
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    assert columns["architecture"][0] == "tab here and a line"
    assert [float(x) if x else np.nan for x in columns["score"]] == pytest.approx(made.score, nan_ok=True)
    assert columns["parent"] == tuple("" if x == -1 else str(x) for x in made.parent)
    config = (tmp_path / "shown" / "projector_config.pbtxt").read_text()
    assert all(f'"{name}"' in config for name in ("embeddings.tsv", "metadata.tsv"))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.npz.gz", "folder/a.pickle", "", ".npz", "a/.parquet"])
def test_an_unknown_ending(name, tmp_path):
    with pytest.raises(InputError, match=r"X\.npz, X\.parquet, or a folder for TensorBoard's projector"):
        writer(name)


def test_places_that_cannot_be_written(tmp_path, made):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match=r"there is no folder .*absent to write a\.npz in"):
        writer(tmp_path / "absent" / "a.npz")
    with pytest.raises(InputError, match="file is a file; write to X"):
        writer(tmp_path / "file")
    with pytest.raises(InputError, match=r"folder\.npz is a folder; write to X"):
        writer(tmp_path / "folder.npz")
    write = writer(tmp_path / "late")
    (tmp_path / "late").write_text("")
    with pytest.raises(InputError, match="cannot make the folder"):
        write(made)


def test_parquet_without_its_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'nao-search\[embed\]'$"):
        writer(tmp_path / "a.parquet")
    writer(tmp_path / "a.npz")


class TestTheCommand:
    @pytest.fixture
    def run(self, tmp_path, monkeypatch):
        """The folder of a search, whose encoder can be made again."""
        monkeypatch.setattr(encoders, "make", lambda settings: LinearEncoder())
        searched(tmp_path / "run", spaces.space("nasbench201"))
        return tmp_path / "run"

    @staticmethod
    def nao(*arguments):
        return CliRunner().invoke(app, ["embed", *map(str, arguments)])

    def test_writes_what_the_last_model_makes_of_all_architectures(self, run, tmp_path):
        said = self.nao(run, "--out", tmp_path / "a.npz")
        assert (said.exit_code, said.stderr) == (0, "")
        assert said.stdout.startswith("36 architectures, embeddings of 30 numbers: ")
        first = self.nao(
            run, "--out", tmp_path / "b.npz", "--iteration", 1, "--projection", "tsne", "--seed", 3
        )
        assert first.exit_code == 0
        last, before = (read_arrays(tmp_path / name) for name in ("a.npz", "b.npz"))
        assert last["id"].tolist() == before["id"].tolist() == [*range(36)]
        assert not np.array_equal(last["believed"], before["believed"])
        assert json.loads(str(before["about"])) == {"space": "nasbench201", "projection": "tsne", "seed": 3}

    def test_no_such_iteration(self, run, tmp_path):
        said = self.nao(run, "--out", tmp_path / "a.npz", "--iteration", 7)
        assert said.stderr == f"error: {run} has no model of iteration 7, but of 1, 2\n"
        assert said.exit_code == 2
        assert not (tmp_path / "a.npz").exists()

    @pytest.mark.parametrize("ending", [".npz", ".parquet", "/"])
    def test_a_name_that_is_too_long(self, run, tmp_path, ending):
        said = self.nao(run, "--out", tmp_path / ("x" * 300 + ending))
        assert said.stderr.startswith(f"error: {str(tmp_path)[:20]}")
        assert said.stderr.endswith(" cannot be used: File name too long\n")
        assert said.exit_code == 2

    def test_a_search_without_a_model(self, tmp_path):
        search.search(Random(PairSpace()), SumEvaluator(), [5], out=tmp_path / "run")
        said = self.nao(tmp_path / "run", "--out", tmp_path / "a.npz")
        assert said.stderr.startswith(f"error: {tmp_path / 'run'} has no fitted model yet")
        assert said.exit_code == 2

    def test_a_strategy_that_fits_none(self, tmp_path):
        search.search(Random(PairSpace()), SumEvaluator(), [5, 5], out=tmp_path / "run")
        said = self.nao(tmp_path / "run", "--out", tmp_path / "a.npz")
        assert said.stderr.startswith(
            f"error: {tmp_path / 'run'} has no fitted model: its strategy fits none"
        )

    def test_a_comparison(self, tmp_path):
        small({"random": random}, out=tmp_path / "both", repeats=1, budget=2)
        said = self.nao(tmp_path / "both", "--out", tmp_path / "a.npz")
        assert "is a comparison, which keeps no fitted model; name the folder of a search" in said.stderr
        assert said.exit_code == 2

    def test_a_folder_that_is_not_there(self, tmp_path):
        said = self.nao(tmp_path / "absent", "--out", tmp_path / "a.npz")
        assert said.stderr.startswith("error: there is no study in ")
        assert said.exit_code == 2
