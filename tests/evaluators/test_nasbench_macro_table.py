"""The table of NAS-Bench-Macro, from files in exactly its format that are made here."""

import dataclasses
import hashlib
import json

import pytest

from nao.core import InputError, Request
from nao.evaluators.tables import nasbench_macro, table
from nao.spaces.nasbench_macro import NASBENCH_MACRO

TWO = dataclasses.replace(NASBENCH_MACRO, vocabulary=NASBENCH_MACRO.vocabulary[:2])
CHAINS = list(TWO.strings())


@pytest.fixture(autouse=True)
def two_layers(monkeypatch):
    """Two of the three layers, 256 chains: reading all 6,561 takes a while."""
    monkeypatch.setattr(nasbench_macro, "NASBENCH_MACRO", TWO)


def value(tokens):
    """A score that differs from string to string: its tokens as the digits of a fraction."""
    return float(sum(token / 8 ** (t + 1) for t, token in enumerate(tokens)))


def chains(strings=CHAINS):
    """The published data of NAS-Bench-Macro."""
    return {
        NASBENCH_MACRO.format(tokens): {
            "test_acc": [value(tokens), value(tokens) + 1, value(tokens) + 5],
            "mean_acc": value(tokens) + 2,
            "std": 2.0,
            "params": 1000,
            "flops": 500,
        }
        for tokens in strings
    }


class TestNASBenchMacro:
    @pytest.fixture
    def file(self, tmp_path):
        (tmp_path / "macro.json").write_text(json.dumps(chains()))
        return tmp_path / "macro.json"

    def test_the_mean_and_each_run(self, file, monkeypatch):
        runs = [nasbench_macro.rows(file, f"run_{n}", "run_1")[CHAINS[0]].score for n in (1, 2)]
        assert runs == [0, 1]
        monkeypatch.undo()  # all three layers
        file.write_text(json.dumps(chains(NASBENCH_MACRO.strings())))
        found = table("nasbench-macro", file, "run_3", "mean_acc")
        assert (found.space, len(found.rows)) == (NASBENCH_MACRO, 6_561)
        architecture = NASBENCH_MACRO.parse("12012010")
        (result,) = found.evaluate([Request(architecture)])
        assert result.score == value(architecture.tokens) + 5
        assert result.test_score == value(architecture.tokens) + 2
        assert (result.parameters, result.flops) == (1000, 1000)
        assert found.optimum == value((2,) * 8) + 5

    def test_its_configuration_tells_files_and_columns_apart(self, file):
        found = [
            table("nasbench-macro", file, *columns) for columns in (("run_1", "run_2"), ("run_2", "run_1"))
        ]
        file.write_text(file.read_text() + "\n")
        found.append(table("nasbench-macro", file, "run_1", "run_2"))
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        source = {"file": "macro.json", "sha256": sha256, "signal": "run_1", "report": "run_2"}
        assert found[2].configuration() == {
            "table": "nasbench-macro",
            "space": NASBENCH_MACRO.configuration(),
            "path": str(file),
            **source,
        }
        assert len(set(found)) == 3

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('"00000010": {', '"00000001": {', r"architecture 3: a second row for 00000001$"),
            ('"00000010": {', '"00000003": {', r"architecture 3: nasbench-macro: position 8 is '3'"),
            ('"mean_acc": 2.0,', '"mean_acc": NaN,', r"architecture 1: mean_acc is 'nan', but must be"),
            ('"mean_acc": 2.0,', '"mean_acc": true,', r"architecture 1: mean_acc is 'True', but must be"),
            ('"mean_acc": 2.0,', f'"mean_acc": {10**400},', r"architecture 1: mean_acc is '1000"),
            ('"mean_acc": 2.0,', f'"mean_acc": {"1" * 5000},', r"macro.json is no JSON, or cut off"),
            ('"mean_acc": 2.0,', "", r"architecture 1: it has not the test_acc of 3 runs, mean_acc, params"),
            (
                '"test_acc": [0.0, 1.0, 5.0]',
                '"test_acc": [0.0]',
                r"architecture 1: it has not the test_acc of 3",
            ),
        ],
    )
    def test_bad_rows(self, file, old, new, message):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        self.refused(file, message)

    def test_missing_rows(self, file):
        file.write_text(json.dumps(chains(CHAINS[4:])))
        self.refused(file, "not complete: 4 of the 256 rows are missing, the first is 00000000$")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[1, 2]", "architecture 1: it has not"),
            ("3", "has no architectures: it is another file"),
            (
                '[[5, {"test_acc": [1, 2, 3], "mean_acc": 1, "params": 1, "flops": 1}]]',
                "architecture 1: it has not",
            ),
            ("e01,", "is no JSON, or cut"),
        ],
    )
    def test_another_format(self, file, text, message):
        file.write_text(text)
        self.refused(file, message)

    def test_missing_and_cut_off(self, file, tmp_path):
        file.write_text(file.read_text()[:-100])
        self.refused(file, "is no JSON, or cut off")
        self.refused(tmp_path / "nowhere.json", r"^\S*nowhere\.json is not there$")
        self.refused(tmp_path, r"^\S* is a folder, not a file: give the file of a table$")

    def test_another_column(self, file):
        self.refused(file, r"has no column 'valid'; it has mean_acc, run_1, run_2, run_3$", "valid")

    def refused(self, file, message, signal="mean_acc"):
        with pytest.raises(InputError, match=message) as error:
            nasbench_macro.rows(file, signal, "mean_acc")
        assert len(str(error.value).splitlines()) == 1
