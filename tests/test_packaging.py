"""The rooms are installed as one package, and pyproject.toml says what is true."""

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import nao

ROOT = Path(__file__).resolve().parents[1]  # the checkout, also where tests/ is a link
PYPROJECT = (ROOT / "pyproject.toml").read_text()
ROOMS = ("encoders", "evaluators", "data", "cli.py")

# Where a package is not imported by the name it is installed by.
IMPORTED_AS = {
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "tensorflow-datasets": "tensorflow_datasets",
    "pytest-xdist": "xdist",
    "vl-convert-python": "vl_convert",
}
# Not imported: run by the Makefile or by pytest, imported by another package, or only where it is installed.
NOT_IMPORTED = {"importlib_resources", "beartype", "pytest-xdist", "build", "mypy", "ruff"}
NOT_IMPORTED |= {"pyarrow", "pygraphviz", "tensorboardX"}


def requirements():
    """Every requirement that has a line of its own: `(name, the file or folder its comment begins with)`."""
    return re.findall(r'^ {4}"([\w-]+)[>=][^"]*", +# ([\w./]+)', PYPROJECT, flags=re.MULTILINE)


def imports(path):
    """First parts of the names that a file, or the files of a folder, import."""
    for file in [path] if path.is_file() else path.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module.split(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_links_are_relative_and_lead_to_the_rooms(room):
    link = ROOT / "nao" / room
    assert link.is_symlink()
    assert link.readlink() == Path("..") / room


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli.py"])
def test_a_room_cannot_be_loaded_under_a_second_name(room):
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {room}"
    failed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert failed.stderr.splitlines()[-1] == f"ImportError: import nao.{room}, not this folder"


def test_the_rooms_are_installed_in_the_package():
    package = Path(nao.__file__).parent
    assert all((package / room).exists() for room in (*ROOMS, "py.typed"))


def test_the_version_is_the_one_that_is_installed():
    assert importlib.metadata.version("nao-search") == tomllib.loads(PYPROJECT)["project"]["version"]


def test_every_requirement_names_a_file():
    project = tomllib.loads(PYPROJECT)["project"]
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["test"], *extras["check"]]
    assert [name for name, _ in requirements()] == [re.split("[>=]", line)[0] for line in listed]


@pytest.mark.parametrize(("name", "file"), requirements())
def test_the_file_that_a_requirement_names_needs_it(name, file):
    path = ROOT / file
    assert path.exists()
    if name not in NOT_IMPORTED:
        assert IMPORTED_AS.get(name, name) in imports(path)


def test_importlib_resources_is_imported_by_a_package_that_does_not_require_it():
    # Once this fails, the requirement can go.
    package = Path(importlib.util.find_spec("tensorflow_datasets").origin).parent
    assert "import importlib_resources" in (package / "core" / "dataset_builder.py").read_text()
    needed = [x for x in importlib.metadata.requires("tensorflow-datasets") if "importlib_resources" in x]
    assert all('python_version < "3.9"' in line for line in needed)


def test_all_extras_of_jax_want_the_same_version():
    project = tomllib.loads(PYPROJECT)["project"]
    (bound,) = [line.removeprefix("jax") for line in project["dependencies"] if re.match("jax[>=]", line)]
    extras = project["optional-dependencies"]
    assert extras["cuda"] == [f"jax[cuda12]{bound}"]
    assert extras["tpu"] == [f"jax[tpu]{bound}"]


def test_the_licence_is_the_full_text():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert text.rstrip().endswith("limitations under the License.")
