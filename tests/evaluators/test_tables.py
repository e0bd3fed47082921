"""Tables of known scores: how they answer, and which files they are read from."""

import bz2
import collections
import csv
import dataclasses
import gzip
import hashlib
import io
import itertools
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from nao.core import Architecture, InputError, Request
from nao.evaluators.tables import READERS, Table, nasbench201, nasbench_macro, table
from nao.evaluators.tables.files import digest
from nao.evaluators.tables.pickles import read_bz2, read_torch
from nao.evaluators.tables.row import Row
from nao.spaces import SPACES
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS
from nao.spaces.nasbench_macro import NASBENCH_MACRO
from tests.evaluators.test_contract import TestEvaluatorContract  # noqa: F401 - runs here on a table
from tests.fakes import PairSpace

CELLS = list(NASBENCH201.strings())
CHAINS = list(NASBENCH_MACRO.strings())
SMALL = PairSpace(letters=2, length=4)


def value(tokens):
    """A score that differs from string to string: its tokens as the digits of a fraction."""
    return float(sum(token / 8 ** (t + 1) for t, token in enumerate(tokens)))


@pytest.fixture
def evaluator():
    """A table of all strings of a small space."""
    rows = {
        tokens: Row(value(tokens), value(tokens) / 2, 10, 0.5, 1000)
        for tokens in itertools.product(range(2), repeat=4)
    }
    return Table(SMALL, rows, True, {"file": "made"})


class TestTable:
    def test_it_answers_in_order_with_what_is_in_its_rows(self, evaluator):
        architectures = [SMALL.parse(text) for text in ("a b a b", "b b b b")]
        requests = [Request(x, seed) for x, seed in zip(architectures, (3, 4), strict=True)]
        first, second = evaluator.evaluate(requests)
        assert [first.request, second.request] == requests
        assert first.score == 1 / 64 + 1 / 4096
        assert first.test_score == first.score / 2
        assert (first.parameters, first.flops, first.seconds, first.device) == (10, 1000, 0.5, "table")
        assert second.score > first.score

    def test_strings_that_mean_the_same_keep_their_own_scores(self, evaluator):
        results = evaluator.evaluate([Request(SMALL.parse("a b a a")), Request(SMALL.parse("b a a a"))])
        assert len({result.score for result in results}) == 2

    def test_every_label_counts_also_a_second_time(self, evaluator):
        architecture = SMALL.parse("a b a b")
        list(evaluator.evaluate([Request(architecture)] * 3))
        list(evaluator.evaluate([Request(architecture)]))
        assert evaluator.queries == 4
        again = dataclasses.replace(evaluator)
        list(again.evaluate([Request(architecture)]))
        assert (again.queries, evaluator.queries) == (1, 4)

    def test_what_has_no_row_is_a_failed_result_and_counts(self, evaluator):
        partial = dataclasses.replace(evaluator, rows={(0, 0, 0, 0): Row(1.0, 1.0, 1, 0.0, 1)})
        (result,) = partial.evaluate([Request(SMALL.parse("a b a b"))])
        assert (result.status, result.score, partial.queries) == ("failed", None, 1)
        assert result.reason == "the table has no row for a b a b"

    def test_rows_can_be_found_by_the_canonical_key(self, evaluator):
        rows = {SMALL.canonical(SMALL.parse("a b a b")): Row(0.25, 0.5, 1, 0.0, 1)}
        by_key = dataclasses.replace(evaluator, rows=rows, by_string=False)
        assert [r.score for r in by_key.evaluate([Request(SMALL.parse("b a b a"))])] == [0.25]

    def test_the_best_score_and_the_best_report(self, evaluator):
        rows = {(0, 0, 0, 0): Row(3.0, 1.0, 1, 0.0, 1), (1, 1, 1, 1): Row(2.0, 5.0, 1, 0.0, 1)}
        two = dataclasses.replace(evaluator, rows=rows)
        assert (two.optimum, two.best_report, two.devices) == (3.0, 5.0, 2)

    def test_the_optimum_can_be_found_whichever_string_of_an_architecture_is_asked_for(self, evaluator):
        scores = {(0, 1, 0, 0): 9.0, (1, 0, 0, 0): 6.0, (0, 0, 0, 0): 7.0, (1, 1, 1, 1): 5.0}
        rows = {tokens: Row(score, score, 1, 0.0, 1) for tokens, score in scores.items()}
        assert dataclasses.replace(evaluator, rows=rows).optimum == 7.0

    def test_it_crosses_to_other_processes(self, evaluator):
        again = pickle.loads(pickle.dumps(evaluator))
        assert again.rows == evaluator.rows
        assert next(again.evaluate([Request(SMALL.parse("a b a b"))])).score == value((0, 1, 0, 1))


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
    def test_every_string_has_its_own_row(self, scores):
        found = table("nasbench201", scores, "valid", "test")
        assert (found.space, found.devices) == (NASBENCH201, 15_625)
        assert found.optimum == value((4,) * 6)
        assert found.best_report == 2 * found.optimum
        requests = [Request(Architecture(tokens, NASBENCH201)) for tokens in CELLS]
        scores = [result.score for result in found.evaluate(requests)]
        assert scores == [value(tokens) for tokens in CELLS]

    def test_the_file_may_be_named_by_text(self, scores):
        assert table("nasbench201", str(scores), "valid", "test").optimum == value((4,) * 6)

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
            ({"strings": CELLS[:7] + CELLS[9:]}, "2 of the 15,625 rows are missing, the first is {string}"),
            ({"strings": CELLS + CELLS[3:4]}, "line 15627: a second row for"),
            ({"line9_valid": "none"}, "line 9: valid is 'none', but must be a finite number"),
            ({"line3_test": "nan"}, "line 3: test is 'nan', but must be a finite number"),
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
            (b"", "has neither the columns"),
            (b"\xff\xfe\x00", "is no text in UTF-8"),
            (b"arch,acc\n", "has no column 'valid'; it has acc"),
            (b"arch,valid,test\n|none~0|,1,2", "line 2: nasbench201: a string is written |op~0|+"),
            (b"arch;valid;test\n", "nor the column arch, separated by commas"),
            (b"arch,valid,test,valid\n", "has more than one column 'valid'"),
            (b"arch,valid,test\n|none~0|,1,2,5", "line 2: more cells than the 3 columns"),
            (b"arch,valid,test\n" + b"x" * 200_000, "is no CSV: field larger than"),
            (b"e01,e02,e12,e03,e13,e23,valid,test\n0,0,0", "line 2: valid is 'None', but must be a finite"),
        ],
    )
    def test_another_format(self, tmp_path, data, message):
        (tmp_path / "other.csv").write_bytes(data)
        self.refused(tmp_path / "other.csv", message)

    def test_missing_and_cut_off(self, scores, tmp_path):
        self.refused(tmp_path / "nowhere.csv", "is not there, or not a file")
        for suffix in (".pbz2", ".pth"):
            self.refused((tmp_path / "nowhere").with_suffix(suffix), "is not there")
        for cut in (200, 1):  # through the middle; only the last byte
            (tmp_path / "cut.csv.gz").write_bytes(scores.read_bytes()[:-cut])
            self.refused(tmp_path / "cut.csv.gz", "it is damaged or cut off")

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
        assert len(rows) == 15_625
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
        with pytest.raises(
            InputError, match=r"not complete: 15,623 of the 15,625 rows are missing, the first is"
        ):
            nasbench201.rows(folder, *self.COLUMNS)
        for i in range(2, 15_625):
            os.link(folder / "000001.pickle.pbz2", folder / f"{i:06d}.pickle.pbz2")
        self.check(nasbench201.rows(folder, *self.COLUMNS))
        before = digest(folder)
        (folder / ".cache").mkdir()
        assert digest(folder) == before

    def test_the_file_of_nas_bench_201_as_old_and_new_pytorch_write_it(self, tmp_path):
        data = pickle.dumps(whole(("less", "full")), protocol=2)
        file = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
        headers = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
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
            ([1, 2], "has no meta_archs and arch2infos"),
            ({"meta_archs": ["a"]}, "has no meta_archs and arch2infos"),
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
                "not complete: 15,624 of the 15,625 rows are missing",
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


class TestPickles:
    def written(self, tmp_path, data, protocol=4):
        (tmp_path / "x.pbz2").write_bytes(bz2.compress(pickle.dumps(data, protocol=protocol)))
        return tmp_path / "x.pbz2"

    @pytest.mark.parametrize("protocol", [2, 4])
    def test_plain_data_is_read(self, tmp_path, protocol):
        data = {"a": [1, (2.5, None)], "b": collections.OrderedDict(c={1, 2}), "d": np.float64(0.1)}
        data |= {"e": np.arange(3.0), "f": b"\x00\xff", "g": np.int64(7), "h": frozenset([1])}
        found = read_bz2(self.written(tmp_path, data, protocol))
        assert found.pop("e").tolist() == data.pop("e").tolist()
        assert found == data
        assert type(found["b"]) is collections.OrderedDict

    @pytest.mark.parametrize("protocol", [2, 4])
    def test_nothing_in_a_pickle_is_run(self, tmp_path, protocol):
        class Mischief:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "made"),)

        with pytest.raises(InputError, match=r"it holds (posix|nt)\.mkdir, which is no plain data$"):
            read_bz2(self.written(tmp_path, [Mischief()], protocol))
        assert not (tmp_path / "made").exists()

    def test_the_names_of_numpy_1_are_known(self, tmp_path):
        data = pickle.dumps(np.float64(0.1), protocol=2).replace(b"numpy._core.", b"numpy.core.")
        (tmp_path / "x.pbz2").write_bytes(bz2.compress(data))
        assert read_bz2(tmp_path / "x.pbz2") == 0.1

    def test_tensors_are_left_out(self, tmp_path):
        """As `torch.save` writes one: a global of torch, called on a persistent id."""
        rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n"
        storage = b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQ"
        data = (
            b"\x80\x02}S'weights'\n" + rebuild + b"(" + storage + b"I0\n(I4\nt(I1\nttR" + b"sS'acc'\nF0.5\ns."
        )
        with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
            archive.writestr("x/data.pkl", data)
        found = read_torch(tmp_path / "x.pth")
        assert found["acc"] == 0.5
        assert type(found["weights"]).__name__ == "Nothing"

    @pytest.mark.parametrize("data", [b"", b"hello", pickle.dumps(1), b"PK\x03\x04broken"])
    def test_what_torch_did_not_write(self, tmp_path, data):
        (tmp_path / "x.pth").write_bytes(data)
        with pytest.raises(
            InputError, match=r"x\.pth cannot be read, it is damaged, cut off or something else"
        ):
            read_torch(tmp_path / "x.pth")

    def test_an_archive_without_data(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
            archive.writestr("x/other", b"")
        with pytest.raises(InputError, match="damaged, cut off or something else"):
            read_torch(tmp_path / "x.pth")


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

    def test_the_mean_and_each_run(self, file):
        found = table("nasbench-macro", file, "run_3", "mean_acc")
        assert (found.space, found.devices) == (NASBENCH_MACRO, 6_561)
        architecture = NASBENCH_MACRO.parse("12012010")
        (result,) = found.evaluate([Request(architecture)])
        assert result.score == value(architecture.tokens) + 5
        assert result.test_score == value(architecture.tokens) + 2
        assert (result.parameters, result.flops) == (1000, 1000)
        assert found.optimum == value((2,) * 8) + 5
        runs = [nasbench_macro.rows(file, f"run_{n}", "run_1")[CHAINS[0]].score for n in (1, 2)]
        assert runs == [0, 1]

    def test_its_configuration_tells_files_and_columns_apart(self, file):
        found = [
            table("nasbench-macro", file, *columns) for columns in (("run_1", "run_2"), ("run_2", "run_1"))
        ]
        file.write_text(file.read_text() + "\n")
        found.append(table("nasbench-macro", file, "run_1", "run_2"))
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        source = {"file": "macro.json", "sha256": sha256, "signal": "run_1", "report": "run_2"}
        assert found[2].configuration() == {"table": "nasbench-macro", **source}
        assert len({json.dumps(known.configuration()) for known in found}) == 3

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('"00000002": {', '"00000001": {', r"architecture 3: a second row for 00000001$"),
            ('"00000002": {', '"00000003": {', r"architecture 3: nasbench-macro: position 8 is '3'"),
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
        self.refused(file, "not complete: 4 of the 6,561 rows are missing, the first is 00000000$")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[1, 2]", "architecture 1: it has not"),
            ("3", "architecture 1: it has"),
            ("e01,", "is no JSON, or cut"),
        ],
    )
    def test_another_format(self, file, text, message):
        file.write_text(text)
        self.refused(file, message)

    def test_missing_and_cut_off(self, file, tmp_path):
        file.write_text(file.read_text()[:-100])
        self.refused(file, "is no JSON, or cut off")
        self.refused(tmp_path / "nowhere.json", r"nowhere\.json is not there, or not a file")

    def test_another_column(self, file):
        self.refused(file, r"has no column 'valid'; it has mean_acc, run_1, run_2, run_3$", "valid")

    def refused(self, file, message, signal="mean_acc"):
        with pytest.raises(InputError, match=message) as error:
            nasbench_macro.rows(file, signal, "mean_acc")
        assert len(str(error.value).splitlines()) == 1


def test_tables_are_known_by_the_names_of_their_spaces(tmp_path):
    assert set(READERS) <= set(SPACES)
    with pytest.raises(
        InputError, match=r"^there are no tables of 'cnn-cell'; there are of nasbench101, nasb"
    ):
        table("cnn-cell", tmp_path, "valid", "test")
