from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Rules, Settings, load_settings
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
        ('provider = "azure"\n', "specmill.toml:1", "'bedrock' or 'vertex', not 'azure'", ""),
        ("max_tokens = 1.5\n", "specmill.toml:1", "a whole number above 0, not 1.5", ""),
        ("max_tokens = true\n", "specmill.toml:1", "a whole number above 0", ""),
        ("money = 0\n", "specmill.toml:1", "money is a number above 0", ""),
        ("money = inf\n", "specmill.toml:1", "money is a number above 0", ""),
        ("money = nan\n", "specmill.toml:1", "money is a number above 0", ""),
        ('model = ""\n', "specmill.toml:1", "not a model's name", ""),
        ('base_url = "file:///x"\n', "specmill.toml:1", "base_url is not an address", ""),
        ('base_url = "https://"\n', "specmill.toml:1", "base_url is not an address", ""),
        ('permissions = "all"\n', "specmill.toml:1", "permissions is a table", ""),
        ("[permissions]\nallow = 1\n", "specmill.toml:1", "allow is a list of texts", ""),
        ("[permissions]\nalow = []\n", "specmill.toml:2", "unknown key 'alow'", "allow"),
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


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "sk-ant-abc123"\n',
        'ANTHROPIC_API_KEY = "abc123"\n',
        'auth-token = "abc123"\n',
        "[key]\nvalue = 'abc123'\n",
        'target = "x"  # sk-ant-abc123\n',
        'base_url = "https://ada:abc123@host"\n',
    ],
)
def test_a_key_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "specmill.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(tmp_path, {})
    assert "abc123" not in f"{caught.value.message}{caught.value.remedy}{caught.value.findings}"
    if "base_url" not in text:
        assert "export ANTHROPIC_API_KEY=" in caught.value.remedy


def test_settings_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "specmill.toml").write_text(
        'model = "m"\nmax_tokens = 9\nmoney = 2\n[permissions]\nask = ["a"]\ndeny = ["b"]\n'
    )
    settings = load_settings(tmp_path, {"SPECMILL_TURNS": "3", "SPECMILL_SECONDS": "1.5"})
    assert (settings.model, settings.max_tokens, settings.money) == ("m", 9, 2.0)
    assert (settings.turns, settings.seconds) == (3, 1.5)
    assert settings.permissions == Rules(ask=("a",), deny=("b",))


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, ""),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"ANTHROPIC_BASE_URL": "http://a", "SPECMILL_BASE_URL": "http://b"}, "http://b"),
    ],
)
def test_the_address_of_the_service_from_the_environment(
    tmp_path: Path, environ: dict[str, str], address: str
) -> None:
    assert load_settings(tmp_path, environ).base_url == address


@pytest.mark.parametrize("text", ["", "-1", "lots", "nan", "inf", "1e999"])
def test_a_cap_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="SPECMILL_MONEY"):
        load_settings(tmp_path, {"SPECMILL_MONEY": text})


def test_what_a_repository_may_not_decide_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "specmill.toml").write_text(
        'base_url = "https://elsewhere"\nprovider = "bedrock"\nmoney = 500\n'
        'target = "t"\n[permissions]\nallow = ["shell"]\ndeny = ["commit"]\n'
    )
    assert load_settings(tmp_path, {}) == Settings(target="t", permissions=Rules(deny=("commit",)))
