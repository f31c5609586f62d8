"""Consent to the settings of a repository."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.config import Rules, Settings
from agent.trust import ConsentBook, Trusted, load_trusted
from tests.agent.conftest import Cli
from tests.agent.support import REPO, environment
from tools.errors import UsageError, WaitsForPerson

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TEXT = 'base_url = "https://proxy.example"\n[permissions]\nallow = ["shell(make test)"]\n'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    (root / "specmill.toml").write_text(TEXT)
    return root


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path / "home")}


def consent(root: Path, environ: dict[str, str], **values: Any) -> ConsentBook:
    book = ConsentBook.of(root, environ)
    guarded = {"base_url": "https://proxy.example", "permissions.allow": ["shell(make test)"]}
    book.record(root, guarded | values, NOW)
    return book


def test_without_consent_nothing_guarded_counts_and_it_is_said(
    repo: Path, environ: dict[str, str]
) -> None:
    found = load_trusted(repo, environ)
    assert found.settings == Settings()
    assert "base_url, permissions.allow" in found.says
    assert "specmill trust" in found.says
    with pytest.raises(WaitsForPerson, match="base_url"):
        found.require_service()


def test_with_consent_it_counts(repo: Path, environ: dict[str, str]) -> None:
    book = consent(repo, environ)
    found = load_trusted(repo, environ)
    assert found == Trusted(
        Settings(base_url="https://proxy.example", permissions=Rules(allow=("shell(make test)",)))
    )
    found.require_service()
    assert found.says == ""
    assert book.file.stat().st_mode & 0o777 == 0o600
    assert book.folder.stat().st_mode & 0o777 == 0o700


def test_a_changed_value_voids_the_consent_and_another_does_not(
    repo: Path, environ: dict[str, str]
) -> None:
    consent(repo, environ)
    (repo / "specmill.toml").write_text('target = "t"\n# a note\n' + TEXT)
    assert not load_trusted(repo, environ).ignored
    (repo / "specmill.toml").write_text(TEXT.replace("make test", "make tests"))
    assert set(load_trusted(repo, environ).ignored) == {"base_url", "permissions.allow"}
    (repo / "specmill.toml").write_text(TEXT.partition("[")[0])
    assert set(load_trusted(repo, environ).ignored) == {"base_url"}, "less is another content too"


def test_a_consent_holds_for_its_folder_alone(
    repo: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    consent(repo, environ)
    other = tmp_path / "other"
    other.mkdir()
    (other / "specmill.toml").write_text(TEXT)
    assert load_trusted(other, environ).ignored
    (tmp_path / "link").symlink_to(repo)
    assert not load_trusted(tmp_path / "link", environ).ignored


def test_the_environment_is_the_persons_own(repo: Path, environ: dict[str, str]) -> None:
    found = load_trusted(repo, {**environ, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
    assert found.settings.base_url == "http://127.0.0.1:9"
    assert set(found.ignored) == {"permissions.allow"}
    found.require_service()


def test_revoking(repo: Path, environ: dict[str, str]) -> None:
    book = consent(repo, environ)
    assert book.revoke(repo)
    assert not book.revoke(repo)
    assert load_trusted(repo, environ).ignored


@pytest.mark.parametrize("how", ["inside", "linked", "home"])
def test_a_repository_cannot_bring_its_own_consents(repo: Path, tmp_path: Path, how: str) -> None:
    inside = repo / "state"
    if how == "home":
        environ = {"HOME": str(repo), "XDG_STATE_HOME": "relative/counts/not"}
        place = repo / ".local" / "state"
    else:
        place = inside
        (tmp_path / "link").symlink_to(inside)
        environ = {"XDG_STATE_HOME": str(tmp_path / "link" if how == "linked" else inside)}
    (place / "specmill").mkdir(parents=True)
    outside = {"XDG_STATE_HOME": str(tmp_path / "elsewhere")}
    book = consent(repo, outside).file.read_text()
    (place / "specmill" / "trust.json").write_text(book)
    found = load_trusted(repo, environ)
    assert found.ignored
    assert "lies in the repository" in found.says
    with pytest.raises(UsageError, match="lies in the repository"):
        consent(repo, environ)


def test_a_state_folder_in_the_checkout_around_the_workspace(repo: Path) -> None:
    (repo / "platform").mkdir()
    (repo / "platform" / "specmill.toml").write_text(TEXT)
    found = load_trusted(repo / "platform", {"XDG_STATE_HOME": str(repo / "state")})
    assert "lies in the repository" in found.says


def test_a_home_folder_kept_in_git_is_not_the_repository(repo: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    environ = {"HOME": str(tmp_path)}
    consent(repo, environ)
    assert not load_trusted(repo, environ).ignored


@pytest.mark.parametrize(
    ("mischief", "says"),
    [
        ("writable", "written by others"),
        ("open folder", "written by others"),
        ("link", "cannot be read"),
        ("folder", "is not a file"),
        ("pipe", "is not a file"),
        ("garbage", "does not hold consents"),
        ("list", "does not hold consents"),
    ],
)
def test_a_file_that_may_not_be_the_persons_own_is_not_believed(
    repo: Path, environ: dict[str, str], tmp_path: Path, mischief: str, says: str
) -> None:
    book = consent(repo, environ)
    if mischief == "writable":
        book.file.chmod(0o666)
    elif mischief == "open folder":
        book.folder.chmod(0o777)
    elif mischief in ("garbage", "list"):
        book.file.write_text("[]" if mischief == "list" else "{")
    else:
        moved = book.file.rename(tmp_path / "moved.json")
        if mischief == "link":
            book.file.symlink_to(moved)
        elif mischief == "folder":
            book.file.mkdir()
        else:
            os.mkfifo(book.file)
    found = load_trusted(repo, environ)
    assert found.ignored
    assert says in found.says
    with pytest.raises(UsageError):
        consent(repo, environ)


def test_without_a_home_there_is_no_consent(repo: Path) -> None:
    assert "HOME is not set" in load_trusted(repo, {}).says


def test_the_command_needs_a_terminal(repo: Path, run_cli: Cli) -> None:
    for args in (["trust"], ["trust", "--json"]):
        result = run_cli("-C", str(repo), *args)
        assert result.exit_code == 3
        assert "at a terminal" in result.stderr
    shown = run_cli("-C", str(repo), "trust", "--show", "--json")
    assert shown.exit_code == 0
    document = json.loads(shown.stdout)
    assert document["state"] == "not consented"
    assert document["settings"]["base_url"] == "https://proxy.example"


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 3)])
def test_consent_at_a_terminal(repo: Path, typed: str, code: int) -> None:
    primary, secondary = pty.openpty()
    with os.fdopen(primary, "wb", buffering=0) as keyboard:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "trust"],
            cwd=repo,
            env=environment() | {"PYTHONPATH": str(REPO)},
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
        )
        os.close(secondary)
        keyboard.write(f"{typed}\n".encode())
        assert process.wait(60) == code
    assert bool(load_trusted(repo, os.environ).ignored) == (code == 3)


def test_other_commands_say_what_they_ignore(workspace: Path, run_cli: Cli) -> None:
    (workspace / "specmill.toml").write_text(TEXT)
    result = run_cli("check", "specs/orders.yaml", "--json")
    assert result.exit_code == 0
    json.loads(result.stdout)
    assert "ignored without your consent" in result.stderr
