"""The table of NAS-Bench-201, from files in exactly its formats that are made here."""

import bz2
import csv
import dataclasses
import gzip
import io
import os
import pickle
import zipfile

import pytest

from nao.core import Architecture, InputError, Request
from nao.evaluators.tables import nasbench201, table
from nao.evaluators.tables.files import digest
from nao.evaluators.tables.pickles import LEGACY_MAGIC
from nao.evaluators.tables.row import Row
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS

TWO = dataclasses.replace(NASBENCH201, vocabulary=OPERATIONS[:2])
CELLS = list(TWO.strings())


@pytest.fixture(autouse=True)
def two_operations(monkeypatch):
    """Two of the five operations, 64 cells: reading all 15,625 takes a second."""
    monkeypatch.setattr(nasbench201, "NASBENCH201", TWO)


def value(tokens):
    """A score that differs from string to string: its tokens as the digits of a fraction."""
    return float(sum(token / 8 ** (t + 1) for t, token in enumerate(tokens)))


def write_csv(file, strings=CELLS, words=OPERATIONS, **changed):
    """A table of NAS-Bench-201 with some values changed, given as `line_column`."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow([*nasbench201.EDGES, "valid", "test", "flops_m", "params_m"])
    for n, tokens in enumerate(strings, 2):
        known = {"valid": value(tokens), "test": 2 * value(tokens), "flops_m": 1.5, "params_m": 0.25}
        known |= {column: changed[key] for column in known if (key := f"line{n}_{column}") in changed}
        writer.writerow([*(words[token] for token in tokens), *known.values()])
    data = lines.getvalue().encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def results(tokens, epochs=("12", "200"), seeds=(777, 888)):
    """What the published files hold of one cell; the accuracies are those of `accuracy`."""
    found = {}
    for name, length in zip(epochs, (12, 200), strict=True):
        trainings = {
            (dataset, seed): {
                "seed": seed,
                "epochs": length,
                "params": 0.25,
                "flop": 1.5,
                "eval_names": ["x-valid"],
                "eval_acc1es": {
                    f"{split}@{e}": accuracy(tokens, dataset, split, length, seed) - (length - 1 - e)
                    for other, split in nasbench201.SPLITS.values()
                    if other == dataset
                    for e in (0, length - 1)
                },
            }
            for dataset, _ in nasbench201.SPLITS.values()
            for seed in seeds
        }
        found[name] = {
            "arch_str": NASBENCH201.format(tokens),
            "all_results": trainings,
            "dataset_seed": {dataset: list(seeds) for dataset, _ in nasbench201.SPLITS.values()},
        }
    return found


def accuracy(tokens, dataset, split, epochs, seed):
    """Made so that every one of its arguments shows in it."""
    number = list(nasbench201.SPLITS.values()).index((dataset, split))
    return value(tokens) + 10 * number + epochs + seed / 1000


def whole(epochs=("12", "200"), strings=CELLS):
    """The published data. All cells but the first share what is made once, which is quick."""
    made = {strings[0]: results(strings[0], epochs)}
    shared = results(CELLS[5], epochs)
    return {
        "meta_archs": [NASBENCH201.format(tokens) for tokens in strings],
        "arch2infos": {i: made.get(tokens, shared) for i, tokens in enumerate(strings)},
        "evaluated_indexes": set(range(len(strings))),
    }


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """A whole table as CSV."""
    return write_csv(tmp_path_factory.mktemp("csv") / "scores.csv.gz")


@pytest.fixture(scope="module")
def nats(tmp_path_factory):
    """A whole table as NATS-Bench publishes it."""
    file = tmp_path_factory.mktemp("nats") / "NATS-tss-v1_0-3ffb9.pickle.pbz2"
    file.write_bytes(bz2.compress(pickle.dumps(whole(), protocol=4)))
    return file


class TestNASBench201:
    def test_every_string_has_its_own_row(self, tmp_path, monkeypatch):
        monkeypatch.undo()  # all five operations
        cells = list(NASBENCH201.strings())
        found = table("nasbench201", str(write_csv(tmp_path / "all.csv.gz", cells)), "valid", "test")
        assert (found.space, len(found.rows)) == (NASBENCH201, 15_625)
        assert found.optimum == value((4,) * 6)
        for column, times in (("score", 1), ("test_score", 2)):
            found_there = {tokens: getattr(row, column) for tokens, row in found.rows.items()}
            assert found_there == {tokens: times * value(tokens) for tokens in cells}
        (result,) = found.evaluate([Request(Architecture(cells[99], NASBENCH201))])
        assert (result.score, result.test_score) == (value(cells[99]), 2 * value(cells[99]))

    def test_costs_are_read_where_the_file_has_them(self, scores):
        row = nasbench201.rows(scores, "valid", "test")[CELLS[0]]
        assert row == Row(0.0, 0.0, parameters=250_000, seconds=0.0, flops=3_000_000)

    def test_operations_as_numbers(self, tmp_path):
        rows = nasbench201.rows(write_csv(tmp_path / "numbers.csv", words="01234"), "valid", "test")
        assert {tokens: row.score for tokens, row in rows.items()} == {t: value(t) for t in CELLS}

    def test_strings_in_one_column(self, tmp_path):
        lines = [f"{NASBENCH201.format(tokens)},{value(tokens)}" for tokens in CELLS]
        (tmp_path / "arch.csv").write_text("\n".join(["arch,valid", *lines]))
        rows = nasbench201.rows(tmp_path / "arch.csv", "valid", "valid")
        assert {tokens: row.score for tokens, row in rows.items()} == {t: value(t) for t in CELLS}
        assert {(row.parameters, row.flops) for row in rows.values()} == {(0, 0)}

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"strings": CELLS[:7] + CELLS[9:]}, "2 of the 64 rows are missing, the first is {string}"),
            ({"strings": CELLS + CELLS[3:4]}, "line 66: a second row for"),
            ({"line9_valid": "none"}, "line 9: valid is 'none', but must be a finite number"),
            ({"line3_test": "nan"}, "line 3: test is 'nan', but must be a finite number"),
            ({"line5_valid": " "}, "line 5: valid is '', but must be a finite number"),
            ({"line3_flops_m": ""}, "line 3: flops_m is '', but must be a finite number"),
            ({"line3_params_m": "1e305"}, "line 3: params_m is '1e305', but must be a finite number"),
            ({"line4_valid": "6_3.3"}, "line 4: valid is '6_3.3', but must be a finite number"),
            (
                {"words": ["zero", *OPERATIONS[1:]]},
                "line 2: nasbench201: position 1 is 'zero', but only none",
            ),
        ],
    )
    def test_bad_rows(self, tmp_path, changed, message):
        file = write_csv(tmp_path / "bad.csv", **changed)
        self.refused(file, message.format(string=NASBENCH201.format(CELLS[7])))

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"a,b\n1,2\n", "has neither the columns e01 e02 e12 e03 e13 e23 nor the column arch"),
            (b"", "is empty: its first line must name the columns"),
            (b"\n\n", "is empty: its first line must name the columns"),
            (b"\xff\xfe\x00", "is no text in UTF-8"),
            (b"arch,acc\n", "has no column 'valid'; it has acc"),
            (b"arch,valid,test\n|none~0|,1,2", "line 2: nasbench201: a string is written |op~0|+"),
            (b"arch;valid;test\n", "nor the column arch, separated by commas"),
            (b'arch,"a\nb",test\n', r"has no column 'valid'; it has 'a\nb', test"),
            (b"arch,valid,test,valid\n", "has more than one column 'valid'"),
            (b"arch,valid,test\n|none~0|,1,2,5", "line 2: 4 cells, but there are 3 columns"),
            (b"arch,valid,test\n\n|none~0|,1", "line 3: 2 cells, but there are 3 columns"),
            (b"arch,valid,test\n" + b"x" * 200_000, "is no CSV: field larger than"),
            (b"e01,e02,e12,e03,e13,e23,valid,test\n0,0,0", "line 2: 3 cells, but there are 8 columns"),
        ],
    )
    def test_another_format(self, tmp_path, data, message):
        (tmp_path / "other.csv").write_bytes(data)
        self.refused(tmp_path / "other.csv", message)

    def test_missing_and_cut_off(self, scores, tmp_path):
        self.refused(tmp_path / "nowhere.csv", "is not there")
        self.refused(tmp_path, "is a folder without meta.pickle.pbz2: give a file, or the folder NATS-tss")
        for suffix in (".csv", ".csv.gz", ".pth", ".pbz2"):
            (tmp_path / f"folder{suffix}").mkdir()
            self.refused(tmp_path / f"folder{suffix}", "is a folder")
        for suffix in (".pbz2", ".pth"):
            self.refused((tmp_path / "nowhere").with_suffix(suffix), "is not there")
        for cut in (200, 1):  # through the middle; only the last byte
            (tmp_path / "cut.csv.gz").write_bytes(scores.read_bytes()[:-cut])
            self.refused(tmp_path / "cut.csv.gz", "it is damaged, cut off or")

    @pytest.mark.parametrize(
        "name", ["NATS-tss-v1_1-00000.pickle.pbz2", "NATS-sss-v1_0-50262", "NAS-Bench-201-v1_0-e61699.pth"]
    )
    def test_another_version(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"")
        self.refused(
            tmp_path / name,
            "another version; those that can be read are NATS-tss-v1_0-3ffb9 and NAS-Bench-201-v1_1-096897",
        )

    def refused(self, file, message, columns=("valid", "test")):
        with pytest.raises(InputError) as error:
            nasbench201.rows(file, *columns)
        assert str(error.value).startswith(str(file.parent))
        assert message in str(error.value)
        assert len(str(error.value).splitlines()) == 1


class TestPublishedNASBench201:
    COLUMNS = ("c10_val_12", "in16_test_200")

    def check(self, rows):
        assert len(rows) == 64
        validation = accuracy(CELLS[0], "cifar10-valid", "x-valid", 12, 832.5)  # 777 and 888
        test = accuracy(CELLS[0], "ImageNet16-120", "x-test", 200, 832.5)
        assert rows[CELLS[0]].score == pytest.approx(validation)
        assert rows[CELLS[0]].test_score == pytest.approx(test)
        assert (rows[CELLS[0]].parameters, rows[CELLS[0]].flops) == (250_000, 3_000_000)
        assert rows[CELLS[9]].score == pytest.approx(validation + value(CELLS[5]))

    def test_one_file_of_nats_bench(self, nats):
        self.check(nasbench201.rows(nats, *self.COLUMNS))

    def test_the_folder_of_nats_bench(self, tmp_path):
        folder = tmp_path / "NATS-tss-v1_0-3ffb9-simple"
        folder.mkdir()
        data = whole()
        meta = bz2.compress(pickle.dumps({"meta_archs": data["meta_archs"]}))
        (folder / "meta.pickle.pbz2").write_bytes(meta)
        first, shared = (bz2.compress(pickle.dumps(data["arch2infos"][i])) for i in (0, 1))
        (folder / "000000.pickle.pbz2").write_bytes(first)
        (folder / "000001.pickle.pbz2").write_bytes(shared)
        with pytest.raises(InputError, match=r"not complete: 62 of the 64 rows are missing, the first is"):
            nasbench201.rows(folder, *self.COLUMNS)
        for i in range(2, 64):
            os.link(folder / "000001.pickle.pbz2", folder / f"{i:06d}.pickle.pbz2")
        self.check(nasbench201.rows(folder, *self.COLUMNS))
        before = digest(folder)
        (folder / ".cache").mkdir()
        assert digest(folder) == before

    def test_the_file_of_nas_bench_201_as_old_and_new_pytorch_write_it(self, tmp_path):
        data = pickle.dumps(whole(("less", "full")), protocol=2)
        file = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
        headers = (LEGACY_MAGIC, 1001, {"little_endian": True})
        file.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in headers) + data)
        self.check(nasbench201.rows(file, *self.COLUMNS))
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", data)
        self.check(nasbench201.rows(file, *self.COLUMNS))

    def test_every_column_is_there_and_no_other(self, nats):
        assert len(nasbench201.COLUMNS) == 14
        cell = results(CELLS[0])
        found = {column: nasbench201._accuracy(cell, column) for column in nasbench201.COLUMNS}
        assert len(set(found.values())) == 14
        with pytest.raises(
            InputError, match=r"has no column 'c10_test_90'; it has c10_val_12, c10valid_test_"
        ):
            nasbench201.rows(nats, "c10_test_90", "c10_test_200")

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ([1, 2], "has no meta_archs, strings of cells"),
            ({"meta_archs": [1]}, "has no meta_archs, strings of cells"),
            ({"meta_archs": ["a"]}, "has no arch2infos, results of cells"),
            ({"meta_archs": ["a"], "arch2infos": [1]}, "has no arch2infos, results of cells"),
            (
                {"meta_archs": ["a"], "arch2infos": {0: {"90": {}}}},
                "architecture 0: no c10_val_12 or in16_test_",
            ),
            (
                {"meta_archs": ["a"], "arch2infos": {0: None}},
                "architecture 0: no c10_val_12 or in16_test_200",
            ),
            (
                {"meta_archs": ["a"], "arch2infos": {0: results(CELLS[0], seeds=())}},
                "architecture 0: no c10_val_12 or in16_test_200",
            ),
            (
                {"meta_archs": ["zzz"], "arch2infos": {0: results(CELLS[0])}},
                "architecture 0: nasbench201: position 1 is 'zzz'",
            ),
            (
                {
                    "meta_archs": ["a", NASBENCH201.format(CELLS[0])],
                    "arch2infos": {1: results(CELLS[0])},
                },
                "not complete: 63 of the 64 rows are missing",
            ),
        ],
    )
    def test_another_layout(self, tmp_path, data, message):
        file = tmp_path / "data.pickle.pbz2"
        file.write_bytes(bz2.compress(pickle.dumps(data)))
        with pytest.raises(InputError, match=message):
            nasbench201.rows(file, *self.COLUMNS)

    def test_cut_off(self, nats, tmp_path):
        file = tmp_path / nats.name
        for size in (0, 10, nats.stat().st_size // 2, nats.stat().st_size - 1):
            file.write_bytes(nats.read_bytes()[:size])
            with pytest.raises(InputError, match="damaged, cut off or something else"):
                nasbench201.rows(file, *self.COLUMNS)


def test_columns_of_a_csv_file_can_be_costs(tmp_path):
    file = write_csv(tmp_path / "table.csv", line2_flops_m="70.5")
    costs = table("nasbench201", file, "valid", "test", ["flops_m", "flops"]).cost(
        [Architecture(CELLS[0], TWO)]
    )
    assert costs[0].named() == {"parameters": 250_000, "flops": 141_000_000, "flops_m": 70.5}
    with pytest.raises(InputError, match="has no column 'ms'"):
        table("nasbench201", file, "valid", "test", ["ms"])
    with pytest.raises(InputError, match="has no cost 'ms'; it has parameters, and flops"):
        table("nasbench201", tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2", "valid", "test", ["ms"])
