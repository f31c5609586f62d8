"""Runs git through GitPython: with the person's configuration, without their hooks.

The only importer of GitPython. Its object layer is not used: it reads ``GIT_DIR`` from the
environment, keeps processes open and knows no sha256 repositories; its command runner has none
of this.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ProgramMissing, UsageError, WaitsForPerson

_LEAKING = (
    # What `git rev-parse --local-env-vars` names, less the configuration that people give a
    # process, and what git sets for hooks: inside a hook these would point us to their index.
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REFLOG_ACTION",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",  # looking at the person's tree does not rewrite their index
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",  # a checkout of ours needs no large files
}
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "i18n.commitEncoding=utf-8"),
    *("-c", "advice.detachedHead=false"),
)
_LOCK_WAITS = (0.05, 0.2, 0.5)
"""Seconds to wait for another git process to let go of a lock, before giving up."""


@dataclass(frozen=True)
class Answer:
    """What a git command said; ``code`` 0 is success."""

    code: int
    out: bytes
    error: str

    @property
    def text(self) -> str:
        """Its output as text, without the last line end; odd bytes survive in file names."""
        return os.fsdecode(self.out).removesuffix("\n")


@dataclass(frozen=True)
class Git:
    """git in one folder; ``options`` go before each command."""

    cwd: Path
    options: tuple[str, ...] = ()

    def ask(
        self, *args: str, data: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a git command whatever its exit code means.

        Args:
            args: the command and its arguments.
            data: its standard input.
            env: further variables.

        Raises:
            ProgramMissing: git is not there.
        """
        try:
            import git  # noqa: PLC0415  # importing it runs git, which may be missing
        except ModuleNotFoundError:
            raise
        except ImportError as error:
            raise _no_git() from error
        if not self.cwd.is_dir():  # GitPython would run the command in our own folder instead
            raise UsageError(f"{self.cwd}: no such folder", "Check the path.")
        leaking = [name for name in _LEAKING if name in os.environ]
        # GitPython adds to our environment and takes nothing away; env(1) does.
        unset = ["env", *(part for name in leaking for part in ("-u", name))] if leaking else []
        with tempfile.TemporaryFile() as stdin:
            stdin.write(data or b"")
            stdin.seek(0)
            try:
                code, out, error_text = git.Git(os.fspath(self.cwd)).execute(
                    [*unset, "git", *_OPTIONS, *self.options, *args],
                    istream=stdin,
                    with_extended_output=True,
                    with_exceptions=False,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                    shell=False,
                    env={**_ENVIRONMENT, **(env or {})},
                )
            except git.GitCommandNotFound as error:
                raise _no_git() from error
        if unset and code == 127:
            raise _no_git()
        return Answer(code, out, error_text)

    def do(
        self, *args: str, data: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a git command that has to succeed; returns its output as text.

        A lock that another git process holds is waited for a little.

        Raises:
            WaitsForPerson: a branch is checked out elsewhere, or a name is taken.
            ProgramMissing: git is not there, a lock stays taken, the disk or its permissions
                refuse, or the repository is damaged.
        """
        for wait in (*_LOCK_WAITS, None):
            answer = self.ask(*args, data=data, env=env)
            if answer.code == 0:
                return answer.text
            if wait is None or not _is_locked(answer.error):
                break
            time.sleep(wait)
        raise failure(next(a for a in args if not a.startswith("-") and "=" not in a), answer)


def _is_locked(error: str) -> bool:
    return ".lock': File exists" in error


def failure(command: str, answer: Answer) -> ProgramMissing | WaitsForPerson | UsageError:
    """What to raise for a git command that failed."""
    lines = [line for line in answer.error.splitlines() if not line.startswith("hint:")]
    said = " ".join(line.strip() for line in lines if line.strip()) or f"exit code {answer.code}"
    if _is_locked(said):
        lock = said.split("'")[1] if "'" in said else "the lock"
        return ProgramMissing(
            f"another git process holds {lock}",
            "Wait for it to end and run again; if no git is running, delete that file.",
        )
    if "already checked out" in said or "already used by worktree" in said:
        return WaitsForPerson(
            f"git {command}: {said}",
            "Switch the other checkout to another branch (git switch -), then run again.",
        )
    if "cannot lock ref" in said:
        return WaitsForPerson(
            f"git {command}: {said}",
            "Rename the branch that is in the way (git branch -m), then run again.",
        )
    if "dubious ownership" in said:
        return ProgramMissing(
            f"git does not trust this folder: {said}",
            "Make the folder your own, or allow it: git config --global --add safe.directory PATH.",
        )
    if "No space left" in said or "Disk quota" in said:
        return ProgramMissing(
            f"git {command}: {said}", "The disk is full: free some space, then run again."
        )
    if "ermission denied" in said or "Read-only file system" in said:
        return ProgramMissing(
            f"git {command}: {said}", "Make the repository writable for you, then run again."
        )
    if "beyond a symbolic link" in said:
        return UsageError(f"git {command}: {said}", "Make it a folder of its own.")
    return ProgramMissing(
        f"git {command} failed: {said}",
        "Run the same in this folder (`git status` first, `git fsck` for damage) and mend it.",
    )


def _no_git() -> ProgramMissing:
    return ProgramMissing(
        "git is not installed, or not on the PATH",
        "Install git 2.25 or later, or run with --no-commit.",
    )
