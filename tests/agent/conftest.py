"""A small workspace in a git repository, and the command line in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.cli import cli
from tests.agent.support import CASES, git

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No settings, identities or colours of the machine that runs the tests."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(("SPECMILL_", "GIT_")) or name in ("COLUMNS", "FORCE_COLOR"):
            monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with one spec and its data, committed; also the current folder."""
    root = tmp_path / "platform"
    (root / "specs").mkdir(parents=True)
    (root / "specmill.toml").write_text("")
    (root / ".gitignore").write_text(".specmill/\n")
    shutil.copy(CASES / "orders.yaml", root / "specs" / "orders.yaml")
    shutil.copytree(CASES / "data", root / "data")
    git(root.parent, "init", "--quiet", str(root))
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "start")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run_cli() -> Cli:
    """The command line in this process."""

    def call(*args: str) -> Result:
        with chdir(Path.cwd()):  # -C changes the folder of the process
            return CliRunner().invoke(cli, list(args), prog_name="specmill")

    return call
