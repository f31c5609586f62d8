from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Settings, load_settings
from tools.errors import InputError


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}) == Settings()


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "specmill.toml").write_text('level = "quick"\ntarget = "a"\ndata = ["rows"]\n')
    settings = load_settings(tmp_path, {"SPECMILL_TARGET": "b", "SPECMILL_COMMIT": "0"})
    assert (settings.level, settings.target, settings.commit, settings.data) == (
        "quick",
        "b",
        False,
        ("rows",),
    )
    assert settings.with_flags(target="c", level=None).target == "c"
    assert settings.with_flags(target="c", level=None).level == "quick"


@pytest.mark.parametrize(
    ("text", "where", "says", "hint"),
    [
        ('# a\nlevle = "full"\n', "specmill.toml:2", "unknown key 'levle'", "level"),
        ('level = "fast"\n', "specmill.toml:1", "'quick' or 'full', not 'fast'", ""),
        ("commit = 1\n", "specmill.toml:1", "commit is true or false, not 1", ""),
        ("target = 1\n", "specmill.toml:1", "target is a text, not 1", ""),
        ('data = "x"\n', "specmill.toml:1", "data is a list of texts", ""),
        ("data = [1]\n", "specmill.toml:1", "data is a list of texts", ""),
        ('\nbranch_prefix = "-x"\n', "specmill.toml:2", "cannot start a branch name", ""),
        ('approvals = "../a"\n', "specmill.toml:1", "not a path inside the workspace", ""),
        ("level = \n", "specmill.toml:1:9", "not TOML", ""),
        ("[extra]\na = 1\n", "specmill.toml:1", "unknown key 'extra'", "known keys"),
    ],
)
def test_a_wrong_file_is_said_with_its_line(
    tmp_path: Path, text: str, where: str, says: str, hint: str
) -> None:
    (tmp_path / "specmill.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(tmp_path, {})
    finding = caught.value.findings[0]
    assert str(finding.location) == where
    assert says in finding.message
    assert hint in finding.hint
    assert where in caught.value.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "specmill.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_settings(tmp_path, {})


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SPECMILL_COMMIT"):
        load_settings(tmp_path, {"SPECMILL_COMMIT": "maybe"})
