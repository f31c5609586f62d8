"""What the tools of a model work with, and what they give back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.workspace import Workspace

Json = dict[str, Any]


class ToolError(Exception):
    """Something that the model can act on: said to it as the result of its call.

    Any other exception that a tool raises is a bug of specmill.
    """


@dataclass(frozen=True)
class ToolResult:
    """What a call came to.

    Args:
        text: what the model reads: findings before logs, long output as head and tail.
        is_error: whether the call failed.
        full: the file with the whole output, relative to the root, if ``text`` leaves some out.
        changed: files that the call wrote or removed, relative to the root.
    """

    text: str
    is_error: bool = False
    full: str = ""
    changed: tuple[str, ...] = ()


@dataclass
class Desk:
    """Where tools work, and what they remember between calls.

    Args:
        root: the folder that tools are confined to: a work tree, or the person's own checkout.
        workspace: where constitution, workflows and state are; its root may be another folder.
        outputs: folder below ``root`` in which whole outputs are kept, out of git's sight.
        refuses: why a file (relative to ``root``) may not be written; empty if it may.
        hides: why a file may not be read either; empty if it may.
        ask: puts a question with its choices to a person and gives the answer; ``None`` where
            nobody is there.
        seen: SHA-256 of each file as the model last read or wrote it.
        cancel: set when the person stops the turn; long tools end then.
        extras: what single tools keep for the length of a session (a warm dbt, open databases).
    """

    root: Path
    workspace: Workspace
    outputs: Path
    refuses: Callable[[str], str] = lambda _: ""
    hides: Callable[[str], str] = lambda _: ""
    ask: Callable[[str, tuple[str, ...]], str] | None = None
    seen: dict[str, str] = field(default_factory=dict)
    cancel: threading.Event = field(default_factory=threading.Event)
    extras: dict[str, Any] = field(default_factory=dict)
