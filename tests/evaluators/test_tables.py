"""Tables of known scores: how they answer, whichever file they were read from."""

import bz2
import dataclasses
import itertools
import json
import pickle
from pathlib import Path

import pytest

from nao.core import Cost, InputError, Request
from nao.evaluators.tables import READERS, Table, make
from nao.evaluators.tables import table as read
from nao.evaluators.tables.row import Row
from nao.spaces import SPACES
from tests.fakes import PairSpace

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

    def test_what_has_no_row_is_a_failed_result(self, evaluator):
        partial = dataclasses.replace(evaluator, rows={(0, 0, 0, 0): Row(1.0, 1.0)})
        (result,) = partial.evaluate([Request(SMALL.parse("a b a b"))])
        assert (result.status, result.score, result.device) == ("failed", None, "table")
        assert result.reason == "the table has no row for a b a b"

    def test_costs_are_known_before_anything_is_asked(self, evaluator):
        architecture = SMALL.parse("a b a b")
        assert evaluator.cost([architecture]) == [Cost(10, 1000)]
        assert dataclasses.replace(evaluator, rows={}).cost([architecture]) == [Cost()]

    def test_rows_can_be_found_by_the_canonical_key(self, evaluator):
        rows = {SMALL.canonical(SMALL.parse("a b a b")): Row(0.25, 0.5, 1, 0.0, 1)}
        by_key = dataclasses.replace(evaluator, rows=rows, by_string=False)
        assert [r.score for r in by_key.evaluate([Request(SMALL.parse("b a b a"))])] == [0.25]

    def test_the_optimum_can_be_found_whichever_string_of_an_architecture_is_asked_for(self, evaluator):
        scores = {(0, 1, 0, 0): 9.0, (1, 0, 0, 0): 6.0, (0, 0, 0, 0): 7.0, (1, 1, 1, 1): 5.0}
        rows = {tokens: Row(score, score, 1, 0.0, 1) for tokens, score in scores.items()}
        assert dataclasses.replace(evaluator, rows=rows).optimum == 7.0

    def test_the_optimum_within_bounds_of_costs(self, evaluator):
        scores = {(0, 1, 0, 0): 9.0, (1, 0, 0, 0): 6.0, (0, 0, 0, 0): 7.0, (1, 1, 1, 1): 5.0}
        rows = {x: Row(score, score, costs={"ms": 2.0 * x[0] + x[1]}) for x, score in scores.items()}
        found = dataclasses.replace(evaluator, rows=rows)
        optima = [found.optimum_within({"ms": bound}) for bound in (0.5, 1.0, 2.0)]
        assert optima == [7.0, 9.0, 7.0]  # of the first two, which mean the same, only one is within 1

    def test_it_crosses_to_other_processes(self, evaluator):
        again = pickle.loads(pickle.dumps(evaluator))
        assert again.rows == evaluator.rows
        assert next(again.evaluate([Request(SMALL.parse("a b a b"))])).score == value((0, 1, 0, 1))


class TestMake:
    """`make(table.configuration()) == table`."""

    def test_the_same_file_is_the_same_table(self, table, tmp_path):
        configuration = json.loads(json.dumps(table.configuration()))
        made = make(configuration)
        assert made == table
        assert hash(made) == hash(table)
        assert made.rows == table.rows
        moved = tmp_path / "elsewhere" / "table.csv"
        moved.parent.mkdir()
        moved.write_bytes(Path(configuration["path"]).read_bytes())
        assert make(configuration | {"path": str(moved)}) == table

    def test_other_columns_and_contents_are_another_table(self, table):
        configuration = dict(table.configuration())
        swapped = read(configuration["table"], configuration["path"], "test", "valid")
        assert swapped != table
        file = Path(configuration["path"])
        file.write_text(file.read_text().replace("1.5", "1.75"))
        assert read(configuration["table"], file, "valid", "test") != table
        with pytest.raises(InputError, match=r"table.csv has changed"):
            make(configuration)


class TestWords:
    """A CSV file with a column for each position."""

    ROWS = ("kernel,act,valid,test,notes", "3,relu,0.25,0.5,", "5,relu,0.5,0.25,x", "3,tanh,0.75,1,y")

    @pytest.fixture
    def file(self, tmp_path):
        (tmp_path / "scores.csv").write_text("\n".join(self.ROWS))
        return tmp_path / "scores.csv"

    def test_the_columns_before_the_scores_are_the_positions(self, file):
        found = read("words", file, "valid", "test")
        assert found.space.choices == (("3", "5"), ("relu", "tanh"))
        assert found.space.size == 3
        results = found.evaluate([Request(found.space.parse(text)) for text in ("5 relu", "3 tanh")])
        assert [(result.score, result.test_score) for result in results] == [(0.5, 0.25), (0.75, 1.0)]
        assert found.optimum == 0.75
        assert read("words", file, "test", "valid").space == found.space

    def test_whatever_is_sampled_has_a_row(self, file, rng):
        found = read("words", file, "valid", "test")
        requests = [Request(x) for x in found.space.sample(rng, 20)]
        assert {result.status for result in found.evaluate(requests)} == {"ok"}

    def test_other_columns_can_be_costs(self, file):
        file.write_text(
            "\n".join(f"{row},{n}" for row, n in zip(self.ROWS, ("ms", 1, "2.5", 3), strict=True))
        )
        found = read("words", file, "valid", "test", ["ms"])
        assert found.cost([found.space.parse("5 relu")]) == [Cost(others={"ms": 2.5})]
        assert found != read("words", file, "valid", "test")
        for cost, complaint in (
            ("size", "has no column 'size'; it has kernel, act"),
            ("notes", "line 2: notes is '', but must be a finite number"),
            ("test", "'test' cannot be a cost, it is a score or a part of the architecture"),
            ("act", "'act' cannot be a cost"),
        ):
            with pytest.raises(InputError, match=complaint):
                read("words", file, "valid", "test", [cost])

    def test_it_may_be_compressed_and_begin_with_a_byte_order_mark(self, file, tmp_path):
        packed = tmp_path / "scores.csv.bz2"
        packed.write_bytes(bz2.compress(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n")))
        assert read("words", packed, "valid", "test").rows == read("words", file, "valid", "test").rows

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("5,relu", "3,relu", "line 3: a second row for 3 relu"),
            ("5,relu", "5,", "line 3: 'act' is empty"),
            ("5,relu", " ,relu", "line 3: 'kernel' is empty"),
            ("5,relu,0.5", "5,relu,inf", "line 3: valid is 'inf', but must be a finite number"),
            ("5,relu,0.5", "5,relu,", "line 3: valid is '', but must be a finite number"),
            ("5,relu,0.5", "5,relu", "line 3: 4 cells, but there are 5 columns"),
            ("5,relu", "5,leaky relu", "line 3: 'act' is 'leaky relu', but a word has no spaces"),
            ("kernel,act", "act,act", "has more than one column 'act'"),
            ("kernel,act,valid,test", "valid,test,kernel,act", "the columns to the left of the scores, but"),
            (
                "kernel,act,valid",
                "kernel,act,score",
                "has no column 'valid'; it has kernel, act, score, test",
            ),
            ("\n5,relu,0.5,0.25,x\n3,tanh,0.75,1,y", "", "at least 2 strings to choose from"),
            ("\n".join(ROWS[1:]), "", "has no rows"),
            ("5,relu", "7,relu", None),
        ],
    )
    def test_bad_rows_are_refused_in_one_line(self, file, old, new, message):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        if message is None:
            assert len(read("words", file, "valid", "test").rows) == 3
            return
        with pytest.raises(InputError) as error:
            read("words", file, "valid", "test")
        assert str(error.value).startswith(str(file))
        assert message in str(error.value)
        assert len(str(error.value).splitlines()) == 1

    def test_measurements_and_identifiers_are_no_positions(self, tmp_path):
        file = tmp_path / "scores.csv"
        rows = [f"{n},{n % 3},{n % 5},{n / 7},{n}" for n in range(15)]
        file.write_text("\n".join(["id,op,size,valid,test", *rows]))
        with pytest.raises(InputError, match=r"'id' has 15 different words in 15 rows: that is no choice"):
            read("words", file, "valid", "test")
        rows = [f"{n % 3},{n % 7},{n % 101},{n / 7},{n}" for n in range(3 * 7 * 101)]
        file.write_text("\n".join(["op,size,early,valid,test", *rows]))
        with pytest.raises(InputError, match=r"'early' has 101 different words in 2,121 rows"):
            read("words", file, "valid", "test")


def test_tables_are_known_by_the_names_of_their_spaces(tmp_path):
    assert set(READERS) - {"words"} <= set(SPACES)
    with pytest.raises(
        InputError, match=r"^there are no tables of 'cnn-cell'; there are of nasbench101, nasb"
    ):
        read("cnn-cell", tmp_path, "valid", "test")
