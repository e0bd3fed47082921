"""Names of files as users write them, in every command that reads or writes one."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nao.cli import app
from nao.core import InputError
from nao.inputs import user_path
from nao.spaces import space

LONG = "x" * 300
BEST = str(space("nasbench201").sample(np.random.default_rng(0), 1)[0])


def test_a_path_is_that_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_text("")
    for name in ("~/absent", "~/absent/below", "~/file", "~/file/below", "~"):
        assert user_path(name) == tmp_path / name[2:]
        assert user_path(Path(name)) == tmp_path / name[2:]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (LONG, "^x{100} cannot be used: File name too long$"),
        (f"./{LONG}.npz", "cannot be used: File name too long$"),
        ("~nobody-of-that-name/a", "begins with the home of a user who is not there$"),
        ("a\0b", "is not the name of a file$"),
    ],
)
def test_names_that_no_file_can_have(name, message):
    with pytest.raises(InputError, match=message):
        user_path(name)


@pytest.mark.parametrize(
    "arguments",
    [
        ["draw", BEST, "--space", "nasbench201", "--out", f"{LONG}.svg"],
        ["embed", LONG, "--out", "a.npz"],
        ["embed", "absent", "--out", f"{LONG}.npz"],
        ["report", LONG],
    ],
)
def test_no_command_goes_on_with_such_a_name(arguments):
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 2
    assert said.stderr == f"error: {LONG[:100]} cannot be used: File name too long\n"
