"""Changes a spec at a place."""

from __future__ import annotations

from typing import Any, Literal

from tools.calls._files import unified
from tools.calls._spec_edit import edited, save
from tools.calls._yaml import find, key_of, steps
from tools.desk import Desk, ToolError, ToolResult

EFFECT = "write"

Action = Literal["set", "append", "remove"]


def edit_spec(desk: Desk, path: str, action: Action, at: str, value: Any = None) -> ToolResult:
    """Change a spec at one place; comments and the rest of the file stay as they are.

    The spec is checked before it is written: a change that makes it unreadable is refused.

    Args:
        path: The spec file, relative to the work tree.
        action: set puts a value at the place, append adds one to the list that is there (or that
            is made there), remove takes away what is there.
        at: The place, such as models.dim_order.columns.status.expr; entries of lists are named by
            their name or index.
        value: The value to set or append, as JSON: text, number, list or object.
    """
    change = edited(desk, path, lambda data: _change(data, action, at, value))
    return save(desk, change, f"{action} {at}")


def preview(desk: Desk, path: str, action: Action, at: str, value: Any = None) -> str:
    """The change as a unified diff."""
    change = edited(desk, path, lambda data: _change(data, action, at, value))
    return unified(change.path, change.file.plain, change.text)


def _change(data: Any, action: Action, at: str, value: Any) -> None:
    *above, last = steps(at) or [""]
    if not last:
        raise ToolError("at is empty: name a place, such as models.dim_order.where.")
    if action != "remove" and value is None:
        raise ToolError(f"{action} needs a value.")
    holder = find(data, ".".join(above))
    if action == "remove":
        del holder[key_of(holder, last, at)]
        return
    if isinstance(holder, dict):
        if action == "set":
            holder[last] = value
            return
        entries = holder.setdefault(last, [])
    else:
        key = key_of(holder, last, at)
        if action == "set":
            holder[key] = value
            return
        entries = holder[key]
    if not isinstance(entries, list):
        raise ToolError(f"{at} holds no list to append to.")
    entries.append(value)
