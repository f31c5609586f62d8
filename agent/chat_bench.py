"""What a chat works with: desk, tools, permissions and the system prompt.

It imports every tool, so it is imported (and made) while the person types.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agent.config import Settings
from agent.model.base import Block
from agent.permissions import Mode, Permissions
from agent.prompting import constitution_text, data, system_for
from agent.talk import ToolCall
from agent.toolbox import Approval, DeskToolbox
from tools.catalog import Tool, catalog
from tools.desk import Desk, ToolError
from tools.rules.load import load_constitution
from tools.secrets import redact
from tools.workspace import Workspace

Ask = Callable[[str, tuple[str, ...]], str]
Approve = Callable[[ToolCall, str, str, bool], tuple[str, str]]
"""Takes a call, its preview, why it is asked for and whether ``always`` is open; gives ``yes``,
``no`` or ``always``, and a reason."""


@dataclass(frozen=True)
class Bench:
    """See the module."""

    desk: Desk
    tools: Mapping[str, Tool]
    permissions: Permissions
    toolbox: DeskToolbox
    system: tuple[Block, ...]

    def effect(self, call: ToolCall) -> str:
        """What a call may do; empty for a tool that there isn't."""
        tool = self.tools.get(call.name)
        return tool.effect if tool else ""

    def change(self, call: ToolCall) -> str:
        """What a call would change in files, as a diff; empty for other calls."""
        tool = self.tools.get(call.name)
        if tool is None or tool.effect != "write":
            return ""
        try:
            return tool.preview(self.desk, call.input)
        except ToolError:
            return ""  # the call itself will say why

    def attach(self, path: str) -> str:
        """A file for the model, as if it had read it.

        Raises:
            ToolError: it cannot be read.
        """
        tool = self.tools["read_file"]
        given = {"path": path, "limit": 2000}
        if tool.malformed(given):
            raise ToolError(f"{path} is not a path")
        return data("file", path, redact(tool.call(self.desk, given).text))


def make_bench(
    workspace: Workspace,
    settings: Settings,
    mode: str,
    folder: Path,
    cancel: threading.Event,
    *,
    approve: Approve | None,
    ask: Ask | None,
    before_write: Callable[[Sequence[str]], None],
) -> Bench:
    """Sets up a bench.

    Args:
        workspace: its root is where tools work.
        settings: the permission rules count.
        mode: see :data:`agent.permissions.Mode`.
        folder: where whole outputs are kept.
        cancel: ends long tools.
        approve: asks the person; ``None`` where nobody is there.
        ask: puts the model's question to the person; likewise.
        before_write: called before something is changed.

    Raises:
        SpecmillError: the constitution or a permission rule is wrong.
    """
    desk = Desk(workspace.root, workspace, folder / "outputs", ask=ask, cancel=cancel)
    tools = catalog()
    rules = settings.permissions
    permissions = Permissions(
        cast("Mode", mode),
        allow=rules.allow,
        ask=rules.ask,
        deny=rules.deny,
        root=workspace.root,
    )
    permissions.expect_known(tools)

    toolbox = DeskToolbox(
        desk,
        tools,
        permissions,
        _Asked(approve, permissions) if approve else None,
        before_write=before_write,
        redact=redact,
    )
    constitution = constitution_text(load_constitution(workspace.constitution))
    return Bench(desk, tools, permissions, toolbox, system_for("chat", constitution=constitution))


@dataclass(frozen=True)
class _Asked:
    """A person, as the toolbox asks one."""

    asks: Approve
    permissions: Permissions

    def approve(self, call: ToolCall, tool: Tool, preview: str, why: str) -> Approval:
        answer, reason = self.asks(call, preview, why, bool(self.permissions.rule_for(call, tool)))
        return Approval(answer in ("yes", "always"), reason, answer == "always")
