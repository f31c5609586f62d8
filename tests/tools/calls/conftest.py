"""A desk on an empty folder, and tools called on it as the toolbox would."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import catalog
from tools.desk import Desk, ToolError, ToolResult
from tools.workspace import Workspace


class Office:
    """A work tree with a desk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.desk = Desk(root, Workspace(root), root / ".specmill" / "outputs")

    def put(self, path: str, text: str | bytes) -> Path:
        """Writes a file."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        return place

    def git(self, *args: str) -> str:
        """Runs git."""
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
        done = subprocess.run(
            ["git", *who, *args], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout

    def result(self, tool: str, **given: Any) -> ToolResult:
        """Calls a tool with input that fits its schema."""
        found = catalog()[tool]
        assert found.malformed(given) == ""
        return found.call(self.desk, given)

    def call(self, tool: str, **given: Any) -> str:
        """What a call says."""
        return self.result(tool, **given).text

    def preview(self, tool: str, **given: Any) -> str:
        """What a person is shown before it."""
        return catalog()[tool].preview(self.desk, given)

    def error(self, tool: str, **given: Any) -> str:
        """What a call that fails says."""
        with pytest.raises(ToolError) as caught:
            self.result(tool, **given)
        return str(caught.value)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    root = tmp_path / "tree"
    root.mkdir()
    made = Office(root)
    yield made
    for extra in made.desk.extras.values():
        if hasattr(extra, "close"):
            extra.close()
