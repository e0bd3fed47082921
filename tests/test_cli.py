"""The command: what it prints, its exit status, and that it answers at once."""

import dataclasses
import ipaddress
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nao import cli, search, spaces
from nao.cli import app
from nao.compare import read as read_comparison
from nao.core import InputError, Result
from nao.evaluators.hosts.address import cluster_address
from nao.spaces import zoo
from nao.strategies import NAO
from nao.study import read
from nao.terminal import with_values
from tests.compare.small import small
from tests.fakes import ASCENT, LinearEncoder, PairSpace, SumEvaluator, strict

ROOT = Path(__file__).parents[1]
KEYS = {"evaluations", "failed", "best", "iterations", "seconds"}
BEST = {"architecture", "score", "std", "trainings", "first_score", "test_score", "parameters", "flops"}
ITERATION = {
    *("new", "mean", "best", "seeds_mean", "pairwise_accuracy", "kendall_tau", "hamming", "seconds"),
}


def nao_(*arguments, stdin=None):
    """Runs a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def what(seed=0, evaluator=None):
    """A small search of two iterations, as the command composes it."""
    settings = NAO.Settings(initial=6, proposals=4, seeds=5, choose="first")
    strategy = NAO(PairSpace(), LinearEncoder(), settings, seed=seed)
    return strategy, evaluator or SumEvaluator(), [6, 4, 4]


@pytest.fixture
def run(tmp_path):
    """The folder of a finished search."""
    folder = tmp_path / "run"
    search.search(*what(), out=folder)
    return folder


def python(script):
    """The command that runs a script in which the tests can be imported.

    It heeds Ctrl-C also where the tests do not, as in the background of a shell.
    """
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    find = f"import sys; sys.path.append({str(ROOT)!r})"
    return [sys.executable, "-c", f"{heed}\n{find}\n{textwrap.dedent(script)}"]


class TestHelp:
    LIGHT = """
        import time
        {first}
        from nao.cli import app
        try:
            app({arguments!r})
        except SystemExit as stop:
            assert stop.code == 0, stop.code
        assert "jax" not in sys.modules, "it imports JAX"
        assert time.process_time() < 1, "it takes too long"
    """

    @pytest.mark.parametrize("arguments", [["--help"], ["optimize", "--help"], ["--version"], ["spaces"]])
    def test_answers_at_once_without_jax(self, arguments):
        script = self.LIGHT.format(first="", arguments=arguments)
        subprocess.run(python(script), check=True, capture_output=True)

    @pytest.mark.parametrize(
        ("first", "complaint"),
        [("import jax", "it imports JAX"), ("while time.process_time() < 1: pass", "it takes too long")],
    )
    def test_the_check_can_fail(self, first, complaint):
        script = self.LIGHT.format(first=first, arguments=["--help"])
        failed = subprocess.run(python(script), check=False, capture_output=True, text=True)
        assert failed.returncode != 0
        assert complaint in failed.stderr

    def test_importing_the_package_imports_no_jax(self):
        script = "import nao; nao.optimize; assert 'jax' not in sys.modules"
        subprocess.run(python(script), check=True)

    def test_version(self):
        result = nao_("--version")
        assert result.stdout.startswith("nao ")
        assert result.exit_code == 0

    def test_without_arguments_it_shows_its_commands(self):
        result = nao_()
        assert all(name in result.output for name in ("optimize", "show", "spaces"))
        assert (result.exit_code, result.stderr) == (0, "")

    def test_as_a_module(self):
        done = subprocess.run(
            [sys.executable, "-m", "nao", "--version"], capture_output=True, text=True, check=True
        )
        assert done.stdout == nao_("--version").stdout

    @pytest.mark.parametrize("columns", ["20", "40", "59"])
    def test_on_a_narrow_terminal_nothing_is_cut(self, columns):
        environment = {**os.environ, "COLUMNS": columns}
        script = "from nao.cli import app; app(['optimize', '--help'])"
        done = subprocess.run(python(script), capture_output=True, text=True, check=True, env=environment)
        words = " ".join(done.stdout.split())
        assert "--learning-rate" in words
        assert "Random architectures to begin with." in words
        assert "…" not in words
        assert "│" not in words

    def test_the_defaults_are_those_of_the_library(self):
        import inspect

        command, library = (inspect.signature(f).parameters for f in (cli.optimize, search.optimize))
        shared = (set(command) & set(library)) - {"space", "encoder", "out"}
        assert shared == {
            *("iterations", "seeds", "initial", "new", "evaluate_last", "confirm", "minutes", "seed"),
        }
        assert {n: command[n].default for n in shared} == {n: library[n].default for n in shared}


class TestShow:
    def test_json_has_the_keys_that_programs_rely_on(self, run):
        summary = strict(nao_("show", run, "--json").stdout)
        assert set(summary) >= KEYS
        assert set(summary["best"]) >= BEST
        assert len(summary["iterations"]) == 2
        assert all(set(row) >= ITERATION for row in summary["iterations"])
        assert summary["evaluations"] == 14
        assert summary == read(run).summary()

    def test_json_is_strict_when_nothing_is_known(self, tmp_path):
        evaluator = SumEvaluator(failing=tuple(range(10)))
        search.search(*what(evaluator=evaluator), out=tmp_path, evaluate_last=False)
        summary = strict(nao_("show", tmp_path, "--json").stdout)
        assert summary["best"]["score"] is None
        assert summary["iterations"][0]["mean"] is None
        assert sum(each["count"] for each in summary["reasons"]) == summary["failed"] == 10

    def test_a_comparison(self, tmp_path):
        found = small(out=tmp_path, optimum=24.0, repeats=2)
        shown = nao_("show", tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert [line.split()[0] for line in shown.stdout.split("\n") if line] == ["strategy", "nao", "random"]
        records = strict(nao_("show", tmp_path, "--json").stdout)
        assert (records["budget"], records["optimum"]) == (25, 24.0)
        assert [row["strategy"] for row in records["strategies"]] == ["nao", "random"]
        assert records["strategies"][0]["mean"] == pytest.approx(
            found.runs["nao"].best_reported[:, -1].mean()
        )

    def test_for_people(self, run):
        result = nao_("show", run)
        assert result.exit_code == 0
        assert "M = 14 architectures evaluated" in result.stdout
        assert str(read(run).best.architecture) in result.stdout

    def test_no_run(self, tmp_path):
        result = nao_("show", tmp_path / "absent")
        assert result.exit_code == 2
        assert (
            result.stderr == f"error: there is no study in {tmp_path / 'absent'}; name the folder of a run\n"
        )
        assert result.stdout == ""


def test_spaces():
    result = nao_("spaces")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("cnn-cell", "cnn-cell-small", "1.8e32"))


def test_published_architectures():
    result = nao_("spaces", "--zoo")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for each in zoo.zoo():
        assert str(each.architecture) in lines
        assert f"{each.name}, {each.source}" in lines
    assert "27,295,000, 36,067,878" in result.stdout


class TestRun:
    def test_without_a_folder_it_goes_to_its_own(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        cli.run(*what(), None)
        cli.run(*what(seed=1), None)
        folders = sorted((tmp_path / "runs").iterdir())
        assert len(folders) == 2
        assert all(folder.name.startswith("pairs-sum-of-letters-") for folder in folders)
        assert "run: runs/pairs-sum-of-letters-" in capsys.readouterr().out

    def test_the_same_command_again_evaluates_nothing_and_shows_the_result(self, tmp_path, capsys):
        cli.run(*what(), str(tmp_path))
        first = capsys.readouterr().out
        evaluator = SumEvaluator()
        cli.run(*what(evaluator=evaluator), str(tmp_path))
        again = capsys.readouterr().out
        assert evaluator.evaluated == []
        assert "this search is complete; nothing is left to evaluate" in again
        assert first.split("\n\n", 1)[1] == again.split("\n\n", 1)[1]

    def test_an_answer_that_is_not_confirmed_is_none(self, tmp_path, capsys):
        class Fading(SumEvaluator):
            def result(self, request):
                if len(self.evaluated) <= 14:
                    return super().result(request)
                return Result(request, status="failed", reason="out of memory")

        with pytest.raises(InputError, match="no architecture could be confirmed: every one failed, for the"):
            cli.run(*what(evaluator=Fading()), str(tmp_path), confirm="2x1")
        assert "M = 16 = 14 architectures evaluated + 2 trainings" in capsys.readouterr().out
        assert strict(nao_("show", tmp_path, "--json").stdout)["best"]["score"] is None

    def test_interrupted_it_says_how_to_go_on(self, tmp_path):
        script = f"""
            from nao import cli
            from tests.fakes import SumEvaluator
            from tests.test_cli import what
            import typer
            command = typer.Typer()
            @command.command()
            def go() -> None:
                cli.run(*what(evaluator=SumEvaluator(pause=0.05)), {str(tmp_path)!r})
            command(prog_name="nao")
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX")}
        with subprocess.Popen(
            python(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            while process.poll() is None and evaluations(tmp_path) < 3:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=20)
        assert process.returncode == 130
        assert complaint == f"stopped: everything so far is in {tmp_path}; the same command goes on\n"
        done = evaluations(tmp_path)
        assert 3 <= done < 14
        evaluator = SumEvaluator()
        cli.run(*what(evaluator=evaluator), str(tmp_path))
        assert len(evaluator.evaluated) == 14 - done
        assert read(tmp_path, PairSpace()).trials == search.search(*what()).trials

    def test_when_everything_failed_it_says_so_and_ends_with_another_status(self, tmp_path, capsys):
        evaluator = SumEvaluator(failing=tuple(range(10)))
        with pytest.raises(InputError, match="no architecture has a score: every one failed"):
            cli.run(*what(evaluator=evaluator), str(tmp_path))
        shown = capsys.readouterr().out
        assert "14 of them failed" in shown
        assert "failed: diverged" in shown or "failed: its score is nan" in shown


def evaluations(folder):
    """How many results a running search has stored."""
    try:
        return read(folder).summary()["evaluations"]
    except InputError:
        return 0


class TestCluster:
    @pytest.fixture(autouse=True)
    def own_files(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    @pytest.mark.parametrize("command", [["optimize"], ["compare", "--out", "x"], ["evaluate", "x"]])
    def test_without_the_engine_it_says_which_extra_has_it(self, monkeypatch, command):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        monkeypatch.setattr(cli, "given_architectures", lambda *_: [])
        result = nao_(*command, "--cluster")
        assert result.exit_code == 2
        assert "pip install 'nao-search[cluster]'" in result.stderr
        result = nao_("evaluate", "--join", "127.0.0.1:1")
        assert "pip install 'nao-search[cluster]'" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "match"),
        [
            (["--token-file", "x"], "--token-file is for a --cluster"),
            (["--cluster", "here"], "'here' is no address: write HOST:PORT, for instance 10.0.0.5:6399"),
            (["--cluster", ":6399"], "is no address"),
            (["--cluster=host:"], "is no address"),
            (["--cluster", "http://host:80"], "is no address"),
            (["--cluster", "host:99999"], "is no address"),
            (["--cluster", "host:0"], "is no address"),
        ],
    )
    def test_what_makes_no_sense(self, arguments, match):
        result = nao_("optimize", *arguments)
        assert result.exit_code == 2
        assert match in result.stderr
        assert result.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "match"),
        [
            ([], "there is nothing to train: give architectures, or --join HOST:PORT"),
            (["--join", "a:1", "x"], "with --join the search says what to train: leave out architectures"),
            (["--join", "a:1", "--out", "x"], "with --join the search says what to train"),
            (["--join", "a:1", "--cells", "2"], "give --devices, --cache, --data-dir, --token-file only"),
            (["--join", "a:1", "--cluster"], "give --devices, --cache, --data-dir, --token-file only"),
            (["--join", "a:1", "--devices", "0"], "devices must be at least 1, not 0"),
            (["--join", "a"], "'a' is no address"),
            (["--join", "127.0.0.1:1"], "there is no token "),
        ],
    )
    def test_a_host_that_makes_no_sense(self, arguments, match):
        result = nao_("evaluate", *arguments)
        assert result.exit_code == 2
        assert match in result.stderr

    def test_the_address_may_be_left_out(self):
        assert with_values(["x", "--cluster"]) == ["x", "--cluster=auto"]
        assert with_values(["--cluster", "--seed", "1"]) == ["--cluster=auto", "--seed", "1"]
        assert with_values(["--cluster", "a:1", "--seed", "1"]) == ["--cluster", "a:1", "--seed", "1"]
        host, _, port = cluster_address("auto").rpartition(":")
        assert port == "6399"
        assert ipaddress.ip_address(host)
        assert cluster_address("node-7.local:80") == "node-7.local:80"


class TestEvaluate:
    def test_it_prints_a_record_for_each_architecture(self, monkeypatch):
        texts = [str(x) for x in spaces.space("cnn-cell-small").sample(np.random.default_rng(0), 3)]
        evaluator = SumEvaluator(spaces.space("cnn-cell-small"))
        monkeypatch.setattr(cli.Training, "pool", lambda *_: evaluator)
        result = nao_("evaluate", *texts, texts[0], "--seed", 5)
        records = [strict(line) for line in result.stdout.splitlines()]
        assert sorted(record["architecture"] for record in records) == sorted(texts)  # each once
        assert len(evaluator.evaluated) == 3
        assert all(record["seed"] == 5 and record["device"] == "fake:0" for record in records)

    def test_it_reads_files_and_the_standard_input_and_goes_on_with_a_file_of_scores(
        self, monkeypatch, tmp_path
    ):
        monkeypatch.chdir(tmp_path)
        cells = spaces.space("cnn-cell-small")
        first, second, third = (str(x) for x in cells.sample(np.random.default_rng(0), 3))
        evaluator = SumEvaluator(cells)
        monkeypatch.setattr(cli.Training, "pool", lambda *_: evaluator)
        Path("x.txt").write_text(f"# two of them\n{first}\n\n{second}\n")
        result = nao_("evaluate", "x.txt", "--out", "s.jsonl")
        assert result.stdout.splitlines() == [
            "s.jsonl has 0 of 2 architectures",
            "2 scored, 0 failed: s.jsonl",
        ]
        with open("s.jsonl", "a") as file:
            file.write('{"architecture": "nod')
        result = nao_("evaluate", "x.txt", "-", third, "--out", "s.jsonl", stdin=f"{second}\n")
        assert result.stdout.splitlines() == [
            "s.jsonl has 2 of 3 architectures; its last line was cut off, and is dropped",
            "1 scored, 0 failed: s.jsonl",
        ]
        records = [strict(line) for line in Path("s.jsonl").read_text().splitlines()]
        assert sorted(record["architecture"] for record in records) == sorted([first, second, third])
        assert len(evaluator.evaluated) == 3
        result = nao_("evaluate", "y.txt")
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert result.stderr.startswith("error: there is no file y.txt, and no published architecture")
        Path("x.txt").write_text(f"{first}\nnode1\n")
        result = nao_("evaluate", "x.txt")
        assert result.exit_code == 2
        assert result.stderr.startswith("error: x.txt, line 2: cnn-cell-small: ")

    def test_when_everything_failed_it_says_so_and_ends_with_another_status(self, monkeypatch):
        space = spaces.space("cnn-cell-small")
        failing = SumEvaluator(space, failing=tuple(range(10)))
        monkeypatch.setattr(cli.Training, "pool", lambda *_: failing)
        result = nao_("evaluate", str(space.sample(np.random.default_rng(0), 1)[0]), "--seed", 2)
        record = strict(result.stdout)
        assert (record["status"], record["reason"]) == ("failed", "diverged")
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
        assert "every one failed" in result.stderr


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--space", "cnn-sell"], "cnn-sell"),
            (["--blocks", "0"], "at least 1 block"),
            (["--space", "rnn-cell", "--blocks", "2"], "rnn-cell has no blocks, only nodes, activations, "),
            (
                ["--space-param", "nodes=9"],
                "cnn-cell-small has no nodes, only operations, cells, blocks; nodes",
            ),
            (["--space", "rnn-cell", "--space-param", "nodes=1"], "a cell has 2 to 1000 nodes, not 1"),
            (
                ["--space", "rnn-cell", "--space-param", "nodes"],
                "--space-param takes KEY=VALUE, for instance",
            ),
            (["--data", "cifar"], "cifar"),
            (["--data", "absent.npz"], "absent.npz"),
            (["--encoder", "best"], "best"),
            (["--iterations", "-1"], "iterations must be at least 1, not -1"),
            (
                ["--limit", "flops=2e"],
                "--limit takes NAME=VALUE, for instance parameters=500000, not 'flops=2e'",
            ),
            (
                ["--iterations", "1000000000000"],
                "iterations must be a whole number from 0 to 1,000,000, not 1",
            ),
            (["--iterations", "0"], "iterations must be at least 1, not 0"),
            (["--seeds", "0"], "seeds must be at least 1, not 0"),
            (["--initial", "0"], "initial must be a whole number from 1 to 1,000,000, not 0"),
            (["--new", "-4"], "new must be a whole number from 1 to 1,000,000, not -4"),
            (["--seed", "-1"], "seed must be at least 0 and at most 2,147,483,647, not -1"),
            (
                ["--confirm", "5by3"],
                "confirm must be such as 5x3 (the 5 best, 3 trainings of each), none, or",
            ),
            (["--confirm", "0x3"], "confirm takes numbers from 1 to 1,000, such as 5x3"),
            (["--devices", "0"], "devices"),
            (["--steps", "0"], "steps"),
            (["--cells", "100000"], "child.cells must be at least 1 and at most 1,000, not 100000"),
            (["--channels", "-8"], "channels"),
            (["--out", "/dev/null/run"], "cannot write in /dev/null/run"),
            (["--out", ""], "the name of the folder is empty"),
            (["--out", __file__], "is a file; name a folder with --out"),
            (["--child", "chanels=4"], "child has no parameter 'chanels'; it has cells, channels, steps"),
            (["--child", "channels=many"], "child.channels must be a whole number, not 'many'"),
            (["--child", "channels"], "--child takes KEY=VALUE, for instance channels=16, not 'channels'"),
            (["--child", "momentum=-1"], "child.momentum must be at least 0 and at most 1, not -1"),
        ],
    )
    def test_one_clear_line_and_status_2(self, arguments, complaint, tmp_path, monkeypatch):
        # JAX keeps what it is told until the process ends: no test here may switch its cache on.
        monkeypatch.setattr("nao.evaluators.devices.leave_devices_to_others", lambda cache: None)
        monkeypatch.chdir(tmp_path)
        result = nao_("optimize", *arguments)
        assert result.exit_code == 2
        assert result.stderr.startswith("error: ")
        assert complaint in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert not (tmp_path / "runs").exists()

    def test_a_malformed_architecture_is_refused_with_its_position(self):
        result = nao_("evaluate", "node1 conv")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: cnn-cell-small: position 2 is 'conv', but only sep-conv-3x3")

    @pytest.mark.parametrize(
        "arguments", [["optimise"], ["optimize", "--seeds", "many"], ["show"], ["--colour"]]
    )
    def test_wrong_usage_has_status_2(self, arguments):
        result = nao_(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: ")
        assert len(result.stderr.splitlines()) == 1

    def test_an_error_of_several_lines_is_said_in_one(self, monkeypatch):
        def several(folder):
            raise InputError("first\n  second")

        monkeypatch.setattr("nao.study.read", several)
        assert nao_("show", "run").stderr == "error: first second\n"

    def test_a_mistake_in_the_program_is_not_hidden(self, monkeypatch):
        def mistaken(folder):
            raise ZeroDivisionError

        monkeypatch.setattr("nao.study.read", mistaken)
        assert isinstance(nao_("show", "run").exception, ZeroDivisionError)


class TestOutput:
    def run(self, *arguments, **streams):
        return subprocess.run(
            [sys.executable, "-m", "nao", *map(str, arguments)],
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            **streams,
        )

    def test_that_cannot_be_written_is_one_line_and_another_status(self, run):
        with open("/dev/full", "w") as full:
            done = self.run("show", run, stdout=full)
        assert done.returncode == 1
        assert done.stderr == "error: the output cannot be written: No space left on device\n"

    def test_that_nobody_reads_any_more_is_no_mistake(self, run):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as nobody:
            done = self.run("show", run, stdout=nobody)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_settings_of_a_child_may_be_given_by_key(monkeypatch):
    given = {}
    monkeypatch.setattr("nao.evaluators.devices.leave_devices_to_others", lambda *_: None)
    monkeypatch.setattr(
        "nao.evaluators.hosts.pool.HostPool", lambda program, *_, **options: given.update(child=program.child)
    )
    cli.Training(child=["momentum=0.5", "weight-decay=1e-3", "steps=7", "augment=true"], channels=4).pool()
    expected = {"momentum": 0.5, "weight_decay": 1e-3, "steps": 7, "augment": True, "channels": 4}
    assert {name: getattr(given["child"], name) for name in expected} == expected


def test_the_installed_command_is_this_one(tmp_path):
    command = Path(sys.executable).with_name("nao")
    done = subprocess.run([command, "show", tmp_path, "--json"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no study in")


def test_a_summary_survives_json(run):
    assert json.loads(json.dumps(read(run).summary(), allow_nan=False)) == read(run).summary()


ENCODERS = {
    "default": LinearEncoder(),
    "published": LinearEncoder(dataclasses.replace(ASCENT, choose="first")),
}


class Sums(SumEvaluator):
    """A table of known scores: the sums of letters."""

    def optimum_within(self, bounds):
        return min(24.0, *(bound // 10 for bound in bounds.values()), 24.0)


class SumPool(SumEvaluator):
    """Stands in for the devices of this machine."""

    def open(self):
        pass


class TestCompare:
    """`nao compare` on a small table; NAO with a small encoder."""

    TABLE = ("--space", "pairs", "--table", "sums.csv", "--signal", "valid", "--report", "test")

    @pytest.fixture(autouse=True)
    def table(self, monkeypatch):
        """The table that is read."""
        self.evaluator = Sums(failing=())
        self.read = []

        def table(*what):
            self.read.append(what)
            return self.evaluator

        monkeypatch.setattr("nao.evaluators.tables.table", table)
        monkeypatch.setattr("nao.encoders.encoder", lambda name: ENCODERS[name])
        monkeypatch.setattr("nao.evaluators.devices.set_up_devices", lambda devices=None, cache=True: None)

    def compare(self, out, *arguments, strategies="nao,random"):
        how = ("--budget", 12, "--repeats", 3, "--workers", 1)
        return nao_("compare", *self.TABLE, "--strategies", strategies, "--out", out, *how, *arguments)

    def test_tables_plots_and_what_is_printed(self, tmp_path):
        result = self.compare(tmp_path, "--param", "nao.seeds=4")
        assert result.exit_code == 0, result.output
        assert self.read == [("pairs", Path("sums.csv"), "valid", "test", [])]
        names = {file.name for file in tmp_path.iterdir() if not file.name.startswith("lock")}
        assert names == {
            *("comparison.json", "runs", "curves.csv", "summary.csv", "paired.csv", "top.csv"),
            *("curves.png", "curves.html"),
        }
        runs = {f"{label}-{r}.csv" for label in ("nao", "random") for r in range(3)}
        assert {file.name for file in (tmp_path / "runs").iterdir()} == runs
        assert "comparing nao, random: 6 runs of 12 labels each" in result.stdout
        assert "queries to optimum" in result.stdout
        assert result.stdout.endswith(
            f"tables and plots: {tmp_path}, begin with {tmp_path / 'curves.html'}\n"
        )
        settings = json.loads((tmp_path / "comparison.json").read_text())
        assert settings["strategies"]["nao"]["seeds"] == 4
        assert "sums.csv" in (tmp_path / "curves.html").read_text()

    def test_the_same_command_plays_nothing_again(self, tmp_path):
        self.compare(tmp_path, strategies="random")
        before = (tmp_path / "summary.csv").read_bytes()
        self.evaluator = Sums(failing=())
        result = self.compare(tmp_path, strategies="random")
        assert result.exit_code == 0
        assert self.evaluator.evaluated == []
        assert (tmp_path / "summary.csv").read_bytes() == before

    def test_one_strategy_under_two_labels(self, tmp_path):
        parameters = ("--param", "old.encoder=published", "--param", "old.seeds=3")
        result = self.compare(tmp_path, *parameters, strategies="nao,old=nao")
        assert result.exit_code == 0, result.output
        settings = json.loads((tmp_path / "comparison.json").read_text())["strategies"]
        assert [settings[label]["choose"] for label in ("nao", "old")] == ["predicted", "first"]

    def test_the_schedule_of_q_learning_ends_with_the_comparison(self, tmp_path):
        self.compare(tmp_path, "--param", "slow.budget=99", strategies="q-learning,slow=q-learning")
        settings = json.loads((tmp_path / "comparison.json").read_text())["strategies"]
        assert [settings[label]["budget"] for label in ("q-learning", "slow")] == [12, 99]

    def test_without_a_table_children_are_trained_and_each_run_is_a_study(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cli.Training, "pool", lambda *_: SumPool())
        how = ("--budget", 12, "--repeats", 2, "--data", "digits")
        result = nao_("compare", "--strategies", "random", "--out", tmp_path, *how)
        assert result.exit_code == 0, result.output
        history = read(tmp_path / "runs" / "random-1")
        assert (len(history.trials), history.complete) == (12, True)
        assert "optimum" not in result.stdout

    def test_all_begin_with_the_architectures_that_are_given(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cli.Training, "pool", lambda *_: SumPool())
        given = [str(x) for x in SumPool().space.sample(np.random.default_rng(3), 2)]
        (tmp_path / "mine.txt").write_text("\n".join(given))
        how = ("--budget", 6, "--repeats", 1, "--start", tmp_path / "mine.txt")
        result = nao_("compare", "--strategies", "random,evolution", "--out", tmp_path / "out", *how)
        assert result.exit_code == 0, result.output
        for run in ("random-0", "evolution-0"):
            history = read(tmp_path / "out" / "runs" / run)
            assert [str(t.architecture) for t in history.trials[:2]] == given
            assert [t.proposal.origin for t in history.trials] == ["start"] * 2 + ["random"] * 4
        result = nao_("compare", "--out", tmp_path / "other", "--start", "DARTS")
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert "there is no file DARTS, and no published architecture of that name" in result.stderr

    def test_when_everything_failed_it_says_where_the_reasons_are(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cli.Training, "pool", lambda *_: SumPool(failing=tuple(range(10))))
        how = ("--budget", 4, "--repeats", 1, "--data", "digits")
        result = nao_("compare", "--strategies", "random", "--out", tmp_path, *how)
        assert result.exit_code == 2
        assert "every one failed" in result.stderr
        shown = nao_("show", tmp_path / "runs" / "random-0").stdout
        assert "4 of them failed" in shown

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--strategies", "nao,nao"], "nao is there twice"),
            (["--strategies", "magic"], "magic"),
            (
                ["--limit", "parameters"],
                "--limit takes NAME=VALUE, for instance parameters=500000, not 'param",
            ),
            (["--limit", "size=3"], "has no cost 'size' that could be limited; it knows parameters, flops"),
            (["--param", "nao.sedes=3"], "nao has no parameter 'sedes'; it has "),
            (["--param", "nao.seeds=many"], "nao.seeds must be a whole number, not 'many'"),
            (["--param", "nao.seeds=0"], "seeds must be at least 1, not 0"),
            (["--param", "random.sedes=3"], "sedes"),
            (["--param", "seeds=3"], "--param takes LABEL.PARAMETER=VALUE"),
            (["--param", "gp.seeds=3"], "there is no 'gp'"),
            (["--param", f"nao.seeds={10**20}"], "nao.seeds must be a number within +-1,000,000,000, not 1"),
            (["--budget", "0"], "budget must be a whole number from 1 to 1,000,000, not 0"),
            (["--repeats", "0"], "repeats must be a whole number from 1 to 1,000,000, not 0"),
            (["--workers", "0"], "workers must be a whole number from 1 to 1,000,000, not 0"),
            (["--steps", "5"], "a --table has scores: --blocks, --data, --devices and the child's are for"),
            (["--blocks", "2"], "a --table has scores: --blocks, --data"),
            (["--data", "digits"], "a --table has scores: --blocks, --data"),
            (["--seed", "-1"], "seed must be a whole number from 0 to 2,147,483,645, not -1"),
            (["--out", "/dev/null/run"], "cannot write in /dev/null/run"),
        ],
    )
    def test_one_clear_line_and_status_2(self, arguments, complaint, tmp_path):
        result = self.compare(tmp_path / "out", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: ")
        assert complaint in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--table", "x.csv", "--signal", "valid"], "a --table needs --signal and --report"),
            (["--signal", "valid"], "--signal, --report and --workers are for a --table"),
            (["--workers", "0"], "--signal, --report and --workers are for a --table"),
        ],
    )
    def test_options_that_belong_together(self, arguments, complaint, tmp_path):
        result = nao_("compare", "--out", tmp_path, *arguments)
        assert result.exit_code == 2
        assert complaint in result.stderr

    def test_nothing_above_a_limit_is_proposed(self, tmp_path):
        result = self.compare(tmp_path, "--limit", "parameters=120")
        assert result.exit_code == 0
        found = read_comparison(tmp_path)
        assert found.optimum == 12.0
        assert all(runs.signal.max() < 13 for runs in found.runs.values())
        assert "nao.limits is {'parameters': 120.0} there" in self.compare(tmp_path).stderr

    def test_other_settings_are_refused(self, tmp_path):
        self.compare(tmp_path)
        result = self.compare(tmp_path, "--budget", 13)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "belongs to another comparison: budget is 12 there and 13 here" in result.stderr

    @pytest.mark.parametrize("workers", [1, 2])
    def test_interrupted_it_says_how_to_go_on(self, workers, tmp_path):
        script = f"""
            import typer
            from nao import cli
            from tests.compare.small import random
            from tests.fakes import SumEvaluator
            command = typer.Typer()
            @command.command()
            def go() -> None:
                evaluator, how = SumEvaluator(pause=0.01), dict(budget=20, repeats=20, workers={workers})
                cli.run_comparison({{"random": random}}, evaluator, {str(tmp_path)!r}, "", ("", ""), **how)
            command(prog_name="nao")
        """
        with subprocess.Popen(
            python(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            while process.poll() is None and len(list(tmp_path.glob("runs/*.csv"))) < 2:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            _, complaint = process.communicate(timeout=20)
        assert process.returncode == 130
        assert complaint == f"stopped: every finished run is in {tmp_path}; the same command goes on\n"
        assert 2 <= len(list(tmp_path.glob("runs/*.csv"))) < 20


INTERRUPTED = """
import os, signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have changed for its jobs
sys.modules["nao.cli"] = types.ModuleType("nao.cli")
sys.modules["nao.cli"].main = lambda: os.kill(os.getpid(), signal.SIGINT)
from nao.__main__ import main
main()
"""


def test_ctrl_c_before_anything_is_begun_ends_it_without_a_word():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
