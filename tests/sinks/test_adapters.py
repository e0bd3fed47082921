"""TensorBoard, MLflow and Weights & Biases: what is handed to each, and what is wrong before anything begins.

MLflow and Weights & Biases are stand-ins that are called as the packages are; TensorBoard's files are read.
"""

import struct
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nao.cli import app
from nao.core import InputError
from nao.sinks import Sink, sink
from nao.sinks.mlflow import flat, uri_of
from tests.sinks.searches import ListSink, small

ROOT = Path(__file__).parents[2]
LAST = 42  # trainings of the small search


class FakeClient:
    """As much of MLflow's client as is used, with its limits; all clients of one URI share their runs."""

    servers = None  # URI -> the runs there

    def __init__(self, tracking_uri):
        self.runs = self.servers.setdefault(tracking_uri, {})
        self.calls = 0

    def get_experiment_by_name(self, name):
        return types.SimpleNamespace(experiment_id="7") if self.runs else None

    def create_experiment(self, name):
        return "7"

    def search_runs(self, experiments, text, max_results):
        assert experiments == ["7"]
        return [
            run for run in self.runs.values() if text == f"tags.`nao.search` = '{run.tags['nao.search']}'"
        ]

    def create_run(self, experiment, run_name, tags):
        name = f"run{len(self.runs)}"
        info, data = types.SimpleNamespace(run_id=name), types.SimpleNamespace(metrics={}, params={})
        run = types.SimpleNamespace(
            info=info, data=data, tags=tags, name=run_name, logged=[], status="RUNNING"
        )
        self.runs[name] = run
        return run

    def update_run(self, run, status):
        self.runs[run].status = status

    def log_batch(self, run, metrics=(), params=()):
        assert len(metrics) <= 1000
        assert len(params) <= 100
        self.calls += 1
        for param in params:
            assert len(param.value) <= 500
            assert self.runs[run].data.params.setdefault(param.key, param.value) == param.value
        for metric in metrics:
            self.runs[run].logged.append((metric.key, metric.step, metric.value))
            self.runs[run].data.metrics[metric.key] = metric.value

    def set_terminated(self, run):
        self.runs[run].status = "FINISHED"


@pytest.fixture
def mlflow(monkeypatch):
    """The runs of the server http://here, by their names."""

    def record(*names):
        return lambda *values: types.SimpleNamespace(**dict(zip(names, values, strict=True)))

    entities = types.SimpleNamespace(
        Metric=record("key", "value", "timestamp", "step"), Param=record("key", "value")
    )
    monkeypatch.setattr(FakeClient, "servers", {})
    monkeypatch.setitem(sys.modules, "mlflow", types.SimpleNamespace(MlflowClient=FakeClient))
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return FakeClient.servers.setdefault("http://here", {})


@pytest.fixture
def wandb(monkeypatch):
    """A stand-in that keeps its runs."""

    class FakeRun:
        def __init__(self, **given):
            self.given, self.logged, self.step, self.finished = given, [], fake.step, 0

        def log(self, values, step):
            assert step >= self.step, "Weights & Biases drops it"
            self.step = step
            self.logged.append((step, values))

        def finish(self):
            self.finished += 1

    def init(**given):
        fake.runs.append(FakeRun(**given))
        return fake.runs[-1]

    def setup():
        if fake.mode == "quite":
            raise ValueError("1 validation error\nmode")
        return types.SimpleNamespace(settings=types.SimpleNamespace(mode=fake.mode))

    def login(*, prompt, verify):
        assert (prompt, verify) == (False, False)
        return fake.key

    fake = types.SimpleNamespace(runs=[], step=0, mode="online", key=True)
    fake.init, fake.setup, fake.login, fake.Settings = init, setup, login, dict
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


def expected(**settings):
    """What a sink gets of the small search, value by value."""
    kept = ListSink()
    small(kept, **settings)
    return [
        (name, step, value)
        for step, values in kept.logged
        for name, value in values.items()
        if not name.endswith("seconds")
    ]


def timeless(values):
    return [each for each in values if not each[0].endswith("seconds")]


class TestMLflow:
    def test_a_search_is_a_run(self, mlflow):
        history = small(sink("mlflow:http://here"))
        (run,) = mlflow.values()
        assert timeless(run.logged) == expected()
        assert run.data.params["strategy.name"] == "random"
        assert run.data.params["evaluator.data.name"] == history.configuration["evaluator"]["data"]["name"]
        assert run.name.startswith("pairs-sum-of-letters-")
        assert run.status == "FINISHED"

    def test_a_search_that_goes_on_adds_what_its_run_does_not_have(self, mlflow, tmp_path):
        small(sink("mlflow:http://here"), tmp_path, confirm=None, iterations=1)
        small(sink("mlflow:http://here"), tmp_path, confirm=None)
        (run,) = mlflow.values()
        steps = [step for name, step, _ in run.logged if name == "search/evaluations"]
        assert steps == [*range(1, 29), *range(28, 37)]  # the last is sent again, with what came after it
        assert dict.fromkeys(timeless(run.logged)) == dict.fromkeys(expected(confirm=None))

    def test_many_values_go_into_one_call(self, mlflow):
        made = sink("mlflow:http://here")
        made.begin("name", "key", {})
        calls = made._client.calls
        for step in range(1, 5001):
            made.log(step, {"a": 0.0, "b": 1.0})
        made.close()
        (run,) = mlflow.values()
        assert len(run.logged) == 10_000
        assert made._client.calls - calls <= 11

    def test_a_configuration_is_text_by_dotted_names(self):
        given = {"a": {"b": 1, "c c": "x" * 900}, "d": [1, 2], "e": None, "f=g": True, "h": {}}
        assert dict(flat(given)) == {
            "a.b": "1",
            "a.c c": "x" * 500,
            "d": "[1, 2]",
            "e": "null",
            "f_g": "true",
        }

    def test_a_folder_is_a_database_in_it(self, tmp_path):
        assert uri_of(str(tmp_path / "a" / "b")) == f"sqlite:///{tmp_path / 'a' / 'b' / 'mlflow.db'}"
        assert (tmp_path / "a" / "b").is_dir()
        for uri in ("https://there:5000", "sqlite:///x.db", "databricks", "databricks://profile"):
            assert uri_of(uri) == uri

    def test_what_is_no_place(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match=r"cannot keep anything in .*file: "):
            uri_of(str(tmp_path / "file"))
        with pytest.raises(InputError, match=r"mlflow:http://localhost:5000$"):
            uri_of("localhost:5000")


class TestWeightsAndBiases:
    def test_a_search_is_a_run(self, wandb):
        history = small(sink("wandb:team/project"))
        (run,) = wandb.runs
        logged = [(name, step, value) for step, values in run.logged for name, value in values.items()]
        assert timeless(logged) == expected()
        assert (run.given["entity"], run.given["project"]) == ("team", "project")
        assert run.given["config"] == history.configuration
        assert run.given["resume"] == "allow"
        assert "mode" not in run.given  # that is for the user's environment to say
        assert run.finished == 1

    def test_a_search_that_goes_on_begins_where_its_run_ends(self, wandb, tmp_path):
        small(sink("wandb:project"), tmp_path, confirm=None, iterations=1)
        wandb.step = 29
        small(sink("wandb:project"), tmp_path, confirm=None)
        first, second = wandb.runs
        assert first.given["id"] == second.given["id"]
        assert first.given["entity"] is None
        assert [step for step, values in second.logged if "search/evaluations" in values] == [*range(29, 37)]

    def test_whoever_has_no_key_is_told_before_anything_begins(self, wandb):
        wandb.key = False
        with pytest.raises(InputError, match=r"`wandb login`, or set WANDB_MODE=offline$"):
            sink("wandb:project")
        wandb.mode = "offline"
        assert isinstance(sink("wandb:project"), Sink)

    def test_an_environment_that_it_does_not_take(self, wandb):
        wandb.mode = "quite"
        with pytest.raises(InputError, match="wandb cannot be used: 1 validation error"):
            sink("wandb:project")


def read_events(file):
    """The events in a file of TensorBoard: records of a length, its checksum, the event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    data, found = file.read_bytes(), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        found.append(Event.FromString(data[12 : 12 + size]))
        data = data[16 + size :]
    return found


class TestTensorBoard:
    def test_a_search_is_a_folder_of_event_files(self, tmp_path):
        pytest.importorskip("tensorboardX")
        history = small(sink(f"tensorboard:{tmp_path / 'curves'}"))
        ((file,),) = [[*folder.iterdir()] for folder in (tmp_path / "curves").iterdir()]
        assert file.parent.name.startswith("pairs-sum-of-letters-")
        events = read_events(file)
        scalars = [
            (value.tag, event.step, value.simple_value)
            for event in events
            for value in event.summary.value
            if value.WhichOneof("value") == "simple_value"
        ]
        wanted = expected()
        assert [each[:2] for each in timeless(scalars)] == [each[:2] for each in wanted]
        assert [x for *_, x in timeless(scalars)] == pytest.approx([x for *_, x in wanted], rel=1e-6)
        # Everything before is to be forgotten: this file is whole.
        (start,) = [event for event in events if event.session_log.status == event.session_log.START]
        assert start.step == 0
        text = b"".join(
            value.tensor.string_val[0]
            for e in events
            for value in e.summary.value
            if value.HasField("tensor")
        )
        assert history.configuration["strategy"]["name"].encode() in text

    def test_a_file_is_no_folder(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace())
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match=r"file is a file; name a folder: tensorboard:FOLDER$"):
            sink(f"tensorboard:{tmp_path / 'file'}")


@pytest.mark.parametrize(
    ("text", "package", "extra"),
    [
        ("tensorboard:folder", "tensorboardX", "tensorboard"),
        ("mlflow:http://here", "mlflow.entities", "mlflow"),
        ("wandb:project", "wandb", "wandb"),
    ],
)
def test_a_package_that_is_not_there(text, package, extra, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    result = CliRunner().invoke(app, ["optimize", "--log", text, "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert result.stderr == f"error: {extra} needs a package: pip install 'nao-search[{extra}]'\n"
    assert result.stdout == ""
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "text", ["", "tensorboard", "tensorboard:", "wandb", "folder", ":x", "TensorBoard:x"]
)
def test_what_is_no_sink(text):
    with pytest.raises(InputError, match=r"tensorboard:FOLDER, mlflow:URI .* or wandb:PROJECT, not to '"):
        sink(text)


def test_a_plain_search_imports_no_sink_and_a_watched_one_does(tmp_path):
    script = """
        import sys
        from nao import cli
        from nao.core import Cost
        from nao.strategies import Random
        from nao.terminal import Output
        from tests.fakes import PairSpace, SumEvaluator

        NAMES = ("nao.sinks", "tensorboardX", "tensorboard", "mlflow", "wandb")
        def imported():
            return [name for name in sys.modules if name.startswith(NAMES)]
        cli.run(Random(PairSpace()), SumEvaluator(), [9], "run", cli.sinks_of([]))
        assert not imported(), imported()
        cli.observer_of(Output(), [object()])
        assert "nao.sinks.observer" in imported()
        assert not any(name.startswith(NAMES[1:]) for name in imported()), imported()
    """
    code = f"import sys; sys.path.append({str(ROOT)!r})\n{textwrap.dedent(script)}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
