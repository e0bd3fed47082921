"""Imports flow one way: cli -> encoders, evaluators -> data -> nao."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FACE = (
    "nao/__init__.py",
    "nao/__main__.py",
)  # the names that users need, and the command; nothing imports it
ROOMS = {
    "nao": "nao",
    "data": "nao.data",
    "encoders": "nao.encoders",
    "evaluators": "nao.evaluators",
    "cli.py": "nao.cli",
}
MAY_IMPORT = {
    "nao": set(),
    "data": {"nao"},
    "encoders": {"nao", "data"},
    "evaluators": {"nao", "data"},
    "cli.py": {"nao", "data", "encoders", "evaluators"},
}


def room_of(module):
    """The room that a module is in, if any; the longest name decides."""
    hits = [room for room, name in ROOMS.items() if module == name or module.startswith(name + ".")]
    return max(hits, key=lambda room: len(ROOMS[room]), default=None)


def imported(source):
    """Names that are imported anywhere in a program, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ("relative" if node.level else f"{node.module}.{alias.name}" for alias in node.names)


def faults(room, source):
    """Imports that a file of this room may not have."""
    allowed = {None, room, *MAY_IMPORT[room]}
    return [name for name in imported(source) if name == "relative" or room_of(name) not in allowed]


def files(room):
    """The programs of a room; links lead to other rooms."""
    base = ROOT / room
    if base.is_file():
        return [base]
    paths = [p for p in base.rglob("*.py") if not any(q.is_symlink() for q in (p, *p.parents) if q != ROOT)]
    return [p for p in paths if str(p.relative_to(ROOT)) not in FACE]


def face():
    """The names that the face has of its own, and not from a room by that name."""
    tree = ast.parse((ROOT / FACE[0]).read_text())
    (names,) = (x.value for x in tree.body if isinstance(x, ast.Assign) and x.targets[0].id == "__all__")
    return {f"nao.{name.value}" for name in names.elts}


@pytest.mark.parametrize("room", ROOMS)
def test_only_the_command_imports_the_face(room):
    if room != "cli.py":
        found = {str(path): set(imported(path.read_text())) & ({"nao"} | face()) for path in files(room)}
        assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_flow_one_way(room):
    assert files(room)
    found = {str(path.relative_to(ROOT)): faults(room, path.read_text()) for path in files(room)}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("nao", "import nao.encoders"),
        ("nao", "def f():\n    from nao.evaluators.pool import DevicePool"),
        ("nao", "from nao import cli"),
        ("data", "from nao.encoders import encoder"),
        ("encoders", "from nao import evaluators"),
        ("evaluators", "import nao.encoders.fit as fit"),
        ("nao", "from .core import InputError"),
    ],
)
def test_the_check_can_fail(room, source):
    assert faults(room, source)


def test_the_check_lets_the_right_direction_pass():
    assert not faults("cli.py", "import numpy\nfrom nao import encoders, search\nfrom nao.data import load")
    assert not faults("evaluators", "from nao.data.dataset import Dataset\nfrom nao.core import Result")
