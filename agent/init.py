"""A new workspace: what comes with specmill, copied; nothing that is there is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools.errors import ProgramMissing, SpecmillError, UsageError
from tools.repo import Repo
from tools.shell import run
from tools.workspace import read_text, shipped
from tools.workspace_write import write_atomic

_CONTENT: tuple[Literal["constitution", "workflows", "specs"], ...] = (
    "constitution",
    "workflows",
    "specs",
)
_IGNORED = ".specmill/\n"

SETTINGS = """\
# Settings of specmill in this workspace; every line may be left out.
# level = "full"                        # quick: fewer orders of arrival
# target = "duckdb"                     # the target of a spec that a run is for
# commit = true                         # false: write here, without branch and commit
# branch_prefix = "specmill/"
# workflow = ""                         # by name; empty: the one that applies to the spec
# approvals = ".specmill/approvals.jsonl"   # a tracked path shares approvals
# data = []                             # further folders with data files of sources
"""

CI = """\
# Checks every spec, proves what is generated from it, and fails on findings.
name: specmill
on: [push, pull_request]
permissions:
  contents: read
jobs:
  specs:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install specmill
      - run: specmill check
      - run: specmill constitution test
      - run: specmill run specs/*.yaml --no-commit
"""


@dataclass(frozen=True)
class Made:
    """What ``init`` did.

    Args:
        root: the folder.
        made: files that it wrote.
        kept: files that were there, and differ from what comes with specmill.
        repository: whether it made the folder a git repository.
        example: the spec to run first.
    """

    root: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    repository: bool
    example: str

    def to_json(self) -> dict[str, Any]:
        """The JSON document of ``specmill init``."""
        return {
            "ok": True,
            "root": str(self.root),
            "made": list(self.made),
            "kept": list(self.kept),
            "git_init": self.repository,
            "next": [f"specmill run {self.example}"],
        }


def init_workspace(folder: Path) -> Made:
    """Makes a folder a workspace.

    Raises:
        UsageError: the path is a file.
        ProgramMissing: the folder cannot be written, or git is missing.
    """
    root = folder.absolute()
    if root.exists() and not root.is_dir():
        raise UsageError(f"{folder} is a file", "name a folder")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProgramMissing(
            f"{folder} cannot be made: {error.strerror}", "name a folder that you may write"
        ) from error
    repository = _git_init(root)
    made: list[str] = []
    kept: list[str] = []
    for path, text in _contents():
        file = root / path
        if file.exists() or file.is_symlink():
            if not _holds(file, text):
                kept.append(path)
            continue
        write_atomic(root, path, text)
        made.append(path)
    if _ignore_state(root):
        made.append(".gitignore")
    example = next(p for p in (*made, *kept, "specs/dim_order.yaml") if _is_example(p))
    return Made(root, tuple(made), tuple(kept), repository, example)


def _is_example(path: str) -> bool:
    return path == "specs/dim_order.yaml"


def _contents() -> Iterator[tuple[str, str]]:
    yield "specmill.toml", SETTINGS
    for name in _CONTENT:
        folder = shipped(name)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            if "__pycache__" not in file.parts and not file.name.startswith("."):
                yield f"{name}/{file.relative_to(folder).as_posix()}", read_text(file)
    yield ".github/workflows/specmill.yml", CI


def _holds(file: Path, text: str) -> bool:
    try:
        return file.is_file() and read_text(file) == text
    except SpecmillError:
        return False


def _git_init(root: Path) -> bool:
    """Makes the folder a repository, unless it is in one. There is no commit: that is yours."""
    if Repo.open(root) is not None:
        return False
    done = run(["git", "init", "--quiet"], cwd=root, timeout=60)
    if done.code != 0:
        raise ProgramMissing(f"git init failed: {done.stderr.strip()}", "see git's message")
    return True


def _ignore_state(root: Path) -> bool:
    """Whether ``.gitignore`` had to be told of the state folder."""
    file = root / ".gitignore"
    text = read_text(file) if file.exists() else ""
    if any(line.strip().strip("/") == ".specmill" for line in text.splitlines()):
        return False
    separator = "" if not text or text.endswith("\n") else "\n"
    write_atomic(root, ".gitignore", text + separator + _IGNORED)
    return True
