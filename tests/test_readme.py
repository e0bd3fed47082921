"""What README.md tells people to type works, each command and each Python block, and what it says is so."""

import ast
import csv
import dataclasses
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nao.cli import Training
from nao.compare.tables import CurvePoint, Summary
from nao.core import Proposal, Request, Result, Trial
from nao.data import load_digits
from nao.evaluators.images import Child
from nao.evaluators.tables import READERS
from nao.spaces.nasbench201 import NASBENCH201, OPERATIONS
from nao.spaces.nasbench_macro import NASBENCH_MACRO
from nao.strategies import NAO
from nao.strategies.named import STRATEGIES

ROOT = Path(__file__).resolve().parents[1]  # the checkout, also where tests/ is a link
README = (ROOT / "README.md").read_text()
LONG = "nao optimize --iterations 3 --seeds 100"
# A command's last word on an option counts, so these make any of them short: two small children, of the
# program that the Python blocks train too, and no fit, since one score is too few for that.
CHILD = ("--blocks", "1", "--steps", "1", "--channels", "2", "--devices", "1")
SHORTER = {"Child(steps=10)": "Child(steps=1, channels=2)"}  # in the Python blocks
SEARCH = ("--iterations", "1", "--initial", "1", "--new", "1", "--confirm", "2x1", *CHILD)
LANGUAGE = ("--child", "units=2", "--steps", "1", "--devices", "1")
# On a table, the random architectures that every strategy begins with and one more: one fit.
REPEATS = ("--repeats", "1")

# Runs programs one after the other in one process, so that nothing is imported or compiled twice; one process
# drives the devices for all commands with equal children. Each program is the words of a command, or the path
# of a script and its arguments. Prints status, output and errors of each.
RUNNER = """
import contextlib, io, json, runpy, sys, traceback, warnings
from nao.cli import main
from nao.encoders.fit import FitConfig
from nao.evaluators import devices
from nao.evaluators.hosts import pool

devices.set_up_devices.__defaults__ = (1, True)  # each device compiles a program of its own
FitConfig.updates = lambda *_: 3  # of hundreds: whether they are fitted well is tested elsewhere
pools = []

def kept(program, devices, made=pool.HostPool, **options):
    equal = [each for each in pools if each.program == program]
    if not equal:
        pools.append(made(program, devices, **options))
    return (equal or pools[-1:])[0]

pool.HostPool.close = lambda *_, **__: None  # the next command goes on with it
pool.HostPool = kept
sys.modules["ray"] = None  # whoever imports the engine of a cluster, which none of these has, fails
outcomes = []
for program, *arguments in json.loads(sys.argv[1]):
    sys.argv, out, err, status = [program, *arguments], io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        try:
            if program == "nao":
                main()
            else:
                warnings.simplefilter("error")
                sys.path[0] = program.rpartition("/")[0]
                runpy.run_path(program, run_name="__main__")
        except SystemExit as stop:
            status = stop.code or 0
        except Exception:
            status = 1
            traceback.print_exc()
    outcomes.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(outcomes))
"""


def blocks(language, text=README):
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands():
    """Every line of the shell blocks."""
    return [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands run: it has images, tables, and a cache of compiled programs."""
    folder = tmp_path_factory.mktemp("readme")
    make_tables(folder)
    digits, letters = load_digits(), itertools.product("xy", ("train", "valid", "test"))
    # As many as the digits, which then share their program.
    names = {f"{letter}_{split}" for letter, split in letters}
    (example,) = re.findall(r"nao evaluate .*'(.*)'", README)
    (folder / "architectures.txt").write_text(f"{example}\n")
    np.savez(folder / "mine.npz", **{name: getattr(digits, name) for name in names})
    return folder


def make_tables(folder):
    """Tables as they are published, but for their numbers, and one of the space that is built there."""
    with (folder / "nasbench201.csv").open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(["e01", "e02", "e12", "e03", "e13", "e23", "c10_val_12", "c10_test_200", "flops_m"])
        for tokens in NASBENCH201.strings():
            write([*(OPERATIONS[token] for token in tokens), sum(tokens), sum(tokens) + 0.5, 8 * sum(tokens)])
    macro = {
        NASBENCH_MACRO.format(x): {"test_acc": [sum(x)] * 3, "mean_acc": sum(x), "params": 1, "flops": 1}
        for x in NASBENCH_MACRO.strings()
    }
    (folder / "nasbench_macro_cifar10.json").write_text(json.dumps(macro))
    choices = ast.literal_eval(re.search(r'WordSpace\("mine", (.*)\)', README)[1])
    head, example = blocks("csv")[0].splitlines()
    rows = [[*x, choices[1].index(x[1]) - x[3], 0.5] for x in itertools.product(*choices)]
    assert example.split(",")[:4] in [[str(word) for word in row[:4]] for row in rows]
    lines = [head, *(",".join(map(str, row)) for row in rows)]
    (folder / "mine.csv").write_text("\n".join(lines))


def run(arguments, folder):
    """Runs a program there, without the user's own caches and data."""
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "TFDS_DATA_DIR": str(folder / "tfds")}
    return subprocess.run(
        arguments, cwd=folder, env={**os.environ, **own}, check=False, capture_output=True, text=True
    )


def run_all(programs, folder):
    """Status, output and errors of each program."""
    result = run([sys.executable, "-c", RUNNER, json.dumps(programs)], folder)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_the_first_commands_are_those_of_the_makefile():
    # They are not run here: the wheel under test has been installed, and the search takes minutes.
    assert commands()[:2] == ["pip install .", LONG]
    assert f".venv/bin/{LONG}\n" in (ROOT / "Makefile").read_text()


def short(command):
    """Options that make a command short."""
    if "compare" in command:
        if "--table" in command:
            # A fit of `published` takes a minute, whatever it is fitted to: there it is only made.
            return (*REPEATS, "--workers", "1", "--budget", "10" if "published" in command else "11")
        return (*REPEATS, *CHILD, "--budget", "2")
    if "--space rnn" in command:
        return (*SEARCH[:8], *LANGUAGE) if "optimize" in command else LANGUAGE
    return {"nao optimize": SEARCH, "nao evaluate": CHILD}.get(" ".join(command.split()[:2]), ())


def scripts(folder):
    """The Python blocks of README as one script, and those of each page about an embedding as another."""
    checks = "assert embedding.states.shape[0] == len(predicted) == 12; assert found.best.score > 0\n"
    texts = {"readme": "\n".join(blocks("python")) + checks}
    for long, child in SHORTER.items():
        assert long in texts["readme"]
        texts["readme"] = texts["readme"].replace(long, child)
    for page in sorted((ROOT / "docs" / "analysis").glob("*.md")):
        asked = "\n".join(blocks("python", page.read_text()))
        assert 'nao.load("runs/digits")' in asked
        assert "[:60]" in asked  # architectures that are looked at
        texts[page.stem] = asked.replace("runs/digits", "runs/python").replace("[:60]", "[:2]")
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return {name: folder / f"{name}.py" for name in texts}


def test_everything_that_is_typed_runs(folder):
    """The Python blocks as scripts, and the commands."""
    typed, written = commands()[2:], scripts(folder)
    # Only the search of the script fits a model.
    ran = [line.replace("runs/mine", "runs/python") if "nao embed" in line else line for line in typed]
    programs = [[*shlex.split(command), *short(command)] for command in ran]
    all_outcomes = run_all([*([str(path)] for path in written.values()), *programs], folder)
    pages, outcomes = dict(zip(written, all_outcomes, strict=False)), all_outcomes[len(written) :]
    for name, (status, _, errors) in pages.items():
        assert (status, errors) == (0, ""), name
        assert name == "readme" or (folder / f"{name}.svg").read_text().startswith("<svg")
    for command, (status, output, errors) in zip(typed, outcomes, strict=True):
        if "tfds:cifar10" in command:  # without the archive, it says where the archive belongs
            assert status == 2
            assert "cifar-10-binary.tar.gz" in errors
        else:
            assert (status, errors) == (0, ""), command
            assert ("complete" in output) or not command.startswith("nao optimize")
    assert "pairwise_accuracy" in pages["readme"][1]
    assert {"report.html", "study.sqlite"} <= {file.name for file in (folder / "runs" / "mine").iterdir()}
    assert {"cell.svg", "cell.png", "embeddings.npz"} <= {file.name for file in folder.iterdir()}
    # The command as it is installed does the same.
    installed = run([str(Path(sys.executable).with_name("nao")), "spaces"], folder)
    assert [installed.returncode, installed.stdout, installed.stderr] == outcomes[typed.index("nao spaces")]


def test_a_space_of_ones_own_is_short():
    (lines,) = (block.splitlines() for block in blocks("python") if "WordSpace(" in block)
    assert len(list(filter(None, lines))) <= 15


def test_the_keys_of_json_are_those_in_the_table():
    from nao.study import History, Iteration

    x = NASBENCH201.sample(np.random.default_rng(0), 1)[0]
    trial = Trial(0, 0, Proposal(x, "random"), 0, (Result(Request(x), status="failed", reason="diverged"),))
    iterations = [Iteration(0, None, {}, 0.0), Iteration(1, None, {}, 0.0)]
    goal = {"iterations": 1, "evaluate_last": True}
    summary = History(NASBENCH201, {}, goal, "", {}, iterations, [trial]).summary()
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
    for name, kind in {"nao": NAO, **STRATEGIES}.items():
        expected = {field.name: field.default for field in dataclasses.fields(kind.Settings)}
        written = dict(re.findall(r"`(\w+)` \(`?([\w.]+)", rows.pop(name)))
        written.pop("encoder", None)  # handed over, not a setting
        assert {key: json.loads(value) for key, value in written.items()} == expected
    assert not rows


def test_the_tables_are_those_in_the_table():
    assert {row.split("`")[1] for row in table("space")} == set(READERS)


def test_the_settings_of_a_child_are_those_that_are_named():
    _, _, after = README.partition("\n`--child KEY=VALUE`")
    written = dict(re.findall(r"`(\w+)` \(([\d.]+)\)", after.partition("\n\n")[0]))
    flags = {field.name for field in dataclasses.fields(Training)}
    without = {field.name: field.default for field in dataclasses.fields(Child) if field.name not in flags}
    assert {key: float(value) for key, value in written.items()} == without


def test_the_columns_of_a_comparison_are_those_in_the_table():
    words = {row.split("`")[1]: re.findall(r"`(\w+)`", row.split("|", 2)[2]) for row in table("file")}
    assert words["curves.csv"] == [field.name for field in dataclasses.fields(CurvePoint)]
    assert words["summary.csv"] == [field.name for field in dataclasses.fields(Summary)]


def _keys(value):
    """The keys of a record, or of the records in a list."""
    records = value if isinstance(value, list) else [value]
    return {key for record in records if isinstance(record, dict) for key in record}


def test_links_lead_somewhere():
    links = set(re.findall(r"\]\(([^)#]+)\)", README))
    assert all((ROOT / link).exists() for link in links if not link.startswith("https:"))
    headings = re.findall(r"^#+ (.*)", README, flags=re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def definition(path, name):
    """A function or class of a file, or a method of a class, as its syntax tree."""
    found = ast.parse((ROOT / path).read_text())
    for part in name.split("."):
        (found,) = (each for each in found.body if getattr(each, "name", None) == part)
    return found


@pytest.mark.parametrize("row", table("in the paper"))
def test_what_the_paper_names_is_defined_where_the_link_says(row):
    """It is found by the paper's own word, which its docstring has."""
    word = row.split("|")[1].strip()
    *others, place = re.findall(r"\[`([\w.]+)`\]\(([\w./]+)\)", row)
    assert all(definition(path, name) for name, path in others)
    name, path = place
    assert word.lower() in ast.get_docstring(definition(path, name)).lower()


def test_every_benchmark_says_how_it_is_used(folder):
    """The command that its docstring begins with, with `--help` for what takes minutes."""
    scripts = [script for script in sorted((ROOT / "benchmarks").glob("*.py")) if _runs(script)]
    outcomes = run_all([[str(script), "--help"] for script in scripts], folder)
    for script, (status, output, errors) in zip(scripts, outcomes, strict=True):
        described = ast.get_docstring(ast.parse(script.read_text()))
        assert f"python benchmarks/{script.name}" in described
        assert (status, errors) == (0, ""), script.name
        options = set(re.findall(r"--[\w-]+", described.split("\n\n")[1]))
        assert options <= set(re.findall(r"--[\w-]+", output)), script.name


def _runs(script):
    """Whether a benchmark is no part of others, and no rival that needs what is not installed."""
    text = script.read_text()
    if "import torch" in text:
        try:
            import torch  # noqa: F401
        except ImportError:
            return False
    return "__main__" in text
