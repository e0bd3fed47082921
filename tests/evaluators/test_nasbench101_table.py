"""The table of NAS-Bench-101, from files in exactly its format that are made here."""

import base64
import json
import struct

import numpy as np
import pytest

from nao.core import Architecture, InputError
from nao.evaluators.tables import nasbench101
from nao.evaluators.tables.protobuf import fields
from nao.evaluators.tables.tfrecord import batches, crc32c
from nao.spaces.nasbench101 import NASBENCH101

CONV1, CONV3, POOL = NASBENCH101.operations
CELLS = {  # hash -> matrix, operations
    "aa": ([[0, 1], [0, 0]], []),
    "bb": ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [CONV3]),
    "cc": ([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], [CONV1, POOL]),
}


def checksum(data):
    """The format's own: CRC-32C bit by bit, rotated and shifted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(data):
    head = struct.pack("<Q", len(data))
    return head + checksum(head) + data + checksum(data)


def varint(value):
    low = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([b | 0x80 for b in low[:-1]] + low[-1:])


def message(*parts):
    """A protobuf message of (field, value), where the value is an int, a float or bytes."""
    data = b""
    for number, value in parts:
        if isinstance(value, float):
            data += varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            data += varint(number << 3) + varint(value)
        else:
            data += varint(number << 3 | 2) + varint(len(value)) + value
    return data


def evaluation(*last):
    """Metrics whose only evaluation ends with these fields."""
    return message((1, message((2, 1.0), (4, 0.5), *last)))


def accuracies(graph, epochs, run):
    """Validation and test accuracy that the sample gives to a training."""
    validation = 0.5 + 0.1 * list(CELLS).index(graph) + epochs / 1000 + run / 100
    return validation, validation - 0.05


def record(graph, epochs, run):
    """One training, as the published file writes it."""
    matrix, operations = CELLS[graph]
    validation, test = accuracies(graph, epochs, run)
    evaluations = [
        message((1, share * epochs), (2, share * 1000.0 + run), (3, 0.99), (4, v), (5, t), (6, b"x"))
        for share, v, t in [(0.0, 0.1, 0.1), (0.5, 0.3, 0.3), (1.0, validation, test)]
    ]
    metrics = message(*((1, e) for e in evaluations), (2, 1000 + len(operations)), (3, 2000.0))
    return [
        graph,
        epochs,
        "".join(str(bit) for row in matrix for bit in row),
        ",".join(["input", *operations, "output"]),
        base64.b64encode(metrics).decode(),
    ]


def written(path, records):
    path.write_bytes(b"".join(framed(json.dumps(r).encode()) for r in records))
    return path


def trainings(epochs=(108,)):
    """Run by run, so that the trainings of a graph are not together."""
    return [record(graph, e, run) for run in range(3) for e in epochs for graph in CELLS]


@pytest.fixture(autouse=True)
def three_graphs(monkeypatch):
    """The files here have three of the 423,624 graphs."""
    monkeypatch.setattr(nasbench101, "GRAPHS", 3)


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "nasbench_only108.tfrecord", trainings())


def key(graph):
    return NASBENCH101.canonical(Architecture(NASBENCH101.tokens_of(*CELLS[graph]), NASBENCH101))


def test_each_graph_has_its_mean_over_the_runs(file):
    rows = nasbench101.rows(file, "val_108", "test_108")
    assert rows.keys() == {key(graph) for graph in CELLS}
    for graph, (_, operations) in CELLS.items():
        validation, test = accuracies(graph, 108, 1)  # the middle one of three
        row = rows[key(graph)]
        assert (row.score, row.test_score) == pytest.approx((validation, test))
        assert row.parameters == 1000 + len(operations)
        assert row.seconds == pytest.approx(1001)
        assert type(row.score) is type(row.test_score) is type(row.seconds) is float
        assert type(row.parameters) is int


def test_every_string_of_a_graph_finds_its_row(file, rng):
    rows = nasbench101.rows(file, "val_108", "test_108")
    strings = np.array([NASBENCH101.tokens_of(*CELLS["cc"])] * 50)
    for tokens in NASBENCH101.augment(strings, rng).tolist():
        assert NASBENCH101.canonical(Architecture(tuple(tokens), NASBENCH101)) in rows


def test_single_runs_in_the_order_of_the_file(file):
    for run in range(3):
        rows = nasbench101.rows(file, f"val_108_run{run + 1}", "test_108")
        assert rows[key("bb")].score == pytest.approx(accuracies("bb", 108, run)[0])
        assert rows[key("bb")].test_score == pytest.approx(accuracies("bb", 108, 1)[1])


def test_the_full_file_has_shorter_trainings_too(tmp_path):
    file = written(tmp_path / "full", trainings((4, 12, 36, 108)))
    rows = nasbench101.rows(file, "val_12_run2", "test_108")
    assert rows[key("cc")].score == pytest.approx(accuracies("cc", 12, 1)[0])
    assert rows[key("cc")].test_score == pytest.approx(accuracies("cc", 108, 1)[1])


def refusal(file, signal="val_108"):
    with pytest.raises(InputError) as error:
        nasbench101.rows(file, signal, "test_108")
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_missing_file_and_a_folder(tmp_path):
    assert "is not there" in refusal(tmp_path / "nothing")
    assert "is a folder, not a file" in refusal(tmp_path)


def test_every_flipped_bit_is_noticed(file):
    data = file.read_bytes()
    for at in range(0, len(data), 97):
        file.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        said = refusal(file)
        assert "record" in said
        assert "checksum" in said or "bytes" in said or "ends within" in said


def test_a_file_cut_anywhere_is_refused(file):
    data = file.read_bytes()
    sizes = [12 + len(json.dumps(r)) + 4 for r in trainings()]
    for at in (1, 11, 12, 13, sizes[0] - 1, sizes[0] + 5, len(data) - 1):
        file.write_bytes(data[:at])
        assert f"ends within record {1 if at < sizes[0] else 2 if at < 2 * sizes[0] else 9}" in refusal(file)
    file.write_bytes(data[: sizes[0]])
    assert "3 of the 3 graphs" in refusal(file)


def test_missing_graphs_and_runs_are_counted(file, monkeypatch):
    with monkeypatch.context() as all_graphs:
        all_graphs.setattr(nasbench101, "GRAPHS", 423_624)
        assert "423,621 of the 423,624 graphs" in refusal(file)
    written(file, trainings()[:-1])
    assert "1 of the 3 graphs" in refusal(file)


def test_an_empty_file(tmp_path):
    assert "3 of the 3 graphs" in refusal(written(tmp_path / "empty", []))


def test_epochs_that_the_file_does_not_have(file):
    assert "trainings of 108 epochs, none of 12" in refusal(file, signal="val_12")


@pytest.mark.parametrize("name", ["val", "test_100", "val_108_run4", "train_108", "x" * 500])
def test_an_unknown_column(file, name):
    said = refusal(file, signal=name)
    assert name[:40] in said
    assert "val_E" in said
    assert "4, 12, 36, 108" in said


@pytest.mark.parametrize(
    "other",
    [
        {"image": 1},
        ["aa", 108],
        ["dd", 108, "0100", "input,output", "not base64"],
        ["dd", 108, "0100", "input,conv,output", record("aa", 108, 0)[4]],
        ["dd", 108, "0x00", "input,output", record("aa", 108, 0)[4]],
        ["aa", 108, "0100", "input,output", base64.b64encode(message((2, 5))).decode()],
        ["aa", 108, "0100", "input,output", base64.b64encode(b"\x0a\xff").decode()],
        record("aa", 108, 3),
        ["dd", 108, "0100", ["input", "output"], record("aa", 108, 0)[4]],
        ["dd", 108, "0100", None, record("aa", 108, 0)[4]],
        ["dd", 108, ["0", "1", "0", "0"], "input,output", record("aa", 108, 0)[4]],
        ["dd", 108, 100, "input,output", record("aa", 108, 0)[4]],
        [["dd"], 108, "0100", "input,output", record("aa", 108, 0)[4]],
        [None, 108, "0100", "input,output", record("aa", 108, 0)[4]],
        ["dd", "108", "0100", "input,output", record("aa", 108, 0)[4]],
        ["dd", 108.0, "0100", "input,output", record("aa", 108, 0)[4]],
        ["dd", True, "0100", "input,output", record("aa", 108, 0)[4]],
        ["dd", 108, "0100", "input,output", 5],
        ["dd", 108, "0100", "input,output", base64.b64encode(evaluation((5, 1)) + message((2, 1))).decode()],
        [
            "dd",
            108,
            "0100",
            "input,output",
            base64.b64encode(evaluation((5, b"0.5")) + message((2, 1))).decode(),
        ],
        [
            "dd",
            108,
            "0100",
            "input,output",
            base64.b64encode(evaluation((5, 0.5)) + message((2, 0.5))).decode(),
        ],
        "aaaaa",
        5,
        None,
    ],
    ids=[
        "no list",
        "too short",
        "metrics",
        "operation",
        "matrix",
        "no evaluation",
        "cut message",
        "fourth run",
        "operations in a list",
        "no operations",
        "matrix in a list",
        "matrix as a number",
        "hash in a list",
        "no hash",
        "epochs as text",
        "epochs as a fraction",
        "epochs as a truth",
        "metrics as a number",
        "accuracy as a whole number",
        "accuracy as text",
        "parameters as a fraction",
        "text",
        "number",
        "nothing",
    ],
)
def test_another_format_or_version(file, other, monkeypatch):
    monkeypatch.setattr(nasbench101, "GRAPHS", 4)
    written(file, [*trainings(), other])
    assert "record 10 is not one" in refusal(file)


def test_a_number_of_any_size_is_no_crash(file, monkeypatch):
    monkeypatch.setattr(nasbench101, "GRAPHS", 4)
    written(file, [*trainings(), ["dd", 108, "0100", "input,output", "[" * 5000]])
    assert "record 10 is not one" in refusal(file)
    frames = [framed(json.dumps(r).encode()) for r in trainings()] + [framed(b"[" * 60_000)]
    file.write_bytes(b"".join(frames))
    assert "record 10 is not one" in refusal(file)
    parameters = base64.b64encode(message((1, message((2, 1.0), (4, 0.5), (5, 0.5))), (2, 2**70)))
    written(file, [*trainings(), ["dd", 108, "0100", "input,output", parameters.decode()]])
    assert "record 10 is not one" in refusal(file)


def test_an_infinite_score(file, monkeypatch):
    monkeypatch.setattr(f"{__name__}.accuracies", lambda *training: (float("inf"), 0.5))
    assert "a score of 108 epochs is infinite" in refusal(written(file, trainings()))


def test_two_hashes_of_one_graph(file, monkeypatch):
    monkeypatch.setattr(nasbench101, "GRAPHS", 4)
    other = [["dd", *record("bb", 108, run)[1:]] for run in range(3)]
    assert "its 4 graphs are 3 different ones" in refusal(written(file, [*trainings(), *other]))


def test_a_file_that_may_not_be_read(file, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may read anything
    assert "may not be read" in refusal(file)


def test_a_file_that_is_no_tfrecord(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("hash,accuracy\n" * 100)
    assert "record 1 is said to have" in refusal(file)


def test_known_checksums():
    """The values of RFC 3720, appendix B.4, and of the usual check string."""
    strings = [bytes(32), b"\xff" * 32, bytes(range(32)), b"123456789", b""]
    expected = [0x8A9136AA, 0x62A8AB43, 0x46DD794E, 0xE3069283, 0]
    assert crc32c(strings).tolist() == expected
    assert crc32c([b"", b""]).tolist() == [0, 0]


def test_batches_together_are_the_records(tmp_path, monkeypatch):
    monkeypatch.setattr("nao.evaluators.tables.tfrecord.BATCH", 4)
    records = [bytes([n]) * n for n in range(10)]
    file = tmp_path / "records"
    file.write_bytes(b"".join(map(framed, records)))
    assert [len(batch) for batch in batches(file)] == [4, 4, 2]
    assert [data for batch in batches(file) for data in batch] == records
    file.write_bytes(b"".join(map(framed, records))[:-1] + b"?")
    with pytest.raises(InputError, match="checksum of record 10 is wrong"):
        list(batches(file))


def test_protobuf_fields():
    parts = [(1, b"abc"), (2, 300), (3, 0.25), (17, 0), (1, b"")]
    assert list(fields(message(*parts))) == parts
    with pytest.raises(ValueError, match="longer"):
        list(fields(message((1, b"abc"))[:-1]))
    with pytest.raises(ValueError, match="wire type 5"):
        list(fields(b"\x0d0000"))
