"""The specs of a workspace, as a run looks for them."""

from __future__ import annotations

from pathlib import Path

from agent.config import Settings
from tools.spec.library import load_resolved, neighbours, spec_files, upstream
from tools.workspace import Workspace

__all__ = ["load_resolved", "neighbours", "roots_of", "spec_files", "upstream"]


def roots_of(workspace: Workspace, settings: Settings) -> tuple[Path, ...]:
    """The folders in which data files are looked for, besides the spec's own."""
    return (workspace.root, *(workspace.root / folder for folder in settings.data))
