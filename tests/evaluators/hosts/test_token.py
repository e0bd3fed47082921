"""The token: made once, readable by its owner alone, and never said."""

import stat

import pytest

from nao.core import InputError
from nao.evaluators.hosts.token import existing_token, token, usual_path


def test_a_token_is_made_once(tmp_path):
    file = tmp_path / "deep" / "token"
    made = token(file)
    content = file.read_text()
    assert len(content.strip()) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert content.strip() not in repr(made)
    assert token(file) == existing_token(file) == made
    assert file.read_text() == content


def test_two_tokens_differ(tmp_path):
    for name in "ab":
        token(tmp_path / name)
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()


def test_the_usual_place_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert token(None).path == str(tmp_path / "nao" / "cluster-token") == str(usual_path())


@pytest.mark.parametrize("function", [token, existing_token])
@pytest.mark.parametrize(
    ("content", "mode", "match"),
    [
        ("x" * 64, 0o644, "others can read the token"),
        ("x" * 64, 0o660, "others can read the token"),
        ("short", 0o600, "holds no token"),
        ("", 0o600, "holds no token"),
        ("two words of more than sixteen letters", 0o600, "holds no token"),
        ("ä" * 32, 0o600, "cannot be read"),
    ],
)
def test_what_is_no_token(tmp_path, function, content, mode, match):
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(InputError, match=match):
        function(file)


def test_where_there_is_none(tmp_path):
    with pytest.raises(InputError, match=r"there is no token .*: copy the one that the search names"):
        existing_token(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be read: "):
        existing_token(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written: "):
        token(tmp_path / "file" / "token")
