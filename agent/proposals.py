"""Proposed unit tests as a file that a person can paste from; never a part of the project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.verifying import Verified
from tools.errors import UsageError
from tools.verify.outcome import Outcome
from tools.workspace import Workspace, write_atomic

FOLDER = "proposals"

_HEAD = "# Unit tests that specmill proposes for {pipeline}: each fails on faults that the tests\n"
_REST = """\
# of the project let pass. They are no part of it until a person puts them into a .yml file
# below models/. Read what they expect: it is what the code gives now.
version: 2
unit_tests:
"""


def with_proposals(verified: Verified, workspace: Workspace, to: Path | None) -> Verified:
    """Writes what is proposed for a pipeline, and says where.

    Raises:
        UsageError: the file that was asked for holds something else.
    """
    file = propose(workspace, verified.pipeline, verified.outcome, to)
    return replace(verified, proposals=file)


def propose(workspace: Workspace, pipeline: str, outcome: Outcome, to: Path | None) -> str:
    """Writes the proposed unit tests of a pipeline, and gives the file as people call it.

    Args:
        workspace: whose state folder is written to when no file is named.
        pipeline: its name.
        outcome: with what is proposed.
        to: the file that was asked for.

    Returns:
        the path, relative to the workspace where it lies in it; empty when nothing is proposed.

    Raises:
        UsageError: the file that was asked for holds something else.
    """
    texts = [s.proposal for s in outcome.strengths if s.proposal]
    if not texts:
        return ""
    head = _HEAD.format(pipeline=pipeline)
    file = to or workspace.state / FOLDER / f"{pipeline}.yml"
    if to is not None and to.exists() and not _ours(to):
        raise UsageError(
            f"{to} holds something else than proposals", "name a file that is not there yet"
        )
    parent = file.parent.resolve()
    parent.mkdir(parents=True, exist_ok=True)
    write_atomic(parent, file.name, head + _REST + "".join(texts))
    return _shown(file, workspace.root)


def _ours(file: Path) -> bool:
    start = _HEAD.split("{", 1)[0]
    try:
        return file.read_text(encoding="utf-8").startswith(start)
    except (OSError, UnicodeDecodeError):
        return False


def _shown(file: Path, root: Path) -> str:
    resolved = file.resolve()
    inside = resolved.is_relative_to(root.resolve())
    return resolved.relative_to(root.resolve()).as_posix() if inside else str(file)
