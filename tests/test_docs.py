"""The commands of docs/ can be typed: each is read by the command line that it is for."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from nao.cli import app
from nao.terminal import with_values

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted((DOCS / "hosts").glob("*.md"))
HOLDS_NAO = re.compile(r"(?:^|(?<=srun )|(?<=exec ))nao .*", re.MULTILINE)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def scripts(page):
    """All that a shell is to read."""
    found = [*blocks(page, "sh"), *blocks(page, "bash")]
    for document in (each for text in blocks(page, "yaml") for each in yaml.safe_load_all(text)):
        pod = document["spec"].get("template", {}).get("spec", {"containers": []})
        for container in pod["containers"]:
            assert container["command"] == ["sh", "-c"]
            found += container["args"]
            mounted = {each["name"] for each in container["volumeMounts"]}
            assert mounted == {each["name"] for each in pod["volumes"]}
    return found


def commands(page):
    inline = re.findall(r"`(nao \w+ [^`]* [^`]*)`", page.read_text())
    return [line for text in scripts(page) for line in HOLDS_NAO.findall(text)] + inline


def test_the_pages():
    assert [page.stem for page in PAGES] == ["kubernetes", "slurm", "tpu", "two-machines"]
    assert all(commands(page) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_nao(page):
    group = typer.main.get_command(app)
    for line in commands(page):
        arguments = with_values(shlex.split(line)[1:])
        context = group.make_context("nao", list(arguments))
        name, command, rest = group.resolve_command(context, arguments)
        read = command.make_context(name, rest)
        assert not read.args, line
        if "--join" in rest:
            assert ":" in read.params["join"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_scripts_are_shell(page):
    shell = shutil.which("bash")
    for text in scripts(page):
        subprocess.run([shell, "-n"], input=text.encode(), check=True, capture_output=True)
