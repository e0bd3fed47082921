"""The ledger: what is committed stays, and whatever is wrong with the file is said in one line."""

import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from nao.core import Fidelity, InputError, Proposal, Result
from nao.study import Ledger, Study, default_folder, read
from nao.study.arrays import read_arrays
from tests.fakes import PairSpace, SumEvaluator, another_string

SPACE = PairSpace()
ROOT = Path(__file__).parents[2]
CONFIGURATION = {"strategy": {"space": {"space": "pairs"}}, "evaluator": {}, "seeds": 10, "sizes": (1, 2)}


def proposals(n, seed=0):
    """n different architectures, each with everything a proposal can say."""
    parent, *others = SPACE.sample(np.random.default_rng(seed), 3 * n)
    different = list({SPACE.canonical(x): x for x in others}.values())[:n]
    return [Proposal(x, "ascent", parent, 0.1 + i, 1 / 3) for i, x in enumerate(different)]


def propose(study, n=4, seed=0):
    made = proposals(n, seed)
    notes = {"state": {"asked": 1}, "diagnostics": {"tau": 0.1, "nothing": float("nan")}}
    study.propose(made, range(100, 100 + n), **notes, seconds=2.0, cpu_seconds=1.25)
    return made


def record(study, count=None):
    """Records results for the pending trials."""
    pending = [trial for trial in study.history.trials if trial.status == "pending"]
    for trial in pending[:count]:
        study.record(trial, SumEvaluator().result(trial.request()), 1.5)


@pytest.fixture
def run(tmp_path):
    """The folder of a study with two results and two pending trials."""
    folder = tmp_path / "run"
    with Study(folder, SPACE, CONFIGURATION) as study:
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
        history = read(run, SPACE)
        for i, (trial, proposal) in enumerate(zip(history.trials, made, strict=True)):
            assert (trial.id, trial.iteration, trial.seed) == (i, 0, 100 + i)
            assert trial.proposal == proposal
        assert [trial.status == "pending" for trial in history.trials] == [False, False, True, True]
        (iteration,) = history.iterations
        assert (iteration.state, iteration.diagnostics) == ({"asked": 1}, {"tau": 0.1})
        assert (iteration.seconds, iteration.cpu_seconds) == (2.0 + 2 * 1.5, 1.25)
        assert set(history.versions) == {"nao-search", "jax", "python"}

    def test_results_come_back_exactly(self, run):
        for trial in read(run, SPACE).trials[:2]:
            assert trial.results == (SumEvaluator().result(trial.request()),)
            assert trial.status == "ok"

    def test_a_trial_may_have_a_result_of_each_fidelity(self, run):
        with Study(run, SPACE, CONFIGURATION) as study:
            trial = study.history.trials[0]
            cheap = Result(trial.request(Fidelity("shared", 0)), 0.125)
            both = study.record(trial, cheap, 0.5)
            assert [result.request.fidelity.name for result in both.results] == ["standard", "shared"]
            with pytest.raises(InputError, match="answered a request twice"):
                study.record(both, cheap, 0.5)
        assert read(run, SPACE).trials[0] == both

    def test_an_architecture_is_stored_once_whatever_its_string(self, run):
        with Study(run, SPACE, CONFIGURATION) as study:
            again = Proposal(another_string(proposals(4)[0].architecture), "random")
            with pytest.raises(InputError, match="has this already"):
                study.propose(
                    [*proposals(3, seed=8), again],
                    range(4),
                    state={},
                    diagnostics={},
                    seconds=0.0,
                    cpu_seconds=0.0,
                )
            assert len(study.history.trials) == 4  # and none of the others either
        assert len(read(run, SPACE).trials) == 4

    def test_a_result_is_recorded_once(self, run):
        with Study(run, SPACE, CONFIGURATION) as study:
            trial = study.history.trials[0]
            with pytest.raises(InputError, match="answered a request twice"):
                study.record(trial, SumEvaluator().result(trial.request()), 1.0)
            assert study.history.iterations[0].seconds == 5.0

    @pytest.mark.parametrize("make", [lambda: object(), lambda: {1, 2}])
    def test_a_state_that_json_cannot_have_is_named(self, run, make):
        with Study(run, SPACE, CONFIGURATION) as study:
            propose = functools.partial(study.propose, [], [], diagnostics={}, seconds=0.0, cpu_seconds=0.0)
            if isinstance(make(), set):
                propose(state={"seen": make()})
            else:
                with pytest.raises(InputError, match=r"iteration\.state\.seen is of type object"):
                    propose(state={"seen": make()})
        assert len(read(run, SPACE).iterations) == 1 + isinstance(make(), set)

    def test_a_ledger_leaves_nothing_behind(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        ledger = Ledger(SPACE, CONFIGURATION)
        propose(ledger)
        record(ledger)
        ledger.save("models/0", {"weights": np.zeros(3)})
        assert [trial.status for trial in ledger.history.trials] == ["ok"] * 4
        assert list(tmp_path.iterdir()) == []

    def test_arrays_are_kept_by_name_as_a_whole_or_not_at_all(self, run, monkeypatch):
        arrays = {"weights": np.arange(6.0).reshape(2, 3), "empty": np.zeros((0, 2), np.int32)}
        with Study(run, SPACE, CONFIGURATION) as study:
            study.save("models/3", arrays)
            monkeypatch.setattr(Path, "replace", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                study.save("models/4", arrays)
            with pytest.raises(InputError, match="names holds Python objects"):
                study.save("models/5", {"names": np.array(["a", None])})
        found = read_arrays(run / "models" / "3.npz")
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
        assert not (run / "models" / "4.npz").exists()

    @pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
    def test_damaged_arrays_are_one_line(self, content, run):
        with pytest.raises(InputError, match=r"there is no 3\.npz"):
            read_arrays(run / "3.npz")
        (run / "3.npz").write_bytes(content)
        with pytest.raises(InputError, match="is damaged, or holds no arrays"):
            read_arrays(run / "3.npz")


class TestReading:
    def test_while_it_is_being_written(self, run):
        with Study(run, SPACE, CONFIGURATION) as study:
            record(study, 1)
            assert read(run, SPACE) == study.history

    def test_from_a_read_only_folder(self, run, public, unprivileged):
        if os.getuid() == 0:
            os.seteuid(0)
        shutil.copytree(run, public / "run")
        (public / "run").chmod(0o555)
        (public / "run" / "study.sqlite").chmod(0o444)
        if os.getuid() == 0:
            os.seteuid(65534)
        assert len(read(public / "run", SPACE).trials) == 4
        with pytest.raises(InputError, match="cannot write in"):
            Study(public / "run", SPACE, CONFIGURATION)

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
        with Study(run, SPACE, CONFIGURATION) as study:
            record(study)
            propose(study, seed=1)
            assert [trial.iteration for trial in study.history.trials] == [0] * 4 + [1] * 4

    def test_another_configuration_is_refused_and_told_apart(self, run):
        other = {**CONFIGURATION, "seeds": 20, "evaluator": {"steps": 3}}
        with pytest.raises(InputError) as error:
            Study(run, SPACE, other)
        assert "seeds is 10 there and 20 here" in str(error.value)
        assert "evaluator.steps is None there and 3 here" in str(error.value)
        assert "--out" in str(error.value)
        with Study(run, SPACE, CONFIGURATION) as study:  # nothing changed, and the lock is free again
            assert len(study.history.trials) == 4

    def test_a_file_that_is_no_database(self, run):
        (run / "study.sqlite").write_bytes(b"precious notes " * 1000)
        for attempt in (lambda: Study(run, SPACE, CONFIGURATION), lambda: read(run, SPACE)):
            with pytest.raises(InputError, match="is not a study"):
                attempt()
        assert (run / "study.sqlite").read_bytes() == b"precious notes " * 1000

    def test_the_database_of_another_program(self, run):
        (run / "study.sqlite").unlink()
        with sqlite3.connect(run / "study.sqlite") as connection:
            connection.execute("CREATE TABLE notes (note TEXT)")
        connection.close()
        for attempt in (lambda: Study(run, SPACE, CONFIGURATION), lambda: read(run, SPACE)):
            with pytest.raises(InputError, match="is not a study"):
                attempt()

    def test_a_newer_version(self, run):
        with sqlite3.connect(run / "study.sqlite") as connection:
            connection.execute("PRAGMA user_version = 4")
        connection.close()
        for attempt in (lambda: Study(run, SPACE, CONFIGURATION), lambda: read(run, SPACE)):
            with pytest.raises(InputError, match="newer version"):
                attempt()

    def test_a_damaged_file(self, run):
        content = bytearray((run / "study.sqlite").read_bytes())
        content[200:] = os.urandom(len(content) - 200)
        (run / "study.sqlite").write_bytes(content)
        with pytest.raises(InputError, match="damaged"):
            Study(run, SPACE, CONFIGURATION)

    def test_a_folder_that_may_not_be_written(self, public, unprivileged):
        for folder in (public, public / "new"):
            with pytest.raises(InputError, match="cannot write in"):
                Study(folder, SPACE, CONFIGURATION)

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="cannot write in"):
            Study(tmp_path / "file", SPACE, CONFIGURATION)

    def test_one_search_at_a_time(self, run):
        with Study(run, SPACE, CONFIGURATION), pytest.raises(InputError, match="another search is running"):
            Study(run, SPACE, CONFIGURATION)

    def test_the_lock_ends_with_its_process(self, run):
        script = f"""
            import sys
            from pathlib import Path
            sys.path.append({str(ROOT)!r})
            from nao.study import Study
            from tests.fakes import PairSpace
            study = Study(Path({str(run)!r}), PairSpace(), {CONFIGURATION!r})
            print("locked", flush=True)
            input()
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "locked\n"
            with pytest.raises(InputError, match="another search is running"):
                Study(run, SPACE, CONFIGURATION)
            other.kill()
        Study(run, SPACE, CONFIGURATION).close()


def test_a_full_disk_loses_nothing(run):
    script = f"""
        import resource, sys
        sys.path.append({str(ROOT)!r})
        from nao.core import InputError
        from tests.study.test_study import CONFIGURATION, SPACE, Path, Study, propose, record
        limit = Path({str(run / "study.sqlite")!r}).stat().st_size + 8192
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with Study(Path({str(run)!r}), SPACE, CONFIGURATION) as study:
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
    with Study(run, SPACE, CONFIGURATION) as study:
        assert [trial.status for trial in study.history.trials] == ["ok"] * 4
        propose(study, 500, seed=1)  # there is room now
        assert len(study.history.trials) == 504


def test_the_default_folder_follows_the_configuration():
    space = {"strategy": {"space": {"space": "cnn-cell"}}}
    one = {**space, "evaluator": {"space": {"space": "cnn-cell"}, "data": {"name": "tfds:mnist"}}, "seed": 0}
    assert default_folder(one) == default_folder(dict(reversed(one.items())))
    assert default_folder(one).parent == Path("runs")
    assert default_folder(one).name.startswith("cnn-cell-tfds-mnist-")
    assert default_folder(one) != default_folder({**one, "seed": 1})
    assert default_folder({"evaluator": {}}).parent == Path("runs")
