"""Files of architectures and of scores: read as they are meant, or refused in one line."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from nao.core import InputError, Request, Result
from nao.scores import read_architectures, scores_file
from tests.fakes import PairSpace

SPACE = PairSpace()
MADE = {"program": "fake", "steps": 3}
XS = SPACE.sample(np.random.default_rng(0), 4)


def requests(seed=0):
    return [Request(x, seed) for x in XS]


class TestArchitectures:
    def test_each_once_and_no_empty_lines_or_comments(self):
        lines = ["\ufeff# chosen by hand", str(XS[0]), "", f"  {XS[1]}\r", str(XS[0])]
        assert read_architectures("\n".join(lines).encode(), "x.txt", SPACE) == XS[:2]

    @pytest.mark.parametrize(
        ("content", "match"),
        [
            (b"", "^x.txt has no architecture; write one on each line$"),
            (b"# none\n\n", "^x.txt has no architecture"),
            (f"{XS[0]}\nabc\n".encode(), "^x.txt, line 2: pairs: "),
            (b"\xff\xfe", r"^x.txt, line 1: this is no text \(UTF-8\)$"),
            (b"\0", "^x.txt, line 1: pairs: "),
        ],
    )
    def test_what_is_none(self, content, match):
        with pytest.raises(InputError, match=match):
            read_architectures(content, "x.txt", SPACE)


class TestScores:
    def test_whoever_was_stopped_goes_on(self, tmp_path):
        path = tmp_path / "s.jsonl"
        with scores_file(path, MADE) as file:
            assert not file.known
            for i, request in enumerate(requests()[:2]):
                file.append(Result(request, i / 2, metrics={"steps": 3}))
        with scores_file(path, MADE) as file:
            known = [file.key(request) in file.known for request in requests()]
            assert known == [True, True, False, False]
            assert file.key(Request(XS[0], 1)) not in file.known
            file.append(Result(requests()[2], status="failed", reason="diverged"))
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert [record["score"] for record in records] == [0.0, 0.5, None]
        assert [record["architecture"] for record in records] == [str(x) for x in XS[:3]]

    def test_wherever_it_was_cut_off_it_has_all_whole_lines(self, tmp_path):
        path = tmp_path / "s.jsonl"
        with scores_file(path, MADE) as file:
            for request in requests():
                file.append(Result(request, 1.0))
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with scores_file(path, MADE) as file:
                assert len(file.known) == whole[:length].count(b"\n")
                assert file.dropped == (length > 0 and whole[length - 1 : length] != b"\n")
                file.append(Result(Request(XS[0], 9), 1.0))
            lines = path.read_bytes().splitlines()
            assert [json.loads(line)["seed"] for line in lines] == [0] * (len(lines) - 1) + [9]

    def test_damage_is_refused_or_harmless_and_never_anything_else(self, tmp_path):
        path, rng = tmp_path / "s.jsonl", np.random.default_rng(0)
        with scores_file(path, MADE) as file:
            for request in requests():
                file.append(Result(request, 1.0))
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        complaints = []
        for _ in range(500):
            damaged = whole.copy()
            at = rng.integers(len(damaged), size=rng.integers(1, 4))
            damaged[at] = rng.integers(256, size=len(at))
            path.write_bytes(damaged.tobytes())
            try:
                with scores_file(path, MADE) as file:
                    assert len(file.known) <= len(XS)
            except InputError as error:
                complaints.append(str(error))
        assert len(complaints) > 100
        assert all(said.startswith(f"{path}, line ") and "\n" not in said for said in complaints)

    def test_scores_of_another_measurement(self, tmp_path):
        with scores_file(tmp_path / "s.jsonl", MADE) as file:
            file.append(Result(requests()[0], 1.0))
        with (
            pytest.raises(InputError, match=r"s\.jsonl, line 1: this was measured in another way"),
            scores_file(tmp_path / "s.jsonl", {**MADE, "steps": 4}),
        ):
            pass

    @pytest.mark.parametrize("line", ["[]", "{}", "3", '{"architecture": "x"}', "[" * 100_000, "\xff"])
    def test_a_line_that_is_no_result(self, tmp_path, line):
        path = tmp_path / "s.jsonl"
        path.write_bytes(line.encode("latin-1") + b"\n")
        with pytest.raises(InputError, match="line 1: this is no result"), scores_file(path, MADE):
            pass
        assert path.read_bytes() == line.encode("latin-1") + b"\n"  # as it was

    @pytest.mark.parametrize("content", [b'{"my": "thesis"}', b"abc", b"\n\nabc", b"{\n}"])
    def test_a_file_that_is_none_of_ours_stays_as_it_is(self, tmp_path, content):
        path = tmp_path / "s.json"
        path.write_bytes(content)
        with pytest.raises(InputError, match="this is no result"), scores_file(path, MADE):
            pass
        assert path.read_bytes() == content

    def test_files_that_cannot_be_written(self, tmp_path):
        for path, match in (
            (tmp_path, "Is a directory"),
            (tmp_path / "no" / "s.jsonl", "No such file or directory"),
            (tmp_path / "a\0b", "the name is none"),
            (Path("/dev/zero"), "it is no file"),
        ):
            with pytest.raises(InputError, match=match), scores_file(path, MADE):
                pass

    def test_one_process_at_a_time(self, tmp_path):
        path = tmp_path / "s.jsonl"
        with (
            scores_file(path, MADE),
            pytest.raises(InputError, match="another process writes in"),
            scores_file(path, MADE),
        ):
            pass

    def test_a_disk_that_is_full(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with scores_file(tmp_path / "s.jsonl", MADE) as file:
            monkeypatch.setattr(os, "write", full)
            with pytest.raises(InputError, match=r"cannot write .*: No space left on device; whole lines"):
                file.append(Result(requests()[0], 1.0))
