"""The ledger: what is committed stays, and whatever is wrong with the file is said in one line."""

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from nao.core import InputError, Proposal, Request
from nao.study import Study, default_folder, read
from tests.fakes import PairSpace, SumEvaluator

SPACE = PairSpace()
ROOT = Path(__file__).parents[2]
CONFIGURATION = {"space": {"space": "pairs"}, "evaluator": {}, "seeds": 10, "sizes": (1, 2)}


def proposals(n, seed=0):
    """n different architectures, each with everything a proposal can say."""
    parent, *others = SPACE.sample(np.random.default_rng(seed), 3 * n)
    different = list({SPACE.canonical(x): x for x in others}.values())[:n]
    return [Proposal(x, "ascent", parent, 0.1 + i, 1 / 3) for i, x in enumerate(different)]


def propose(study, n=4, seed=0):
    made = proposals(n, seed)
    study.propose(made, range(100, 100 + n), state={"asked": 1}, diagnostics={"tau": 0.1}, seconds=2.0)
    return made


def record(study, count=None):
    """Records results for the pending trials."""
    pending = [trial for trial in study.history().trials if trial.status == "pending"]
    for trial in pending[:count]:
        result = SumEvaluator().result(Request(SPACE.parse(trial.architecture), trial.seed))
        study.record(trial, result, 1.5)


@pytest.fixture
def run(tmp_path):
    """The folder of a study with two results and two pending trials."""
    folder = tmp_path / "run"
    with Study(folder, CONFIGURATION) as study:
        propose(study)
        record(study, 2)
    return folder


@pytest.fixture
def unprivileged():
    """The superuser may write everywhere; be somebody else."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


@pytest.fixture
def public():
    """A folder that everybody can reach."""
    import tempfile

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class TestContents:
    def test_everything_comes_back_exactly(self, run):
        made = proposals(4)
        history = read(run)
        for i, (trial, proposal) in enumerate(zip(history.trials, made, strict=True)):
            assert (trial.id, trial.iteration, trial.seed) == (i, 0, 100 + i)
            assert (trial.tokens, trial.architecture) == (
                proposal.architecture.tokens,
                str(proposal.architecture),
            )
            assert (trial.origin, trial.parent) == ("ascent", str(proposal.parent))
            assert (trial.step, trial.predicted) == (proposal.step, proposal.predicted)
        assert [trial.status == "pending" for trial in history.trials] == [False, False, True, True]
        assert history.iterations[0].state == {"asked": 1}
        assert history.iterations[0].diagnostics == {"tau": 0.1}
        assert history.iterations[0].seconds == 2.0 + 2 * 1.5
        assert set(history.versions) == {"nao-search", "jax", "python"}

    def test_results_come_back_exactly(self, run):
        for trial in read(run).trials[:2]:
            x = SPACE.parse(trial.architecture)
            result = SumEvaluator().result(Request(x, trial.seed))
            assert result.status == "ok"
            assert trial.result(SPACE) == result

    @pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), None])
    def test_a_score_that_is_no_number_is_a_failure(self, run, score):
        with Study(run, CONFIGURATION) as study:
            trial = study.history().trials[2]
            x = SPACE.parse(trial.architecture)
            result = SumEvaluator(failing=()).result(Request(x, 1))
            stored = study.record(trial, dataclasses.replace(result, score=score), 1.0)
            assert stored == study.history().trials[2]
        assert (stored.status, stored.score) == ("failed", None)
        assert str(score).lower() in stored.reason.lower()

    def test_the_file_itself_refuses_a_score_that_failed(self, run):
        with sqlite3.connect(run / "study.sqlite") as connection, pytest.raises(sqlite3.IntegrityError):
            connection.execute("UPDATE results SET status = 'failed'")
        connection.close()

    def test_an_architecture_is_stored_once_whatever_its_string(self, run):
        with Study(run, CONFIGURATION) as study:
            again = Proposal(next(SPACE.symmetric(proposals(4)[0].architecture)), "random")
            before = study.history()
            with pytest.raises(sqlite3.IntegrityError):
                study.propose([*proposals(3, seed=8), again], range(4), state={}, diagnostics={}, seconds=0.0)
            assert study.history() == before  # and none of the others either

    def test_a_result_is_recorded_once(self, run):
        with Study(run, CONFIGURATION) as study:
            trial = study.history().trials[0]
            with pytest.raises(sqlite3.IntegrityError):
                study.record(trial, SumEvaluator().result(Request(SPACE.parse(trial.architecture), 1)), 1.0)
            assert study.history().iterations[0].seconds == 5.0

    def test_a_study_in_memory_leaves_nothing_behind(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with Study(None, CONFIGURATION) as study:
            propose(study)
            record(study)
            assert len(study.history().trials) == 4
        assert list(tmp_path.iterdir()) == []


class TestReading:
    def test_while_it_is_being_written(self, run):
        with Study(run, CONFIGURATION) as study:
            record(study, 1)
            assert read(run) == study.history()

    def test_from_a_read_only_folder(self, run, public, unprivileged):
        if os.getuid() == 0:
            os.seteuid(0)
        shutil.copytree(run, public / "run")
        (public / "run").chmod(0o555)
        (public / "run" / "study.sqlite").chmod(0o444)
        if os.getuid() == 0:
            os.seteuid(65534)
        assert len(read(public / "run").trials) == 4
        with pytest.raises(InputError, match="cannot write in"):
            Study(public / "run", CONFIGURATION)

    def test_of_nothing(self, tmp_path):
        for folder in (tmp_path, tmp_path / "absent"):
            with pytest.raises(InputError, match="there is no study in"):
                read(folder)

    def test_before_anything_is_written(self, tmp_path):
        (tmp_path / "study.sqlite").touch()
        with pytest.raises(InputError, match="only just begun"):
            read(tmp_path)


class TestOpening:
    def test_the_same_configuration_goes_on(self, run):
        with Study(run, CONFIGURATION) as study:
            record(study)
            propose(study, seed=1)
            assert [trial.iteration for trial in study.history().trials] == [0] * 4 + [1] * 4

    def test_another_configuration_is_refused_and_told_apart(self, run):
        other = {**CONFIGURATION, "seeds": 20, "space": {"space": "triples"}}
        with pytest.raises(InputError) as error:
            Study(run, other)
        assert "seeds is 10 there and 20 here" in str(error.value)
        assert "space.space is 'pairs' there and 'triples' here" in str(error.value)
        assert "--out" in str(error.value)
        with Study(run, CONFIGURATION) as study:  # nothing changed, and the lock is free again
            assert len(study.history().trials) == 4

    def test_a_file_that_is_no_database(self, run):
        (run / "study.sqlite").write_bytes(b"precious notes " * 1000)
        for attempt in (lambda: Study(run, CONFIGURATION), lambda: read(run)):
            with pytest.raises(InputError, match="is not a study"):
                attempt()
        assert (run / "study.sqlite").read_bytes() == b"precious notes " * 1000

    def test_the_database_of_another_program(self, run):
        (run / "study.sqlite").unlink()
        with sqlite3.connect(run / "study.sqlite") as connection:
            connection.execute("CREATE TABLE notes (note TEXT)")
        connection.close()
        for attempt in (lambda: Study(run, CONFIGURATION), lambda: read(run)):
            with pytest.raises(InputError, match="is not a study"):
                attempt()

    def test_a_newer_version(self, run):
        with sqlite3.connect(run / "study.sqlite") as connection:
            connection.execute("PRAGMA user_version = 2")
        connection.close()
        for attempt in (lambda: Study(run, CONFIGURATION), lambda: read(run)):
            with pytest.raises(InputError, match="newer version"):
                attempt()

    def test_a_damaged_file(self, run):
        content = bytearray((run / "study.sqlite").read_bytes())
        content[200:] = os.urandom(len(content) - 200)
        (run / "study.sqlite").write_bytes(content)
        with pytest.raises(InputError, match="damaged"):
            Study(run, CONFIGURATION)

    def test_a_folder_that_may_not_be_written(self, public, unprivileged):
        for folder in (public, public / "new"):
            with pytest.raises(InputError, match="cannot write in"):
                Study(folder, CONFIGURATION)

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="cannot write in"):
            Study(tmp_path / "file", CONFIGURATION)

    def test_one_search_at_a_time(self, run):
        with Study(run, CONFIGURATION), pytest.raises(InputError, match="another search is running"):
            Study(run, CONFIGURATION)

    def test_the_lock_ends_with_its_process(self, run):
        script = f"""
            from pathlib import Path
            from nao.study import Study
            study = Study(Path({str(run)!r}), {CONFIGURATION!r})
            print("locked", flush=True)
            input()
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "locked\n"
            with pytest.raises(InputError, match="another search is running"):
                Study(run, CONFIGURATION)
            other.kill()
        Study(run, CONFIGURATION).close()


def test_a_full_disk_loses_nothing(run):
    script = f"""
        import resource, sys
        sys.path.append({str(ROOT)!r})
        from nao.core import InputError
        from tests.study.test_study import CONFIGURATION, Path, Study, propose, record
        limit = Path({str(run / "study.sqlite")!r}).stat().st_size + 8192
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with Study(Path({str(run)!r}), CONFIGURATION) as study:
            record(study)
            try:
                propose(study, 500, seed=1)
            except InputError as error:
                print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(run) in done.stdout
    assert "make room" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    with Study(run, CONFIGURATION) as study:
        assert [trial.status for trial in study.history().trials] == ["ok"] * 4
        propose(study, 500, seed=1)  # there is room now
        assert len(study.history().trials) == 504


def test_the_default_folder_follows_the_configuration():
    one = {"space": {"space": "cnn-cell"}, "evaluator": {"data": {"name": "tfds:mnist"}}, "seed": 0}
    assert default_folder(one) == default_folder(dict(reversed(one.items())))
    assert default_folder(one).parent == Path("runs")
    assert default_folder(one).name.startswith("cnn-cell-tfds-mnist-")
    assert default_folder(one) != default_folder({**one, "seed": 1})
    assert default_folder({"space": {}, "evaluator": {}}).parent == Path("runs")
