"""``@name`` in what a person types: a file, or a spec by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tools.repo_listing import files_below
from tools.workspace import Workspace

_MENTION = re.compile(r"(?<![^\s(])@([^\s@]+)")
_TRAILING = ".,;:!?)'\""
_MOST = 5_000
"""Files that are offered for completion."""


def mentioned(text: str, specs: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that a text names.

    Args:
        text: what was typed.
        specs: paths of specs by name.
    """
    found = []
    for match in _MENTION.finditer(text):
        name = match[1].rstrip(_TRAILING)
        if name:
            found.append(specs.get(name, name))
    return tuple(dict.fromkeys(found))


def specs_by_name(workspace: Workspace) -> dict[str, str]:
    """The files of specs by the pipeline that they declare; reads no more than their beginnings."""
    found = {}
    for path in sorted(workspace.specs.rglob("*")):
        if path.suffix.lower() in (".yaml", ".yml") and path.is_file():
            with path.open(encoding="utf-8", errors="replace") as handle:
                begins = handle.read(4096)
            match = re.search(r"^pipeline:\s*[\"']?([\w.-]+)", begins, re.MULTILINE)
            if match:
                found[match[1]] = path.relative_to(workspace.root).as_posix()
    return found


def files_to_mention(workspace: Workspace) -> Sequence[str]:
    """Files of the workspace, those that git ignores left out."""
    return files_below(workspace.root, _MOST)
