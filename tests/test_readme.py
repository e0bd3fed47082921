"""What README.md tells people to type works, each command and each Python block."""

import ast
import csv
import dataclasses
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from nao.compare.tables import CurvePoint, Summary
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS
from nao.spaces.nasbench_macro import NASBENCH_MACRO
from nao.strategies import NAO
from nao.strategies.named import STRATEGIES

ROOT = Path(__file__).resolve().parents[1]  # the checkout, also where tests/ is a link
README = (ROOT / "README.md").read_text()
LONG = "nao optimize --iterations 3 --seeds 100"
# A command's last word on an option counts, so these make any of them short: two small children, and no
# fit, since one score is too few for that.
CHILD = ("--blocks", "1", "--steps", "2", "--channels", "2", "--cells", "1", "--batch", "16")
SEARCH = ("--iterations", "1", "--initial", "1", "--new", "1", *CHILD)
# On a table, the random architectures that every strategy begins with and one more: one fit.
REPEATS = ("--repeats", "1")
# Compiling takes longer here than running, so it is done with little care.
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


def blocks(language):
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands():
    """Every line of the shell blocks."""
    return [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands run: it has images, tables, and a cache of compiled programs."""
    folder = tmp_path_factory.mktemp("readme")
    make_tables(folder)
    x, y = load_digits(return_X_y=True)
    np.savez(folder / "mine.npz", x_train=x[:300].reshape(-1, 8, 8), y_train=y[:300])
    return folder


def make_tables(folder):
    """Tables as they are published, but for their numbers."""
    with (folder / "nasbench201.csv").open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(["e01", "e02", "e12", "e03", "e13", "e23", "c10_val_12", "c10_test_200"])
        for tokens in NASBENCH201.strings():
            write([*(OPERATIONS[token] for token in tokens), sum(tokens), sum(tokens) + 0.5])
    macro = {
        NASBENCH_MACRO.format(x): {"test_acc": [sum(x)] * 3, "mean_acc": sum(x), "params": 1, "flops": 1}
        for x in NASBENCH_MACRO.strings()
    }
    (folder / "nasbench_macro_cifar10.json").write_text(json.dumps(macro))


def run(arguments, folder, **more):
    """Runs a program there, without the user's own caches and data."""
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "TFDS_DATA_DIR": str(folder / "tfds"), **more}
    return subprocess.run(
        arguments, cwd=folder, env={**os.environ, **own}, check=False, capture_output=True, text=True
    )


def nao(command, folder, *more):
    """Runs a `nao` command as it is installed."""
    _, *arguments = shlex.split(command)
    program = str(Path(sys.executable).with_name("nao"))
    return run([program, *arguments, *more], folder, XLA_FLAGS=QUICK)


def test_the_first_commands_are_those_of_the_makefile():
    # They are not run here: the wheel under test has been installed, and the search takes minutes.
    assert commands()[:2] == ["pip install .", LONG]
    assert f".venv/bin/{LONG}\n" in (ROOT / "Makefile").read_text()


def short(command):
    """Options that make a command short."""
    if "compare" in command:
        if "--table" in command:
            return (*REPEATS, "--workers", "1", "--budget", "11")
        return (*REPEATS, *CHILD, "--budget", "2")
    options = {"nao optimize": SEARCH, "nao evaluate": CHILD}.get(" ".join(command.split()[:2]), ())
    # Where the data are not the point: those whose program has been compiled.
    same = "evaluate" in command or "published" in command
    return (*options, "--data", "mine.npz") if same else options


def test_every_command_is_run(folder):
    for command in commands()[2:]:
        result = nao(command, folder, *short(command))
        if "tfds:cifar10" in command:  # without the archive, it says where the archive belongs
            assert result.returncode == 2
            assert "cifar-10-binary.tar.gz" in result.stderr
        else:
            assert (result.returncode, result.stderr) == (0, ""), command
            assert ("complete" in result.stdout) or not command.startswith("nao optimize")


def test_the_keys_of_json_are_those_in_the_table():
    from nao.history import History, Iteration

    iterations = [Iteration(0, None, {}, 0.0), Iteration(1, None, {}, 0.0)]
    summary = History({}, {"iterations": 1, "evaluate_last": True}, "", {}, iterations, []).summary()
    words = [re.findall(r"`(\w+)`", row) for row in table("key of `--json`")]
    inner = {key for value in summary.values() for key in _keys(value)}
    assert {word for row in words for word in row} == set(summary) | inner


def table(heading):
    """The rows of the table whose first heading that is."""
    _, _, after = README.partition(f"| {heading} |")
    return re.split(r"\n(?!\|)", after)[0].splitlines()[2:]


def test_the_strategies_are_those_in_the_table():
    """With their parameters and defaults."""
    rows = {row.split("`")[1]: row.split("|")[3] for row in table("strategy")}
    for name, make in {"nao": NAO, **STRATEGIES}.items():
        parameters = inspect.signature(make).parameters.values()
        expected = {k.name: k.default for k in parameters if k.kind is k.KEYWORD_ONLY and k.name != "seed"}
        written = dict(re.findall(r"`(\w+)` \(`?([\w.]+)", rows.pop(name)))
        written.pop("encoder", None)  # handed over, not a keyword
        assert {
            key: float(value) if value[0].isdigit() else value for key, value in written.items()
        } == expected
    assert not rows


def test_the_columns_of_a_comparison_are_those_in_the_table():
    words = {row.split("`")[1]: re.findall(r"`(\w+)`", row.split("|", 2)[2]) for row in table("file")}
    assert words["curves.csv"] == [field.name for field in dataclasses.fields(CurvePoint)]
    assert words["summary.csv"] == [field.name for field in dataclasses.fields(Summary)]


def _keys(value):
    """The keys of a record, or of the records in a list."""
    records = value if isinstance(value, list) else [value]
    return {key for record in records if isinstance(record, dict) for key in record}


def test_the_python_blocks_run_one_after_the_other(folder):
    script = folder / "readme.py"
    script.write_text("\n".join(blocks("python")) + "\nassert embedding.shape[0] == len(predicted) == 12\n")
    result = run([sys.executable, "-W", "error", str(script)], folder)
    assert result.returncode == 0, result.stderr
    assert "pairwise_accuracy" in result.stdout


def test_links_lead_somewhere():
    links = set(re.findall(r"\]\(([^)#]+)\)", README))
    assert all((ROOT / link).exists() for link in links if not link.startswith("https:"))


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_says_how_it_is_used(script, folder):
    """The command that its docstring begins with, with `--help` for what takes minutes."""
    text = script.read_text()
    if "__main__" not in text:  # a part of others
        return
    if "import torch" in text:  # a rival, which the project does not need
        pytest.importorskip("torch")
    assert f"python benchmarks/{script.name}" in ast.get_docstring(ast.parse(text))
    result = run([sys.executable, "-W", "error", str(script), "--help"], folder)
    assert (result.returncode, result.stderr) == (0, "")
    options = set(re.findall(r"--[\w-]+", ast.get_docstring(ast.parse(text)).split("\n\n")[1]))
    assert options <= set(re.findall(r"--[\w-]+", result.stdout))
